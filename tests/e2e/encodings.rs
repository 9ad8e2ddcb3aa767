//! Compressed requests and answers: Envoy undoes compression for the filter, and without that they are refused.

use std::sync::LazyLock;

use e2e::{
    client::{Protocol, within},
    encoding::Encoding,
    provider::{Alpn, End, Gate, Options, Reply, Script},
    world::{Settings, World, key_of},
};
use http::HeaderValue;

use crate::{
    refusals::assert_refusal,
    streaming::SIZES,
    support::{Api, INSTANCE, MASKED, TEXT, answer_with, assert_no_original, assert_works},
};

const BODY: &str = r#"{"messages":[{"content":"i-1234567890abcdef0"}]}"#;
const MASKED_BODY: &str = r#"{"messages":[{"content":"AWS_EC2_001"}]}"#;

/// As shipped, but without decompression.
fn without() -> &'static World {
    static WORLD: LazyLock<World> =
        LazyLock::new(|| World::start(&Settings::shipped().set("decompress", false)));
    &WORLD
}

/// The provider gets the masked body, plain and with its exact length, however the compressed one was cut.
#[tokio::test]
async fn compressed_requests_are_masked() {
    let world = World::shared();
    for encoding in Encoding::ALL {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            for size in SIZES {
                let body = encoding.encode(Api::Anthropic.request(TEXT, false, false));
                let call = world.anthropic(body).header("content-encoding", encoding.name());
                let call = if size == 0 { call } else { call.chunked(size) };
                let seen = world.see_over(protocol, &call).await;
                let what = format!("{encoding:?} {protocol:?} in pieces of {size}");
                let masked = Api::Anthropic.request(MASKED, false, false);
                assert_eq!(seen.received.text(), masked, "{what}");
                assert_eq!(seen.received.header("content-length"), Some(masked.len().to_string()), "{what}");
                assert_eq!(seen.received.header("content-encoding"), None, "{what}");
                assert_eq!(seen.received.trailers, [], "Envoy's own trailers end here: {what}");
                assert_eq!(seen.answer.status, 200, "{what}");
                assert!(seen.answer.text().contains(INSTANCE) || seen.answer.text().contains("i-0abc"));
            }
        }
    }
}

/// What a provider answers, and what the application is to get.
const ANSWERS: [(&str, &str, &str); 4] = [
    ("application/json", r#"{"content":"AWS_EC2_001"}"#, r#"{"content":"i-1234567890abcdef0"}"#),
    (
        "text/event-stream",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"see AWS_EC2_001.\"}}]}\n\ndata: [DONE]\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"see i-1234567890abcdef0.\"}}]}\n\ndata: [DONE]\n\n",
    ),
    // What breaks off leaves as it came.
    ("application/json", r#"["AWS_EC2_001 AWS_EC2_001"#, r#"["i-1234567890abcdef0 i-1234567890abcdef0"#),
    // Decompression adds trailers, so that the end of the text is told by nothing else.
    ("text/plain", "see AWS_EC2_001", "see i-1234567890abcdef0"),
];

/// The application gets plain text, however the compressed one was cut, over HTTP/1.1 and HTTP/2 on both sides.
#[tokio::test]
async fn compressed_answers_are_restored() {
    for alpn in [Alpn::Http1, Alpn::Http2] {
        let provider = Options { alpn, ..Options::default() };
        let world = World::start(&Settings { provider, ..Settings::shipped() });
        for encoding in Encoding::ALL {
            for (content_type, sent, expected) in ANSWERS {
                for size in SIZES {
                    let protocol = if size % 2 == 0 { Protocol::Http1 } else { Protocol::Http2 };
                    let call = world.openai(BODY).header("accept-encoding", encoding.name());
                    let script = Script::new(content_type)
                        .header("content-encoding", HeaderValue::from_static(encoding.name()))
                        .header("cache-control", HeaderValue::from_static("no-transform"))
                        .send_in_pieces(encoding.encode(sent), size);
                    answer_with(&world, &call, Reply::Script(script));
                    let what = format!("{alpn:?} {encoding:?} {content_type} in pieces of {size}");
                    let seen = world.see_over(protocol, &call).await;
                    assert_eq!(
                        seen.received.header("accept-encoding").as_deref(),
                        Some("identity"),
                        "{what}"
                    );
                    assert_eq!(seen.answer.text(), expected, "{what}");
                    assert_eq!((seen.answer.status, seen.answer.end), (200, End::Complete), "{what}");
                    assert!(!seen.answer.headers.contains_key("content-encoding"), "{what}");
                }
            }
        }
    }
}

/// A compressed stream stays a stream: what the provider has flushed is read before it sends more.
#[tokio::test]
async fn compressed_events_leave_before_the_next_one_comes() {
    let world = World::shared();
    let event = |text: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    for encoding in Encoding::ALL {
        let call = world.openai(BODY);
        let gate = Gate::new();
        let events = [event("see AWS_EC2"), event("_001 and"), "data: [DONE]\n\n".to_owned()];
        let script = Script::new("text/event-stream")
            .header("content-encoding", HeaderValue::from_static(encoding.name()));
        let encoded = encoding.encode_each(&events).into_iter();
        let script = encoded.fold(script, |script, piece| script.wait(&gate).send(piece));
        answer_with(world, &call, Reply::Script(script));
        let mut connection = world.connect(Protocol::Http1).await;
        let mut live = within("the head", connection.begin(&call)).await.unwrap();
        for expected in [event("see "), event("i-1234567890abcdef0 and"), events[2].clone()] {
            gate.open();
            let read = within("an event", live.read_until(|read| read.ends_with(b"\n\n"))).await;
            assert_eq!(String::from_utf8(read).unwrap(), expected, "{encoding:?}");
        }
        assert_eq!(within("the end", live.rest()).await.end, End::Complete);
    }
}

/// Only where an operator wants it, the application gets answers compressed: restored, and never event streams.
#[tokio::test]
async fn restored_answers_can_be_compressed() {
    let world = World::start(&Settings::shipped().set("compress_answers", true));
    let long = format!(r#"{{"content":"AWS_EC2_001{}"}}"#, " and AWS_EC2_001".repeat(1_000));
    for encoding in Encoding::ALL {
        for of_provider in Encoding::ALL.map(Some).into_iter().chain([None]) {
            for (content_type, sent) in
                [("application/json", long.as_str()), ("text/event-stream", ANSWERS[1].1)]
            {
                let call = world.openai(BODY).header("accept-encoding", encoding.name());
                let script = Script::new(content_type);
                let script = match of_provider {
                    None => script.send(sent.to_owned()),
                    Some(encoding) => script
                        .header("content-encoding", HeaderValue::from_static(encoding.name()))
                        .send(encoding.encode(sent)),
                };
                answer_with(&world, &call, Reply::Script(script));
                let answer = world.see(&call).await.answer;
                let restored = sent.replace("AWS_EC2_001", INSTANCE);
                let what = format!("{encoding:?} {of_provider:?} {content_type}");
                if content_type == "application/json" {
                    assert_eq!(answer.headers["content-encoding"], encoding.name(), "{what}");
                    assert_eq!(encoding.decode(&answer.body).unwrap(), restored.as_bytes(), "{what}");
                } else {
                    assert!(!answer.headers.contains_key("content-encoding"), "{what}");
                    assert_eq!(answer.text(), restored, "{what}");
                }
            }
        }
    }
    assert_works(&world).await;
}

/// What Envoy does not decompress is refused before the provider hears of it.
#[tokio::test]
async fn requests_in_other_encodings_are_refused() {
    let all: &[_] = &["gzip", "br", "zstd", "deflate", "nonsense", "gzip, br", "br, identity"];
    for (world, encodings) in
        [(without(), all), (World::shared(), &["deflate", "nonsense", "nonsense, gzip"])]
    {
        for encoding in encodings {
            let call = world.anthropic(BODY).header("content-encoding", encoding);
            for protocol in [Protocol::Http1, Protocol::Http2] {
                let answer = world.answer_over(protocol, &call).await;
                assert_refusal(&answer, 415, "content_encoding_unsupported");
                assert!(world.provider.records().of(key_of(&call)).is_empty(), "{encoding}");
            }
        }
    }
}

/// With tokens outstanding an answer that cannot be read is no answer; without, it is none of our business.
#[tokio::test]
async fn answers_in_other_encodings_are_refused_while_tokens_are_outstanding() {
    let all: &[_] = &["gzip", "br", "zstd", "nonsense", "identity, gzip"];
    for (world, encodings) in [(without(), all), (World::shared(), &["nonsense", "deflate"])] {
        for encoding in encodings {
            let script = Script::new("application/json")
                .header("content-encoding", HeaderValue::from_static(encoding))
                .send("not really AWS_EC2_001");
            let call = world.anthropic(BODY);
            answer_with(world, &call, Reply::Script(script.clone()));
            let seen = world.see(&call).await;
            assert_eq!(seen.received.text(), MASKED_BODY);
            assert_refusal(&seen.answer, 502, "response_unreadable");
            assert!(!seen.answer.text().contains("AWS_EC2_001"));

            let call = world.anthropic(r#"{"messages":[{"content":"nothing"}]}"#);
            answer_with(world, &call, Reply::Script(script));
            let seen = world.see(&call).await;
            assert_eq!((seen.answer.status, seen.answer.text().as_str()), (200, "not really AWS_EC2_001"));
        }
    }
    let world = World::shared();
    let call = world.anthropic(BODY);
    let identity = Script::whole("application/json", r#"{"a":"AWS_EC2_001"}"#);
    let identity = identity.header("content-encoding", HeaderValue::from_static("identity"));
    answer_with(world, &call, Reply::Script(identity));
    assert_eq!(world.see(&call).await.answer.text(), r#"{"a":"i-1234567890abcdef0"}"#);
}

/// Compression that no header speaks of is found by its first bytes. The head of such an answer has gone out already: the
/// application gets nothing of its body, and is told so.
#[tokio::test]
async fn compression_that_is_not_declared_is_refused() {
    let world = World::start(&Settings::shipped());
    let mut refused = 0;
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let call = world.anthropic(encoding.encode(BODY));
            let answer = world.answer_over(protocol, &call).await;
            assert_refusal(&answer, 415, "content_encoding_unsupported");
            assert!(world.provider.records().of(key_of(&call)).is_empty());

            for (content_type, sent, _) in ANSWERS {
                for size in SIZES {
                    let call = world.openai(BODY);
                    let sent = encoding.encode(sent);
                    let script = Script::new(content_type).send_in_pieces(sent, size);
                    answer_with(&world, &call, Reply::Script(script));
                    let mut connection = world.connect(protocol).await;
                    // Envoy may drop even the head, when it learns of the end before it has written it.
                    if let Ok(answer) = within("an answer, or none", connection.call(&call)).await {
                        let what = format!(
                            "{encoding:?} {protocol:?} {content_type} in pieces of {size}: {answer:?}"
                        );
                        assert_eq!((answer.body.len(), answer.end), (0, End::Cut), "{what}");
                    }
                    refused += 1;
                }
            }
        }
    }
    let stats = world.envoy.admin("/stats?filter=cloakroom_refused_response").unwrap();
    assert!(stats.contains(&format!("cloakroom_refused_response_unreadable: {refused}")), "{stats}");
    assert_works(&world).await;
}

/// Of a body that is not what it says, ends early, or is compressed twice, nothing reaches the provider: at most, where Envoy
/// can decompress nothing at all, the head of a request without a body.
#[tokio::test]
async fn broken_compression_is_refused() {
    let world = World::shared();
    for encoding in Encoding::ALL {
        let whole = encoding.encode(Api::Anthropic.request(TEXT, false, false));
        let other = if encoding == Encoding::Gzip { Encoding::Zstd } else { Encoding::Gzip };
        let twice = encoding.encode(&whole);
        for (what, body) in [
            ("plain", BODY.as_bytes().to_vec()),
            ("half", whole[..whole.len() / 2].to_vec()),
            ("another", other.encode(BODY)),
            ("twice", twice),
        ] {
            let call = world.anthropic(body).header("content-encoding", encoding.name());
            let answer = world.answer(&call).await;
            assert_no_original(what, &answer.body);
            for received in world.provider.records().of(key_of(&call)) {
                assert!(received.body.is_empty(), "{encoding:?} {what}: {received:?}");
            }
            assert!([400, 415].contains(&answer.status), "{encoding:?} {what}: {}", answer.status);
        }
    }
    assert_works(world).await;
}
