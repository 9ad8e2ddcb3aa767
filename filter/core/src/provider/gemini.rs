//! Gemini: <https://ai.google.dev/api/generate-content>, counting of tokens <https://ai.google.dev/api/tokens>, embeddings
//! <https://ai.google.dev/api/embeddings>; the same on Vertex AI:
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>.
//!
//! The API takes names in `lowerCamelCase` and in `snake_case`: <https://protobuf.dev/programming-guides/json/>.

use super::{Api, ENVELOPE, FIXED, INDEX, INPUT_TOKENS, MEDIA, MODEL, OPAQUE, OUTPUT_TOKENS, PROSE};
use crate::json::shape::{Ends, Rule, Shape, TEXT, Tokens};

pub(super) const PATHS: &[(&str, Api)] = &[
    ("models/*:generateContent", WHOLE),
    ("models/*:streamGenerateContent", STREAM),
    ("models/*:countTokens", Api::whole(&REQUEST, &TEXT)),
    ("models/*:embedContent", Api::whole(&EMBED, &EMBEDDING)),
    ("models/*:batchEmbedContents", Api::whole(&EMBED_BATCH, &EMBEDDING)),
    // Tuned models.
    ("tunedModels/*:generateContent", WHOLE),
    ("tunedModels/*:streamGenerateContent", STREAM),
    ("endpoints/*:generateContent", WHOLE),
    ("endpoints/*:streamGenerateContent", STREAM),
    ("endpoints/*:countTokens", Api::whole(&REQUEST, &TEXT)),
];

/// With `alt=sse` events, without it one array: <https://cloud.google.com/apis/docs/system-parameters>.
const STREAM: Api =
    Api { streams_array: true, ..Api::streaming(&REQUEST, &RESPONSE, &EVENT) }.counting(&USAGE);
const WHOLE: Api = Api::whole(&REQUEST, &RESPONSE).counting(&USAGE);

/// <https://ai.google.dev/api/generate-content#UsageMetadata>; every event of a stream tells the sums so far. The prompt is
/// told with what of it was cached, and without the results of the provider's own tools.
static USAGE: Shape = Shape::object(&[("modelVersion", &MODEL), ("usageMetadata", &COUNTS)]);
static COUNTS: Shape = Shape::object(&[
    ("promptTokenCount", &INPUT_TOKENS),
    ("toolUsePromptTokenCount", &TOOL_INPUT),
    ("candidatesTokenCount", &OUTPUT_TOKENS),
    ("thoughtsTokenCount", &THOUGHTS),
]);
static TOOL_INPUT: Shape = Shape::leaf(Rule::Usage(Tokens::ToolInput));
static THOUGHTS: Shape = Shape::leaf(Rule::Usage(Tokens::Thoughts));

static REQUEST: Shape = Shape::object(&[
    ("model", &FIXED),
    ("contents", &CONTENT),
    ("systemInstruction", &CONTENT),
    ("system_instruction", &CONTENT),
    ("tools", &TOOL),
    ("toolConfig", &FIXED),
    ("tool_config", &FIXED),
    ("safetySettings", &FIXED),
    ("safety_settings", &FIXED),
    ("cachedContent", &FIXED),
    ("cached_content", &FIXED),
    ("generationConfig", &GENERATION),
    ("generation_config", &GENERATION),
    // Of `countTokens`.
    ("generateContentRequest", &REQUEST),
    ("generate_content_request", &REQUEST),
]);

static GENERATION: Shape = Shape::object(&[
    ("responseMimeType", &FIXED),
    ("response_mime_type", &FIXED),
    ("responseModalities", &FIXED),
    ("response_modalities", &FIXED),
    ("speechConfig", &FIXED),
    ("speech_config", &FIXED),
    ("thinkingConfig", &FIXED),
    ("thinking_config", &FIXED),
]);

static CONTENT: Shape = Shape::object(&[("role", &FIXED), ("parts", &PART)]);

/// <https://ai.google.dev/api/caching#Part>; signatures:
/// <https://ai.google.dev/gemini-api/docs/thought-signatures>.
static PART: Shape = Shape::object(&[
    ("text", &PROSE),
    ("thoughtSignature", &OPAQUE),
    ("thought_signature", &OPAQUE),
    ("inlineData", &BLOB),
    ("inline_data", &BLOB),
    ("fileData", &FIXED),
    ("file_data", &FIXED),
    ("functionCall", &FUNCTION_CALL),
    ("function_call", &FUNCTION_CALL),
    ("functionResponse", &FUNCTION_RESPONSE),
    ("function_response", &FUNCTION_RESPONSE),
    ("executableCode", &CODE),
    ("executable_code", &CODE),
    ("codeExecutionResult", &CODE),
    ("code_execution_result", &CODE),
    ("videoMetadata", &FIXED),
    ("video_metadata", &FIXED),
]);
static BLOB: Shape = Shape::object(&[("mimeType", &FIXED), ("mime_type", &FIXED), ("data", &MEDIA)]);
static FUNCTION_CALL: Shape = Shape::object(&[("id", &FIXED), ("name", &FIXED), ("args", &TEXT)]);
static FUNCTION_RESPONSE: Shape = Shape::object(&[
    ("id", &FIXED),
    ("name", &FIXED),
    ("scheduling", &FIXED),
    ("response", &TEXT),
    ("parts", &PART),
]);
static CODE: Shape = Shape::object(&[
    ("id", &FIXED),
    ("language", &FIXED),
    ("outcome", &FIXED),
    ("code", &PROSE),
    ("output", &PROSE),
]);

static TOOL: Shape =
    Shape::object(&[("functionDeclarations", &FUNCTION), ("function_declarations", &FUNCTION)]);
static FUNCTION: Shape = Shape::object(&[("name", &FIXED), ("behavior", &FIXED)]);

static RESPONSE: Shape = Shape::object(&[
    ("candidates", &CANDIDATE),
    ("usageMetadata", &FIXED),
    ("modelVersion", &FIXED),
    ("responseId", &FIXED),
    ("createTime", &FIXED),
]);
static CANDIDATE: Shape = Shape::object(&[
    ("index", &FIXED),
    ("content", &CONTENT),
    ("finishReason", &FIXED),
    ("safetyRatings", &FIXED),
    ("logprobsResult", &FIXED),
]);

/// An event is a whole response: <https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>.
static EVENT: Shape = Shape::object(&[
    ("candidates", &EVENT_CANDIDATE),
    ("usageMetadata", &FIXED),
    ("modelVersion", &ENVELOPE),
    ("responseId", &ENVELOPE),
    ("createTime", &ENVELOPE),
    ("error", &ERROR),
]);
static ERROR: Shape = Shape::leaf(Rule::Ends(Ends::All));
static EVENT_CANDIDATE: Shape = Shape::object(&[
    ("index", &INDEX),
    ("content", &EVENT_CONTENT),
    ("finishReason", &ENDS),
    ("safetyRatings", &FIXED),
    ("logprobsResult", &FIXED),
]);
static ENDS: Shape = Shape::leaf(Rule::Ends(Ends::Same));
static EVENT_CONTENT: Shape = Shape::object(&[("role", &ENVELOPE), ("parts", &EVENT_PART)]);

/// Parts have no index: text goes on where it ended, until a part of another kind comes.
static EVENT_PART: Shape = Shape::object(&[
    ("text", &TURN),
    ("thought", &THOUGHT),
    ("thoughtSignature", &OPAQUE),
    ("inlineData", &NEXT),
    ("fileData", &NEXT),
    ("functionCall", &CALL),
    ("executableCode", &ENDING_CODE),
    ("codeExecutionResult", &ENDING_CODE),
]);
static TURN: Shape = Shape::leaf(Rule::Turn("text"));
static NEXT: Shape = Shape {
    rule: Rule::Ends(Ends::Earlier),
    ..Shape::object(&[("mimeType", &FIXED), ("data", &MEDIA), ("fileUri", &FIXED)])
};
static THOUGHT: Shape = Shape::leaf(Rule::Index("thought"));
static CALL: Shape = Shape {
    rule: Rule::Ends(Ends::Earlier),
    ..Shape::object(&[("id", &FIXED), ("name", &FIXED), ("args", &TEXT)])
};
static ENDING_CODE: Shape = Shape {
    rule: Rule::Ends(Ends::Earlier),
    ..Shape::object(&[
        ("id", &FIXED),
        ("language", &FIXED),
        ("outcome", &FIXED),
        ("code", &PROSE),
        ("output", &PROSE),
    ])
};

static EMBED: Shape =
    Shape::object(&[("model", &FIXED), ("content", &CONTENT), ("taskType", &FIXED), ("task_type", &FIXED)]);
static EMBED_BATCH: Shape = Shape::object(&[("requests", &EMBED)]);
static EMBEDDING: Shape = Shape::object(&[("embedding", &FIXED), ("embeddings", &FIXED)]);
