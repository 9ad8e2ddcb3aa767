//! OpenAI Completions: <https://platform.openai.com/docs/api-reference/completions>.

use crate::json::shape::{Ends, Rule, Shape};
use crate::provider::{Api, ENVELOPE, FIXED, INDEX, PROSE};

pub(super) const API: Api = Api::streaming(&REQUEST, &COMPLETION, &CHUNK).counting(&super::USAGE);

/// A prompt may be text, a list of texts, or lists of the numbers of the tokenizer.
static REQUEST: Shape = Shape::object(&[
    ("model", &FIXED),
    ("prompt", &PROSE),
    ("suffix", &PROSE),
    ("stop", &PROSE),
    ("logit_bias", &FIXED),
]);

static COMPLETION: Shape = Shape::object(&[
    ("id", &FIXED),
    ("object", &FIXED),
    ("created", &FIXED),
    ("model", &FIXED),
    ("choices", &CHOICE),
    ("usage", &FIXED),
    ("system_fingerprint", &FIXED),
]);
/// `logprobs` are those of the masked text.
static CHOICE: Shape =
    Shape::object(&[("index", &FIXED), ("text", &PROSE), ("logprobs", &FIXED), ("finish_reason", &FIXED)]);

static CHUNK: Shape = Shape::object(&[
    ("id", &ENVELOPE),
    ("object", &ENVELOPE),
    ("created", &ENVELOPE),
    ("model", &ENVELOPE),
    ("system_fingerprint", &FIXED),
    ("choices", &CHUNK_CHOICE),
    ("usage", &FIXED),
    ("error", &ERROR),
]);
static ERROR: Shape = Shape::leaf(Rule::Ends(Ends::All));
static CHUNK_CHOICE: Shape = Shape::object(&[
    ("index", &INDEX),
    ("text", &TEXT),
    ("logprobs", &FIXED),
    ("finish_reason", &FINISH_REASON),
]);
static TEXT: Shape = Shape::leaf(Rule::Channel("text"));
static FINISH_REASON: Shape = Shape::leaf(Rule::Ends(Ends::Same));
