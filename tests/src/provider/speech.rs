//! What echo mode says, read from a request of any of the APIs.

use serde_json::Value;

use super::echo::quote;

/// An answer, before it is put into an API's shape.
pub(super) struct Speech {
    pub(super) model: String,
    pub(super) prose: String,
    /// Whether the model thinks aloud first: the request asks for it.
    pub(super) thinks: bool,
    pub(super) calls: Vec<ToolCall>,
    /// The words that were said, as a count of tokens that does not depend on what stands for what.
    pub(super) words: usize,
}

/// A call of a tool.
pub(super) struct ToolCall {
    pub(super) name: String,
    /// A JSON document.
    pub(super) arguments: String,
}

impl Speech {
    /// The last text that is not the model's own, in prose and in a call of each of the first two tools offered. When it is a
    /// tool's result there are no calls, or an agent would never come to an end.
    ///
    /// `twice`: two calls also when there is one tool.
    pub(super) fn new(body: &Value, twice: bool) -> Self {
        let last = last_turn(body);
        let text = last.map(text_of).unwrap_or_default();
        let names = if last.is_some_and(is_result) { Vec::new() } else { tool_names(body) };
        let arguments = [
            format!(r#"{{"text":{},"verbose":true}}"#, quote(&text)),
            format!(r#"{{"query":{}}}"#, quote(&format!("again: {text}"))),
        ];
        let count = if twice && !names.is_empty() { 2 } else { names.len().min(2) };
        let calls = arguments.into_iter().zip(names.iter().copied().cycle()).take(count);
        Self {
            model: body.get("model").and_then(Value::as_str).unwrap_or("scripted-model").to_owned(),
            prose: format!("You said: {text}"),
            thinks: thinks(body),
            calls: calls.map(|(arguments, name)| ToolCall { name: name.to_owned(), arguments }).collect(),
            words: text.split_whitespace().count(),
        }
    }
}

/// Anthropic's `thinking`, OpenAI's `reasoning`, Gemini's `generationConfig.thinkingConfig`.
fn thinks(body: &Value) -> bool {
    let asked = |key: &str| body.get(key).is_some_and(|value| !value.is_null());
    asked("thinking") || asked("reasoning") || body.pointer("/generationConfig/thinkingConfig").is_some()
}

/// Anthropic and OpenAI's Responses name the tool itself, Chat Completions the function in it, Gemini a list of functions.
fn tool_names(body: &Value) -> Vec<&str> {
    fn name(tool: &Value) -> Option<&str> {
        tool.get("name").or_else(|| tool.get("function")?.get("name"))?.as_str()
    }
    list(body.get("tools"))
        .iter()
        .flat_map(|tool| match tool.get("functionDeclarations") {
            Some(functions) => list(Some(functions)),
            None => std::slice::from_ref(tool),
        })
        .filter_map(name)
        .collect()
}

/// The last message, input item or content that is not the model's own; or the whole `input` or `prompt` when it is a string.
fn last_turn(body: &Value) -> Option<&Value> {
    let turns = ["messages", "input", "contents"].into_iter().find_map(|key| body.get(key))?;
    if turns.is_string() {
        return Some(turns);
    }
    let own = |turn: &&Value| {
        let is = |key: &str, values: &[&str]| {
            turn.get(key).and_then(Value::as_str).is_some_and(|value| values.contains(&value))
        };
        is("role", &["assistant", "model"]) || is("type", &["function_call", "reasoning"])
    };
    list(Some(turns)).iter().rfind(|turn| !own(turn))
}

/// Whether this is what a tool answered.
fn is_result(turn: &Value) -> bool {
    let is = |key: &str, value: &str| turn.get(key).and_then(Value::as_str) == Some(value);
    let part = |part: &Value| {
        part.get("type").and_then(Value::as_str) == Some("tool_result")
            || part.get("functionResponse").is_some()
    };
    is("role", "tool")
        || is("type", "function_call_output")
        || ["content", "parts"].iter().any(|key| list(turn.get(key)).iter().any(part))
}

/// A string, or the strings in the members that hold text, one a line.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        Value::Object(members) => {
            const KEYS: [&str; 8] =
                ["text", "content", "parts", "output", "functionResponse", "response", "result", "error"];
            KEYS.iter().find_map(|key| members.get(*key)).map(text_of).unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
