//! Recorded conversations: what the provider is sent, and what the application gets however the answer is cut.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail")]

mod common;

use cloakroom_core::Vm;
use common::{NOW, post, receive, send, vm};
use serde_json::Value;
use std::collections::BTreeMap;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

struct Case {
    name: &'static str,
    host: &'static str,
    path: &'static str,
    content_type: &'static str,
    request: &'static str,
    masked: &'static str,
    response: &'static str,
    unmasked: &'static str,
}

macro_rules! case {
    ($name:literal, $host:literal, $path:literal, $type:literal, $ext:literal) => {
        Case {
            name: $name,
            host: $host,
            path: $path,
            content_type: $type,
            request: include_str!(concat!("fixtures/", $name, "/request.json")),
            masked: include_str!(concat!("fixtures/", $name, "/masked.json")),
            response: include_str!(concat!("fixtures/", $name, "/response.", $ext)),
            unmasked: include_str!(concat!("fixtures/", $name, "/unmasked.", $ext)),
        }
    };
}

const CASES: &[Case] = &[
    case!("anthropic/message", "api.anthropic.com", "/v1/messages", "application/json", "json"),
    case!("anthropic/text", "api.anthropic.com", "/v1/messages", "text/event-stream; charset=utf-8", "sse"),
    case!("anthropic/tools", "api.anthropic.com", "/v1/messages?beta=true", "text/event-stream", "sse"),
    case!("openai/completion", "api.openai.com", "/v1/chat/completions", "application/json", "json"),
    case!("openai/text", "api.openai.com", "/v1/chat/completions", "text/event-stream", "sse"),
    case!("openai/tools", "api.openai.com", "/v1/chat/completions", "", "sse"),
];

fn run<'a>(vm: &Vm, case: &Case, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut sent = send(vm, &post(case.host, case.path), case.request.as_bytes()).unwrap();
    String::from_utf8(receive(vm, &mut sent.exchange, case.content_type, pieces)).unwrap()
}

#[test]
fn the_provider_is_sent_tokens() {
    for case in CASES {
        let sent = send(&vm(), &post(case.host, case.path), case.request.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(sent.body).unwrap(), case.masked, "{}", case.name);
    }
}

#[test]
fn the_application_gets_identifiers_at_every_cut() {
    let vm = vm();
    for case in CASES {
        let response = case.response.as_bytes();
        assert_eq!(run(&vm, case, [response]), case.unmasked, "{}", case.name);
        assert_eq!(run(&vm, case, response.chunks(1)), case.unmasked, "{} one byte at a time", case.name);
        for cut in 0..=response.len() {
            let got = run(&vm, case, [&response[..cut], &response[cut..]]);
            assert_eq!(got, case.unmasked, "{} cut at {cut}", case.name);
        }
        for size in [2, 3, 7, 64] {
            assert_eq!(
                run(&vm, case, response.chunks(size)),
                case.unmasked,
                "{} in pieces of {size}",
                case.name
            );
        }
    }
}

/// Oracle: the texts of each channel, joined as a client joins them.
fn channels(stream: &str) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut add =
        |key: String, text: &Value| texts.entry(key).or_default().push_str(text.as_str().unwrap_or_default());
    for line in stream.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        let delta = &event["delta"];
        add(format!("{} text", event["index"]), &delta["text"]);
        add(format!("{} json", event["index"]), &delta["partial_json"]);
        add(format!("{} thinking", event["index"]), &delta["thinking"]);
        for choice in event["choices"].as_array().into_iter().flatten() {
            add(format!("{} content", choice["index"]), &choice["delta"]["content"]);
            for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
                for member in ["arguments", "name"] {
                    add(format!("{} {} {member}", choice["index"], call["index"]), &call["function"][member]);
                }
            }
        }
    }
    texts
}

#[test]
fn each_channel_reads_as_if_it_had_come_whole() {
    for case in CASES.iter().filter(|case| case.response.contains("data: ")) {
        let mut expected = channels(case.response);
        for (channel, text) in &mut expected {
            if !channel.contains("thinking") {
                *text = text
                    .replace("AWS_EC2_0012", "\0")
                    .replace(r"AWS\_SUBNET\_001", "subnet-12345678")
                    .replace("AWS_SUBNET_001", "subnet-12345678")
                    .replace("AWS_EC2_001", "i-1234567890abcdef0")
                    .replace("AWS_EC2_002", "i-0abcdef0123456789")
                    .replace("AWS_PRIVATE_IP_001", "10.0.1.100")
                    .replace("AWS_ACCOUNT_001", "123456789012")
                    .replace("AWS_IAM_ROLE_001", "Deploy")
                    .replace('\0', "AWS_EC2_0012");
            }
        }
        assert_eq!(channels(case.unmasked), expected, "{}", case.name);
    }
}

/// A value in pieces would come back in pieces, and leak.
#[test]
fn a_value_stands_whole_in_one_delta() {
    for case in CASES.iter().filter(|case| case.response.contains("data: ")) {
        let (mut whole, mut joined) = (0, 0);
        for value in
            ["i-1234567890abcdef0", "i-0abcdef0123456789", "subnet-12345678", "123456789012", "10.0.1.100"]
        {
            whole += case.unmasked.matches(value).count();
            joined += channels(case.unmasked).values().map(|text| text.matches(value).count()).sum::<usize>();
        }
        assert_eq!(whole, joined, "{}", case.name);
        assert!(whole > 0);
    }
}

#[test]
fn events_pass_and_no_channel_waits_for_another() {
    let vm = vm();
    for case in CASES.iter().filter(|case| case.response.contains("data: ")) {
        let mut sent = send(&vm, &post(case.host, case.path), case.request.as_bytes()).unwrap();
        let terminator = if case.response.contains("\r\n") { "\r\n\r\n" } else { "\n\n" };
        let mut events = 0;
        let mut got = String::new();
        for event in case.response.split_inclusive(terminator) {
            events += 1;
            let piece = next_piece(&vm, &mut sent.exchange, case.content_type, event.as_bytes(), events == 1);
            got.push_str(&String::from_utf8(piece).unwrap());
            let out = got.split(terminator).filter(|event| !event.is_empty()).count();
            assert!(out >= events, "{}: event {events} waits", case.name);
        }
    }
}

fn next_piece(
    vm: &Vm,
    exchange: &mut cloakroom_core::Exchange,
    content_type: &str,
    bytes: &[u8],
    first: bool,
) -> Vec<u8> {
    use cloakroom_core::{Headers, Input};
    if first {
        let list = [(":status", "200"), ("content-type", content_type)];
        let head = common::headers(if content_type.is_empty() { &list[..1] } else { &list });
        exchange.handle(vm, NOW, Input::ResponseHead { headers: Headers(&head), end: false });
    }
    exchange
        .handle(vm, NOW, Input::ResponseChunk { bytes, end: false })
        .body
        .unwrap_or_else(|| bytes.to_vec())
}

/// Writes the golden files anew: `UPDATE_FIXTURES=1 cargo test -p cloakroom-core --test recorded`. Read the diff.
#[cfg(not(target_family = "wasm"))]
#[test]
fn golden_files_can_be_written_anew() {
    if std::env::var_os("UPDATE_FIXTURES").is_none() {
        return;
    }
    let vm = vm();
    for case in CASES {
        let folder = format!("{}/tests/fixtures/{}", env!("CARGO_MANIFEST_DIR"), case.name);
        let sent = send(&vm, &post(case.host, case.path), case.request.as_bytes()).unwrap();
        std::fs::write(format!("{folder}/masked.json"), sent.body).unwrap();
        let extension = if case.response.contains("data: ") { "sse" } else { "json" };
        let got = run(&vm, case, [case.response.as_bytes()]);
        std::fs::write(format!("{folder}/unmasked.{extension}"), got).unwrap();
    }
}
