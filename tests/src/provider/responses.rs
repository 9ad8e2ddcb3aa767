//! The shapes of OpenAI's Responses API.
//!
//! Written as text rather than built as values: the order of keys is the real API's.

use serde_json::Value;

use super::{
    echo::{Echo, deltas, groups, quote, turns},
    openai::call_id,
    speech::{Speech, ToolCall},
};

const RESPONSE_ID: &str = "resp_67ccd3a9da748190baa7f1570fe91ac604becb25c45c1d41";
const MESSAGE_ID: &str = "msg_67ccd3acc8d48190a77525dc6de64b4104becb25c45c1d41";
const REASONING_ID: &str = "rs_6820f383d7c08191846711c5df8233bc0ac5ba57aafcbac7";
const ENCRYPTED: &str = "gAAAAABoIaW1Jx7m2V0qXyNfKcT4hLzRsB8uPwEdGvOaYtQiMj5n9oC3kZl6HbWrFxDpUeSg";
/// Pads a delta, so that its length says nothing about the text.
const OBFUSCATION: &str = "lSqNz2XkV0aR";

/// The whole answer to a request that is not streamed.
pub(super) fn response(speech: &Speech, body: &Value) -> String {
    document(speech, body, &items(speech, body))
}

/// The events of a streamed answer, each with its blank line.
pub(super) fn stream(speech: &Speech, body: &Value, echo: &Echo) -> Vec<String> {
    let mut events = Events(Vec::new());
    for kind in ["response.created", "response.in_progress"] {
        events.push(kind, &format!(r#""response":{}"#, document(speech, body, &[])));
    }
    let items = items(speech, body);
    let first_call = items.len() - speech.calls.len();
    let [said @ .., message] = items.get(..first_call).unwrap_or_default() else { return events.0 };
    if let [reasoning] = said {
        reason(&mut events, speech, reasoning, echo);
    }
    speak(&mut events, speech, message, said.len(), echo);
    for group in groups(&speech.calls, echo) {
        call(&mut events, &group, first_call, echo);
    }
    events.push("response.completed", &format!(r#""response":{}"#, document(speech, body, &items)));
    events.0
}

/// Numbers what it takes.
struct Events(Vec<String>);

impl Events {
    fn push(&mut self, kind: &str, members: &str) {
        let number = self.0.len();
        self.0.push(format!(
            "event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number},{members}}}\n\n"
        ));
    }

    fn item(&mut self, kind: &str, index: usize, item: &str) {
        self.push(kind, &format!(r#""output_index":{index},"item":{item}"#));
    }

    /// One event for each delta, and `done` with the whole text.
    fn text(&mut self, kind: &str, place: &str, rest: &str, text: &str, echo: &Echo) {
        for piece in deltas(text, echo.delta_chars) {
            let piece = quote(piece);
            let members = format!(r#"{place},"delta":{piece}{rest},"obfuscation":"{OBFUSCATION}""#);
            self.push(&format!("{kind}.delta"), &members);
        }
        self.push(&format!("{kind}.done"), &format!(r#"{place},"text":{}{rest}"#, quote(text)));
    }
}

fn reason(events: &mut Events, speech: &Speech, whole: &str, echo: &Echo) {
    let summary = summary(speech);
    let place = format!(r#""item_id":"{REASONING_ID}","output_index":0,"summary_index":0"#);
    let part = |text: &str| format!(r#"{place},"part":{{"type":"summary_text","text":{}}}"#, quote(text));
    events.item(
        "response.output_item.added",
        0,
        &format!(r#"{{"id":"{REASONING_ID}","type":"reasoning","summary":[]}}"#),
    );
    events.push("response.reasoning_summary_part.added", &part(""));
    events.text("response.reasoning_summary_text", &place, "", &summary, echo);
    events.push("response.reasoning_summary_part.done", &part(&summary));
    events.item("response.output_item.done", 0, whole);
}

fn speak(events: &mut Events, speech: &Speech, whole: &str, index: usize, echo: &Echo) {
    let place = format!(r#""item_id":"{MESSAGE_ID}","output_index":{index},"content_index":0"#);
    let begun = format!(
        r#"{{"id":"{MESSAGE_ID}","type":"message","status":"in_progress","content":[],"role":"assistant"}}"#
    );
    events.item("response.output_item.added", index, &begun);
    events.push("response.content_part.added", &format!(r#"{place},"part":{}"#, part("")));
    events.text("response.output_text", &place, r#","logprobs":[]"#, &speech.prose, echo);
    events.push("response.content_part.done", &format!(r#"{place},"part":{}"#, part(&speech.prose)));
    events.item("response.output_item.done", index, whole);
}

fn call(events: &mut Events, group: &[(usize, &ToolCall)], first: usize, echo: &Echo) {
    let place = |call: usize| format!(r#""item_id":"{}","output_index":{}"#, item_id(call), first + call);
    for (number, tool) in group {
        let begun = function_call(*number, &tool.name, "", "in_progress");
        events.item("response.output_item.added", first + number, &begun);
    }
    for (number, piece) in turns(group, echo) {
        let (place, piece) = (place(number), quote(piece));
        let members = format!(r#"{place},"delta":{piece},"obfuscation":"{OBFUSCATION}""#);
        events.push("response.function_call_arguments.delta", &members);
    }
    for (number, tool) in group {
        let (place, arguments) = (place(*number), quote(&tool.arguments));
        events.push("response.function_call_arguments.done", &format!(r#"{place},"arguments":{arguments}"#));
        let whole = function_call(*number, &tool.name, &tool.arguments, "completed");
        events.item("response.output_item.done", first + number, &whole);
    }
}

/// What is answered: reasoning when it was asked for, a message, and the calls.
fn items(speech: &Speech, body: &Value) -> Vec<String> {
    let mut items = Vec::new();
    if speech.thinks {
        let include = body.get("include").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let encrypted = if include.iter().any(|name| name == "reasoning.encrypted_content") {
            format!(r#","encrypted_content":"{ENCRYPTED}""#)
        } else {
            String::new()
        };
        items.push(format!(
            r#"{{"id":"{REASONING_ID}","type":"reasoning","summary":[{{"type":"summary_text","text":{}}}]{encrypted}}}"#,
            quote(&summary(speech))
        ));
    }
    items.push(format!(
        r#"{{"id":"{MESSAGE_ID}","type":"message","status":"completed","content":[{}],"role":"assistant"}}"#,
        part(&speech.prose)
    ));
    let calls = speech.calls.iter().enumerate();
    items.extend(calls.map(|(call, tool)| function_call(call, &tool.name, &tool.arguments, "completed")));
    items
}

/// The response object, which repeats what the request said of how to answer.
fn document(speech: &Speech, body: &Value, items: &[String]) -> String {
    let said = |key: &str, default: &str| body.get(key).map_or_else(|| default.to_owned(), Value::to_string);
    let (status, usage) = if items.is_empty() {
        ("in_progress", "null")
    } else {
        (
            "completed",
            r#"{"input_tokens":12,"input_tokens_details":{"cached_tokens":0},"output_tokens":34,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":46}"#,
        )
    };
    format!(
        r#"{{"id":"{RESPONSE_ID}","object":"response","created_at":1741476777,"status":"{status}","background":false,"error":null,"incomplete_details":null,"instructions":{instructions},"max_output_tokens":null,"model":{model},"output":[{output}],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{{"effort":null,"summary":null}},"store":false,"temperature":1.0,"text":{{"format":{{"type":"text"}}}},"tool_choice":"auto","tools":{tools},"top_p":1.0,"truncation":"disabled","usage":{usage},"user":null,"metadata":{metadata}}}"#,
        instructions = said("instructions", "null"),
        model = quote(&speech.model),
        output = items.join(","),
        tools = said("tools", "[]"),
        metadata = said("metadata", "{}"),
    )
}

fn summary(speech: &Speech) -> String {
    format!("**Repeating**\n\nTo be repeated: {}", speech.prose)
}

fn part(text: &str) -> String {
    format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":{}}}"#, quote(text))
}

fn function_call(call: usize, name: &str, arguments: &str, status: &str) -> String {
    let (id, call_id, name, arguments) = (item_id(call), call_id(call), quote(name), quote(arguments));
    format!(
        r#"{{"id":"{id}","type":"function_call","status":"{status}","arguments":{arguments},"call_id":"{call_id}","name":{name}}}"#
    )
}

fn item_id(call: usize) -> &'static str {
    if call == 0 {
        "fc_67ccd2bf17f0819081ff3bb2cf6508e604becb25c45c1d41"
    } else {
        "fc_67ccd2bf5c2c8190b8f1a0d6e9c34f7204becb25c45c1d41"
    }
}
