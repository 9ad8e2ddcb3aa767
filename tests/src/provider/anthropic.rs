//! The shapes of Anthropic's Messages API.
//!
//! Written as text rather than built as values: the order of keys and the stray space in `ping` are the real API's.

use super::echo::{Speech, deltas, quote, turns};

const MESSAGE_ID: &str = "msg_01XFDUDYJgAACzvnptvVoYEL";

/// An error as the API sends it.
pub(super) fn error(kind: &str, message: &str) -> String {
    format!(
        r#"{{"type":"error","error":{{"type":{},"message":{}}},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}}"#,
        quote(kind),
        quote(message)
    )
}

/// The whole answer to a request that is not streamed.
pub(super) fn message(speech: &Speech) -> String {
    let mut content = format!(r#"{{"type":"text","text":{}}}"#, quote(&speech.prose));
    if let Some((name, calls)) = &speech.calls {
        for (call, input) in calls.iter().enumerate() {
            let id = tool_use_id(call);
            content +=
                &format!(r#",{{"type":"tool_use","id":"{id}","name":{},"input":{input}}}"#, quote(name));
        }
    }
    format!(
        r#"{{"id":"{MESSAGE_ID}","type":"message","role":"assistant","model":{model},"content":[{content}],"stop_reason":"{stop}","stop_sequence":null,"usage":{{"input_tokens":12,"output_tokens":34}}}}"#,
        model = quote(&speech.model),
        stop = stop_reason(speech),
    )
}

/// The events of a streamed answer, each with its blank line.
pub(super) fn stream(speech: &Speech, delta_chars: usize) -> Vec<String> {
    let mut events = vec![
        event(
            "message_start",
            &format!(
                r#"{{"type":"message_start","message":{{"id":"{MESSAGE_ID}","type":"message","role":"assistant","model":{},"content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":12,"output_tokens":1}}}}}}"#,
                quote(&speech.model)
            ),
        ),
        start(0, r#"{"type":"text","text":""}"#),
        event("ping", r#"{"type": "ping"}"#),
    ];
    for text in deltas(&speech.prose, delta_chars) {
        events.push(delta(0, &format!(r#"{{"type":"text_delta","text":{}}}"#, quote(text))));
    }
    events.push(stop(0));
    if let Some((name, calls)) = &speech.calls {
        for call in 0..calls.len() {
            let (id, name) = (tool_use_id(call), quote(name));
            events.push(start(
                call + 1,
                &format!(r#"{{"type":"tool_use","id":"{id}","name":{name},"input":{{}}}}"#),
            ));
            // The real API begins every tool call with an empty piece.
            events.push(delta(call + 1, r#"{"type":"input_json_delta","partial_json":""}"#));
        }
        let lists: Vec<_> = calls.iter().map(|input| deltas(input, delta_chars)).collect();
        for (call, piece) in turns(&lists) {
            let piece = quote(piece);
            events.push(delta(call + 1, &format!(r#"{{"type":"input_json_delta","partial_json":{piece}}}"#)));
        }
        events.extend((0..calls.len()).map(|call| stop(call + 1)));
    }
    events.push(event(
        "message_delta",
        &format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":"{}","stop_sequence":null}},"usage":{{"output_tokens":34}}}}"#,
            stop_reason(speech)
        ),
    ));
    events.push(event("message_stop", r#"{"type":"message_stop"}"#));
    events
}

fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn start(index: usize, block: &str) -> String {
    event(
        "content_block_start",
        &format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#),
    )
}

fn delta(index: usize, delta: &str) -> String {
    event(
        "content_block_delta",
        &format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#),
    )
}

fn stop(index: usize) -> String {
    event("content_block_stop", &format!(r#"{{"type":"content_block_stop","index":{index}}}"#))
}

fn stop_reason(speech: &Speech) -> &'static str {
    if speech.calls.is_some() { "tool_use" } else { "end_turn" }
}

fn tool_use_id(call: usize) -> &'static str {
    if call == 0 { "toolu_01T1x1fJ34qAmk2tNTrN7Up6" } else { "toolu_01A09q90qw90lq917835lq9b" }
}
