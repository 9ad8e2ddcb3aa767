//! Reads streamed answers as an SDK does: events, and the text of each channel.

use std::collections::BTreeMap;

use serde_json::Value;

/// One server-sent event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What its `event:` line says.
    pub name: Option<String>,
    /// What its `data:` lines say.
    pub data: String,
}

/// The events of a whole stream whose lines end in LF.
///
/// # Panics
/// When the stream is not UTF-8, or ends inside an event.
pub fn events(stream: &[u8]) -> Vec<Event> {
    let text = str::from_utf8(stream).expect("a stream is UTF-8");
    assert!(text.is_empty() || text.ends_with("\n\n"), "the stream ends inside an event: {text:?}");
    text.split_terminator("\n\n").map(event).collect()
}

fn event(block: &str) -> Event {
    let field = |name: &str| {
        let values: Vec<_> =
            block.lines().filter_map(|line| line.strip_prefix(name)).map(str::trim_start).collect();
        (!values.is_empty()).then(|| values.join("\n"))
    };
    Event { name: field("event:"), data: field("data:").unwrap_or_default() }
}

/// The deltas of each channel, in order. Channels are called `text 0`, `tool 1` (Anthropic, with the block's index) and
/// `content`, `tool 0` (OpenAI, with the call's index).
pub fn channels(events: &[Event]) -> BTreeMap<String, Vec<String>> {
    let mut channels = BTreeMap::<String, Vec<String>>::new();
    for event in events.iter().filter(|event| event.data.starts_with('{')) {
        let data: Value = serde_json::from_str(&event.data).expect("data is JSON");
        for (channel, text) in deltas(&data) {
            channels.entry(channel).or_default().push(text);
        }
    }
    channels
}

/// The whole text of each channel.
pub fn texts(stream: &[u8]) -> BTreeMap<String, String> {
    channels(&events(stream)).into_iter().map(|(channel, deltas)| (channel, deltas.concat())).collect()
}

fn deltas(data: &Value) -> Vec<(String, String)> {
    let mut deltas = Vec::new();
    let delta = &data["delta"];
    if let Some(text) = delta["text"].as_str() {
        deltas.push((format!("text {}", data["index"]), text.to_owned()));
    }
    if let Some(json) = delta["partial_json"].as_str() {
        deltas.push((format!("tool {}", data["index"]), json.to_owned()));
    }
    for choice in data["choices"].as_array().into_iter().flatten() {
        if let Some(text) = choice["delta"]["content"].as_str() {
            deltas.push(("content".to_owned(), text.to_owned()));
        }
        for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            if let Some(arguments) = call["function"]["arguments"].as_str() {
                deltas.push((format!("tool {}", call["index"]), arguments.to_owned()));
            }
        }
    }
    deltas
}
