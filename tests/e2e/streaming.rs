//! Streams stay streams, and cuts do not matter.

use e2e::{
    client::{Live, Protocol, within},
    provider::{Echo, End, Gate, Reply, Script},
    sse,
    world::World,
};

use crate::support::{Api, MASKED, TEXT, answer_with, assert_says_the_same, without_cloakroom};

/// Sizes of deltas in characters and of chunks in bytes; 0 is whole.
pub(crate) const SIZES: [usize; 4] = [1, 3, 7, 0];

/// Both APIs, prose with two tool calls that take turns, a token over several events, an event over several chunks.
///
/// For each size of deltas, all sizes of chunks must give the same bytes, and these must say to an SDK what it would
/// have heard without Cloakroom.
#[tokio::test]
async fn streams_say_the_same_wherever_they_are_cut() {
    let world = World::shared();
    for api in Api::BOTH {
        for delta_chars in SIZES {
            let mut of_other_chunks: Option<String> = None;
            for chunk_bytes in SIZES {
                let echo = Echo { delta_chars, chunk_bytes, interleave: true };
                let what = format!("{api:?} deltas of {delta_chars}, chunks of {chunk_bytes}");
                let call = api.call(world, api.request(TEXT, true, true));
                answer_with(world, &call, Reply::Echo(echo.clone()));
                let seen = world.see(&call).await;
                assert_eq!(seen.received.text(), api.request(MASKED, true, true), "{what}");
                assert_eq!((seen.answer.status, seen.answer.end), (200, End::Complete), "{what}");
                let got = seen.answer.text();
                match &of_other_chunks {
                    None => {
                        let direct = without_cloakroom(&call, &echo).await.text();
                        assert_says_the_same(&what, &got, &direct);
                        if delta_chars == 0 {
                            assert_eq!(got, direct, "{what}: nothing is withheld, so nothing moves");
                        }
                        of_other_chunks = Some(got);
                    }
                    Some(other) => assert_eq!(&got, other, "{what}"),
                }
            }
        }
    }
}

/// Event k can be read before the provider sends event k + 1, whatever is withheld for the sake of a token.
#[tokio::test]
async fn every_event_leaves_before_the_next_one_comes() {
    let world = World::shared();
    for api in Api::BOTH {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let call = api.call(world, api.request("i-1234567890abcdef0, vpc-0a1b2c3d", true, true));
            let masked = without_key_answer(api).await;
            let gate = Gate::new();
            let events: Vec<_> = masked.split_inclusive("\n\n").map(str::to_owned).collect();
            let script = events.iter().fold(Script::new("text/event-stream"), |script, event| {
                script.wait(&gate).send(event.clone())
            });
            answer_with(world, &call, Reply::Script(script));
            let mut connection = world.connect(protocol).await;
            let mut live = within("the head", connection.begin(&call)).await.unwrap();
            let (mut read, mut seen) = (Vec::new(), 0);
            for event in &events {
                gate.open();
                // At most one extra event comes before it, with what was withheld.
                let name = event.lines().next().unwrap_or_default();
                let what =
                    format!("{api:?} {protocol:?}: {event:?} after {:?}", String::from_utf8_lossy(&read));
                let more = within(&what, live.read_until(|more| ends_with_event(more, name))).await;
                seen += more.windows(2).filter(|pair| pair == b"\n\n").count();
                read.extend(more);
            }
            assert!(seen >= events.len());
            let rest = within("the end", live.rest()).await;
            assert_eq!((rest.end, rest.body.len()), (End::Complete, 0), "nothing is left for the end");
            let direct =
                without_cloakroom(&call, &Echo { delta_chars: 3, interleave: true, ..Echo::default() }).await;
            assert_says_the_same("gated", str::from_utf8(&read).unwrap(), &direct.text());
        }
    }
}

/// Whether the last event in `bytes` is complete and has this first line (or, OpenAI's events being all data, any).
fn ends_with_event(bytes: &[u8], first_line: &str) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let last = text.strip_suffix("\n\n").map(|text| text.rsplit("\n\n").next().unwrap_or_default());
    last.is_some_and(|last| !first_line.starts_with("event:") || last.starts_with(first_line))
}

/// The stream that the provider makes of the masked request.
async fn without_key_answer(api: Api) -> String {
    let masked = api.request("AWS_EC2_001, AWS_VPC_001", true, true);
    let path = if api == Api::Anthropic { "/v1/messages" } else { "/v1/chat/completions" };
    let call = e2e::client::Call::post("localhost", path, masked);
    without_cloakroom(&call, &Echo { delta_chars: 3, interleave: true, ..Echo::default() }).await.text()
}

/// One channel's half token holds up neither a `ping` nor another channel.
#[tokio::test]
async fn no_event_waits_for_another_channel() {
    let world = World::shared();
    let delta = |index: u32, json: &str| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{\"type\":\"input_json_delta\",\"partial_json\":\"{json}\"}}}}\n\n"
        )
    };
    let ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
    let stop = |index: u32| {
        format!("event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":{index}}}\n\n")
    };
    let gate = Gate::new();
    let pieces = [
        delta(1, "{\\\"id\\\":\\\"AWS_EC2_0"),
        ping.to_owned(),
        delta(2, "{\\\"of\\\":\\\"AWS_EC2_001\\\"}"),
        stop(2),
        delta(1, "01\\\"}"),
        stop(1),
    ];
    let script =
        pieces.iter().fold(Script::new("text/event-stream"), |s, piece| s.send(piece.clone()).wait(&gate));
    let call = world.anthropic(r#"{"stream":true,"messages":[{"content":"i-1234567890abcdef0"}]}"#);
    answer_with(world, &call, Reply::Script(script));
    let mut connection = world.connect(Protocol::Http1).await;
    let mut live = within("the head", connection.begin(&call)).await.unwrap();
    for expected in [
        delta(1, "{\\\"id\\\":\\\""),
        ping.to_owned(),
        delta(2, "{\\\"of\\\":\\\"i-1234567890abcdef0\\\"}"),
        stop(2),
        delta(1, "i-1234567890abcdef0\\\"}"),
        stop(1),
    ] {
        assert_eq!(next_event(&mut live).await, expected);
        gate.open();
    }
    assert_eq!(within("the end", live.rest()).await.text(), "");
}

async fn next_event(live: &mut Live) -> String {
    let event = within("an event", live.read_until(|read| read.ends_with(b"\n\n"))).await;
    String::from_utf8(event).unwrap()
}

/// What might have become a token leaves in one extra delta, before the event that ends its channel.
#[tokio::test]
async fn a_stream_that_ends_inside_a_token_gives_back_what_came() {
    let world = World::shared();
    let delta = |text: &str| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        )
    };
    let stop = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n";
    for (sent, expected) in [
        (
            format!("{}{stop}", delta("see AWS_EC2_00")),
            format!("{}{}{stop}", delta("see "), delta("AWS_EC2_00")),
        ),
        (
            format!("{}{stop}", delta("see AWS_EC2_001")),
            format!("{}{}{stop}", delta("see "), delta("i-1234567890abcdef0")),
        ),
        // No end at all: the connection just closes.
        (delta("see AWS_EC2_00"), format!("{}{}", delta("see "), delta("AWS_EC2_00"))),
        (
            format!("{}{}", delta("see AWS_EC2_001"), delta("!")),
            format!("{}{}", delta("see "), delta("i-1234567890abcdef0!")),
        ),
    ] {
        for size in SIZES {
            let call = world.anthropic(r#"{"stream":true,"messages":[{"content":"i-1234567890abcdef0"}]}"#);
            let script = Script::new("text/event-stream").send_in_pieces(sent.clone(), size);
            answer_with(world, &call, Reply::Script(script));
            let seen = world.see(&call).await;
            assert_eq!(values(&seen.answer.text()), values(&expected), "pieces of {size}");
        }
    }
}

/// The events with their data as JSON values: in which order an extra delta's members stand is not promised.
fn values(stream: &str) -> Vec<(Option<String>, serde_json::Value)> {
    let value = |event: sse::Event| (event.name, serde_json::from_str(&event.data).expect("data is JSON"));
    sse::events(stream.as_bytes()).into_iter().map(value).collect()
}

/// Lines end in LF, CRLF or CR; a stream may begin with a BOM, lack a content type, or come in one chunk.
#[tokio::test]
async fn streams_of_other_habits_are_restored_too() {
    let world = World::shared();
    let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"AWS_EC2\"}}]}\n\n\
         : a comment\n\n\
         data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"_001 \"}}]}\n\n\
         data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let restored = stream.replace("AWS_EC2\"", "\"").replace("_001 ", "i-1234567890abcdef0 ");
    for size in SIZES {
        for line_end in ["\n", "\r\n", "\r"] {
            for bom in ["", "\u{feff}"] {
                let as_sent = |text: &str| format!("{bom}{}", text.replace('\n', line_end));
                let call = world.openai(r#"{"stream":true,"messages":[{"content":"i-1234567890abcdef0"}]}"#);
                let script = Script::new("text/event-stream").send_in_pieces(as_sent(stream), size);
                answer_with(world, &call, Reply::Script(script));
                let seen = world.see(&call).await;
                assert_eq!(
                    seen.answer.text(),
                    as_sent(&restored),
                    "{line_end:?} {bom:?} in pieces of {size}"
                );
            }
        }
    }
}
