//! Anthropic Messages: <https://docs.anthropic.com/en/api/messages>, counting of tokens
//! <https://docs.anthropic.com/en/api/messages-count-tokens>, batches
//! <https://docs.anthropic.com/en/api/creating-message-batches>, text completions
//! <https://docs.anthropic.com/en/api/complete>. Google's Vertex AI serves Messages under its own paths:
//! <https://docs.anthropic.com/en/api/claude-on-vertex-ai>.

use super::{Api, ENVELOPE, FIXED, INDEX, INPUT_TOKENS, MEDIA, MODEL, OPAQUE, OUTPUT_TOKENS, PROSE};
use crate::json::shape::{Ends, Opening, Rule, Says, Shape, TEXT, Tokens};

pub(super) const PATHS: &[(&str, Api)] = &[
    ("v1/messages", MESSAGES),
    ("v1/messages/count_tokens", MESSAGES),
    ("publishers/anthropic/models/*:rawPredict", MESSAGES),
    ("publishers/anthropic/models/*:streamRawPredict", MESSAGES),
    ("v1/messages/batches", Api::whole(&BATCH, &BATCH_STATE)),
    ("v1/messages/batches/*", Api::whole(&TEXT, &BATCH_STATE)),
    ("v1/messages/batches/*/results", Api::whole(&TEXT, &RESULT)),
    ("v1/complete", Api::streaming(&PROMPT, &COMPLETION, &COMPLETION_EVENT)),
];

const MESSAGES: Api = Api::streaming(&REQUEST, &MESSAGE, &EVENT).counting(&USAGE);

/// Of a message, of `message_start` (where it stands in `message`) and of `message_delta`, which tells the sums so far:
/// <https://docs.anthropic.com/en/docs/build-with-claude/streaming#event-types>. `input_tokens` is without what was read from
/// the cache and written to it: <https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance>.
static USAGE: Shape = Shape::object(&[("model", &MODEL), ("usage", &COUNTS), ("message", &USAGE_OF_MESSAGE)]);
static USAGE_OF_MESSAGE: Shape = Shape::object(&[("model", &MODEL), ("usage", &COUNTS)]);
static COUNTS: Shape = Shape::object(&[
    ("input_tokens", &INPUT_TOKENS),
    ("cache_read_input_tokens", &CACHE_READ),
    ("cache_creation_input_tokens", &CACHE_WRITE),
    ("output_tokens", &OUTPUT_TOKENS),
]);
static CACHE_READ: Shape = Shape::leaf(Rule::Usage(Tokens::CacheRead));
static CACHE_WRITE: Shape = Shape::leaf(Rule::Usage(Tokens::CacheWrite));

static REQUEST: Shape = Shape::object(&[
    ("anthropic_version", &FIXED),
    ("anthropic_beta", &FIXED),
    ("model", &FIXED),
    ("system", &BLOCK),
    ("messages", &TURN),
    ("tools", &TOOL),
    ("tool_choice", &FIXED),
    ("service_tier", &FIXED),
    ("thinking", &FIXED),
    ("container", &FIXED),
    ("mcp_servers", &MCP_SERVER),
    ("cache_control", &FIXED),
    ("betas", &FIXED),
]);

static TURN: Shape = Shape::object(&[("role", &FIXED), ("content", &BLOCK)]);

/// A content block of a request. The blocks of all types in one: no member means two things. Tool use and results of the
/// client, of the server (`server_tool_use`, `web_search_tool_result`, …) and of MCP are alike:
/// <https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/web-search-tool>,
/// <https://docs.anthropic.com/en/docs/agents-and-tools/mcp-connector>.
static BLOCK: Shape = Shape::object(&[
    ("type", &FIXED),
    ("text", &PROSE),
    ("id", &FIXED),
    ("tool_use_id", &FIXED),
    ("name", &FIXED),
    ("server_name", &FIXED),
    ("tool_name", &FIXED),
    ("cache_control", &FIXED),
    ("content", &BLOCK),
    ("citations", &CITATION),
    ("file_id", &FIXED),
    ("source", &SOURCE),
    // Extended thinking, where a changed byte under a signature is refused:
    // https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking
    ("thinking", &SIGNED),
    ("signature", &SIGNATURE),
    // Of `redacted_thinking`.
    ("data", &OPAQUE),
    ("encrypted_content", &OPAQUE),
    ("encrypted_index", &OPAQUE),
    ("encrypted_stdout", &OPAQUE),
]);

/// <https://docs.anthropic.com/en/docs/build-with-claude/citations>; offsets are those of the masked text.
static CITATION: Shape =
    Shape::object(&[("type", &FIXED), ("file_id", &FIXED), ("encrypted_index", &OPAQUE)]);

/// Of an image or a document; one of type `text` or `content` is text. A `search_result` has a string here.
static SOURCE: Shape = Shape::object(&[
    ("type", &FIXED),
    ("media_type", &FIXED),
    ("data", &MEDIA),
    ("file_id", &FIXED),
    ("content", &BLOCK),
]);

static TOOL: Shape = Shape::object(&[
    ("type", &FIXED),
    ("name", &FIXED),
    ("mcp_server_name", &FIXED),
    ("cache_control", &FIXED),
    ("allowed_callers", &FIXED),
]);

/// The provider connects there, with that credential: a token would only be an address that does not exist.
static MCP_SERVER: Shape = Shape::object(&[
    ("type", &FIXED),
    ("name", &FIXED),
    ("url", &FIXED),
    ("authorization_token", &FIXED),
    ("tool_configuration", &FIXED),
]);

static SIGNED: Shape = Shape::leaf(Rule::SignedText);
static SIGNATURE: Shape = Shape::leaf(Rule::Signature);

/// The answer as one document, and `message` of `message_start`.
static MESSAGE: Shape = Shape::object(&[
    ("id", &FIXED),
    ("type", &FIXED),
    ("role", &FIXED),
    ("model", &FIXED),
    ("content", &ANSWER_BLOCK),
    ("container", &FIXED),
    ("usage", &FIXED),
]);

/// A content block of an answer: thinking comes before its signature, and is always signed.
static ANSWER_BLOCK: Shape = Shape::object(&[
    ("type", &FIXED),
    ("text", &PROSE),
    ("id", &FIXED),
    ("tool_use_id", &FIXED),
    ("name", &FIXED),
    ("server_name", &FIXED),
    ("tool_name", &FIXED),
    ("content", &ANSWER_BLOCK),
    ("citations", &CITATION),
    ("file_id", &FIXED),
    ("thinking", &OPAQUE),
    ("signature", &OPAQUE),
    ("data", &OPAQUE),
    ("encrypted_content", &OPAQUE),
    ("encrypted_index", &OPAQUE),
    ("encrypted_stdout", &OPAQUE),
    // Of a document that the server fetched.
    ("source", &SOURCE),
]);

/// Streaming: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.
static EVENT: Shape = Shape::object(&[
    ("type", &EVENT_TYPE),
    ("index", &INDEX),
    ("message", &MESSAGE),
    ("content_block", &OPENED_BLOCK),
    ("delta", &DELTA),
    ("usage", &FIXED),
    ("error", &TEXT),
]);

static EVENT_TYPE: Shape = Shape::leaf(Rule::EventType(&[
    ("content_block_stop", Says::Ends(Ends::Same)),
    ("message_stop", Says::Ends(Ends::All)),
    ("error", Says::Ends(Ends::All)),
]));

/// The block of `content_block_start`. The API leaves its text empty; servers that speak the same protocol may not.
static OPENED_BLOCK: Shape = Shape::object(&[
    ("type", &FIXED),
    ("text", &OPENED_TEXT),
    ("id", &FIXED),
    ("tool_use_id", &FIXED),
    ("name", &FIXED),
    ("server_name", &FIXED),
    ("content", &ANSWER_BLOCK),
    ("citations", &CITATION),
    ("file_id", &FIXED),
    ("thinking", &OPAQUE),
    ("signature", &OPAQUE),
    ("data", &OPAQUE),
    ("encrypted_content", &OPAQUE),
]);
static OPENED_TEXT: Shape = Shape::leaf(Rule::Opens(&Opening {
    channel: "text",
    event: "content_block_delta",
    data: r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":""}}"#,
}));

static DELTA: Shape = Shape::object(&[
    ("type", &ENVELOPE),
    ("text", &DELTA_TEXT),
    ("partial_json", &DELTA_JSON),
    ("thinking", &OPAQUE),
    ("signature", &OPAQUE),
    ("citation", &CITATION),
    ("encrypted_content", &OPAQUE),
]);
static DELTA_TEXT: Shape = Shape::leaf(Rule::Channel("text"));
static DELTA_JSON: Shape = Shape::leaf(Rule::Channel("partial_json"));

static BATCH: Shape = Shape::object(&[("requests", &BATCH_ITEM)]);
static BATCH_ITEM: Shape = Shape::object(&[("custom_id", &FIXED), ("params", &REQUEST)]);
static BATCH_STATE: Shape = Shape::object(&[("id", &FIXED), ("type", &FIXED), ("results_url", &FIXED)]);

/// A line of a batch's results: <https://docs.anthropic.com/en/api/retrieving-message-batch-results>.
static RESULT: Shape = Shape::object(&[("custom_id", &FIXED), ("result", &RESULT_BODY)]);
static RESULT_BODY: Shape = Shape::object(&[("type", &FIXED), ("message", &MESSAGE)]);

static PROMPT: Shape = Shape::object(&[("model", &FIXED), ("prompt", &PROSE)]);
static COMPLETION: Shape =
    Shape::object(&[("id", &FIXED), ("type", &FIXED), ("model", &FIXED), ("completion", &PROSE)]);

/// <https://docs.anthropic.com/en/api/streaming>.
static COMPLETION_EVENT: Shape = Shape::object(&[
    ("type", &ENVELOPE),
    ("id", &ENVELOPE),
    ("model", &ENVELOPE),
    ("completion", &COMPLETION_TEXT),
    ("stop_reason", &STOP_REASON),
    ("error", &ERROR),
]);
static COMPLETION_TEXT: Shape = Shape::leaf(Rule::Channel("completion"));
static STOP_REASON: Shape = Shape::leaf(Rule::Ends(Ends::Same));
static ERROR: Shape = Shape::leaf(Rule::Ends(Ends::All));
