//! OpenAI Chat Completions: <https://platform.openai.com/docs/api-reference/chat>.

use crate::json::shape::{Ends, Rule, Shape};
use crate::provider::{Api, ENVELOPE, FIXED, INDEX, MEDIA, MEDIA_URL, OPAQUE, PROSE};

pub(super) const API: Api = Api::streaming(&REQUEST, &COMPLETION, &CHUNK).counting(&super::USAGE);

static REQUEST: Shape = Shape::object(&[
    ("model", &FIXED),
    ("messages", &MESSAGE),
    ("prediction", &PREDICTION),
    ("tools", &TOOL),
    ("functions", &FUNCTION),
    ("tool_choice", &FIXED),
    ("function_call", &FIXED),
    ("response_format", &RESPONSE_FORMAT),
    ("modalities", &FIXED),
    ("audio", &FIXED),
    ("reasoning_effort", &FIXED),
    ("verbosity", &FIXED),
    ("service_tier", &FIXED),
    ("logit_bias", &FIXED),
    ("stop", &PROSE),
]);

/// Of a request and of an answer. `reasoning_content` is what other providers of this API have.
static MESSAGE: Shape = Shape::object(&[
    ("role", &FIXED),
    ("content", &PART),
    ("refusal", &PROSE),
    ("reasoning_content", &PROSE),
    ("tool_call_id", &FIXED),
    ("tool_calls", &TOOL_CALL),
    ("function_call", &FUNCTION),
    ("audio", &SPOKEN),
]);

/// What the model said: by its id in requests, as sound and text in answers.
static SPOKEN: Shape = Shape::object(&[("id", &FIXED), ("data", &MEDIA), ("transcript", &PROSE)]);

/// <https://platform.openai.com/docs/guides/predicted-outputs>.
static PREDICTION: Shape = Shape::object(&[("type", &FIXED), ("content", &PART)]);

static PART: Shape = Shape::prose(&[
    ("type", &FIXED),
    ("text", &PROSE),
    ("image_url", &IMAGE),
    ("input_audio", &AUDIO),
    ("file", &FILE),
]);
static IMAGE: Shape = Shape::object(&[("url", &MEDIA_URL), ("detail", &FIXED)]);
static AUDIO: Shape = Shape::object(&[("data", &MEDIA), ("format", &FIXED)]);
static FILE: Shape = Shape::object(&[("file_data", &MEDIA_URL), ("file_id", &FIXED)]);

/// `arguments` is a JSON document in a string; text is read as JSON wherever it is JSON. `custom` tools have any text:
/// <https://platform.openai.com/docs/guides/function-calling#custom-tools>.
static TOOL_CALL: Shape =
    Shape::object(&[("id", &FIXED), ("type", &FIXED), ("function", &FUNCTION), ("custom", &FUNCTION)]);
static FUNCTION: Shape = Shape::object(&[("name", &FIXED), ("arguments", &PROSE), ("input", &PROSE)]);
static TOOL: Shape = Shape::object(&[("type", &FIXED), ("function", &FUNCTION), ("custom", &FUNCTION)]);

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
/// `logprobs` are those of the masked text.
static CHOICE: Shape = Shape::object(&[
    ("index", &FIXED),
    ("message", &MESSAGE),
    ("logprobs", &FIXED),
    ("finish_reason", &FIXED),
]);

/// Streaming: <https://platform.openai.com/docs/api-reference/chat-streaming>.
static CHUNK: Shape = Shape::object(&[
    ("id", &ENVELOPE),
    ("object", &ENVELOPE),
    ("created", &ENVELOPE),
    ("model", &ENVELOPE),
    ("service_tier", &FIXED),
    ("system_fingerprint", &FIXED),
    ("choices", &CHUNK_CHOICE),
    ("usage", &FIXED),
    ("obfuscation", &OPAQUE),
    ("error", &ERROR),
]);
static ERROR: Shape = Shape::leaf(Rule::Ends(Ends::All));

static CHUNK_CHOICE: Shape = Shape::object(&[
    ("index", &INDEX),
    ("delta", &DELTA),
    ("logprobs", &FIXED),
    ("finish_reason", &FINISH_REASON),
]);
static FINISH_REASON: Shape = Shape::leaf(Rule::Ends(Ends::Same));

static DELTA: Shape = Shape::object(&[
    ("role", &FIXED),
    ("content", &CONTENT),
    ("refusal", &REFUSAL),
    ("reasoning_content", &REASONING_CONTENT),
    ("reasoning", &REASONING),
    ("tool_calls", &DELTA_TOOL_CALL),
    ("function_call", &DELTA_FUNCTION),
    ("audio", &DELTA_SPOKEN),
]);
static CONTENT: Shape = Shape::leaf(Rule::Channel("content"));
static REFUSAL: Shape = Shape::leaf(Rule::Channel("refusal"));
static REASONING_CONTENT: Shape = Shape::leaf(Rule::Channel("reasoning_content"));
static REASONING: Shape = Shape::leaf(Rule::Channel("reasoning"));

static DELTA_TOOL_CALL: Shape = Shape::object(&[
    ("index", &INDEX),
    ("id", &FIXED),
    ("type", &FIXED),
    ("function", &DELTA_FUNCTION),
    ("custom", &DELTA_FUNCTION),
]);
static DELTA_FUNCTION: Shape =
    Shape::object(&[("name", &FIXED), ("arguments", &ARGUMENTS), ("input", &CUSTOM_INPUT)]);
static ARGUMENTS: Shape = Shape::leaf(Rule::Channel("arguments"));
static CUSTOM_INPUT: Shape = Shape::leaf(Rule::Channel("input"));

static DELTA_SPOKEN: Shape = Shape::object(&[("id", &FIXED), ("data", &OPAQUE), ("transcript", &TRANSCRIPT)]);
static TRANSCRIPT: Shape = Shape::leaf(Rule::Channel("transcript"));
