//! Throughput of the core on one thread: bytes of body a second, through the same `Exchange` that Envoy drives.
//!
//! `cargo bench -p cloakroom-core`. Sparse text has one identifier in 4 KiB, dense text one in 100 bytes.
#![allow(missing_docs, reason = "criterion's macros expand to functions without documentation")]
#![allow(clippy::expect_used, reason = "a bench may fail")]
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use cloakroom_core::exchange::Counter;
use cloakroom_core::{Config, Exchange, Headers, Input, Vm};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;

/// Nothing here has an age.
const NOW: Duration = Duration::ZERO;
const KIB: usize = 1024;
const PROSE: &str =
    "The instance failed its status check after the deployment, and the target group drained it. ";

/// What detection may stumble over.
const WORST: &[&str] = &[
    "0",
    "1.",
    ":",
    "i-",
    "abcdef0123456789",
    "\"",
    "\\",
    "a:b=",
    "|",
    "arn:aws:",
    ".amazonaws.com",
    "s3://",
    "AWS_EC2_",
    "eyJ",
    "-----BEGIN ",
    "\"Bucket\": ",
    "--",
    "\t",
    "{",
    "@a.",
    "i-12345678 ",
];

/// A request body of about `size` bytes with an identifier every `distance` bytes, 200 different ones.
fn body(size: usize, distance: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut next = distance / 2;
    let mut count: u64 = 0;
    while text.len() < size {
        if text.len() >= next {
            let id = (count % 200) * 7919;
            match count % 3 {
                0 => text.push_str(&format!("i-{id:017x} ")),
                1 => text.push_str(&format!("10.0.{}.{} ", id % 250, count % 250)),
                _ => text.push_str(&format!("arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-{id:08x} ")),
            }
            count += 1;
            next += distance;
        } else {
            text.push_str(PROSE);
            let excess = text.len().saturating_sub(next.max(1));
            if excess < PROSE.len() {
                text.truncate(text.len() - excess);
            }
        }
    }
    serde_json::json!({"model": "m", "messages": [{"role": "user", "content": text}]})
        .to_string()
        .into_bytes()
}

fn head() -> Vec<(String, Vec<u8>)> {
    [
        (":method", "POST"),
        (":authority", "api.anthropic.com"),
        (":path", "/v1/messages"),
        ("content-type", "application/json"),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .into()
}

fn send(vm: &Vm, body: &[u8]) -> (Exchange, Vec<u8>) {
    let head = head();
    let mut exchange = Exchange::new();
    exchange.handle(vm, NOW, Input::RequestHead { headers: Headers(&head), end: false });
    let masked = exchange.handle(vm, NOW, Input::RequestBody(body)).body.unwrap_or_default();
    (exchange, masked)
}

fn receive(vm: &Vm, exchange: &mut Exchange, content_type: &str, chunks: &[Vec<u8>]) -> usize {
    let head = [("content-type".to_owned(), content_type.as_bytes().to_vec())];
    exchange.handle(vm, NOW, Input::ResponseHead { headers: Headers(&head), end: false });
    let piece = |bytes: &Vec<u8>| {
        let actions = exchange.handle(vm, NOW, Input::ResponseChunk { bytes, end: false });
        actions.body.map_or(bytes.len(), |body| body.len())
    };
    chunks.iter().map(piece).sum()
}

/// An Anthropic stream whose deltas are the words of `masked`.
fn stream(masked: &str) -> Vec<Vec<u8>> {
    masked.split_inclusive(' ').map(delta).collect()
}

/// An event of one.
fn delta(text: &str) -> Vec<u8> {
    let text = serde_json::json!({"type": "text_delta", "text": text});
    let data = serde_json::json!({"type": "content_block_delta", "index": 0, "delta": text});
    format!("event: content_block_delta\ndata: {data}\n\n").into_bytes()
}

fn new_vm() -> Vm {
    let config = Config::from_json(br#"{"hosts":["api.anthropic.com"]}"#).expect("a valid configuration");
    Vm::new(config).expect("a catalogue that compiles")
}

fn throughput(criterion: &mut Criterion) {
    let vm = new_vm();
    for (name, size, distance) in [
        ("4 KiB sparse", 4 * KIB, 4 * KIB),
        ("4 KiB dense", 4 * KIB, 100),
        ("64 KiB sparse", 64 * KIB, 4 * KIB),
        ("64 KiB dense", 64 * KIB, 100),
        ("1 MiB sparse", KIB * KIB, 4 * KIB),
        ("1 MiB dense", KIB * KIB, 100),
        ("16 MiB sparse", 16 * KIB * KIB, 4 * KIB),
        ("16 MiB dense", 16 * KIB * KIB, 100),
    ] {
        let body = body(size, distance);
        let (_, masked) = send(&vm, &body);
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function("mask", |bencher| bencher.iter(|| send(&vm, black_box(&body)).1.len()));

        // The time to get to the response is not counted.
        let chunks: Vec<Vec<u8>> = masked.chunks(16 * KIB).map(<[u8]>::to_vec).collect();
        group.throughput(Throughput::Bytes(masked.len() as u64));
        group.bench_function("unmask json", |bencher| {
            bencher.iter_batched(
                || send(&vm, &body).0,
                |mut exchange| receive(&vm, &mut exchange, "application/json", &chunks),
                criterion::BatchSize::SmallInput,
            );
        });
        if size < KIB * KIB {
            let events = stream(&String::from_utf8_lossy(&masked));
            group.throughput(Throughput::Bytes(events.iter().map(|event| event.len() as u64).sum()));
            group.bench_function("unmask events", |bencher| {
                bencher.iter_batched(
                    || send(&vm, &body).0,
                    |mut exchange| receive(&vm, &mut exchange, "text/event-stream", &events),
                    criterion::BatchSize::SmallInput,
                );
            });
        }
        group.finish();
    }
    // What a body may be made of to make detection slow; a megabyte of each, and one sixteenth of it.
    for unit in WORST {
        for size in [64 * KIB, KIB * KIB] {
            let text = unit.repeat(size / unit.len());
            let body = serde_json::json!({"messages": [{"role": "user", "content": text}]}).to_string();
            let mut group = criterion.benchmark_group(format!("{} KiB of {unit:?}", size / KIB));
            group.sample_size(10);
            group.throughput(Throughput::Bytes(body.len() as u64));
            group.bench_function("mask", |bencher| {
                bencher.iter(|| send(&vm, black_box(body.as_bytes())).1.len());
            });
            group.finish();
        }
    }
    criterion.bench_function("VM start", |bencher| {
        bencher.iter(new_vm);
    });
}

/// Says how much of a streamed text is withheld, and how many of its pieces come before it leaves: no time is measured,
/// that is the model's.
fn withheld(_: &mut Criterion) {
    /// About what a token of a model is, in characters.
    const PIECE: usize = 4;
    let vm = new_vm();
    for (name, distance) in [("sparse", 4 * KIB), ("dense", 100)] {
        let (mut exchange, masked) = send(&vm, &body(64 * KIB, distance));
        let request: serde_json::Value = serde_json::from_slice(&masked).expect("JSON");
        let text = request.pointer("/messages/0/content").and_then(|text| text.as_str()).expect("text");
        receive(&vm, &mut exchange, "text/event-stream", &[]);
        // Of each byte that has not left, the piece that it came in; and how many pieces others waited for.
        let (mut inside, mut waits) = (VecDeque::new(), Vec::new());
        for (now, piece) in text.as_bytes().chunks(PIECE).enumerate() {
            let event = delta(str::from_utf8(piece).expect("ASCII"));
            let actions = exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: &event, end: false });
            let held = actions.counts.iter().find(|count| count.counter == Counter::HeldBytes);
            inside.extend(std::iter::repeat_n(now, piece.len()));
            let left = inside.len() - held.map_or(0, |held| usize::try_from(held.by).unwrap_or_default());
            waits.extend(inside.drain(..left).map(|came| now - came).filter(|waited| *waited > 0));
        }
        println!(
            "64 KiB {name}, streamed by {PIECE} characters: {:.2} % of the text's bytes are withheld, {:.1} pieces on \
             average, {} at most",
            100.0 * waits.len() as f64 / text.len() as f64,
            waits.iter().sum::<usize>() as f64 / waits.len().max(1) as f64,
            waits.iter().max().unwrap_or(&0),
        );
    }
}

criterion_group!(benches, withheld, throughput);
criterion_main!(benches);
