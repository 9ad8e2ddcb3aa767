//! The answers of echo mode: what was said comes back, in the shapes of the real APIs.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde_json::Value;

use super::{
    anthropic, gemini, openai,
    record::Recorded,
    responses,
    script::{Script, Step, pieces},
    speech::{Speech, ToolCall},
};

/// How echo mode cuts what it says.
#[derive(Clone, Debug)]
pub struct Echo {
    /// Characters in each delta of a stream, so that a token stands in several events; 0 puts all into one.
    pub delta_chars: usize,
    /// Bytes in each chunk of the answer, whatever they are the middle of; 0 sends each event (or the whole JSON)
    /// in a chunk of its own.
    pub chunk_bytes: usize,
    /// Two tool calls also when the request has one tool, their deltas taking turns instead of one after the other.
    pub interleave: bool,
}

impl Default for Echo {
    /// Like a real stream: a few characters in each event, each event in one chunk.
    fn default() -> Self {
        Self { delta_chars: 5, chunk_bytes: 0, interleave: false }
    }
}

/// The answer to `request` as a script.
pub(super) fn answer(request: &Recorded, echo: &Echo) -> Script {
    let path = request.path.split('?').next().unwrap_or_default();
    let api = match request.method.as_str() {
        "POST" => Api::of(path),
        "GET" if path == "/v1/models" => {
            return json(StatusCode::OK, r#"{"object":"list","data":[]}"#.to_owned(), 0);
        }
        _ => None,
    };
    let Some(api) = api else {
        return json(StatusCode::NOT_FOUND, anthropic::error("not_found_error", "Not found"), 0);
    };
    let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
        return json(StatusCode::BAD_REQUEST, api.error("The request body is not valid JSON"), 0);
    };
    if matches!(api, Api::Gemini | Api::GeminiStream) && gemini::has_empty_text(&body) {
        return json(StatusCode::BAD_REQUEST, api.error(gemini::EMPTY_TEXT), 0);
    }
    let speech = Speech::new(&body, echo.interleave);
    let streams = body.get("stream").and_then(Value::as_bool) == Some(true);
    match api {
        Api::Messages if streams => stream(anthropic::stream(&speech, echo), echo),
        Api::ChatCompletions if streams => stream(openai::stream(&speech, &body, echo), echo),
        Api::Responses if streams => stream(responses::stream(&speech, &body, echo), echo),
        Api::GeminiStream => stream(gemini::stream(&speech, echo), echo),
        Api::Messages => whole(anthropic::message(&speech), echo),
        Api::CountTokens => whole(anthropic::count(&speech), echo),
        Api::ChatCompletions => whole(openai::completion(&speech), echo),
        Api::Responses => whole(responses::response(&speech, &body), echo),
        Api::Embeddings => whole(openai::embeddings(&body), echo),
        Api::Gemini => whole(gemini::response(&speech), echo),
        Api::GeminiCount => whole(gemini::count(&speech), echo),
    }
}

#[derive(Clone, Copy)]
enum Api {
    ChatCompletions,
    CountTokens,
    Embeddings,
    Gemini,
    GeminiCount,
    GeminiStream,
    Messages,
    Responses,
}

impl Api {
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/v1/messages" => Self::Messages,
            "/v1/messages/count_tokens" => Self::CountTokens,
            "/v1/chat/completions" => Self::ChatCompletions,
            "/v1/responses" => Self::Responses,
            "/v1/embeddings" => Self::Embeddings,
            _ => {
                // SDKs differ in the version, which changes nothing here.
                let known = path.strip_prefix("/v1beta/models/").or_else(|| path.strip_prefix("/v1/models/"));
                match known?.split_once(':')?.1 {
                    "generateContent" => Self::Gemini,
                    "streamGenerateContent" => Self::GeminiStream,
                    "countTokens" => Self::GeminiCount,
                    _ => return None,
                }
            }
        })
    }

    fn error(self, message: &str) -> String {
        match self {
            Self::Messages | Self::CountTokens => anthropic::error("invalid_request_error", message),
            Self::ChatCompletions | Self::Embeddings | Self::Responses => {
                openai::error("invalid_request_error", message)
            }
            Self::Gemini | Self::GeminiCount | Self::GeminiStream => gemini::error(message),
        }
    }
}

fn whole(body: String, echo: &Echo) -> Script {
    json(StatusCode::OK, body, echo.chunk_bytes)
}

fn json(status: StatusCode, body: String, chunk_bytes: usize) -> Script {
    let length = HeaderValue::from(body.len());
    Script::new("application/json")
        .status(status)
        .header("content-length", length)
        .send_in_pieces(body, chunk_bytes)
}

fn stream(events: Vec<String>, echo: &Echo) -> Script {
    let script = Script::new("text/event-stream; charset=utf-8")
        .header("cache-control", HeaderValue::from_static("no-cache"));
    if echo.chunk_bytes == 0 {
        return events.into_iter().fold(script, Script::send);
    }
    pieces(Bytes::from(events.concat()), echo.chunk_bytes).map(Step::Send).fold(script, Script::step)
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

/// The calls in groups: those of a group are made at the same time, their deltas taking turns. Each with its number.
pub(super) fn groups<'a>(calls: &'a [ToolCall], echo: &Echo) -> Vec<Vec<(usize, &'a ToolCall)>> {
    let size = if echo.interleave { calls.len().max(1) } else { 1 };
    let numbered: Vec<_> = calls.iter().enumerate().collect();
    numbered.chunks(size).map(<[_]>::to_vec).collect()
}

/// The arguments of a group in deltas: the first of each call, then the second of each, … with the call's number.
pub(super) fn turns<'a>(group: &[(usize, &'a ToolCall)], echo: &Echo) -> Vec<(usize, &'a str)> {
    let lists: Vec<_> =
        group.iter().map(|(number, call)| (*number, deltas(&call.arguments, echo.delta_chars))).collect();
    let rounds = lists.iter().map(|(_, list)| list.len()).max().unwrap_or_default();
    (0..rounds)
        .flat_map(|round| lists.iter().filter_map(move |(number, list)| Some((*number, *list.get(round)?))))
        .collect()
}
