//! The routes, without sockets: what is answered to whom, and that hostile input is refused and never repeated.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests, helpers included"
)]

mod support;

use std::{fs, sync::atomic::Ordering, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode},
};
use bridge_api::{MAX_REQUEST_LEN, MAX_VALUE_LEN, MAX_VALUES, names::MAX_SCOPE_LEN};
use futures_util::{FutureExt as _, stream};
use proptest::prelude::*;
use redis_bridge::{
    app::Phase,
    body::BODY_TIME,
    call::{CALL_TIME, MAX_REQUEST_ID_LEN},
    callers::Callers,
    openapi,
    store::{ErrorKind, StoreError},
};
use serde_json::{Value, json};
use support::{Answer, Bridge, TTL, post};
use tower::ServiceExt as _;

const TOKENS: &str = "/v1/scopes/default/tokens";
const VALUES: &str = "/v1/scopes/default/values";
/// In every hostile body: must never come back.
const SECRET: &str = "i-5ec2e7c0de";

fn issue(values: &[(&str, &str, bool)]) -> String {
    let values: Vec<Value> = values
        .iter()
        .map(|(kind, value, keep)| json!({"kind": kind, "value": value, "keep": keep}))
        .collect();
    json!({ "values": values }).to_string()
}

#[tokio::test]
async fn tokens_are_issued_restored_and_forgotten() {
    let bridge = Bridge::open();
    let body =
        issue(&[("EC2", "i-1", true), ("VPC", "v-1", true), ("EC2", "i-2", false), ("EC2", "i-1", true)]);
    let issued = bridge.post(TOKENS, body.clone()).await;
    assert_eq!(issued.status, StatusCode::OK, "{issued:?}");
    assert_eq!(
        issued.json(),
        json!({
            "tokens": ["AWS_EC2_001", "AWS_VPC_001", "AWS_EC2_002", "AWS_EC2_001"],
            "ttl_seconds": TTL.as_secs(),
        })
    );
    assert_eq!(issued.header("content-type"), Some("application/json"));
    assert_eq!(issued.header("cache-control"), Some("no-store"));
    assert_eq!(bridge.post(TOKENS, body).await.json(), issued.json());

    let tokens = json!({"tokens": ["AWS_VPC_001", "AWS_EC2_001", "AWS_EC2_002", "AWS_EC2_003", "nonsense", "AWS_VPC_001"]});
    let restored = bridge.post(VALUES, tokens.to_string()).await;
    assert_eq!(restored.json(), json!({"values": ["v-1", "i-1", null, null, null, "v-1"]}));
    let elsewhere = bridge.post("/v1/scopes/other/values", tokens.to_string()).await;
    assert_eq!(elsewhere.json(), json!({"values": [null, null, null, null, null, null]}));

    let forget = || Request::delete("/v1/scopes/default").body(Body::empty()).unwrap();
    assert_eq!(bridge.call(forget()).await.json(), json!({"forgotten": 3}));
    assert_eq!(bridge.call(forget()).await.json(), json!({"forgotten": 0}));
    assert_eq!(bridge.post(VALUES, r#"{"tokens":["AWS_EC2_001"]}"#).await.json(), json!({"values": [null]}));

    let nothing = bridge.post(TOKENS, r#"{"values":[]}"#).await;
    assert_eq!(nothing.json()["tokens"], json!([]));
}

#[tokio::test]
async fn paths_and_methods_that_there_are_not() {
    let bridge = Bridge::open();
    for path in ["/", "/v1", "/v1/scopes", "/v1/scopes/a/b", "/v1/scopes/a/tokens/", "/v1/events"] {
        let answer = bridge.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "not_found"), "{path}");
    }
    for (method, path, allowed) in [
        ("GET", TOKENS, "POST"),
        ("DELETE", VALUES, "POST"),
        ("POST", "/v1/scopes/default", "DELETE"),
        ("POST", "/healthz", "GET,HEAD"),
        ("BREW", "/metrics", "GET,HEAD"),
    ] {
        let answer =
            bridge.call(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "method_not_allowed"), "{path}");
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
    }
}

#[tokio::test]
async fn callers_are_known_by_token_and_limited_to_rights_and_scopes() {
    let token = |letter: &str| letter.repeat(32);
    let file = json!({"callers": [
        {"name": "sidecar", "token": token("a"), "rights": ["issue"], "scopes": ["default", "team-*"]},
        {"name": "batch", "token": token("b"), "rights": ["restore"], "scopes": ["*"]},
        {"name": "operator", "token": token("c"), "rights": ["admin"], "scopes": ["*"]},
    ]});
    let bridge = Bridge::new(Callers::from_json(file.to_string().as_bytes()).unwrap());
    let call = async |method: &str, path: &str, authorization: &[String]| {
        let mut request =
            Request::builder().method(method).uri(path).header("content-type", "application/json");
        for value in authorization {
            request = request.header("authorization", value);
        }
        let body = match path.rsplit('/').next() {
            Some("tokens") => issue(&[("EC2", "i-1", true)]),
            Some("values") => r#"{"tokens":[]}"#.to_owned(),
            _ => String::new(),
        };
        bridge.call(request.body(body.into()).unwrap()).await
    };

    for authorization in [
        vec![],
        vec![String::new()],
        vec!["Bearer".to_owned()],
        vec!["Bearer ".to_owned()],
        vec![token("a")],
        vec![format!("Basic {}", token("a"))],
        vec![format!("Bearer {}", token("d"))],
        vec![format!("Bearer {}x", token("a"))],
        vec![format!("Bearer {}", token("a")), format!("Bearer {}", token("a"))],
    ] {
        for (method, path) in [("POST", TOKENS), ("POST", VALUES), ("DELETE", "/v1/scopes/default")] {
            let answer = call(method, path, &authorization).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization:?}");
            assert_eq!(answer.code(), "unauthenticated");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }

    for (caller, method, path, status) in [
        ("a", "POST", TOKENS, 200),
        ("a", "POST", "/v1/scopes/team-1/tokens", 200),
        ("a", "POST", "/v1/scopes/team%2D1/tokens", 200),
        ("a", "POST", "/v1/scopes/other/tokens", 403),
        ("a", "POST", "/v1/scopes/defaul/tokens", 403),
        ("a", "POST", VALUES, 403),
        ("a", "DELETE", "/v1/scopes/default", 403),
        ("b", "POST", VALUES, 200),
        ("b", "POST", TOKENS, 403),
        ("b", "DELETE", "/v1/scopes/default", 403),
        ("c", "DELETE", "/v1/scopes/default", 200),
        ("c", "POST", VALUES, 403),
        ("c", "POST", TOKENS, 403),
    ] {
        for scheme in ["Bearer", "bearer"] {
            let answer = call(method, path, &[format!("{scheme} {}", token(caller))]).await;
            assert_eq!(answer.status.as_u16(), status, "{caller} {method} {path}");
            assert!(status == 200 || answer.code() == "forbidden", "{answer:?}");
        }
    }
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(call("GET", path, &[]).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn scopes_that_are_none() {
    let bridge = Bridge::open();
    let long = "a".repeat(MAX_SCOPE_LEN + 1);
    for scope in ["", "%20", "a%2Fb", "..%2F..", "%C3%A9", "%FF%FE", "a%00", "...", long.as_str()] {
        let answer = bridge.post(&format!("/v1/scopes/{scope}/tokens"), r#"{"values":[]}"#).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "invalid"), "{scope}");
    }
}

#[tokio::test]
async fn request_ids() {
    let bridge = Bridge::open();
    let with = async |id: &[u8]| {
        let request = Request::get("/nowhere").header("x-request-id", id).body(Body::empty()).unwrap();
        let answer = bridge.call(request).await;
        answer.code();
        answer.header("x-request-id").unwrap().to_owned()
    };
    let longest = "x".repeat(MAX_REQUEST_ID_LEN);
    for id in ["1", "6fe8-77aa", "{\"}", &longest] {
        assert_eq!(with(id.as_bytes()).await, id);
    }
    let mut made = vec![bridge.get("/healthz").await.header("x-request-id").unwrap().to_owned()];
    for id in [&b""[..], b"a b", b"\xff\xfe", format!("{longest}x").as_bytes()] {
        made.push(with(id).await);
    }
    assert!(made.iter().all(|id| id.len() == 32), "{made:?}");
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 5, "each its own");
}

#[tokio::test]
async fn a_store_that_fails() {
    let bridge = Bridge::open();
    let metrics = async || bridge.get("/metrics").await.body;
    assert!(metrics().await.contains("redis_bridge_store_up 1"));
    for (kind, code) in [
        (ErrorKind::Full, "store_full"),
        (ErrorKind::Unavailable, "store_unavailable"),
        (ErrorKind::Unsound, "store_unsound"),
    ] {
        *bridge.store.fail.lock().unwrap() = Some(StoreError { kind, message: format!("at {SECRET}") });
        let answers = [
            bridge.post(TOKENS, issue(&[("EC2", "i-1", true)])).await,
            bridge.post(VALUES, r#"{"tokens":["AWS_EC2_001"]}"#).await,
            bridge.call(Request::delete("/v1/scopes/a").body(Body::empty()).unwrap()).await,
            bridge.get("/readyz").await,
        ];
        for answer in answers {
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, code));
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert!(!answer.body.contains(SECRET), "{answer:?}");
        }
        assert!(metrics().await.contains("redis_bridge_store_up 0"), "{kind:?}");
        assert_eq!(bridge.get("/healthz").await.status, StatusCode::OK, "alive all the same");
    }
    *bridge.store.fail.lock().unwrap() = None;
    assert_eq!(bridge.get("/readyz").await.status, StatusCode::OK);
    assert!(metrics().await.contains("redis_bridge_store_up 1"));
    // Four calls, and the scrape itself.
    assert!(metrics().await.contains(r#"redis_bridge_store_errors_total{kind="full"} 5"#));
}

#[tokio::test]
async fn a_bug_is_answered_and_does_not_spread() {
    let bridge = Bridge::open();
    bridge.store.panic.store(true, Ordering::Relaxed);
    let answer = bridge.get("/readyz").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (500, "internal"));
    bridge.store.panic.store(false, Ordering::Relaxed);
    assert_eq!(bridge.get("/readyz").await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_too_slow_is_told() {
    let bridge = Bridge::open();
    let began = tokio::time::Instant::now();
    let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = bridge.post(TOKENS, body).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (408, "timeout"));
    assert_eq!(answer.header("connection"), Some("close"), "the rest of the body is never read");
    assert!(began.elapsed() >= BODY_TIME && began.elapsed() < CALL_TIME);

    bridge.store.hang.store(true, Ordering::Relaxed);
    let began = tokio::time::Instant::now();
    let answer = bridge.post(TOKENS, issue(&[("EC2", "i-1", true)])).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "timeout"));
    assert!(began.elapsed() >= CALL_TIME && began.elapsed() < CALL_TIME + Duration::from_secs(1));
}

#[tokio::test]
async fn a_caller_that_goes_away_is_counted() {
    let bridge = Bridge::open();
    bridge.store.hang.store(true, Ordering::Relaxed);
    let mut call = Box::pin(bridge.router.clone().oneshot(post(VALUES, r#"{"tokens":["AWS_EC2_001"]}"#)));
    assert!(call.as_mut().now_or_never().is_none());
    drop(call);
    bridge.store.hang.store(false, Ordering::Relaxed);
    let metrics = bridge.get("/metrics").await.body;
    let line = r#"redis_bridge_calls_total{route="/v1/scopes/{scope}/values",status="499"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
    assert!(metrics.contains("redis_bridge_bodies_bytes 0"), "{metrics}");
}

#[tokio::test]
async fn draining_ends_connections_but_not_calls() {
    let bridge = Bridge::open();
    let body = || issue(&[("EC2", "i-1", true)]);
    assert_eq!(bridge.post(TOKENS, body()).await.header("connection"), None);
    bridge.phase.send_replace(Phase::Draining);
    let ready = bridge.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.code().as_str()), (503, "not_ready"));
    let answer = bridge.post(TOKENS, body()).await;
    assert_eq!((answer.status, answer.header("connection")), (StatusCode::OK, Some("close")));
}

#[tokio::test]
async fn metrics_name_routes_and_nothing_that_callers_choose() {
    let bridge = Bridge::open();
    bridge.post("/v1/scopes/hidden/tokens", issue(&[("HIDDEN", "hidden", true)])).await;
    bridge.get("/hidden").await;
    bridge.call(Request::builder().method("HIDDEN").uri("/healthz").body(Body::empty()).unwrap()).await;
    let metrics = bridge.get("/metrics").await;
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    for line in [
        r#"redis_bridge_calls_total{route="/v1/scopes/{scope}/tokens",status="200"} 1"#,
        r#"redis_bridge_calls_total{route="none",status="404"} 1"#,
        r#"redis_bridge_calls_total{route="/healthz",status="405"} 1"#,
        r#"redis_bridge_call_duration_seconds_count{route="/v1/scopes/{scope}/tokens"} 1"#,
        "redis_bridge_values_issued_total 1",
        "redis_bridge_connections 0",
    ] {
        assert!(metrics.body.contains(line), "{line}: {}", metrics.body);
    }
    assert!(!metrics.body.to_lowercase().contains("hidden"), "{}", metrics.body);
}

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

/// `make golden` writes it anew; read the diff before you commit.
#[tokio::test]
async fn the_description_of_the_api_is_the_committed_one() {
    let golden = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json")).unwrap();
    assert!(openapi::text() == golden, "openapi.json is out of date: see this test's comment");
    let bridge = Bridge::open();
    let served = bridge.get("/openapi.json").await;
    assert_eq!(served.body, golden);

    let described = served.json();
    for (path, operations) in described["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            let path = path.replace("{scope}", "default");
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(&path);
            let answer = bridge.call(request.body(Body::empty()).unwrap()).await;
            assert!(!matches!(answer.status.as_u16(), 404 | 405), "{method} {path}: {answer:?}");
        }
    }
    let references: Vec<&str> =
        golden.split("\"$ref\": \"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(references.len() > 10);
    for reference in references {
        assert!(described.pointer(reference).is_some(), "{reference}");
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
