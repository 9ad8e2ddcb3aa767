//! OpenAI's APIs. Azure serves them under `openai/deployments/X/…` and `openai/v1/…`:
//! <https://learn.microsoft.com/azure/ai-services/openai/reference>.

use super::{Api, FIXED, INPUT_TOKENS, MODEL, OPAQUE, OUTPUT_TOKENS, PROSE};
use crate::json::shape::{Shape, TEXT};

mod chat;
mod completions;
mod responses;

pub(super) const PATHS: &[(&str, Api)] = &[
    ("chat/completions", chat::API),
    ("chat/completions/*", Api::whole(&TEXT, chat::API.response)),
    ("v1/completions", completions::API),
    ("openai/deployments/*/completions", completions::API),
    ("v1/responses", responses::API),
    ("openai/responses", responses::API),
    ("v1/responses/input_tokens", responses::API),
    ("v1/responses/compact", responses::API),
    ("v1/responses/*", responses::API),
    ("v1/embeddings", EMBEDDINGS),
    ("openai/deployments/*/embeddings", EMBEDDINGS),
];

/// Of Chat Completions, Completions and Embeddings, in the answer or, with `stream_options.include_usage`, in the last
/// chunk: <https://platform.openai.com/docs/api-reference/chat-streaming>. What was cached is part of the prompt, what
/// was thought is part of the completion.
static USAGE: Shape = Shape::object(&[("model", &MODEL), ("usage", &COUNTS)]);
static COUNTS: Shape =
    Shape::object(&[("prompt_tokens", &INPUT_TOKENS), ("completion_tokens", &OUTPUT_TOKENS)]);

/// <https://platform.openai.com/docs/api-reference/embeddings>.
const EMBEDDINGS: Api = Api::whole(&EMBED, &EMBEDDING).counting(&USAGE);
static EMBED: Shape = Shape::object(&[("model", &FIXED), ("input", &PROSE), ("encoding_format", &FIXED)]);
/// Vectors, as numbers or in base64.
static EMBEDDING: Shape =
    Shape::object(&[("object", &FIXED), ("model", &FIXED), ("data", &VECTOR), ("usage", &FIXED)]);
static VECTOR: Shape = Shape::object(&[("object", &FIXED), ("index", &FIXED), ("embedding", &OPAQUE)]);
