//! The shapes of Gemini's `generateContent`, `streamGenerateContent?alt=sse` and `countTokens`.
//!
//! Events end in CRLF, as the real API's do. Function calls come whole.

use serde_json::Value;

use super::{
    echo::{Echo, deltas, quote},
    speech::Speech,
};

const RESPONSE_ID: &str = "mAitaLmkHPPlz7IPvtfUqQ4";
const THOUGHT: &str = "**Repeating**\n\nThe user said something; I repeat it.";
/// Must come back as it is with the part that it stands on.
const SIGNATURE: &str = "CiQB0e2Kb7l3zYf8QmXwVnP6tRs4uGhJkLdE1aCoBxTyNvZiFmMKYAHR7YpvS9qU";

/// What the API says to a history with a part whose text is empty.
pub(super) const EMPTY_TEXT: &str = "Unable to submit request because it has an empty text parameter. Add a value to the parameter and try again.";

/// Whether a part's text is empty.
pub(super) fn has_empty_text(body: &Value) -> bool {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let parts = list(body.get("contents")).into_iter().flat_map(|content| list(content.get("parts")));
    parts.into_iter().any(|part| part.get("text").and_then(Value::as_str) == Some(""))
}

/// An error as the API sends it.
pub(super) fn error(message: &str) -> String {
    format!(r#"{{"error":{{"code":400,"message":{},"status":"INVALID_ARGUMENT"}}}}"#, quote(message))
}

/// The answer to a request to count.
pub(super) fn count(speech: &Speech) -> String {
    let words = speech.words;
    format!(r#"{{"totalTokens":{words},"promptTokensDetails":[{{"modality":"TEXT","tokenCount":{words}}}]}}"#)
}

/// The whole answer to a request that is not streamed.
pub(super) fn response(speech: &Speech) -> String {
    let mut parts = if speech.thinks { vec![thought(THOUGHT)] } else { Vec::new() };
    parts.push(format!(r#"{{"text":{}}}"#, quote(&speech.prose)));
    parts.extend(calls(speech));
    document(speech, &parts.join(","), true)
}

/// The events of a streamed answer, each with its blank line.
pub(super) fn stream(speech: &Speech, echo: &Echo) -> Vec<String> {
    let mut parts = Vec::new();
    if speech.thinks {
        parts.extend(deltas(THOUGHT, echo.delta_chars).into_iter().map(thought));
    }
    let prose = deltas(&speech.prose, echo.delta_chars);
    parts.extend(prose.into_iter().map(|text| format!(r#"{{"text":{}}}"#, quote(text))));
    if !speech.calls.is_empty() {
        parts.push(calls(speech).join(","));
    }
    let last = parts.len().saturating_sub(1);
    let event = |(number, parts): (usize, String)| {
        format!("data: {}\r\n\r\n", document(speech, &parts, number == last))
    };
    parts.into_iter().enumerate().map(event).collect()
}

fn thought(text: &str) -> String {
    format!(r#"{{"text":{},"thought":true}}"#, quote(text))
}

fn calls(speech: &Speech) -> Vec<String> {
    let call = |(number, tool): (usize, &super::speech::ToolCall)| {
        let signature =
            if number == 0 { format!(r#","thoughtSignature":"{SIGNATURE}""#) } else { String::new() };
        format!(r#"{{"functionCall":{{"name":{},"args":{}}}{signature}}}"#, quote(&tool.name), tool.arguments)
    };
    speech.calls.iter().enumerate().map(call).collect()
}

fn document(speech: &Speech, parts: &str, last: bool) -> String {
    let words = speech.words;
    let finish = if last { r#","finishReason":"STOP""# } else { "" };
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{parts}],"role":"model"}}{finish},"index":0}}],"usageMetadata":{{"promptTokenCount":{words},"candidatesTokenCount":34,"totalTokenCount":{total},"promptTokensDetails":[{{"modality":"TEXT","tokenCount":{words}}}]}},"modelVersion":"gemini-2.5-flash","responseId":"{RESPONSE_ID}"}}"#,
        total = words + 34,
    )
}
