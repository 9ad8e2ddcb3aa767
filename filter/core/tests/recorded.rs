//! Recorded conversations: what the provider is sent, and what the application gets however the answer is cut.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail")]

mod common;

use cloakroom_core::mask::{self, Plan, Value};
use cloakroom_core::provider::{self, Api};
use cloakroom_core::unmask::Mapping;
use cloakroom_core::unmask::mapping::Entry;
use cloakroom_core::{Exchange, Vm};
use common::{NOW, post, receive, send, vm};
use serde_json::Value as Json;
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
    ($name:literal, $host:expr, $path:expr, $type:expr, $ext:literal) => {
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
    case!("openai/response", "api.openai.com", "/v1/responses", "application/json", "json"),
    case!("openai/responses", "api.openai.com", "/v1/responses", "text/event-stream; charset=utf-8", "sse"),
    case!("openai/legacy", "api.openai.com", "/v1/completions", "text/event-stream", "sse"),
    case!("openai/embeddings", "api.openai.com", "/v1/embeddings", "application/json", "json"),
    case!("anthropic/complete", "api.anthropic.com", "/v1/complete", "text/event-stream", "sse"),
    case!("anthropic/batches", "api.anthropic.com", "/v1/messages/batches", "application/json", "json"),
    case!("anthropic/vertex", "us-east5-aiplatform.googleapis.com", VERTEX, "text/event-stream", "sse"),
    case!("gemini/document", GOOGLE, "/v1beta/models/gemini-2.5-pro:generateContent", JSON, "json"),
    case!("gemini/sse", GOOGLE, "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", EVENTS, "sse"),
    case!("gemini/array", GOOGLE, "/v1beta/models/gemini-2.5-pro:streamGenerateContent", JSON, "json"),
    // As events or an array by its first bytes.
    case!("gemini/sse", GOOGLE, "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "", "sse"),
    case!("gemini/array", GOOGLE, "/v1beta/models/gemini-2.5-pro:streamGenerateContent", "", "json"),
];

const GOOGLE: &str = "generativelanguage.googleapis.com";
const VERTEX: &str =
    "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4@20250514:streamRawPredict";
const JSON: &str = "application/json; charset=UTF-8";
const EVENTS: &str = "text/event-stream";

fn run<'a>(vm: &Vm, case: &Case, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut sent = send(vm, &post(case.host, case.path), case.request.as_bytes()).unwrap();
    String::from_utf8(receive(vm, &mut sent.exchange, case.content_type, pieces)).unwrap()
}

fn mapping(vm: &Vm, api: Api, request: &[u8]) -> Mapping {
    let plan = Plan::find(&vm.detector, api.request, request).unwrap();
    let tokens = mask::number(&vm.detector, &plan.values);
    let entry = |(value, token): (Value, String)| Entry { token, value: value.secret, form: value.form };
    let values = plan.values.into_iter().zip(tokens);
    let restored = values.filter(|(value, _)| vm.detector.kind(value.kind).restores);
    Mapping::new(restored.map(entry).collect())
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
        // The request is masked once: that takes longer than to restore the answer.
        let api = provider::api(case.path.split('?').next().unwrap());
        let mapping = mapping(&vm, api, case.request.as_bytes());
        for cut in 0..=response.len() {
            let mut exchange = Exchange::restoring(api, mapping.clone());
            let pieces = [&response[..cut], &response[cut..]];
            let got = receive(&vm, &mut exchange, case.content_type, pieces);
            assert_eq!(String::from_utf8(got).unwrap(), case.unmasked, "{} cut at {cut}", case.name);
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

impl Case {
    fn is_sse(&self) -> bool {
        self.response.contains("data: ")
    }

    /// The events of a stream.
    fn events(&self, stream: &str) -> Vec<Json> {
        if !self.is_sse() {
            let Ok(Json::Array(items)) = serde_json::from_str(stream) else { return Vec::new() };
            return items;
        }
        let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// Oracle: the texts of each channel, joined as a client joins them.
fn channels(events: &[Json]) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut add =
        |key: String, text: &Json| texts.entry(key).or_default().push_str(text.as_str().unwrap_or_default());
    for event in events {
        let (index, delta) = (&event["index"], &event["delta"]);
        add(format!("{index} text"), &event["content_block"]["text"]);
        add(format!("{index} text"), &delta["text"]);
        add(format!("{index} json"), &delta["partial_json"]);
        add(format!("{index} thinking"), &delta["thinking"]);
        add(format!("{index} cited"), &delta["citation"]["cited_text"]);
        for result in event["content_block"]["content"].as_array().into_iter().flatten() {
            add(format!("{index} title"), &result["title"]);
        }
        add("completion".into(), &event["completion"]);
        add(format!("{} {} {}", event["item_id"], event["type"], event["summary_index"]), delta);
        for choice in event["choices"].as_array().into_iter().flatten() {
            add(format!("{} text", choice["index"]), &choice["text"]);
            add(format!("{} content", choice["index"]), &choice["delta"]["content"]);
            for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
                for member in ["arguments", "name"] {
                    add(format!("{} {} {member}", choice["index"], call["index"]), &call["function"][member]);
                }
            }
        }
        for candidate in event["candidates"].as_array().into_iter().flatten() {
            for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
                add(format!("{} {}", candidate["index"], part["thought"]), &part["text"]);
                if let Some(call) = part.get("functionCall") {
                    add("args".into(), &call["args"].to_string().into());
                }
            }
        }
    }
    texts
}

#[test]
fn each_channel_reads_as_if_it_had_come_whole() {
    for case in CASES {
        let mut expected = channels(&case.events(case.response));
        for (channel, text) in &mut expected {
            if !channel.ends_with("thinking") {
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
        assert_eq!(channels(&case.events(case.unmasked)), expected, "{}", case.name);
    }
}

/// A value in pieces would come back in pieces, and leak.
#[test]
fn a_value_stands_whole_in_one_delta() {
    for case in CASES.iter().filter(|case| !case.events(case.response).is_empty()) {
        let (mut whole, mut joined) = (0, 0);
        // Events behind the deltas that repeat the whole text, and those before them.
        let repeats = |event: &Json| {
            let kind = event["type"].as_str().unwrap_or_default();
            kind.starts_with("response.") && !kind.ends_with(".delta")
        };
        let events = case.events(case.unmasked);
        let deltas: Vec<String> =
            events.iter().filter(|event| !repeats(event)).map(ToString::to_string).collect();
        for value in
            ["i-1234567890abcdef0", "i-0abcdef0123456789", "subnet-12345678", "123456789012", "10.0.1.100"]
        {
            whole += deltas.iter().map(|event| event.matches(value).count()).sum::<usize>();
            joined += channels(&events).values().map(|text| text.matches(value).count()).sum::<usize>();
        }
        assert_eq!(whole, joined, "{}", case.name);
        assert!(whole > 0);
    }
}

#[test]
fn events_pass_and_no_channel_waits_for_another() {
    let vm = vm();
    for case in CASES.iter().filter(|case| case.is_sse()) {
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

fn next_piece(vm: &Vm, exchange: &mut Exchange, content_type: &str, bytes: &[u8], first: bool) -> Vec<u8> {
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
        let extension = if case.is_sse() { "sse" } else { "json" };
        let got = run(&vm, case, [case.response.as_bytes()]);
        std::fs::write(format!("{folder}/unmasked.{extension}"), got).unwrap();
    }
}
