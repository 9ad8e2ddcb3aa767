//! OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses>.

use crate::json::shape::{Ends, Rule, Says, Shape, TEXT};
use crate::provider::{Api, FIXED, INPUT_TOKENS, MEDIA, MEDIA_URL, MODEL, OPAQUE, OUTPUT_TOKENS, PROSE};

pub(super) const API: Api = Api::streaming(&REQUEST, &RESPONSE, &EVENT).counting(&USAGE);

/// Of an answer and, in `response`, of the event that ends a stream:
/// <https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage>.
static USAGE: Shape =
    Shape::object(&[("model", &MODEL), ("usage", &COUNTS), ("response", &USAGE_OF_RESPONSE)]);
static USAGE_OF_RESPONSE: Shape = Shape::object(&[("model", &MODEL), ("usage", &COUNTS)]);
static COUNTS: Shape = Shape::object(&[("input_tokens", &INPUT_TOKENS), ("output_tokens", &OUTPUT_TOKENS)]);

static REQUEST: Shape = Shape::object(&[
    ("model", &FIXED),
    ("input", &ITEM),
    ("instructions", &PROSE),
    // State that the provider keeps.
    ("previous_response_id", &FIXED),
    ("conversation", &FIXED),
    ("prompt", &PROMPT),
    ("include", &FIXED),
    ("tools", &TOOL),
    ("tool_choice", &FIXED),
    ("text", &FORMAT),
    ("reasoning", &FIXED),
    ("service_tier", &FIXED),
    ("truncation", &FIXED),
]);

static PROMPT: Shape = Shape::object(&[("id", &FIXED), ("version", &FIXED), ("variables", &TEXT)]);
static FORMAT: Shape = Shape::object(&[("format", &FORMAT_OF_TEXT), ("verbosity", &FIXED)]);
static FORMAT_OF_TEXT: Shape = Shape::object(&[("type", &FIXED), ("name", &FIXED)]);

/// A tool of the client, of the provider, or of an MCP server, to which the provider connects with that credential.
static TOOL: Shape = Shape::object(&[
    ("type", &FIXED),
    ("name", &FIXED),
    ("server_label", &FIXED),
    ("server_url", &FIXED),
    ("connector_id", &FIXED),
    ("authorization", &FIXED),
    ("headers", &FIXED),
    ("allowed_tools", &FIXED),
    ("require_approval", &FIXED),
    ("vector_store_ids", &FIXED),
    ("container", &FIXED),
]);

/// Text, or an item of a conversation, as it is sent and as it is answered. The items of all types in one: no member
/// means two things. `arguments` is a JSON document in a string; text is read as JSON wherever it is JSON.
static ITEM: Shape = Shape::prose(&[
    ("type", &FIXED),
    ("id", &FIXED),
    ("role", &FIXED),
    ("status", &FIXED),
    ("content", &PART),
    // Calls: of functions, of custom tools, of MCP servers.
    ("call_id", &FIXED),
    ("name", &FIXED),
    ("server_label", &FIXED),
    ("approval_request_id", &FIXED),
    ("arguments", &PROSE),
    ("input", &PROSE),
    ("output", &PART),
    // Reasoning: the summary is text, and what is encrypted comes back as it was.
    ("summary", &PART),
    ("encrypted_content", &OPAQUE),
    // Code interpreter.
    ("code", &PROSE),
    ("container_id", &FIXED),
    // Generated images.
    ("result", &MEDIA),
    ("tools", &TOOL),
    // Of a part of content that stands for a message: `input` may be a list of parts.
    ("text", &PROSE),
    ("image_url", &MEDIA_URL),
    ("file_id", &FIXED),
    ("file_data", &MEDIA_URL),
]);

/// A part of content. `logprobs` are those of the masked text.
static PART: Shape = Shape::prose(&[
    ("type", &FIXED),
    ("text", &PROSE),
    ("refusal", &PROSE),
    ("image_url", &MEDIA_URL),
    ("detail", &FIXED),
    ("file_id", &FIXED),
    ("file_data", &MEDIA_URL),
    ("input_audio", &AUDIO),
    ("annotations", &ANNOTATION),
    ("logprobs", &FIXED),
    ("encrypted_content", &OPAQUE),
]);
static AUDIO: Shape = Shape::object(&[("data", &MEDIA), ("format", &FIXED)]);
static ANNOTATION: Shape = Shape::object(&[("type", &FIXED), ("file_id", &FIXED), ("container_id", &FIXED)]);

static RESPONSE: Shape = Shape::object(&[
    ("id", &FIXED),
    ("object", &FIXED),
    ("status", &FIXED),
    ("model", &FIXED),
    ("output", &ITEM),
    ("instructions", &ITEM),
    ("previous_response_id", &FIXED),
    ("conversation", &FIXED),
    ("tools", &TOOL),
    ("tool_choice", &FIXED),
    ("text", &FORMAT),
    ("reasoning", &FIXED),
    ("usage", &FIXED),
]);

/// Streaming: <https://platform.openai.com/docs/api-reference/responses-streaming>. An extra event has the number of
/// the event that it is the rest of.
static EVENT: Shape = Shape::object(&[
    ("type", &EVENT_TYPE),
    ("sequence_number", &SEQUENCE),
    ("item_id", &ITEM_ID),
    ("output_index", &OUTPUT_INDEX),
    ("content_index", &CONTENT_INDEX),
    ("summary_index", &SUMMARY_INDEX),
    ("response_id", &RESPONSE_ID),
    ("delta", &DELTA),
    ("obfuscation", &OPAQUE),
    ("logprobs", &FIXED),
    // What the events behind the deltas repeat as a whole.
    ("text", &PROSE),
    ("refusal", &PROSE),
    ("arguments", &PROSE),
    ("input", &PROSE),
    ("code", &PROSE),
    ("part", &PART),
    ("item", &ITEM),
    ("response", &RESPONSE),
    ("annotation", &ANNOTATION),
    ("partial_image_b64", &OPAQUE),
    ("message", &TEXT),
]);

static SEQUENCE: Shape = Shape::leaf(Rule::Sequence);
static ITEM_ID: Shape = Shape::leaf(Rule::Index("item_id"));
static OUTPUT_INDEX: Shape = Shape::leaf(Rule::Index("output_index"));
static CONTENT_INDEX: Shape = Shape::leaf(Rule::Index("content_index"));
static SUMMARY_INDEX: Shape = Shape::leaf(Rule::Index("summary_index"));
static RESPONSE_ID: Shape = Shape::leaf(Rule::Index("response_id"));
static DELTA: Shape = Shape::leaf(Rule::Channel("delta"));

/// What is called `….delta` goes on, as the channel of its indices.
static EVENT_TYPE: Shape = Shape::leaf(Rule::EventType(&[
    ("response.output_text.done", SAME),
    ("response.refusal.done", SAME),
    ("response.function_call_arguments.done", SAME),
    ("response.custom_tool_call_input.done", SAME),
    ("response.mcp_call_arguments.done", SAME),
    ("response.code_interpreter_call_code.done", SAME),
    ("response.reasoning_text.done", SAME),
    ("response.reasoning_summary_text.done", SAME),
    ("response.reasoning_summary_part.done", SAME),
    ("response.content_part.done", SAME),
    ("response.output_item.done", SAME),
    ("response.audio.transcript.done", SAME),
    ("response.audio.delta", Says::Media),
    ("response.completed", ALL),
    ("response.incomplete", ALL),
    ("response.failed", ALL),
    ("response.cancelled", ALL),
    ("error", ALL),
]));
const SAME: Says = Says::Ends(Ends::Same);
const ALL: Says = Says::Ends(Ends::All);
