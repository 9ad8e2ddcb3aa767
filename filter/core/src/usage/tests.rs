use super::*;
use crate::provider;
use alloc::format;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const MESSAGES: &str = "/v1/messages";
const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/gemini-2.5-pro:streamGenerateContent";

/// Reads `body` whole and in two pieces, cut at every place.
#[track_caller]
fn read(path: &str, events: bool, body: &str) -> (String, u64, u64) {
    let shape = provider::api(path).usage.expect("an API whose answers say it");
    let at = |cut: usize| {
        let mut reader = UsageReader::new(shape, events);
        let (first, second) = body.as_bytes().split_at(cut);
        let told = [reader.push(first), reader.push(second)];
        assert_eq!(told.contains(&true), *reader.usage() != Usage::default(), "cut at {cut}");
        let usage = reader.usage();
        (usage.model.clone(), usage.input(), usage.output())
    };
    let whole = at(0);
    for cut in 0..=body.len() {
        assert_eq!(at(cut), whole, "cut at {cut} of {body}");
    }
    let mut reader = UsageReader::new(shape, events);
    body.as_bytes().iter().for_each(|byte| _ = reader.push(&[*byte]));
    assert_eq!((reader.usage().input(), reader.usage().output()), (whole.1, whole.2), "byte by byte");
    whole
}

#[track_caller]
fn assert_read(path: &str, body: &str, expected: (&str, u64, u64)) {
    for end in ["\n", "\r", "\r\n"] {
        let events = body.starts_with("event:") || body.starts_with("data:");
        let got = read(path, events, &body.replace('\n', end));
        assert_eq!((got.0.as_str(), got.1, got.2), expected, "{body}");
    }
}

#[test]
fn anthropic() {
    assert_read(
        MESSAGES,
        r#"{"id":"msg_1","model":"claude-sonnet-4-5","content":[{"type":"text","text":"\"usage\":{\"input_tokens\":7}"},
            {"type":"tool_use","input":{"model":"x","usage":{"input_tokens":5,"output_tokens":6}}}],
            "usage":{"input_tokens":12,"cache_creation_input_tokens":100,"cache_read_input_tokens":2000,
            "cache_creation":{"ephemeral_5m_input_tokens":100},"output_tokens":34,"service_tier":"standard"}}"#,
        ("claude-sonnet-4-5", 2112, 34),
    );
    assert_read(
        MESSAGES,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-opus-4\",\"usage\":\
         {\"input_tokens\":12,\"cache_read_input_tokens\":3,\"output_tokens\":1}}}\n\n\
         event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"text\":\"\
         usage output_tokens: 99\",\"usage\":{\"output_tokens\":99}}}\n\n\
         event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":20}}\n\n\
         event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"input_tokens\":12,\"output_tokens\":34}}\n\n",
        ("claude-opus-4", 15, 34),
    );
}

#[test]
fn openai() {
    let counts = r#""usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46,"prompt_tokens_details":{"cached_tokens":8}}"#;
    assert_read(CHAT, &format!(r#"{{{counts},"model":"gpt-4o"}}"#), ("gpt-4o", 12, 34));
    assert_read(
        CHAT,
        &format!(
            "data: {{\"model\":\"gpt-4o\",\"choices\":[{{\"delta\":{{\"content\":\"tokens\"}}}}],\"usage\":null}}\n\n\
             data: {{\"model\":\"gpt-4o\",\"choices\":[],{counts}}}\n\ndata: [DONE]\n\n"
        ),
        ("gpt-4o", 12, 34),
    );
    assert_read(
        "/v1/embeddings",
        r#"{"data":[{"embedding":[0.1,-2e-5]}],"model":"e-3","usage":{"prompt_tokens":8,"total_tokens":8}}"#,
        ("e-3", 8, 0),
    );
    let response = r#"{"model":"gpt-5","usage":{"input_tokens":12,"output_tokens":34,"output_tokens_details":{"reasoning_tokens":30}}}"#;
    assert_read(RESPONSES, response, ("gpt-5", 12, 34));
    assert_read(
        RESPONSES,
        &format!(
            "event: response.created\ndata: {{\"response\":{{\"max_output_tokens\":9,\"usage\":null}}}}\n\n\
             event: response.completed\ndata: {{\"type\":\"response.completed\",\"response\":{response}}}\n\n"
        ),
        ("gpt-5", 12, 34),
    );
}

#[test]
fn gemini() {
    let event = |output: u64| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{{"args":{{"usageMetadata":{{"promptTokenCount":1}}}}}}}}]}}}}],
            "usageMetadata":{{"promptTokenCount":10,"toolUsePromptTokenCount":2,"candidatesTokenCount":{output},"thoughtsTokenCount":4}},
            "modelVersion":"gemini-2.5-pro"}}"#
        )
    };
    let expected = ("gemini-2.5-pro", 12, 34);
    assert_read("/v1beta/models/gemini-2.5-pro:generateContent", &event(30), expected);
    assert_read(GEMINI, &format!("[{},\n{}]", event(5), event(30)), expected);
    let events = format!("data: {}\n\ndata: {}\n\n", event(5), event(30)).replace("\n            ", "");
    assert_read(GEMINI, &events, expected);
}

#[test]
fn what_is_no_number_of_tokens_counts_nothing() {
    for number in ["-1", "1.5", "1e3", "1000000001", "99999999999999999999999", "null", "\"5\"", "true", "{}"]
    {
        let body = format!(r#"{{"model":"m","usage":{{"prompt_tokens":{number},"completion_tokens":2}}}}"#);
        assert_read(CHAT, &body, ("m", 0, 2));
    }
    let body = r#"{"model":"m","usage":{"prompt_tokens":1000000000,"completion_tokens":[]}}"#;
    assert_read(CHAT, body, ("m", MAX_TOKENS, 0));
    for body in [
        r#"{"model":"m","usage":{"prompt_tokens":5"#,
        r#"{"model":"m","usage":{"prompt_tokens":5}]"#,
        r#"[{"model":"m","usage":{"x":{"prompt_tokens":5}}}]"#,
        "data: {\"usage\":{\"prompt_tokens\":5},}\n",
        "data: {\"usage\":{\"prompt\\u005ftokens\":5}}\n",
        "dota: {\"usage\":{\"prompt_tokens\":5}}\n",
        "event: tokens\n: tokens\n\n",
    ] {
        assert_read(CHAT, body, ("", 0, 0));
    }
    // A line that cannot be read does not take the others with it.
    let good = "\u{feff}data:{\"usage\":{\"prompt_tokens\":5}}\n";
    assert_eq!(read(CHAT, true, &format!("{good}data: tokens {{\"usage\n\ndata")).1, 5);
}

#[test]
fn names_of_models_are_whole_or_not_known() {
    for (name, expected) in [
        ("ft:gpt-4o:org::x/y", "ft:gpt-4o:org::x/y"),
        ("한", "한"),
        ("m\\u003d1", ""),
        ("\\u003d", ""),
        (&"x".repeat(MAX_MODEL), &"x".repeat(MAX_MODEL)),
        (&"x".repeat(MAX_MODEL + 1), ""),
        (&"x".repeat(5000), ""),
    ] {
        assert_read(
            CHAT,
            &format!(r#"{{"model":"{name}","usage":{{"prompt_tokens":1}}}}"#),
            (expected, 1, 0),
        );
    }
}

/// Most events are never read because of this.
#[test]
fn every_name_that_counts_has_what_is_searched_for() {
    fn names(shape: &'static Shape, all: &mut Vec<&'static str>) {
        for (name, shape) in shape.fields {
            if matches!(shape.rule, Rule::Usage(_)) {
                all.push(name);
            }
            names(shape, all);
        }
    }
    for path in [MESSAGES, CHAT, RESPONSES, GEMINI] {
        let mut all = Vec::new();
        names(provider::api(path).usage.unwrap(), &mut all);
        assert!(all.len() >= 2);
        assert!(all.iter().all(|name| memmem::find(name.as_bytes(), IN_EVERY_NAME).is_some()), "{all:?}");
    }
    // Nothing is made anew there, so nothing is counted again.
    for path in ["/v1/messages/batches/b_1/results", "/v1/chat/completions/c_1", "/v1/models"] {
        assert!(provider::api(path).usage.is_none(), "{path}");
    }
}

#[test]
fn an_answer_that_is_no_json_is_not_read_on() {
    let mut reader = UsageReader::new(provider::api(CHAT).usage.unwrap(), false);
    assert!(reader.reads());
    assert!(!reader.push(b"{\"a\":nothing"));
    assert!(!reader.reads());
}
