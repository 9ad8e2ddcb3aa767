//! Which requests name state that the provider keeps: with `restore: scope` their answers may hold tokens of earlier
//! exchanges.
//!
//! What is not listed here names none. All APIs in one: no member means two things, and gateways serve APIs under
//! other names.

use crate::json::shape::{Rule, Shape, TEXT, Walk};
use crate::json::{Documents, Lexer, Piece};

/// What holds things by their id: `/v1/responses/{id}`, `/v1/threads/{id}/messages`, `/v1/files/{id}/content`.
///
/// OpenAI: <https://platform.openai.com/docs/api-reference>, Anthropic: <https://docs.anthropic.com/en/api>,
/// Gemini: <https://ai.google.dev/api>.
const COLLECTIONS: [&str; 10] = [
    "batches",
    "cachedContents",
    "completions",
    "containers",
    "conversations",
    "files",
    "interactions",
    "responses",
    "threads",
    "vector_stores",
];
/// What stands behind a collection and is no id.
const VERBS: [&str; 4] = ["compact", "input_tokens", "runs", "search"];

/// An id of something that the provider keeps, or an object or a list that has one.
static ID: Shape = Shape::leaf(Rule::Fixed);
/// `item_reference` names an item of an earlier response.
static ITEM_TYPE: Shape = Shape::leaf(Rule::Prose);

/// What a body names: <https://platform.openai.com/docs/api-reference/responses/create>, `…/chat/create`,
/// `…/runs/createThreadAndRun`, `…/batch/create`; <https://docs.anthropic.com/en/api/messages>;
/// <https://ai.google.dev/api/generate-content>, <https://ai.google.dev/api/interactions-api>.
static BODY: Shape = Shape::object(&[
    ("previous_response_id", &ID),
    ("previous_interaction_id", &ID),
    ("conversation", &ID),
    ("input", &ITEM),
    ("messages", &MESSAGE),
    ("tools", &TOOL),
    ("tool_resources", &TOOL),
    ("thread_id", &ID),
    ("thread", &THREAD),
    ("attachments", &PART),
    ("input_file_id", &ID),
    ("batch_id", &ID),
    ("file_id", &ID),
    ("container", &ID),
    ("requests", &BATCHED),
    ("cachedContent", &ID),
    ("cached_content", &ID),
    ("contents", &MESSAGE),
]);

/// Of a batch, each with a body of its own.
static BATCHED: Shape = Shape::object(&[("params", &BODY), ("request", &BODY)]);
static ITEM: Shape = Shape::object(&[("type", &ITEM_TYPE), ("file_id", &ID), ("content", &PART)]);
static THREAD: Shape = Shape::object(&[("messages", &MESSAGE), ("tool_resources", &TOOL)]);
static MESSAGE: Shape = Shape::object(&[
    ("content", &PART),
    ("parts", &PART),
    ("attachments", &PART),
    // An answer that was spoken.
    ("audio", &ID),
]);
static PART: Shape = Shape::object(&[
    ("file_id", &ID),
    ("file", &FILE),
    ("image_file", &FILE),
    ("source", &FILE),
    ("fileData", &FILE),
    ("file_data", &FILE),
    ("content", &PART),
]);
static FILE: Shape = Shape::object(&[("file_id", &ID), ("fileUri", &ID), ("file_uri", &ID)]);
/// A tool, and by its name what it works with.
static TOOL: Shape = Shape::object(&[
    ("container", &CONTAINER),
    ("vector_store_ids", &ID),
    ("file_ids", &ID),
    ("code_interpreter", &TOOL),
    ("file_search", &TOOL),
]);
/// An id, or a new one with files.
static CONTAINER: Shape = Shape { rule: Rule::Fixed, ..Shape::object(&[("type", &TEXT), ("file_ids", &ID)]) };

/// True if a path, without its query, names something that the provider keeps.
pub fn in_path(path: &str) -> bool {
    let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let names = |id: &&str| COLLECTIONS.contains(&part) && !VERBS.contains(id);
        if parts.peek().is_some_and(names) {
            return true;
        }
    }
    false
}

/// True if a request's body, which is JSON, names something that the provider keeps.
pub fn in_body(body: &[u8]) -> bool {
    let (mut lexer, mut walk) = (Lexer::new(Documents::One), Walk::new(&BODY));
    let (mut rest, mut in_key) = (body, false);
    // Where the string that is read begins, if an item's type stands there.
    let mut item_type: Option<&[u8]> = None;
    while let Some(Ok((length, piece))) = lexer.next(rest) {
        let (bytes, more) = rest.split_at(length.min(rest.len()));
        let place = walk.place();
        match piece {
            Piece::StringStart { key } => {
                in_key = key;
                item_type = (!key && core::ptr::eq(place, &raw const ITEM_TYPE)).then_some(more);
            }
            Piece::Text | Piece::Escape(_) if !in_key && place.rule == Rule::Fixed => return true,
            Piece::StringEnd if item_type.is_some_and(|text| text.starts_with(b"item_reference\"")) => {
                return true;
            }
            _ => {}
        }
        walk.take(piece, in_key, bytes).unwrap_or_default();
        in_key &= piece != Piece::StringEnd;
        rest = more;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn paths() {
        for path in [
            "/v1/responses/resp_1",
            "/openai/v1/responses/resp_1/input_items",
            "/v1/messages/batches/msgbatch_1/results",
            "/v1/batches/batch_1",
            "/v1/files/file-1/content",
            "/v1/conversations/conv_1/items",
            "/v1/threads/thread_1/runs",
            "/v1/chat/completions/chatcmpl-1",
            "/v1beta/cachedContents/x1",
        ] {
            assert!(in_path(path), "{path}");
        }
        for path in [
            "",
            "/",
            "/v1/messages",
            "/v1/messages/batches",
            "/v1/messages/batches/",
            "/v1/responses",
            "/v1/responses/input_tokens",
            "/v1/chat/completions",
            "/v1/threads/runs",
            "/v1/files",
            "/v1beta/models/m:generateContent",
        ] {
            assert!(!in_path(path), "{path}");
        }
    }

    #[test]
    fn bodies() {
        for body in [
            r#"{"model":"m","previous_response_id":"resp_1"}"#,
            r#"{"conversation":{"id":"conv_1"}}"#,
            r#"{"conversation":"conv_1"}"#,
            r#"{"input":[{"role":"user","content":"a"},{"type":"item_reference","id":"msg_1"}]}"#,
            r#"{"input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]}"#,
            r#"{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]}"#,
            r#"{"messages":[{"role":"assistant","audio":{"id":"audio_1"}}]}"#,
            r#"{"messages":[{"content":[{"type":"document","source":{"type":"file","file_id":"file_1"}}]}]}"#,
            r#"{"messages":[{"content":[{"type":"container_upload","file_id":"file_1"}]}]}"#,
            r#"{"container":"container_1"}"#,
            r#"{"container":{"id":"container_1","skills":[]}}"#,
            r#"{"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["file-1"]}}]}"#,
            r#"{"tools":[{"type":"code_interpreter","container":"cntr_1"}]}"#,
            r#"{"tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]}"#,
            r#"{"requests":[{"custom_id":"1","params":{"container":"c"}}]}"#,
            r#"{"input_file_id":"file-1","endpoint":"/v1/responses"}"#,
            r#"{"thread_id":"thread_1"}"#,
            r#"{"cachedContent":"cachedContents/x1","contents":[]}"#,
            r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://x/files/1"}}]}]}"#,
        ] {
            assert!(in_body(body.as_bytes()), "{body}");
        }
        for body in [
            "",
            "{",
            r#""previous_response_id""#,
            r#"{"previous_response_id":null,"conversation":"","input":"previous_response_id"}"#,
            r#"{"metadata":{"thread_id":"thread_1"}}"#,
            r#"{"input":[{"type":"message","content":"item_reference"}],"type":"item_reference"}"#,
            r#"{"messages":[{"role":"user","content":"{\"previous_response_id\":\"resp_1\"}"}]}"#,
            r#"{"messages":[{"content":[{"type":"tool_use","input":{"file_id":"file_1"}}]}]}"#,
            r#"{"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":[]}}]}"#,
            r#"{"tools":[{"input_schema":{"properties":{"file_id":{"type":"string"}}}}]}"#,
        ] {
            assert!(!in_body(body.as_bytes()), "{body}");
        }
    }
}
