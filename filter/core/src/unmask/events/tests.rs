//! Channels of each API, and their bounds.

use super::channels::MAX_CHANNELS;
use super::path::MAX_PATH;
use crate::mask::Form;
use crate::provider;
use crate::secret::Secret;
use crate::unmask::mapping::Entry;
use crate::unmask::{MAX_HELD, Mapping, SseUnmasker, Tally};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const RESPONSES: &str = "/v1/responses";
const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const GEMINI: &str = "/v1beta/models/m:streamGenerateContent";

fn mapping() -> Mapping {
    let value = Secret::new(b"i-0abc");
    Mapping::new([Entry { token: "AWS_EC2_001".into(), value, form: Form::Text }].into())
}

fn restore(path: &str, events: &[&str]) -> (Vec<String>, Tally) {
    let (mapping, mut out, mut tally) = (mapping(), Vec::new(), Tally::default());
    let mut sse = SseUnmasker::new(provider::api(path).event);
    for event in events {
        sse.push(format!("data: {event}\n\n").as_bytes(), &mapping, &mut out, &mut tally);
    }
    sse.finish(&mapping, &mut out, &mut tally);
    let out = String::from_utf8(out).unwrap();
    let events = out.split("\n\n").filter(|event| !event.is_empty());
    (events.map(|event| event.replace("data: ", "")).collect(), tally)
}

fn check(path: &str, events: &[(&str, &[&str])]) {
    let sent: Vec<&str> = events.iter().map(|(event, _)| *event).collect();
    let expected: Vec<&str> = events.iter().flat_map(|(_, restored)| restored.iter().copied()).collect();
    let (got, tally) = restore(path, &sent);
    assert_eq!(got, expected);
    assert_eq!(tally.unjoined, 0);
}

#[test]
fn channels_that_strings_tell_apart() {
    check(
        RESPONSES,
        &[
            (
                r#"{"type":"response.output_text.delta","sequence_number":4,"item_id":"a","output_index":0,"content_index":0,"delta":"x AWS_"}"#,
                &[
                    r#"{"type":"response.output_text.delta","sequence_number":4,"item_id":"a","output_index":0,"content_index":0,"delta":"x "}"#,
                ],
            ),
            (
                r#"{"type":"response.output_text.delta","sequence_number":5,"item_id":"b","output_index":1,"content_index":0,"delta":"EC2_001 AWS_EC2_001"}"#,
                &[
                    r#"{"type":"response.output_text.delta","sequence_number":5,"item_id":"b","output_index":1,"content_index":0,"delta":"EC2_001 "}"#,
                ],
            ),
            // The order of members does not matter.
            (
                r#"{"delta":"EC2_001.","content_index":0,"item_id":"a","output_index":0,"type":"response.output_text.delta","sequence_number":6}"#,
                &[
                    r#"{"delta":"i-0abc.","content_index":0,"item_id":"a","output_index":0,"type":"response.output_text.delta","sequence_number":6}"#,
                ],
            ),
            // The rest of an event has its number, and comes before its channel's end.
            (
                r#"{"type":"response.output_item.done","sequence_number":7,"output_index":1,"item":{"id":"b","content":[{"type":"output_text","text":"EC2_001 AWS_EC2_001"}]}}"#,
                &[
                    r#"{"content_index":0,"delta":"i-0abc","item_id":"b","output_index":1,"sequence_number":6,"type":"response.output_text.delta"}"#,
                    r#"{"type":"response.output_item.done","sequence_number":7,"output_index":1,"item":{"id":"b","content":[{"type":"output_text","text":"EC2_001 i-0abc"}]}}"#,
                ],
            ),
        ],
    );
}

#[test]
fn every_delta_of_the_responses_api_goes_on_and_ends() {
    for (name, done) in [
        ("response.output_text", "text"),
        ("response.refusal", "refusal"),
        ("response.function_call_arguments", "arguments"),
        ("response.custom_tool_call_input", "input"),
        ("response.mcp_call_arguments", "arguments"),
        ("response.code_interpreter_call_code", "code"),
        ("response.reasoning_text", "text"),
        ("response.reasoning_summary_text", "text"),
        ("response.audio.transcript", ""),
    ] {
        let delta = |text: &str| format!(r#"{{"type":"{name}.delta","item_id":"a","delta":"{text}"}}"#);
        let done = |text: &str| format!(r#"{{"type":"{name}.done","item_id":"a","{done}":"{text}"}}"#);
        let other = r#"{"type":"response.in_progress"}"#;
        let sent =
            [&delta("AWS_E"), other, &delta("C2_001 AWS_EC2_001"), other, &done("AWS_EC2_001 AWS_EC2_001")];
        let expected = [
            delta(""),
            other.into(),
            delta("i-0abc "),
            other.into(),
            format!(r#"{{"delta":"i-0abc","item_id":"a","type":"{name}.delta"}}"#),
            done("i-0abc i-0abc"),
        ];
        assert_eq!(restore(RESPONSES, &sent).0, expected, "{name}");
        for end in ["response.completed", "response.incomplete", "response.failed", "error"] {
            let end = format!(r#"{{"type":"{end}"}}"#);
            let got = restore(RESPONSES, &[&delta("AWS_EC2_001"), &end]).0;
            assert!(got[1].contains("i-0abc") && got[2] == end, "{got:?}");
        }
    }
}

/// Each piece of sound is decoded on its own: nothing may move.
#[test]
fn media_and_opaque_text_pass() {
    for (path, event) in [
        (RESPONSES, r#"{"type":"response.audio.delta","sequence_number":1,"delta":"/AWS"}"#),
        (
            RESPONSES,
            r#"{"type":"response.image_generation_call.partial_image","item_id":"a","partial_image_b64":"AWS"}"#,
        ),
        (
            RESPONSES,
            r#"{"type":"response.output_text.delta","item_id":"a","delta":"","obfuscation":"AWS_EC2_001"}"#,
        ),
        (CHAT, r#"{"choices":[{"index":0,"delta":{"audio":{"id":"a","data":"AWS"}}}]}"#),
        (
            MESSAGES,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"AWS_EC2_001"}}"#,
        ),
        (
            MESSAGES,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"AWS_EC2_001"}}"#,
        ),
        (
            MESSAGES,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"AWS_EC2_001"}}"#,
        ),
        (
            GEMINI,
            r#"{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"i","data":"AWS"}},{"text":"","thoughtSignature":"AWS_EC2_001"}]}}]}"#,
        ),
    ] {
        check(path, &[(event, &[event]), (event, &[event])]);
    }
}

#[test]
fn text_that_begins_in_the_opening_event() {
    let start = |text: &str| {
        format!(
            r#"{{"type":"content_block_start","index":2,"content_block":{{"type":"text","text":"{text}"}}}}"#
        )
    };
    let delta = |text: &str| {
        format!(
            r#"{{"type":"content_block_delta","index":2,"delta":{{"type":"text_delta","text":"{text}"}}}}"#
        )
    };
    let stop = r#"{"type":"content_block_stop","index":2}"#;
    let extra = |text: &str| {
        format!(
            r#"{{"delta":{{"text":"{text}","type":"text_delta"}},"index":2,"type":"content_block_delta"}}"#
        )
    };
    check(
        MESSAGES,
        &[(&start("a AWS_EC2"), &[&start("a ")]), (&delta("_001."), &[&delta("i-0abc.")]), (stop, &[stop])],
    );
    check(MESSAGES, &[(&start("AWS_EC2_001"), &[&start("")]), (stop, &[&extra("i-0abc"), stop])]);
    check(MESSAGES, &[(&start("AWS_EC2"), &[&start("")]), (stop, &[&extra("AWS_EC2"), stop])]);
}

#[test]
fn parts_of_gemini_come_one_after_the_other() {
    let event = |parts: &str| format!(r#"{{"candidates":[{{"content":{{"parts":[{parts}]}},"index":0}}]}}"#);
    let thought = |text: &str| event(&format!(r#"{{"text":"{text}","thought":true}}"#));
    let text = |text: &str| event(&format!(r#"{{"text":"{text}"}}"#));
    let call = event(r#"{"functionCall":{"name":"f","args":{}}}"#);
    // A thought ends where the answer begins, the answer where a call is made, and no order changes.
    check(
        GEMINI,
        &[
            // An event of nothing but what is withheld is left out: Gemini takes no empty part in a history.
            (&thought("AWS"), &[]),
            (&thought("_EC2_001"), &[]),
            (&text("AWS_EC2_0"), &[&thought("i-0abc")]),
            (&text("01"), &[]),
            (&call, &[&text("i-0abc"), &call]),
        ],
    );
    // In one event too.
    let both = |a: &str, b: &str| event(&format!(r#"{{"text":"{a}","thought":true}},{{"text":"{b}"}}"#));
    check(
        GEMINI,
        &[
            (&thought("AWS_E"), &[]),
            (&both("C2_001", "AWS_EC2_001"), &[&both("i-0abc", "")]),
            (&text("!"), &[&text("i-0abc!")]),
        ],
    );
}

#[test]
fn parallel_choices_and_calls() {
    let calls = |a: &str, b: &str| {
        format!(
            r#"{{"choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":"{a}"}}}},{{"index":1,"custom":{{"input":"{b}"}}}}]}}}},{{"index":1,"delta":{{"content":"{b}","reasoning":"{a}"}}}}]}}"#
        )
    };
    let (one, two) = (calls("AWS_", "x AWS_EC2_0"), calls("EC2_001 ", "01 "));
    check(CHAT, &[(&one, &[&calls("", "x ")]), (&two, &[&calls("i-0abc ", "i-0abc ")])]);
}

#[test]
fn names_that_are_too_long_are_not_joined() {
    let id = "x".repeat(MAX_PATH);
    let delta =
        |text: &str| format!(r#"{{"type":"response.output_text.delta","item_id":"{id}","delta":"{text}"}}"#);
    let (got, tally) = restore(RESPONSES, &[&delta("AWS_EC2_001 AWS_EC2"), &delta("_001")]);
    assert_eq!(got, [delta("i-0abc AWS_EC2"), delta("_001")]);
    assert_eq!(tally.unjoined, 2);
}

/// Time would be quadratic if every ending were compared with every text.
#[test]
fn an_event_of_many_parts_takes_linear_time() {
    let parts =
        |count| "{\"text\":\"A\"},{\"text\":\"A\",\"thought\":true},{\"functionCall\":{}},".repeat(count);
    let event = |count: usize| {
        let parts = parts(count);
        let parts = parts.trim_end_matches(',');
        let candidates: Vec<String> =
            (0..400).map(|index| format!(r#"{{"index":{index},"content":{{"parts":[{parts}]}}}}"#)).collect();
        format!(r#"{{"candidates":[{}]}}"#, candidates.join(","))
    };
    let event = event(30);
    let (got, _) = restore(GEMINI, &[&event, &event]);
    assert_eq!(
        got.concat().matches("\"A\"").count() + got.concat().matches("\"AA\"").count() * 2,
        400 * 30 * 2 * 2
    );
}

#[test]
fn a_million_tiny_events() {
    const EVENTS: usize = 1_000_000;
    let (mapping, mut out, mut tally) = (mapping(), Vec::new(), Tally::default());
    let mut sse = SseUnmasker::new(provider::api(MESSAGES).event);
    let delta = r#"data: {"type":"content_block_delta","index":0,"delta":{"text":"AWS_EC2_001 "}}"#;
    let mut restored = 0;
    for index in 0..EVENTS / 4 {
        sse.push(b"data:1\n\n: ping\n\ndata:{}\r\r", &mapping, &mut out, &mut tally);
        if index % 100 == 0 {
            sse.push(format!("{delta}\n\n").as_bytes(), &mapping, &mut out, &mut tally);
            restored += 1;
        }
        assert!(sse.held() <= MAX_HELD);
        if index % 1000 == 0 {
            out.clear();
        }
    }
    assert_eq!(tally.restored, restored);
}

#[test]
fn channels_of_strings_are_bounded() {
    let delta =
        |index| format!(r#"{{"type":"response.output_text.delta","item_id":"{index}","delta":"AWS_EC2"}}"#);
    let events: Vec<String> = (0..2 * MAX_CHANNELS).map(delta).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let (got, tally) = restore(RESPONSES, &events);
    assert_eq!(got.concat().matches("AWS_EC2").count(), events.len(), "nothing is lost");
    assert_eq!(tally.unjoined, u64::try_from(MAX_CHANNELS).unwrap());
}
