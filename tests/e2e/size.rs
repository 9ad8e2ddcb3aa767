//! Answers of any size in bounded memory, and requests up to the limit.

use std::time::Duration;

use bytes::Bytes;
use e2e::{
    client::{Protocol, within},
    encoding::Encoding,
    provider::{End, Options, Reply, Script},
    world::{Settings, World, key_of},
};

use crate::{
    refusals::assert_refusal,
    support::{INSTANCE, answer_with, assert_works},
};

const MIB: usize = 1024 * 1024;

/// By how much an answer of any size may make Envoy larger.
const MAX_GROWTH: u64 = 32 * MIB as u64;

/// By how much a body that inflates beyond `max_body_bytes` may make Envoy larger: what is held until that is seen, what one
/// read of 1 MiB inflates to, and what the allocator keeps.
const MAX_BOMB: u64 = 192 * MIB as u64;

/// How many MiB each answer has. `make bench` sets it to 1024.
const MIB_VARIABLE: &str = "CLOAKROOM_TEST_MIB";
const DEFAULT_MIB: usize = 48;

/// How long a gigabyte may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(600);

const BODY: &str = r#"{"messages":[{"content":"i-1234567890abcdef0"}]}"#;

/// What is sent at a time.
const PIECE: usize = 64 * 1024;

/// Content type, how the body begins, what is repeated in it, how it ends. A token stands in each repetition.
const ANSWERS: [(&str, &str, &str, &str); 4] = [
    ("application/json", "{\"content\":\"", "this is AWS_EC2_001, and it goes on \\n ", "\"}"),
    (
        "text/event-stream",
        "",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"and AWS_EC2_001 is\"}}]}\n\n",
        "data: [DONE]\n\n",
    ),
    // One event that never ends.
    ("text/event-stream", "data: {\"content\":\"", "this is AWS_EC2_001, and it goes on ", "\"}\n\n"),
    ("text/plain", "", "this is AWS_EC2_001, and it goes on\n", ""),
];

#[tokio::test]
async fn answers_of_any_size_leave_in_bounded_memory() {
    let mib = std::env::var(MIB_VARIABLE).map_or(DEFAULT_MIB, |mib| mib.parse().expect("a number of MiB"));
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let provider = Options { keep_records: false, ..Options::default() };
        let world = World::start(&Settings { provider, ..Settings::shipped() });
        // The memory that any answer takes is none of this one's.
        for answer in ANSWERS {
            large(&world, protocol, answer, 8 * PIECE).await;
        }
        let before = world.envoy.resident_bytes();
        for answer in ANSWERS {
            large(&world, protocol, answer, mib * MIB).await;
        }
        let (after, peak) = (world.envoy.resident_bytes(), world.envoy.peak_resident_bytes());
        let grown = |bytes: u64| bytes.saturating_sub(before) / MIB as u64;
        println!(
            "{protocol:?}: {mib} MiB four times: {} MiB more at most, {} MiB at the end",
            grown(peak),
            grown(after)
        );
        assert!(
            peak.saturating_sub(before) <= MAX_GROWTH,
            "{before} bytes before, {peak} at most, {after} after"
        );
    }
}

/// Restores an answer of at least `size` bytes and looks at each of them.
async fn large(world: &World, protocol: Protocol, answer: (&'static str, &str, &str, &str), size: usize) {
    let (content_type, begin, repeated, end) = answer;
    let call = world.openai(BODY);
    // Pieces end anywhere in what is repeated: each begins where the one before ended.
    let block = Bytes::from(repeated.repeat(PIECE));
    let pieces = block.chunks(PIECE).map(|piece| block.slice_ref(piece)).collect::<Vec<_>>();
    let blocks = size.div_ceil(block.len());
    let mut script = Script::new(content_type).send(begin.to_owned());
    for piece in (0..blocks).flat_map(|_| &pieces) {
        script = script.send(piece.clone());
    }
    answer_with(world, &call, Reply::Script(script.send(end.to_owned())));

    let restored = repeated.replace("AWS_EC2_001", INSTANCE);
    let (begin, restored, tail) = (begin.as_bytes(), restored.as_bytes(), end.as_bytes());
    let whole = begin.len() + blocks * PIECE * restored.len() + tail.len();
    let mut connection = world.connect(protocol).await;
    let live = within("the head", connection.begin(&call)).await.unwrap();
    let mut got = 0;
    let reading = live.each(|piece| {
        // What is repeated is compared from where it must be.
        let mut rest = piece;
        while !rest.is_empty() {
            let expected = if got < begin.len() {
                &begin[got..]
            } else if got < whole - tail.len() {
                &restored[(got - begin.len()) % restored.len()..]
            } else {
                &tail[got - (whole - tail.len())..]
            };
            let length = expected.len().min(rest.len());
            assert!(rest[..length] == expected[..length], "{content_type}: another byte after {got}");
            (got, rest) = (got + length, &rest[length..]);
        }
    });
    let ended = tokio::time::timeout(DEADLINE, reading).await.expect("the answer ends");
    assert_eq!((ended, got), (End::Complete, whole), "{content_type} {protocol:?}");
}

/// A request of exactly `max_body_bytes`, as shipped, before and after masking; one byte more is too much.
#[tokio::test]
async fn requests_up_to_the_limit_are_masked() {
    let world = World::start(&Settings::shipped());
    let limit = 32 * MIB;
    let (begin, end) = (r#"{"messages":[{"content":"i-1234567890abcdef0 "#, r#" i-1234567890abcdef0"}]}"#);
    for (protocol, sized) in [(Protocol::Http1, true), (Protocol::Http1, false), (Protocol::Http2, false)] {
        for more in [0, 1] {
            let filler = "words ".repeat(limit / 6 + 1);
            let body = format!("{begin}{}{end}", &filler[..limit + more - begin.len() - end.len()]);
            let call = world.anthropic(body.clone());
            let call = if sized { call } else { call.chunked(PIECE) };
            let script = Script::whole("application/json", r#"{"content":"AWS_EC2_001"}"#);
            answer_with(&world, &call, Reply::Script(script));
            let answer = world.answer_over(protocol, &call).await;
            let received = world.provider.records().of(key_of(&call));
            if more == 0 {
                assert_eq!((answer.status, answer.text()), (200, format!(r#"{{"content":"{INSTANCE}"}}"#)));
                let masked = body.replace(INSTANCE, "AWS_EC2_001");
                assert!(received.len() == 1 && received[0].body == masked.as_bytes(), "{protocol:?} {sized}");
                assert_eq!(received[0].header("content-length"), Some(masked.len().to_string()));
            } else {
                assert_refusal(&answer, 413, "body_too_large");
                assert!(received.is_empty(), "{protocol:?} {sized}");
            }
        }
    }
    assert_works(&world).await;
}

/// What a small body inflates to has the same limit, and does not fill the memory: Envoy stops at 100 times the size.
#[tokio::test]
async fn decompression_bombs_are_refused() {
    let world = World::start(&Settings::shipped());
    assert_works(&world).await;
    let lines = (0..40 * MIB / 64).map(|line| format!("{line:08x}").repeat(8));
    let long = format!("[\"{INSTANCE}\",\"{}\"]", lines.collect::<String>());
    let dense = format!("[\"{INSTANCE}\",\"{}\"]", " ".repeat(24 * MIB));
    let before = world.envoy.resident_bytes();
    for encoding in Encoding::ALL {
        for (plain, status, code) in [(&long, 413, "body_too_large"), (&dense, 400, "body_unreadable")] {
            let call = world.anthropic(encoding.encode(plain)).header("content-encoding", encoding.name());
            let answer = world.answer(&call).await;
            assert_refusal(&answer, status, code);
            assert!(world.provider.records().of(key_of(&call)).is_empty(), "{encoding:?}");
        }
    }
    let peak = world.envoy.peak_resident_bytes().saturating_sub(before);
    assert!(peak <= MAX_BOMB, "{peak} bytes more");
    assert_works(&world).await;
}
