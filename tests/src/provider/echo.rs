//! The answers of echo mode: what was said comes back, in the shapes of the real APIs.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde_json::Value;

use super::{
    anthropic, openai,
    record::Recorded,
    script::{Script, Step, pieces},
};

/// How echo mode cuts what it says.
#[derive(Clone, Debug)]
pub struct Echo {
    /// Characters in each delta of a stream, so that a token stands in several events; 0 puts all into one.
    pub delta_chars: usize,
    /// Bytes in each chunk of the answer, whatever they are the middle of; 0 sends each event (or the whole JSON)
    /// in a chunk of its own.
    pub chunk_bytes: usize,
    /// Two tool calls instead of one, their deltas taking turns.
    pub interleave: bool,
}

impl Default for Echo {
    /// Like a real stream: a few characters in each event, each event in one chunk.
    fn default() -> Self {
        Self { delta_chars: 5, chunk_bytes: 0, interleave: false }
    }
}

/// What echo mode says, before it is put into an API's shape.
pub(super) struct Speech {
    pub(super) model: String,
    pub(super) prose: String,
    /// The name of the tool to call, and the JSON documents to call it with, one for each call.
    pub(super) calls: Option<(String, Vec<String>)>,
}

/// The answer to `request` as a script.
pub(super) fn answer(request: &Recorded, echo: &Echo) -> Script {
    let path = request.path.split('?').next().unwrap_or_default();
    let api = match (request.method.as_str(), path) {
        ("POST", "/v1/messages") => Api::Anthropic,
        ("POST", "/v1/chat/completions") => Api::OpenAi,
        ("GET", "/v1/models") => return json(StatusCode::OK, r#"{"object":"list","data":[]}"#.to_owned(), 0),
        _ => {
            let body = anthropic::error("not_found_error", "Not found");
            return json(StatusCode::NOT_FOUND, body, 0);
        }
    };
    let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
        let message = "The request body is not valid JSON";
        let body = match api {
            Api::Anthropic => anthropic::error("invalid_request_error", message),
            Api::OpenAi => openai::error("invalid_request_error", message),
        };
        return json(StatusCode::BAD_REQUEST, body, 0);
    };
    let speech = speech(&body, echo);
    if body.get("stream").and_then(Value::as_bool) == Some(true) {
        let events = match api {
            Api::Anthropic => anthropic::stream(&speech, echo.delta_chars),
            Api::OpenAi => openai::stream(&speech, echo.delta_chars),
        };
        return stream(events, echo.chunk_bytes);
    }
    let body = match api {
        Api::Anthropic => anthropic::message(&speech),
        Api::OpenAi => openai::completion(&speech),
    };
    json(StatusCode::OK, body, echo.chunk_bytes)
}

#[derive(Clone, Copy)]
enum Api {
    Anthropic,
    OpenAi,
}

fn json(status: StatusCode, body: String, chunk_bytes: usize) -> Script {
    let length = HeaderValue::from(body.len());
    Script::new("application/json")
        .status(status)
        .header("content-length", length)
        .send_in_pieces(body, chunk_bytes)
}

fn stream(events: Vec<String>, chunk_bytes: usize) -> Script {
    let script = Script::new("text/event-stream; charset=utf-8")
        .header("cache-control", HeaderValue::from_static("no-cache"));
    if chunk_bytes == 0 {
        return events.into_iter().fold(script, Script::send);
    }
    pieces(Bytes::from(events.concat()), chunk_bytes).map(Step::Send).fold(script, Script::step)
}

fn speech(body: &Value, echo: &Echo) -> Speech {
    let text = last_text(body);
    let tool = body.get("tools").and_then(Value::as_array).and_then(|tools| tools.first());
    let name = tool.and_then(|tool| {
        // Anthropic names the tool itself, OpenAI the function in it.
        tool.get("name").or_else(|| tool.get("function")?.get("name"))?.as_str()
    });
    let calls = name.map(|name| {
        let first = format!(r#"{{"text":{},"verbose":true}}"#, quote(&text));
        let second = format!(r#"{{"query":{}}}"#, quote(&format!("again: {text}")));
        let calls = if echo.interleave { vec![first, second] } else { vec![first] };
        (name.to_owned(), calls)
    });
    Speech {
        model: body.get("model").and_then(Value::as_str).unwrap_or("scripted-model").to_owned(),
        prose: format!("You said: {text}"),
        calls,
    }
}

/// The text of the last message that is not the model's own.
fn last_text(body: &Value) -> String {
    let messages = body.get("messages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let said = |message: &&Value| !matches!(message.get("role").and_then(Value::as_str), Some("assistant"));
    messages.iter().rfind(said).and_then(|message| message.get("content")).map_or_else(String::new, text_of)
}

/// A string, or the strings in `text` and `content` of blocks, one a line.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter_map(|block| block.get("text").or_else(|| block.get("content")));
            texts.map(text_of).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// `text` as a JSON string.
pub(super) fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

/// `text` in deltas of `chars` characters (0: one), never inside a character. Empty text is one empty delta.
pub(super) fn deltas(text: &str, chars: usize) -> Vec<&str> {
    let mut rest = text;
    let mut deltas = Vec::new();
    while chars > 0
        && let Some((cut, _)) = rest.char_indices().nth(chars)
    {
        let (delta, after) = rest.split_at(cut);
        deltas.push(delta);
        rest = after;
    }
    deltas.push(rest);
    deltas
}

/// Takes turns: the first of each list, then the second of each, … with the number of the list.
pub(super) fn turns<'a>(lists: &[Vec<&'a str>]) -> Vec<(usize, &'a str)> {
    let rounds = lists.iter().map(Vec::len).max().unwrap_or_default();
    (0..rounds)
        .flat_map(|round| lists.iter().enumerate().filter_map(move |(i, list)| Some((i, *list.get(round)?))))
        .collect()
}
