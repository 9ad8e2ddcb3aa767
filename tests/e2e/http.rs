//! HTTP/1.1 and HTTP/2 on both sides: lengths, `expect`, retries, upgrades, errors and their headers.

use e2e::{
    client::{Protocol, raw_until, within},
    provider::{Alpn, End, Gate, KEY_HEADER, Options, Reply, Script, Step},
    world::{Settings, World, key_of},
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Api, INSTANCE, MASKED, TEXT, answer_with, assert_no_original, assert_works};

const BODY: &str = r#"{"messages":[{"content":"i-1234567890abcdef0"}]}"#;
const MASKED_BODY: &str = r#"{"messages":[{"content":"AWS_EC2_001"}]}"#;
const ANSWER: &str = r#"{"content":"AWS_EC2_001"}"#;
const RESTORED: &str = r#"{"content":"i-1234567890abcdef0"}"#;

/// Every way to tell a body's length, in both directions, over both protocols on both sides.
#[tokio::test]
async fn every_framing_over_every_protocol() {
    for alpn in [Alpn::Http1, Alpn::Http2] {
        let provider = Options { alpn, ..Options::default() };
        let world = World::start(&Settings { provider, ..Settings::shipped() });
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let whole = world.anthropic(Api::Anthropic.request(TEXT, false, false));
            let calls = [whole.clone(), whole.clone().chunked(7), whole.clone().trailers(HeaderMap::new())];
            for (number, call) in calls.into_iter().enumerate() {
                for sized in [false, true] {
                    let call = call.clone().header(KEY_HEADER, world.key());
                    let sent = r#"{"content":"AWS_VPC_001 AWS_EC2_001"}"#;
                    let mut script = Script::new("application/json");
                    if sized {
                        script = script.header("content-length", HeaderValue::from(sent.len()));
                    }
                    answer_with(&world, &call, Reply::Script(script.send_in_pieces(sent, 9)));
                    let seen = world.see_over(protocol, &call).await;
                    let what = format!("{alpn:?} {protocol:?} request {number}, sized answer: {sized}");
                    let masked = Api::Anthropic.request(MASKED, false, false);
                    assert_eq!(seen.received.text(), masked, "{what}");
                    assert_eq!(
                        seen.received.header("content-length"),
                        Some(masked.len().to_string()),
                        "{what}"
                    );
                    assert_eq!(seen.received.header("transfer-encoding"), None, "{what}");
                    let restored = r#"{"content":"vpc-0a1b2c3d i-0abc1234def567890"}"#;
                    assert_eq!(
                        (seen.answer.text().as_str(), seen.answer.end),
                        (restored, End::Complete),
                        "{what}"
                    );
                    assert!(!seen.answer.headers.contains_key("content-length"), "{what}");
                }
            }
        }
    }
}

/// Envoy itself says that the body may come. The provider is not asked, and does not see the question.
#[tokio::test]
async fn a_body_that_waits_to_be_asked_for_is_masked() {
    let world = World::shared();
    let key = world.key();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: api.anthropic.com\r\nconnection: close\r\ncontent-type: application/json\r\n\
         {KEY_HEADER}: {key}\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        BODY.len()
    );
    let call = async {
        let mut stream = TcpStream::connect(world.envoy.address()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            assert!(stream.read_buf(&mut asked).await.unwrap() > 0);
        }
        assert_eq!(String::from_utf8(asked).unwrap(), "HTTP/1.1 100 Continue\r\n\r\n");
        assert!(world.provider.records().of(&key).is_empty());
        stream.write_all(BODY.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = within("an answer", call).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(INSTANCE), "{answer}");
    let received = world.provider.records().of(&key);
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].text().as_str(), received[0].header("expect")), (MASKED_BODY, None));
}

/// A request that Envoy sends again is the masked one, byte for byte, and its answer is restored as any other.
#[tokio::test]
async fn retries_send_the_masked_body_again() {
    let world = World::start(&Settings::shipped().set("retry_on", "5xx"));
    let long = format!("{TEXT} {}", "and more ".repeat(300_000));
    for text in [TEXT, &long] {
        for before in [None, Some(Step::Reset), Some(Step::Disconnect)] {
            let call = world.anthropic(Api::Anthropic.request(text, false, false));
            let gate = Gate::new();
            let failing = Script::whole("application/json", ANSWER).status(StatusCode::SERVICE_UNAVAILABLE);
            let failing = failing.before_head(Step::Wait(gate.clone()));
            let failing = before.clone().into_iter().fold(failing, Script::before_head);
            answer_with(&world, &call, Reply::Script(failing));
            let answering = async {
                let first = world
                    .provider
                    .records()
                    .wait(key_of(&call), |found| found.iter().any(|r| r.end == End::Complete));
                within("the first request", first).await;
                answer_with(
                    &world,
                    &call,
                    Reply::Script(Script::whole("application/json", r#"{"content":"AWS_VPC_001"}"#)),
                );
                gate.open();
            };
            let (answer, ()) = tokio::join!(world.answer(&call), answering);
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (200, r#"{"content":"vpc-0a1b2c3d"}"#),
                "{before:?}"
            );
            let received = world.provider.records().of(key_of(&call));
            assert_eq!(received.len(), 2, "{before:?}");
            let masked = Api::Anthropic.request(&text.replace(TEXT, MASKED), false, false);
            for received in &received {
                assert!(received.body == masked.as_bytes(), "{before:?}: {} bytes", received.body.len());
                assert_eq!(received.header("content-length"), Some(masked.len().to_string()));
            }
            assert_eq!(received[0].header_names(), received[1].header_names());
        }
    }
}

/// A WebSocket cannot be masked. Envoy refuses it before the filter is asked, in the same shape, and counts it.
#[tokio::test]
async fn web_sockets_are_refused_and_counted() {
    let world = World::start(&Settings::shipped());
    let request = "GET /v1/realtime HTTP/1.1\r\nhost: api.openai.com\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";
    let whole = |answer: &[u8]| answer.ends_with(b"}") || answer.ends_with(b"}\n");
    for number in 1..=2 {
        let answer = within("a refusal", raw_until(world.envoy.address(), request.as_bytes(), whole));
        let answer = String::from_utf8(answer.await.unwrap()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 403 ") && head.contains("content-type: application/json"),
            "{head}"
        );
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["type"], "error", "{body}");
        assert!(!body["request_id"].as_str().unwrap().is_empty(), "{body}");
        let stats = world.envoy.admin("/stats?filter=downstream_rq_ws_on_non_ws_route").unwrap();
        assert!(stats.contains(&format!("downstream_rq_ws_on_non_ws_route: {number}")), "{stats}");
    }
    assert_eq!(world.provider.records().connections(), 0, "not even a connection");
}

/// Errors are restored like other answers, and say what the provider says: how long to wait, and which request it was.
#[tokio::test]
async fn errors_are_restored_and_keep_their_headers() {
    const KEPT: [(&str, &str); 7] = [
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:00Z"),
        ("openai-processing-ms", "12"),
        ("request-id", "req_011CSHoEeqs5C35K2UUqR7Fy"),
        ("retry-after", "17"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-request-id", "req_of_the_provider"),
    ];
    const OF_THE_BYTES: [(&str, &str); 4] = [
        ("content-digest", "sha-256=:AA==:"),
        ("content-md5", "AA=="),
        ("digest", "sha-256=AA=="),
        ("etag", "\"abc\""),
    ];
    let world = World::shared();
    for status in [400, 401, 404, 413, 422, 429, 500, 503, 529] {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let call = world.anthropic(BODY);
            let mut script =
                Script::whole("application/json", ANSWER).status(StatusCode::from_u16(status).unwrap());
            for (name, value) in KEPT.into_iter().chain(OF_THE_BYTES) {
                script = script.header(name, HeaderValue::from_static(value));
            }
            answer_with(world, &call, Reply::Script(script));
            let seen = world.see_over(protocol, &call).await;
            assert_eq!((seen.answer.status, seen.answer.text().as_str()), (status, RESTORED));
            for (name, value) in KEPT {
                assert_eq!(
                    seen.answer.headers.get(name).map(HeaderValue::as_bytes),
                    Some(value.as_bytes()),
                    "{name}"
                );
            }
            for (name, _) in OF_THE_BYTES {
                assert!(!seen.answer.headers.contains_key(name), "{name} is of other bytes");
            }
        }
    }
}

/// Digests and signatures of the body that the application sent are not those of the masked one.
#[tokio::test]
async fn digests_of_a_changed_body_stay_here() {
    let world = World::shared();
    const NAMES: [&str; 7] = [
        "content-digest",
        "content-md5",
        "digest",
        "repr-digest",
        "signature",
        "signature-input",
        "x-amz-content-sha256",
    ];
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let call = NAMES.iter().fold(world.anthropic(BODY), |call, name| call.header(name, "sha-256=:AA==:"));
        let received = world.see_over(protocol, &call).await.received;
        assert_eq!(received.text(), MASKED_BODY);
        for name in NAMES {
            assert!(!received.header_names().contains(&name), "{name}");
        }
        assert_no_original("the provider", &received.body);
    }
    assert_works(world).await;
}
