//! What cannot be masked is refused, in JSON, and the provider gets nothing at all: not even a connection.

use std::sync::LazyLock;

use e2e::{
    client::{Answer, Call, Protocol, raw, raw_until, within},
    world::{ANTHROPIC, Settings, World},
};
use serde_json::Value;

use crate::support::{INSTANCE, assert_no_original};

const MAX_BODY: u32 = 64 * 1024;

/// A world in which every request is refused: its provider must never hear of any.
fn world() -> &'static World {
    static WORLD: LazyLock<World> =
        LazyLock::new(|| World::start(&Settings::shipped().max_body_bytes(MAX_BODY)));
    &WORLD
}

/// Sends `call` over both protocols and asserts a refusal with this status and code; returns its message.
async fn refused(call: &Call, status: u16, code: &str) -> String {
    let world = world();
    let mut message = String::new();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let answer = world.answer_over(protocol, call).await;
        message = assert_refusal(&answer, status, code);
        assert_provider_heard_nothing(world);
    }
    message
}

#[track_caller]
pub(crate) fn assert_refusal(answer: &Answer, status: u16, code: &str) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_no_original("a refusal", &answer.body);
    for (name, value) in &answer.headers {
        assert_no_original(name.as_str(), value.as_bytes());
    }
    let body: Value =
        serde_json::from_slice(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.text()));
    let keys: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["error", "request_id", "type"]);
    assert_eq!((&body["type"], &body["error"]["type"]), (&"error".into(), &code.into()), "{body}");
    assert!(!body["request_id"].as_str().unwrap().is_empty());
    let message = body["error"]["message"].as_str().unwrap();
    assert!(!message.is_empty());
    message.to_owned()
}

#[track_caller]
fn assert_provider_heard_nothing(world: &World) {
    assert!(world.provider.records().all().is_empty(), "{:#?}", world.provider.records().all());
    assert_eq!(world.provider.records().connections(), 0, "not even a connection");
}

fn says(content: &str) -> String {
    format!(r#"{{"messages":[{{"role":"user","content":"{content}"}}]}}"#)
}

fn message(content: &str) -> Call {
    Call::post(ANTHROPIC, "/v1/messages", says(content))
}

#[tokio::test]
async fn a_host_that_is_not_allowed_is_named() {
    for host in [
        "evil.example",
        "EVIL.example:8443",
        "api.anthropic.com.evil.example",
        "xapi.anthropic.com",
        "[::1]:80",
    ] {
        let mut call = message(INSTANCE);
        call.host = host.to_owned();
        let text = refused(&call, 403, "host_not_allowed").await;
        let named = host.to_ascii_lowercase();
        let named = named.rsplit_once(':').map_or(named.as_str(), |(name, _)| name);
        assert!(text.contains(named.trim_matches(['[', ']'])), "{host}: {text}");
    }
    // The head alone is refused as well.
    refused(&Call::get("evil.example", "/v1/models"), 403, "host_not_allowed").await;
}

#[tokio::test]
async fn a_spoofed_route_does_not_help() {
    let mut call = message(INSTANCE).header("x-original-host", ANTHROPIC);
    call.host = "evil.example".to_owned();
    refused(&call, 403, "host_not_allowed").await;
}

/// Without any host Envoy itself refuses, before the filter; with an empty one, the filter does.
#[tokio::test]
async fn a_missing_host_is_refused() {
    let body = says(INSTANCE);
    let rest = format!(
        "content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for (head, statuses) in [
        ("POST /v1/messages HTTP/1.1\r\nhost:\r\n", &[400][..]),
        ("POST /v1/messages HTTP/1.1\r\n", &[400]),
        ("POST /v1/messages HTTP/1.0\r\n", &[400, 426]),
    ] {
        let answer = within("an answer", raw(world().envoy.address(), format!("{head}{rest}").as_bytes()))
            .await
            .unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        assert!(statuses.contains(&status), "{head}: {answer}");
        if head.contains("host:") {
            assert!(answer.contains(r#""type":"host_missing""#), "{head}: {answer}");
        }
        assert_no_original("a refusal", answer.as_bytes());
        assert_provider_heard_nothing(world());
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let large = message(&format!("{INSTANCE} {}", "x".repeat(MAX_BODY as usize)));
    refused(&large, 413, "body_too_large").await;
    refused(&large.clone().chunked(1000), 413, "body_too_large").await;
    refused(&large.chunked(MAX_BODY as usize * 2), 413, "body_too_large").await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused() {
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for body in [
        format!("{{\"content\":\"{INSTANCE}\""),
        format!("content={INSTANCE}"),
        format!("{{\"content\":\"{INSTANCE}\"}} trailing"),
        format!("{{\"content\":\"{INSTANCE}\u{0}\"}}"),
        format!("\u{feff}{}", says(INSTANCE)),
        format!(r#"{{"messages":[{{"role":"user","role":"assistant","content":"{INSTANCE}"}}]}}"#),
        nested,
    ] {
        refused(&Call::post(ANTHROPIC, "/v1/messages", body), 400, "body_unreadable").await;
    }
    let mut not_utf8 = says(INSTANCE).into_bytes();
    not_utf8.splice(30..30, *b"\xff\xfe");
    refused(&Call::post(ANTHROPIC, "/v1/messages", not_utf8), 400, "body_unreadable").await;
}

#[tokio::test]
async fn another_charset_is_refused() {
    let call = message(INSTANCE).header("content-type", "application/json; charset=utf-16");
    let world = world();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let answer = world.answer_over(protocol, &call).await;
        assert!([400, 415].contains(&answer.status), "{}", answer.text());
        assert_no_original("a refusal", &answer.body);
        assert_provider_heard_nothing(world);
    }
}

#[tokio::test]
async fn unknown_content_types_are_refused() {
    for content_type in
        ["application/octet-stream", "application/x-www-form-urlencoded", "image/png", "nonsense", ""]
    {
        let call = message(INSTANCE).header("content-type", content_type);
        refused(&call, 415, "content_type_unsupported").await;
        refused(&call.chunked(5), 415, "content_type_unsupported").await;
    }
    let mut none = message(INSTANCE);
    none.headers.remove("content-type");
    none.path = "/v1/unknown".to_owned();
    none.pieces = vec![format!("content={INSTANCE}").into()];
    let answer = world().answer(&none).await;
    assert!([400, 415].contains(&answer.status), "{}", answer.text());
    assert_provider_heard_nothing(world());
}

/// The operator must learn which setting it is about.
#[tokio::test]
async fn multipart_is_refused_naming_the_setting() {
    let body = format!("--b\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n{INSTANCE}\r\n--b--\r\n");
    let call =
        Call::post(ANTHROPIC, "/v1/files", body).header("content-type", "multipart/form-data; boundary=b");
    let text = refused(&call, 415, "content_type_unsupported").await;
    assert!(text.contains("multipart"), "{text}");
}

/// `Upgrade: h2c` is not among them: Envoy ignores it, as a server may, and the request stays HTTP.
#[tokio::test]
async fn upgrades_are_refused() {
    for protocol in ["websocket", "nonsense"] {
        let request = format!(
            "GET /v1/realtime HTTP/1.1\r\nhost: api.openai.com\r\nconnection: upgrade\r\nupgrade: {protocol}\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
        );
        // Envoy leaves the connection open after it, so the head is what is waited for.
        let head = |answer: &[u8]| answer.windows(4).any(|end| end == b"\r\n\r\n");
        let answer = within("a refusal", raw_until(world().envoy.address(), request.as_bytes(), head));
        let answer = String::from_utf8(answer.await.unwrap()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{protocol}: {answer}");
        assert_provider_heard_nothing(world());
    }
}

#[tokio::test]
async fn an_identifier_in_the_target_is_refused() {
    for path in [
        "/v1/messages/i-1234567890abcdef0",
        "/v1/messages?id=i-1234567890abcdef0",
        "/v1/messages?a=b&c=vpc-0a1b2c3d",
        "/v1/i%2D1234567890abcdef0/messages",
        "/v1/messages?arn=arn%3Aaws%3Aec2%3Aus-east-1%3A123456789012%3Ainstance%2Fi-1234567890abcdef0",
    ] {
        let mut call = message("nothing");
        call.path = path.to_owned();
        refused(&call, 422, "identifier_in_target").await;
        refused(&Call::get(ANTHROPIC, path), 422, "identifier_in_target").await;
    }
}

/// The place is named by its JSON pointer, the value never.
#[tokio::test]
async fn an_identifier_in_a_field_that_must_not_change_is_refused() {
    for (body, pointer) in [
        (r#"{"model":"i-1234567890abcdef0","messages":[]}"#, "/model"),
        (
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"i-1234567890abcdef0","content":"x"}]}]}"#,
            "/messages/0/content/0/tool_use_id",
        ),
        (r#"{"model":"m","messages":[],"tools":[{"name":"i-1234567890abcdef0"}]}"#, "/tools/0/name"),
    ] {
        let text = refused(&Call::post(ANTHROPIC, "/v1/messages", body), 422, "identifier_in_field").await;
        assert!(text.contains(pointer), "{text}");
    }
}
