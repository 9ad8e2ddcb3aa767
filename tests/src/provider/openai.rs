//! The shapes of OpenAI's Chat Completions API.
//!
//! Written as text rather than built as values: the order of keys is the real API's.

use super::echo::{Speech, deltas, quote, turns};

const COMPLETION_ID: &str = "chatcmpl-B9MBs8CjcvOUpLnKkJXbTCVk";
const CREATED: u32 = 1_741_569_952;
const FINGERPRINT: &str = "fp_fc9f1d7035";

/// An error as the API sends it.
pub(super) fn error(kind: &str, message: &str) -> String {
    format!(r#"{{"error":{{"message":{},"type":{},"param":null,"code":null}}}}"#, quote(message), quote(kind))
}

/// The whole answer to a request that is not streamed.
pub(super) fn completion(speech: &Speech) -> String {
    let calls = speech.calls.as_ref().map_or_else(String::new, |(name, calls)| {
        let calls: Vec<_> = calls
            .iter()
            .enumerate()
            .map(|(call, arguments)| {
                format!(
                    r#"{{"id":"{}","type":"function","function":{{"name":{},"arguments":{}}}}}"#,
                    call_id(call),
                    quote(name),
                    quote(arguments)
                )
            })
            .collect();
        format!(r#","tool_calls":[{}]"#, calls.join(","))
    });
    format!(
        r#"{{"id":"{COMPLETION_ID}","object":"chat.completion","created":{CREATED},"model":{model},"choices":[{{"index":0,"message":{{"role":"assistant","content":{content}{calls},"refusal":null}},"logprobs":null,"finish_reason":"{finish}"}}],"usage":{{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}},"system_fingerprint":"{FINGERPRINT}"}}"#,
        model = quote(&speech.model),
        content = quote(&speech.prose),
        finish = finish_reason(speech),
    )
}

/// The events of a streamed answer, each with its blank line.
pub(super) fn stream(speech: &Speech, delta_chars: usize) -> Vec<String> {
    let chunk = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"{COMPLETION_ID}\",\"object\":\"chat.completion.chunk\",\"created\":{CREATED},\"model\":{},\"system_fingerprint\":\"{FINGERPRINT}\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n",
            quote(&speech.model)
        )
    };
    let mut events = vec![chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null")];
    for text in deltas(&speech.prose, delta_chars) {
        events.push(chunk(&format!(r#"{{"content":{}}}"#, quote(text)), "null"));
    }
    if let Some((name, calls)) = &speech.calls {
        for call in 0..calls.len() {
            let (id, name) = (call_id(call), quote(name));
            events.push(chunk(
                &format!(
                    r#"{{"tool_calls":[{{"index":{call},"id":"{id}","type":"function","function":{{"name":{name},"arguments":""}}}}]}}"#
                ),
                "null",
            ));
        }
        let lists: Vec<_> = calls.iter().map(|arguments| deltas(arguments, delta_chars)).collect();
        for (call, piece) in turns(&lists) {
            let piece = quote(piece);
            events.push(chunk(
                &format!(r#"{{"tool_calls":[{{"index":{call},"function":{{"arguments":{piece}}}}}]}}"#),
                "null",
            ));
        }
    }
    events.push(chunk("{}", &format!("\"{}\"", finish_reason(speech))));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn finish_reason(speech: &Speech) -> &'static str {
    if speech.calls.is_some() { "tool_calls" } else { "stop" }
}

fn call_id(call: usize) -> &'static str {
    if call == 0 { "call_DdmO9pD3xa9XTPNJ32zg2hcA" } else { "call_HVnjpPqwLrTbYsKdMzXcVuGe" }
}
