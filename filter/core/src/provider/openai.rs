//! OpenAI Chat Completions: <https://platform.openai.com/docs/api-reference/chat>, streaming:
//! <https://platform.openai.com/docs/api-reference/chat-streaming>.

use super::Api;
use crate::json::shape::{Ends, Rule, Shape};

pub(super) const CHAT_COMPLETIONS: Api = Api { request: &REQUEST, response: &COMPLETION, event: &CHUNK };

static FIXED: Shape = Shape::leaf(Rule::Fixed);
static ENVELOPE: Shape = Shape::leaf(Rule::Envelope);
static INDEX: Shape = Shape::leaf(Rule::Index);
static PROSE: Shape = Shape::leaf(Rule::Prose);
static MEDIA: Shape = Shape::leaf(Rule::Media);

static REQUEST: Shape = Shape::object(&[
    ("model", &FIXED),
    ("messages", &MESSAGE),
    ("tools", &TOOL),
    ("functions", &FUNCTION),
    ("tool_choice", &FIXED),
    ("function_call", &FIXED),
    ("response_format", &RESPONSE_FORMAT),
    ("modalities", &FIXED),
    ("audio", &FIXED),
    ("reasoning_effort", &FIXED),
    ("service_tier", &FIXED),
]);

static MESSAGE: Shape = Shape::object(&[
    ("role", &FIXED),
    ("content", &PART),
    ("refusal", &PROSE),
    ("reasoning_content", &PROSE),
    ("tool_call_id", &FIXED),
    ("tool_calls", &TOOL_CALL),
    ("function_call", &FUNCTION),
    ("audio", &FIXED),
]);

static PART: Shape =
    Shape::prose(&[("type", &FIXED), ("image_url", &IMAGE), ("input_audio", &AUDIO), ("file", &FILE)]);
static IMAGE: Shape = Shape::object(&[("url", &MEDIA_URL), ("detail", &FIXED)]);
static MEDIA_URL: Shape = Shape::leaf(Rule::MediaUrl);
static AUDIO: Shape = Shape::object(&[("data", &MEDIA), ("format", &FIXED)]);
static FILE: Shape = Shape::object(&[("file_data", &MEDIA_URL), ("file_id", &FIXED)]);

/// `arguments` is a JSON document in a string; text is read as JSON wherever it is JSON.
static TOOL_CALL: Shape = Shape::object(&[("id", &FIXED), ("type", &FIXED), ("function", &FUNCTION)]);
static FUNCTION: Shape = Shape::object(&[("name", &FIXED), ("arguments", &PROSE)]);
static TOOL: Shape = Shape::object(&[("type", &FIXED), ("function", &FUNCTION)]);

static RESPONSE_FORMAT: Shape = Shape::object(&[("type", &FIXED), ("json_schema", &FUNCTION)]);

static COMPLETION: Shape = Shape::object(&[
    ("id", &FIXED),
    ("object", &FIXED),
    ("created", &FIXED),
    ("model", &FIXED),
    ("choices", &CHOICE),
    ("usage", &FIXED),
    ("service_tier", &FIXED),
    ("system_fingerprint", &FIXED),
]);
static CHOICE: Shape = Shape::object(&[("index", &FIXED), ("message", &MESSAGE), ("finish_reason", &FIXED)]);

static CHUNK: Shape = Shape::object(&[
    ("id", &ENVELOPE),
    ("object", &ENVELOPE),
    ("created", &ENVELOPE),
    ("model", &ENVELOPE),
    ("service_tier", &FIXED),
    ("system_fingerprint", &FIXED),
    ("choices", &CHUNK_CHOICE),
    ("usage", &FIXED),
    ("error", &ERROR),
]);
static ERROR: Shape = Shape::leaf(Rule::Ends(Ends::All));

static CHUNK_CHOICE: Shape =
    Shape::object(&[("index", &INDEX), ("delta", &DELTA), ("finish_reason", &FINISH_REASON)]);
static FINISH_REASON: Shape = Shape::leaf(Rule::Ends(Ends::Same));

static DELTA: Shape = Shape::object(&[
    ("role", &FIXED),
    ("content", &CONTENT),
    ("refusal", &REFUSAL),
    ("reasoning_content", &REASONING),
    ("tool_calls", &DELTA_TOOL_CALL),
    ("function_call", &DELTA_FUNCTION),
]);
static CONTENT: Shape = Shape::leaf(Rule::Channel("content"));
static REFUSAL: Shape = Shape::leaf(Rule::Channel("refusal"));
static REASONING: Shape = Shape::leaf(Rule::Channel("reasoning_content"));

static DELTA_TOOL_CALL: Shape =
    Shape::object(&[("index", &INDEX), ("id", &FIXED), ("type", &FIXED), ("function", &DELTA_FUNCTION)]);
static DELTA_FUNCTION: Shape = Shape::object(&[("name", &FIXED), ("arguments", &ARGUMENTS)]);
static ARGUMENTS: Shape = Shape::leaf(Rule::Channel("arguments"));
