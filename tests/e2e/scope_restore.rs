//! `restore: scope`: tokens of earlier exchanges come back in answers that the provider makes of what it kept.

use e2e::{
    bridge::{self, Bridge},
    client::{Call, Protocol, within},
    encoding::Encoding,
    provider::{Alpn, End, Gate, KEY_HEADER, Options, Reply, Script, Step},
    redis::{Listen, Redis},
    world::{OPENAI, Settings, World},
};
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use crate::{
    mapping::instance,
    streaming::SIZES,
    support::{INSTANCE, answer_with, assert_no_original},
};

pub(crate) const STATE: &str = r#"{"model":"m-1","previous_response_id":"resp_1","input":"and now?"}"#;
const STATELESS: &str = r#"{"model":"m-1","input":"and now?"}"#;

fn settings(bridge: &Bridge) -> Settings {
    Settings::shipped().bridge(bridge).set_in_filter("restore", json!("scope"))
}

pub(crate) fn responses(world: &World, body: &str) -> Call {
    Call::post(OPENAI, "/v1/responses", body.to_owned())
        .header("authorization", "Bearer sk-scripted")
        .header(KEY_HEADER, world.key())
}

/// Masks these values in a request of their own; they get tokens in this order.
pub(crate) async fn keep(world: &World, call: Call, values: &[&str]) {
    let body = json!({"input": values.join(" ")}).to_string();
    let call = Call { pieces: vec![body.into()], ..call };
    answer_with(world, &call, Reply::Script(Script::whole("application/json", "{}")));
    let seen = world.see(&call).await;
    assert_eq!(seen.answer.status, 200, "{}", seen.answer.text());
    assert_no_original("the provider", &seen.received.body);
}

/// The answer to a call that the provider answers in this way.
pub(crate) async fn answer(world: &World, protocol: Protocol, call: &Call, script: Script) -> String {
    answer_with(world, call, Reply::Script(script));
    let seen = world.see_over(protocol, call).await;
    assert_eq!((seen.answer.status, seen.answer.end), (200, End::Complete));
    seen.answer.text()
}

pub(crate) fn trailers() -> Step {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("abc"));
    Step::Trailers(trailers)
}

fn count(world: &World, counter: &str) -> u64 {
    let stats = world.envoy.admin(&format!("/stats?filter={counter}$")).unwrap();
    stats.trim().rsplit(' ').next().unwrap().parse().unwrap_or_default()
}

/// Answers of every framing, in pieces of every size, with trailers and without, over a bridge with Redis.
#[tokio::test]
async fn tokens_of_earlier_exchanges_come_back() {
    let redis = Redis::start(Listen::Unix, &[]);
    let bridge = Bridge::start(&bridge::Settings::over(redis.url()));
    let world = World::start(&settings(&bridge));
    keep(&world, responses(&world, ""), &[INSTANCE, "vpc-0a1b2c3d"]).await;
    let event = |text: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    for (content_type, body, expected) in [
        (
            "application/json",
            r#"{"output":[{"content":[{"text":"AWS_EC2_001 in AWS_VPC_001, not AWS_EC2_002"}]}]}"#.to_owned(),
            r#"{"output":[{"content":[{"text":"i-1234567890abcdef0 in vpc-0a1b2c3d, not AWS_EC2_002"}]}]}"#
                .to_owned(),
        ),
        (
            "text/event-stream",
            format!("{}data: [DONE]\n\n", event("AWS_EC2_001 in AWS_VPC_001.")),
            format!("{}data: [DONE]\n\n", event("i-1234567890abcdef0 in vpc-0a1b2c3d.")),
        ),
        ("text/plain", "see AWS_EC2_001".to_owned(), format!("see {INSTANCE}")),
        (
            "application/jsonl",
            "{\"a\":\"AWS_EC2_001\"}\n{\"a\":\"AWS_VPC_001\"}\n".to_owned(),
            format!("{{\"a\":\"{INSTANCE}\"}}\n{{\"a\":\"vpc-0a1b2c3d\"}}\n"),
        ),
    ] {
        for size in SIZES {
            for end in [None, Some(trailers())] {
                for protocol in [Protocol::Http1, Protocol::Http2] {
                    let call = responses(&world, STATE);
                    let script = Script::new(content_type).send_in_pieces(body.clone(), size);
                    let script = end.clone().into_iter().fold(script, Script::step);
                    let got = answer(&world, protocol, &call, script).await;
                    assert_eq!(got, expected, "{content_type} in pieces of {size} over {protocol:?}");
                }
            }
        }
    }
    assert_eq!(count(&world, "cloakroom_failed_lookups"), 0);
}

/// A token that comes in pieces, over two events and with a value that comes with the second.
#[tokio::test]
async fn a_streamed_answer_is_restored_event_by_event() {
    let bridge = Bridge::start(&bridge::Settings::over("memory:"));
    let world = World::start(&settings(&bridge));
    keep(&world, responses(&world, ""), &[INSTANCE]).await;
    let event = |text: &str| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        )
    };
    let stop = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n";
    let body = r#"{"stream":true,"container":"container_1","messages":[{"content":"and now?"}]}"#;
    let gate = Gate::new();
    let pieces = [event("on AWS_EC"), event("2_00"), event("1, "), stop.to_owned()];
    let script =
        pieces.iter().fold(Script::new("text/event-stream"), |s, piece| s.send(piece.clone()).wait(&gate));
    let call = world.anthropic(body);
    answer_with(&world, &call, Reply::Script(script));
    let mut connection = world.connect(Protocol::Http1).await;
    let mut live = within("the head", connection.begin(&call)).await.unwrap();
    for expected in [event("on "), event(""), event(&format!("{INSTANCE}, ")), stop.to_owned()] {
        let got = within("an event", live.read_until(|read| read.ends_with(b"\n\n"))).await;
        assert_eq!(String::from_utf8(got).unwrap(), expected);
        gate.open();
    }
    assert_eq!(within("the end", live.rest()).await.text(), "");
}

/// Another scope has none of these tokens, and without state nothing is looked up.
#[tokio::test]
async fn nobody_else_gets_them() {
    let bridge = Bridge::start(&bridge::Settings::over("memory:"));
    let world = World::start(&settings(&bridge).set_in_filter("scope", json!({"header": "x-team"})));
    keep(&world, responses(&world, "").header("x-team", "a"), &[INSTANCE]).await;
    let (token, value) = ("[\"AWS_EC2_001\"]", format!("[\"{INSTANCE}\"]"));
    for (team, body, expected) in
        [("a", STATE, value.as_str()), ("b", STATE, token), ("a", STATELESS, token), ("a", STATE, &value)]
    {
        let call = responses(&world, body).header("x-team", team);
        let got = answer(&world, Protocol::Http1, &call, Script::whole("application/json", token)).await;
        assert_eq!(got, expected, "{team}: {body}");
    }
    assert_eq!(count(&world, "cloakroom_looked_up_tokens"), 3);
}

/// The results of a batch are fetched without a body: what is asked for says that they are kept by the provider.
#[tokio::test]
async fn results_of_batches() {
    let bridge = Bridge::start(&bridge::Settings::over("memory:"));
    let world = World::start(&settings(&bridge));
    let ids: Vec<String> = (0..2000).map(instance).collect();
    let batch: Vec<_> = ids
        .iter()
        .enumerate()
        .map(|(at, id)| json!({"custom_id": at.to_string(), "params": {"messages": [{"content": id}]}}))
        .collect();
    let call = world.anthropic(json!({"requests": batch}).to_string());
    let created = Call { path: "/v1/messages/batches".to_owned(), ..call };
    answer_with(&world, &created, Reply::Script(Script::whole("application/json", "{}")));
    let seen = world.see(&created).await;
    assert_eq!(seen.answer.status, 200, "{}", seen.answer.text());
    let line = |at: usize, id: &str| {
        format!(
            "{{\"custom_id\":\"{at}\",\"result\":{{\"message\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{id} {}\"}}]}}}}}}\n",
            "and so on ".repeat(40)
        )
    };
    let masked: String = (0..ids.len()).map(|at| line(at, &format!("AWS_EC2_{:03}", at + 1))).collect();
    let expected: String = ids.iter().enumerate().map(|(at, id)| line(at, id)).collect();
    assert!(masked.len() > 800_000);
    for (path, content_type) in [
        ("/v1/messages/batches/msgbatch_1/results", "application/x-jsonl"),
        ("/v1/files/file-1/content", "application/octet-stream"),
    ] {
        let call = Call::get(OPENAI, path)
            .header("authorization", "Bearer sk-scripted")
            .header(KEY_HEADER, world.key())
            .header("accept-encoding", "gzip, br");
        let script = Script::new(content_type).send_in_pieces(masked.clone(), 10_000);
        answer_with(&world, &call, Reply::Script(script));
        let seen = world.see(&call).await;
        let encodings: Vec<_> =
            seen.received.headers.iter().filter(|(name, _)| name == "accept-encoding").collect();
        assert_eq!(encodings.len(), 1);
        assert_eq!(encodings[0].1, b"identity");
        assert!(seen.answer.text() == expected, "{path}");
    }
    // What is not JSON is no answer of a model.
    let call = Call::get(OPENAI, "/v1/files/file-2/content").header(KEY_HEADER, world.key());
    let file = Script::whole("application/octet-stream", "%PDF AWS_EC2_001 ");
    assert_eq!(answer(&world, Protocol::Http1, &call, file).await, "%PDF AWS_EC2_001 ");
}

/// A bridge that is down, or that does not let this filter look anything up, costs the originals and nothing else.
#[tokio::test]
async fn without_the_bridge_answers_keep_their_tokens() {
    let text = "[\"AWS_EC2_001\",\"AWS_EC2_001 AWS_EC2_002\"]";
    let mut settings_of_bridge = bridge::Settings::over("memory:");
    let mut bridge = Bridge::start(&settings_of_bridge);
    let world = World::start(&settings(&bridge));
    keep(&world, responses(&world, ""), &[INSTANCE]).await;
    bridge.kill();
    settings_of_bridge.rights = &["issue"];
    let mute = Bridge::start(&settings_of_bridge);
    let without_right = World::start(&settings(&mute));
    keep(&without_right, responses(&without_right, ""), &[INSTANCE]).await;
    for world in [&world, &without_right] {
        for size in SIZES {
            for protocol in [Protocol::Http1, Protocol::Http2] {
                let call = responses(world, STATE);
                let script = Script::new("application/json").send_in_pieces(text, size);
                assert_eq!(answer(world, protocol, &call, script).await, text);
            }
        }
        assert!(count(world, "cloakroom_failed_lookups") >= 8);
        assert_eq!(count(world, "cloakroom_unrestored_tokens"), 24);
        assert_eq!(count(world, "cloakroom_restored"), 0);
    }
}

/// Decompression adds trailers, so that nothing tells the end of such an answer but its last piece; and that one waits.
#[tokio::test]
async fn compressed_answers_wait_for_the_bridge() {
    let bridge = Bridge::start(&bridge::Settings::over("memory:"));
    let provider = Options { alpn: Alpn::Http2, ..Options::default() };
    let world = World::start(&Settings { provider, ..settings(&bridge) });
    keep(&world, responses(&world, ""), &[INSTANCE]).await;
    let (two, token, value) = ("AWS_EC2_001 AWS_EC2_001", "AWS_EC2_001", INSTANCE);
    for (content_type, sent, expected) in [
        ("application/json", format!("[\"{two}\"]"), format!("[\"{value} {value}\"]")),
        ("application/json", format!("[\"{token} {token}"), format!("[\"{value} {value}")),
        ("text/plain", two.to_owned(), format!("{value} {value}")),
    ] {
        for encoding in Encoding::ALL {
            for protocol in [Protocol::Http1, Protocol::Http2] {
                let script = Script::new(content_type)
                    .header("content-encoding", HeaderValue::from_static(encoding.name()))
                    .step(Step::Last(encoding.encode(&sent).into()));
                let got = answer(&world, protocol, &responses(&world, STATE), script).await;
                assert_eq!(got, expected, "{content_type} in {encoding:?} over {protocol:?}");
            }
        }
    }
}

/// The bridge has answered, and then the body ends in a piece of no bytes while text is withheld: Envoy would lose it.
#[tokio::test]
async fn an_answer_that_breaks_off_behind_what_waited_is_cut() {
    let bridge = Bridge::start(&bridge::Settings::over("memory:"));
    let provider = Options { alpn: Alpn::Http2, ..Options::default() };
    let world = World::start(&Settings { provider, ..settings(&bridge) });
    keep(&world, responses(&world, ""), &[INSTANCE]).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let gate = Gate::new();
        let script = Script::new("application/json").send("[\"AWS_EC2_001 AWS_EC2_001").wait(&gate);
        let call = responses(&world, STATE);
        answer_with(&world, &call, Reply::Script(script));
        let mut connection = world.connect(protocol).await;
        let mut live = within("the head", connection.begin(&call)).await.unwrap();
        let first = within("what waited", live.read_until(|read| read.ends_with(b" "))).await;
        assert_eq!(String::from_utf8(first).unwrap(), format!("[\"{INSTANCE} "));
        gate.open();
        let rest = within("the rest", live.rest()).await;
        assert_ne!(rest.end, End::Complete, "{protocol:?}");
    }
}
