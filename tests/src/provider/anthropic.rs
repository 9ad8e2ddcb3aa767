//! The shapes of Anthropic's Messages API.
//!
//! Written as text rather than built as values: the order of keys and the stray space in `ping` are the real API's.

use super::{
    echo::{Echo, deltas, groups, quote, turns},
    speech::Speech,
};

const MESSAGE_ID: &str = "msg_01XFDUDYJgAACzvnptvVoYEL";
/// What is thought, always the same: nobody but the API may change a byte of it.
const THINKING: &str = "The user said something. I repeat it, \"word by word\", and call what I was given.";
const SIGNATURE: &str =
    "EqQBCkgIARABGAIiQL1T0mRkqZ5k8bX0xQnB4V/3eWc8n0dJ7yZ+hQwLr9sUuPqF2aOoGm5tK6cYxNfIvRjEzHbD1kSlW4Mp7Ag==";
const REDACTED: &str =
    "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpPkNRj2YfWXGmKDxH4mPnZ5sQ7vB9uLtIe";

/// An error as the API sends it.
pub(super) fn error(kind: &str, message: &str) -> String {
    format!(
        r#"{{"type":"error","error":{{"type":{},"message":{}}},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}}"#,
        quote(kind),
        quote(message)
    )
}

/// The answer to a request to count.
pub(super) fn count(speech: &Speech) -> String {
    format!(r#"{{"input_tokens":{}}}"#, speech.words)
}

/// The whole answer to a request that is not streamed.
pub(super) fn message(speech: &Speech) -> String {
    let mut content = Vec::new();
    if speech.thinks {
        content.push(thinking(THINKING, SIGNATURE));
        content.push(redacted());
    }
    content.push(format!(r#"{{"type":"text","text":{}}}"#, quote(&speech.prose)));
    for (call, tool) in speech.calls.iter().enumerate() {
        content.push(tool_use(call, &tool.name, &tool.arguments));
    }
    format!(
        r#"{{"id":"{MESSAGE_ID}","type":"message","role":"assistant","model":{model},"content":[{content}],"stop_reason":"{stop}","stop_sequence":null,"usage":{{"input_tokens":12,"output_tokens":34}}}}"#,
        model = quote(&speech.model),
        content = content.join(","),
        stop = stop_reason(speech),
    )
}

/// The events of a streamed answer, each with its blank line.
pub(super) fn stream(speech: &Speech, echo: &Echo) -> Vec<String> {
    let mut events = vec![event(
        "message_start",
        &format!(
            r#"{{"type":"message_start","message":{{"id":"{MESSAGE_ID}","type":"message","role":"assistant","model":{},"content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":12,"output_tokens":1}}}}}}"#,
            quote(&speech.model)
        ),
    )];
    let mut index = 0;
    if speech.thinks {
        events.push(start(0, &thinking("", "")));
        for text in deltas(THINKING, echo.delta_chars) {
            events.push(delta(0, &format!(r#"{{"type":"thinking_delta","thinking":{}}}"#, quote(text))));
        }
        events.push(delta(0, &format!(r#"{{"type":"signature_delta","signature":"{SIGNATURE}"}}"#)));
        events.push(stop(0));
        events.push(start(1, &redacted()));
        events.push(stop(1));
        index = 2;
    }
    events.push(start(index, r#"{"type":"text","text":""}"#));
    events.push(event("ping", r#"{"type": "ping"}"#));
    for text in deltas(&speech.prose, echo.delta_chars) {
        events.push(delta(index, &format!(r#"{{"type":"text_delta","text":{}}}"#, quote(text))));
    }
    events.push(stop(index));
    index += 1;
    for group in groups(&speech.calls, echo) {
        for (call, tool) in &group {
            events.push(start(index + call, &tool_use(*call, &tool.name, "{}")));
            // The real API begins every tool call with an empty piece.
            events.push(delta(index + call, r#"{"type":"input_json_delta","partial_json":""}"#));
        }
        for (call, piece) in turns(&group, echo) {
            let piece = quote(piece);
            events.push(delta(
                index + call,
                &format!(r#"{{"type":"input_json_delta","partial_json":{piece}}}"#),
            ));
        }
        events.extend(group.iter().map(|(call, _)| stop(index + call)));
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

fn thinking(text: &str, signature: &str) -> String {
    format!(r#"{{"type":"thinking","thinking":{},"signature":"{signature}"}}"#, quote(text))
}

fn redacted() -> String {
    format!(r#"{{"type":"redacted_thinking","data":"{REDACTED}"}}"#)
}

fn tool_use(call: usize, name: &str, input: &str) -> String {
    let id = if call == 0 { "toolu_01T1x1fJ34qAmk2tNTrN7Up6" } else { "toolu_01A09q90qw90lq917835lq9b" };
    format!(r#"{{"type":"tool_use","id":"{id}","name":{},"input":{input}}}"#, quote(name))
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
    if speech.calls.is_empty() { "end_turn" } else { "tool_use" }
}
