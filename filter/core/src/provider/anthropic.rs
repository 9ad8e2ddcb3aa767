//! Anthropic Messages: <https://docs.anthropic.com/en/api/messages>, streaming:
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

use super::Api;
use crate::json::shape::{Ends, Rule, Shape, TEXT};

pub(super) const MESSAGES: Api = Api { request: &REQUEST, response: &MESSAGE, event: &EVENT };

static FIXED: Shape = Shape::leaf(Rule::Fixed);
static OPAQUE: Shape = Shape::leaf(Rule::Opaque);
static ENVELOPE: Shape = Shape::leaf(Rule::Envelope);

static REQUEST: Shape = Shape::object(&[
    ("model", &FIXED),
    ("system", &BLOCK),
    ("messages", &TURN),
    ("tools", &TOOL),
    ("tool_choice", &FIXED),
    ("service_tier", &FIXED),
    ("thinking", &FIXED),
    ("container", &FIXED),
]);

static TURN: Shape = Shape::object(&[("role", &FIXED), ("content", &BLOCK)]);

/// A content block of a request. The blocks of all types in one: no member means two things.
static BLOCK: Shape = Shape::object(&[
    ("type", &FIXED),
    ("id", &FIXED),
    ("tool_use_id", &FIXED),
    ("name", &FIXED),
    ("cache_control", &FIXED),
    ("content", &BLOCK),
    ("source", &SOURCE),
    // Extended thinking: a changed byte under a signature is refused by the API.
    ("thinking", &SIGNED),
    ("signature", &SIGNATURE),
    // Of `redacted_thinking`.
    ("data", &OPAQUE),
    ("encrypted_content", &OPAQUE),
    ("encrypted_index", &OPAQUE),
]);

static SOURCE: Shape = Shape::object(&[
    ("type", &FIXED),
    ("media_type", &FIXED),
    ("data", &MEDIA),
    ("file_id", &FIXED),
    ("content", &BLOCK),
]);

static TOOL: Shape = Shape::object(&[("type", &FIXED), ("name", &FIXED), ("cache_control", &FIXED)]);

static PROSE: Shape = Shape::leaf(Rule::Prose);
static MEDIA: Shape = Shape::leaf(Rule::Media);
static SIGNED: Shape = Shape::leaf(Rule::SignedText);
static SIGNATURE: Shape = Shape::leaf(Rule::Signature);

/// The answer as one document, and `message` of `message_start`.
static MESSAGE: Shape = Shape::object(&[
    ("id", &FIXED),
    ("type", &FIXED),
    ("role", &FIXED),
    ("model", &FIXED),
    ("content", &ANSWER_BLOCK),
    ("usage", &FIXED),
]);

/// A content block of an answer: thinking comes before its signature, and is always signed.
static ANSWER_BLOCK: Shape = Shape::object(&[
    ("type", &FIXED),
    ("text", &PROSE),
    ("id", &FIXED),
    ("tool_use_id", &FIXED),
    ("name", &FIXED),
    ("content", &ANSWER_BLOCK),
    ("thinking", &OPAQUE),
    ("signature", &OPAQUE),
    ("data", &OPAQUE),
    ("encrypted_content", &OPAQUE),
    ("encrypted_index", &OPAQUE),
]);

static EVENT: Shape = Shape::object(&[
    ("type", &EVENT_TYPE),
    ("index", &INDEX),
    ("message", &MESSAGE),
    ("content_block", &ANSWER_BLOCK),
    ("delta", &DELTA),
    ("usage", &FIXED),
    ("error", &TEXT),
]);

static EVENT_TYPE: Shape = Shape::leaf(Rule::EventType(&[
    ("content_block_stop", Ends::Same),
    ("message_stop", Ends::All),
    ("error", Ends::All),
]));
static INDEX: Shape = Shape::leaf(Rule::Index);

static DELTA: Shape = Shape::object(&[
    ("type", &ENVELOPE),
    ("text", &DELTA_TEXT),
    ("partial_json", &DELTA_JSON),
    ("thinking", &OPAQUE),
    ("signature", &OPAQUE),
]);
static DELTA_TEXT: Shape = Shape::leaf(Rule::Channel("text"));
static DELTA_JSON: Shape = Shape::leaf(Rule::Channel("partial_json"));
