//! What the provider sees of a request besides its body, and bodies that end in unusual ways.

use e2e::{
    client::{Call, Protocol, raw, within},
    provider::{End, Gate, KEY_HEADER, Recorded, Reply, Script},
    world::{ANTHROPIC, World, key_of},
};
use http::{HeaderMap, HeaderValue};

use crate::support::{Api, INSTANCE, MASKED, TEXT, answer_with, assert_works};

const BODY: &str = r#"{"messages":[{"content":"i-1234567890abcdef0"}]}"#;
const MASKED_BODY: &str = r#"{"messages":[{"content":"AWS_EC2_001"}]}"#;

/// Headers that go on to the provider, as they are.
const LET_THROUGH: [(&str, &str); 13] = [
    ("accept", "application/json, text/event-stream"),
    ("accept-language", "ko"),
    ("anthropic-beta", "tools-2024-04-04"),
    ("anthropic-version", "2023-06-01"),
    ("authorization", "Bearer sk-scripted"),
    ("content-language", "ko"),
    ("content-type", "application/json"),
    ("openai-organization", "org-1"),
    ("user-agent", "an-sdk/1.0"),
    ("x-api-key", "sk-scripted"),
    ("x-goog-api-key", "key"),
    ("x-stainless-lang", "rust"),
    ("x-stainless-retry-count", "0"),
];

/// Headers that end here: they say who asks, or where in the network.
const HELD_BACK: [(&str, &str); 20] = [
    ("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1"),
    ("baggage", "instance=i-1234567890abcdef0"),
    ("cookie", "session=i-1234567890abcdef0"),
    ("forwarded", "for=10.0.12.34"),
    ("origin", "https://10.0.12.34"),
    ("referer", "https://10.0.12.34/i-1234567890abcdef0"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("tracestate", "a=b"),
    ("via", "1.1 10.0.12.34"),
    ("x-amzn-trace-id", "Root=1-67891233-abcdef012345678912345678"),
    ("x-anything", "i-1234567890abcdef0"),
    ("x-b3-traceid", "80f198ee56343ba864fe8b2a57d3eff7"),
    ("x-envoy-internal", "true"),
    ("x-envoy-original-path", "/i-1234567890abcdef0"),
    ("x-envoy-upstream-rq-timeout-ms", "1"),
    ("x-forwarded-client-cert", "By=spiffe://a"),
    ("x-forwarded-for", "10.0.12.34"),
    ("x-forwarded-host", "10.0.12.34"),
    ("x-real-ip", "10.0.12.34"),
    ("x-request-id", "i-1234567890abcdef0"),
];

/// The provider gets the list, and of everything else nothing: also not what Envoy itself would add.
#[tokio::test]
async fn only_listed_headers_reach_the_provider() {
    let world = World::shared();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut call = Call::post(ANTHROPIC, "/v1/messages?beta=true", BODY)
            .header(KEY_HEADER, world.key())
            .header("accept-encoding", "gzip, br")
            .header("x-original-host", "evil.example");
        for (name, value) in LET_THROUGH.into_iter().chain(HELD_BACK) {
            call = call.header(name, value);
        }
        let received = world.see_over(protocol, &call).await.received;
        let mut expected: Vec<(String, String)> = LET_THROUGH
            .into_iter()
            .chain([
                ("accept-encoding", "identity"),
                ("content-length", &MASKED_BODY.len().to_string()),
                (KEY_HEADER, key_of(&call)),
            ])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        expected.sort();
        assert_eq!(headers(&received), expected, "over {protocol:?}");
        assert_eq!(received.version, "HTTP/2.0");
        assert_eq!(received.authority.as_deref(), Some(ANTHROPIC));
        assert_eq!(received.scheme.as_deref(), Some("https"));
        assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/v1/messages?beta=true"));
    }
}

fn headers(received: &Recorded) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let mut headers: Vec<_> =
        received.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    headers.sort();
    headers
}

/// However the length was told, the provider is told the length of what it gets.
#[tokio::test]
async fn the_length_is_that_of_the_masked_body() {
    let world = World::shared();
    let masked = Api::Anthropic.request(MASKED, false, false);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let whole = world.anthropic(Api::Anthropic.request(TEXT, false, false));
        for size in [0, 1, 7, 100_000] {
            let call = if size == 0 { whole.clone() } else { whole.clone().chunked(size) };
            let call = call.header(KEY_HEADER, world.key());
            let seen = world.see_over(protocol, &call).await;
            assert_eq!(seen.received.text(), masked);
            assert_eq!(seen.received.header("content-length"), Some(masked.len().to_string()));
            assert_eq!(seen.received.header("transfer-encoding"), None);
            assert_eq!(seen.answer.status, 200);
        }
    }
}

/// With trailers, the body's end is told by nothing else. They are not headers of the list: they end here.
#[tokio::test]
async fn trailers_end_a_request_and_go_no_further() {
    let world = World::shared();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static(INSTANCE));
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for size in [1, 10_000] {
            let mut call = world.anthropic(BODY).chunked(size).trailers(trailers.clone());
            if protocol == Protocol::Http1 {
                call = call.header("trailer", "x-checksum");
            }
            let seen = world.see_over(protocol, &call).await;
            assert_eq!(seen.received.text(), MASKED_BODY, "{protocol:?}");
            assert_eq!(seen.received.trailers, [], "{protocol:?}");
            assert!(seen.answer.text().contains(INSTANCE), "{}", seen.answer.text());
        }
    }
}

/// A head without a body passes; so does a body of no bytes, however its end is told.
#[tokio::test]
async fn empty_bodies_pass() {
    let world = World::shared();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let call = Call::get(ANTHROPIC, "/v1/models?limit=20").header(KEY_HEADER, world.key());
        let seen = world.see_over(protocol, &call).await;
        assert_eq!((seen.received.body.len(), seen.answer.status), (0, 200));
        assert_eq!(seen.answer.text(), r#"{"object":"list","data":[]}"#);

        let mut empty = world.anthropic("");
        empty.headers.remove("content-type");
        let seen = world.see_over(protocol, &empty).await;
        assert_eq!((seen.received.body.len(), seen.received.end), (0, End::Complete));

        let mut chunked = world.anthropic("").chunked(1);
        chunked.headers.remove("content-type");
        chunked.trailers = Some(HeaderMap::new());
        let seen = world.see_over(protocol, &chunked).await;
        assert_eq!((seen.received.body.len(), seen.received.end), (0, End::Complete));
    }
}

/// A stream that is under way when others send or get header values that are not UTF-8.
#[tokio::test]
async fn header_values_that_are_not_utf8_harm_nobody() {
    let world = World::shared();
    let gate = Gate::new();
    let bystander = world.openai(r#"{"stream":true,"messages":[{"content":"i-1234567890abcdef0"}]}"#);
    let script = Script::new("text/event-stream").send("data: {\"a\":\"AWS_EC2_001 \"}\n\n").wait(&gate);
    let script = script.send("data: {\"a\":\" AWS_EC2_001\"}\n\n");
    answer_with(world, &bystander, Reply::Script(script));
    let mut connection = world.connect(Protocol::Http2).await;
    let mut live = within("the head", connection.begin(&bystander)).await.unwrap();
    let first = within("an event", live.read_until(|read| read.ends_with(b"\n\n"))).await;
    assert_eq!(str::from_utf8(&first).unwrap(), "data: {\"a\":\"i-1234567890abcdef0 \"}\n\n");

    not_utf8_in_requests(world).await;
    not_utf8_in_answers(world).await;
    not_utf8_in_hosts(world).await;

    gate.open();
    let rest = within("the rest", live.rest()).await;
    assert_eq!(
        (rest.text().as_str(), rest.end),
        ("data: {\"a\":\" i-1234567890abcdef0\"}\n\n", End::Complete)
    );
    assert_works(world).await;
}

async fn not_utf8_in_requests(world: &World) {
    for name in [
        "accept",
        "accept-encoding",
        "authorization",
        "content-encoding",
        "content-type",
        "cookie",
        "expect",
        "origin",
        "te",
        "traceparent",
        "user-agent",
        "x-anything",
        "x-api-key",
        "x-original-host",
        "x-request-id",
    ] {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let call = world.anthropic(BODY).header(name, b"\xff\xfe");
            let answer = world.answer_over(protocol, &call).await;
            assert!(answer.status < 500, "{name} {protocol:?}: {} {}", answer.status, answer.text());
            for received in world.provider.records().of(key_of(&call)) {
                assert_eq!(received.text(), MASKED_BODY, "{name} {protocol:?}");
            }
        }
    }
}

async fn not_utf8_in_answers(world: &World) {
    let odd = HeaderValue::from_bytes(b"\xff\xfe").unwrap();
    for name in
        ["content-type", "content-encoding", "content-language", "date", "request-id", "server", "x-anything"]
    {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let call = world.anthropic(BODY);
            let mut script = Script::whole("application/json", r#"{"content":"AWS_EC2_001"}"#);
            script = if name == "content-type" {
                Script::without_content_type().header(name, odd.clone()).send(r#"{"content":"AWS_EC2_001"}"#)
            } else {
                script.header(name, odd.clone())
            };
            answer_with(world, &call, Reply::Script(script));
            let seen = world.see_over(protocol, &call).await;
            assert_eq!(seen.received.text(), MASKED_BODY);
            match name {
                // Whatever it is encoded in, the tokens in it cannot be read.
                "content-encoding" => assert_eq!(seen.answer.status, 502, "{}", seen.answer.text()),
                _ => {
                    assert_eq!(seen.answer.status, 200, "{name}: {}", seen.answer.text());
                    assert_eq!(seen.answer.text(), r#"{"content":"i-1234567890abcdef0"}"#, "{name}");
                }
            }
        }
    }
}

/// No HTTP library would send these.
async fn not_utf8_in_hosts(world: &World) {
    for head in [
        &b"POST /v1/messages HTTP/1.1\r\nhost: \xff\xfe\r\n"[..],
        b"POST /v1/messages HTTP/1.1\r\nhost: api.anthropic.com\xff\xfe\r\n",
        b"POST /v1/\xff\xfe HTTP/1.1\r\nhost: api.anthropic.com\r\n",
        b"POST /v1/messages HTTP/1.1\r\nhost: api.anthropic.com\r\nupgrade: \xff\xfe\r\n",
    ] {
        let rest = format!(
            "connection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
            BODY.len()
        );
        let request = [head, rest.as_bytes()].concat();
        let before = world.provider.records().all().len();
        let answer = within("an answer", raw(world.envoy.address(), &request)).await.unwrap_or_default();
        let status = answer.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
        assert!(!status.starts_with(b"5"), "{}", String::from_utf8_lossy(&answer));
        // Other tests use this world, too: what arrived meanwhile must not be this request unmasked.
        let unmasked = |received: &Recorded| received.text() == BODY;
        assert!(!world.provider.records().all().iter().skip(before).any(unmasked));
    }
}
