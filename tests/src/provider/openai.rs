//! The shapes of OpenAI's Chat Completions and Embeddings APIs.
//!
//! Written as text rather than built as values: the order of keys is the real API's.

use base64::Engine as _;
use serde_json::Value;

use super::{
    echo::{Echo, deltas, groups, quote, turns},
    speech::Speech,
};

const COMPLETION_ID: &str = "chatcmpl-B9MBs8CjcvOUpLnKkJXbTCVk";
const CREATED: u32 = 1_741_569_952;
const FINGERPRINT: &str = "fp_fc9f1d7035";
const USAGE: &str = r#"{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}"#;
/// What every text is embedded as.
const EMBEDDING: [f32; 4] = [-0.5, 0.25, 0.015_625, 1.0];

/// An error as the API sends it.
pub(super) fn error(kind: &str, message: &str) -> String {
    format!(r#"{{"error":{{"message":{},"type":{},"param":null,"code":null}}}}"#, quote(message), quote(kind))
}

/// The answer to a request for embeddings: one for each input, in numbers, or in base64, which SDKs ask for by themselves.
pub(super) fn embeddings(body: &Value) -> String {
    let base64 = body.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let embedding = if base64 {
        let bytes: Vec<u8> = EMBEDDING.iter().flat_map(|number| number.to_le_bytes()).collect();
        quote(&base64::engine::general_purpose::STANDARD.encode(bytes))
    } else {
        format!("[{}]", EMBEDDING.map(|number| number.to_string()).join(","))
    };
    let inputs = body.get("input").and_then(Value::as_array).map_or(1, Vec::len);
    let data: Vec<_> = (0..inputs)
        .map(|index| format!(r#"{{"object":"embedding","index":{index},"embedding":{embedding}}}"#))
        .collect();
    format!(
        r#"{{"object":"list","data":[{}],"model":"text-embedding-3-small","usage":{{"prompt_tokens":8,"total_tokens":8}}}}"#,
        data.join(",")
    )
}

/// The whole answer to a request that is not streamed.
pub(super) fn completion(speech: &Speech) -> String {
    let calls: Vec<_> = speech
        .calls
        .iter()
        .enumerate()
        .map(|(call, tool)| {
            let (id, name, arguments) = (call_id(call), quote(&tool.name), quote(&tool.arguments));
            format!(
                r#"{{"id":"{id}","type":"function","function":{{"name":{name},"arguments":{arguments}}}}}"#
            )
        })
        .collect();
    let calls =
        if calls.is_empty() { String::new() } else { format!(r#","tool_calls":[{}]"#, calls.join(",")) };
    format!(
        r#"{{"id":"{COMPLETION_ID}","object":"chat.completion","created":{CREATED},"model":{model},"choices":[{{"index":0,"message":{{"role":"assistant","content":{content}{calls},"refusal":null}},"logprobs":null,"finish_reason":"{finish}"}}],"usage":{USAGE},"system_fingerprint":"{FINGERPRINT}"}}"#,
        model = quote(&speech.model),
        content = quote(&speech.prose),
        finish = finish_reason(speech),
    )
}

/// The events of a streamed answer, each with its blank line.
pub(super) fn stream(speech: &Speech, body: &Value, echo: &Echo) -> Vec<String> {
    let usage = body.pointer("/stream_options/include_usage").and_then(Value::as_bool) == Some(true);
    let event = |choices: &str, used: &str| {
        // Who asks for usage finds it in every chunk: null in all but the last.
        let used = if usage { format!(",\"usage\":{used}") } else { String::new() };
        format!(
            "data: {{\"id\":\"{COMPLETION_ID}\",\"object\":\"chat.completion.chunk\",\"created\":{CREATED},\"model\":{},\"system_fingerprint\":\"{FINGERPRINT}\",\"choices\":[{choices}]{used}}}\n\n",
            quote(&speech.model)
        )
    };
    let chunk = |delta: &str, finish: &str| {
        event(&format!(r#"{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}"#), "null")
    };
    let mut events = vec![chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null")];
    for text in deltas(&speech.prose, echo.delta_chars) {
        events.push(chunk(&format!(r#"{{"content":{}}}"#, quote(text)), "null"));
    }
    for group in groups(&speech.calls, echo) {
        for (call, tool) in &group {
            let (id, name) = (call_id(*call), quote(&tool.name));
            events.push(chunk(
                &format!(
                    r#"{{"tool_calls":[{{"index":{call},"id":"{id}","type":"function","function":{{"name":{name},"arguments":""}}}}]}}"#
                ),
                "null",
            ));
        }
        for (call, piece) in turns(&group, echo) {
            let piece = quote(piece);
            events.push(chunk(
                &format!(r#"{{"tool_calls":[{{"index":{call},"function":{{"arguments":{piece}}}}}]}}"#),
                "null",
            ));
        }
    }
    events.push(chunk("{}", &format!("\"{}\"", finish_reason(speech))));
    if usage {
        events.push(event("", USAGE));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn finish_reason(speech: &Speech) -> &'static str {
    if speech.calls.is_empty() { "stop" } else { "tool_calls" }
}

/// What the API calls this call.
pub(super) fn call_id(call: usize) -> &'static str {
    if call == 0 { "call_DdmO9pD3xa9XTPNJ32zg2hcA" } else { "call_HVnjpPqwLrTbYsKdMzXcVuGe" }
}
