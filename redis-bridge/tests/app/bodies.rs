//! Hostile bodies, limits and media types.

use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode},
};
use bridge_api::{MAX_REQUEST_LEN, MAX_VALUE_LEN, MAX_VALUES};
use futures_util::stream;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    SECRET, TOKENS, VALUES, issue,
    support::{Answer, Bridge},
};

#[tokio::test]
async fn hostile_bodies_are_refused_and_not_repeated() {
    let bridge = Bridge::open();
    let member =
        |json: &str| format!(r#"{{"values":[{{"kind":"EC2","value":"{SECRET}",{json}}}]}}"#).into_bytes();
    let kind = |kind: &str| issue(&[(kind, SECRET, true)]).into_bytes();
    let bodies: Vec<Vec<u8>> = vec![
        vec![],
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        format!("\"{SECRET}\"").into_bytes(),
        SECRET.as_bytes().to_vec(),
        "[".repeat(1_000_000).into_bytes(),
        r#"{"values":"#.repeat(100_000).into_bytes(),
        format!(r#"{{"values":[{}"#, "[".repeat(100_000)).into_bytes(),
        format!(r#"{{"values":"{SECRET}"}}"#).into_bytes(),
        format!(r#"{{"values":{{"{SECRET}":1}}}}"#).into_bytes(),
        format!(r#"{{"values":["{SECRET}"]}}"#).into_bytes(),
        format!(r#"{{"{SECRET}":[]}}"#).into_bytes(),
        format!(r#"{{"values":[],"{SECRET}":1}}"#).into_bytes(),
        br#"{"values":[],"values":[]}"#.to_vec(),
        br#"{"values":[]} {"values":[]}"#.to_vec(),
        b"\xef\xbb\xbf{\"values\":[]}".to_vec(),
        b"\xff\xfe{\x00".to_vec(),
        member(r#""keep":1"#),
        member(r#""keep":"true""#),
        member(r#""keep":null"#),
        member(&format!(r#""keep":{}"#, "9".repeat(10_000))),
        member(r#""keep":1e999999"#),
        member(r#""keep":true,"keep":false"#),
        member(&format!(r#""keep":true,"{SECRET}":1"#)),
        member(&format!(r#""keep":"{SECRET}""#)),
        br#"{"values":[{"kind":"EC2","value":12345,"keep":true}]}"#.to_vec(),
        br#"{"values":[{"kind":"EC2","value":"\ud800","keep":true}]}"#.to_vec(),
        b"{\"values\":[{\"kind\":\"EC2\",\"value\":\"\xff\xfe\",\"keep\":true}]}".to_vec(),
        b"{\"values\":[{\"kind\":\"EC2\",\"value\":\"a\nb\",\"keep\":true}]}".to_vec(),
        kind(""),
        kind("ec2"),
        kind("AWS_EC2"),
        kind("EC2_001"),
        kind(SECRET),
        kind(&"A".repeat(100)),
        issue(&[("EC2", "ok", true), ("EC2", "", true)]).into_bytes(),
        issue(&[("EC2", &SECRET.repeat(MAX_VALUE_LEN / SECRET.len() + 1), true)]).into_bytes(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        for path in [TOKENS, VALUES] {
            let answer = bridge.post(path, body.clone()).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{shown}: {answer:?}");
            let code = answer.code();
            assert!(code == "malformed" || code == "invalid", "{shown}: {code}");
            assert!(!answer.body.contains(SECRET), "{shown}: {answer:?}");
        }
    }
    let place = bridge.post(TOKENS, issue(&[("EC2", "ok", true), ("EC2", "", true)])).await;
    assert!(place.body.contains("`values[1].value`: expected 1 to 8192 bytes"), "{place:?}");
}

#[tokio::test]
async fn limits_of_length_and_number() {
    let bridge = Bridge::open();
    let many = |count: usize| {
        let values: Vec<(String, usize)> = (0..count).map(|at| (format!("i-{at}"), at)).collect();
        issue(&values.iter().map(|(value, _)| ("EC2", value.as_str(), true)).collect::<Vec<_>>())
    };
    let all = bridge.post(TOKENS, many(MAX_VALUES)).await;
    assert_eq!(all.json()["tokens"][MAX_VALUES - 1], "AWS_EC2_10000");
    let tokens = |count: usize| json!({"tokens": vec!["AWS_EC2_001"; count]}).to_string();
    assert_eq!(bridge.post(VALUES, tokens(MAX_VALUES)).await.status, StatusCode::OK);
    let longest = "x".repeat(MAX_VALUE_LEN);
    assert_eq!(bridge.post(TOKENS, issue(&[("EC2", &longest, true)])).await.status, StatusCode::OK);
    let spaces = |len: usize| format!(r#"{{"values":[]}}{}"#, " ".repeat(len - r#"{"values":[]}"#.len()));
    assert_eq!(bridge.post(TOKENS, spaces(MAX_REQUEST_LEN)).await.status, StatusCode::OK);

    let chunked = |text: String| {
        let chunks: Vec<Result<Bytes, std::io::Error>> =
            text.into_bytes().chunks(1 << 16).map(|chunk| Ok(Bytes::from(chunk.to_vec()))).collect();
        Body::from_stream(stream::iter(chunks))
    };
    let too_large = [
        bridge.post(TOKENS, many(MAX_VALUES + 1)).await,
        bridge.post(VALUES, tokens(MAX_VALUES + 1)).await,
        bridge.post(TOKENS, spaces(MAX_REQUEST_LEN + 1)).await,
        bridge.post(TOKENS, chunked(spaces(MAX_REQUEST_LEN + 1))).await,
    ];
    for answer in too_large {
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "too_large"));
    }
    let metrics = bridge.get("/metrics").await.body;
    assert!(metrics.contains("redis_bridge_bodies_bytes 0"), "{metrics}");
}

#[tokio::test]
async fn media_types() {
    let bridge = Bridge::open();
    let with = async |headers: &[(&str, &str)]| {
        let mut request = Request::post(TOKENS);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        bridge.call(request.body(r#"{"values":[]}"#.into()).unwrap()).await
    };
    for media_type in ["application/json", "application/json; charset=utf-8", "Application/JSON ;a=b"] {
        assert_eq!(with(&[("content-type", media_type)]).await.status, StatusCode::OK, "{media_type}");
    }
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "application/jsonl")],
        &[("content-type", "application/json"), ("content-encoding", "gzip")],
    ] {
        let answer = with(headers).await;
        let expected = (415, "unsupported_media_type");
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), expected, "{headers:?}");
    }
}

/// JSON that nearly is a call's, with arbitrary text where names and values stand.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        ".*".prop_map(|value| json!(value)),
        "[A-Z0-9_]{0,40}".prop_map(|value| json!(value)),
    ];
    let name = prop_oneof![
        Just("values".to_owned()),
        Just("tokens".to_owned()),
        Just("kind".to_owned()),
        Just("value".to_owned()),
        Just("keep".to_owned()),
        ".*",
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::hash_map(name.clone(), inner, 0..4)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
    .prop_map(|value: Value| value.to_string().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_body_makes_the_bridge_fail(
        body in prop_oneof![proptest::collection::vec(any::<u8>(), 0..512), nearly()],
        path in prop_oneof![Just(TOKENS), Just(VALUES)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer: Answer = runtime.block_on(async { Bridge::open().post(path, body).await });
        match answer.status.as_u16() {
            200 => drop(answer.json()),
            400 => prop_assert!(matches!(answer.code().as_str(), "malformed" | "invalid")),
            status => prop_assert!(false, "{status}"),
        }
    }
}
