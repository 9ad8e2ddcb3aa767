//! The scripted provider's other APIs, which real clients read (see [`clients`](super::clients)): without Envoy.

use e2e::{
    client::{Call, Connection, Protocol, within},
    provider::{Echo, Options, Provider},
    sse,
};
use serde_json::Value;

async fn answer(path: &str, body: &str) -> String {
    let echo = Echo { delta_chars: 0, ..Echo::default() };
    let provider = Provider::start(&Options { plain: true, echo, ..Options::default() }).unwrap();
    let mut connection = Connection::open(provider.address(), Protocol::Http1).await.unwrap();
    within("an answer", connection.call(&Call::post("localhost", path, body.to_owned())))
        .await
        .unwrap()
        .text()
}

#[tokio::test]
async fn thinking_comes_first_and_signed() {
    let body = r#"{"stream":true,"thinking":{"type":"enabled"},"messages":[{"role":"user","content":"hi"}]}"#;
    let events = sse::events(answer("/v1/messages", body).await.as_bytes());
    let deltas: Vec<Value> = events.iter().map(|event| serde_json::from_str(&event.data).unwrap()).collect();
    let deltas: Vec<_> = deltas
        .iter()
        .filter(|data| data["type"] != "ping")
        .map(|data| {
            (
                data["index"].as_u64(),
                data["delta"]["type"].as_str().or(data["content_block"]["type"].as_str()),
            )
        })
        .collect();
    assert_eq!(
        deltas,
        [
            (None, None),
            (Some(0), Some("thinking")),
            (Some(0), Some("thinking_delta")),
            (Some(0), Some("signature_delta")),
            (Some(0), None),
            (Some(1), Some("redacted_thinking")),
            (Some(1), None),
            (Some(2), Some("text")),
            (Some(2), Some("text_delta")),
            (Some(2), None),
            (None, None),
            (None, None),
        ]
    );
}

/// <https://platform.openai.com/docs/api-reference/responses-streaming>
#[tokio::test]
async fn responses_stream_as_the_real_api_does() {
    let body = r#"{"model":"m","stream":true,"input":"hi","reasoning":{"summary":"auto"},"tools":[{"type":"function","name":"run"}]}"#;
    let events = sse::events(answer("/v1/responses", body).await.as_bytes());
    let names: Vec<_> = events.iter().filter_map(|event| event.name.as_deref()).collect();
    assert_eq!(
        names,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    assert_eq!(
        events[10].data,
        r#"{"type":"response.output_text.delta","sequence_number":10,"item_id":"msg_67ccd3acc8d48190a77525dc6de64b4104becb25c45c1d41","output_index":1,"content_index":0,"delta":"You said: hi","logprobs":[],"obfuscation":"lSqNz2XkV0aR"}"#
    );
    assert_eq!(
        events[16].data,
        r#"{"type":"response.function_call_arguments.done","sequence_number":16,"item_id":"fc_67ccd2bf17f0819081ff3bb2cf6508e604becb25c45c1d41","output_index":2,"arguments":"{\"text\":\"hi\",\"verbose\":true}"}"#
    );
    let completed: Value = serde_json::from_str(&events[18].data).unwrap();
    let kinds = completed["response"]["output"].as_array().unwrap().iter().map(|item| item["type"].as_str());
    assert!(kinds.eq(["reasoning", "message", "function_call"].map(Some)));
}

/// <https://ai.google.dev/api/generate-content>: events are whole responses, and lines end in CRLF.
#[tokio::test]
async fn gemini_streams_as_the_real_api_does() {
    let body = r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"tools":[{"functionDeclarations":[{"name":"run"}]}]}"#;
    let said = r#""content":{"parts":[{"text":"You said: hi"}"#;
    let call = r#"{"functionCall":{"name":"run","args":{"text":"hi","verbose":true}},"thoughtSignature":"CiQB0e2Kb7l3zYf8QmXwVnP6tRs4uGhJkLdE1aCoBxTyNvZiFmMKYAHR7YpvS9qU"}"#;
    let rest = r#""usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":34,"totalTokenCount":35,"promptTokensDetails":[{"modality":"TEXT","tokenCount":1}]},"modelVersion":"gemini-2.5-flash","responseId":"mAitaLmkHPPlz7IPvtfUqQ4"}"#;
    assert_eq!(
        answer("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", body).await,
        [
            format!("data: {{\"candidates\":[{{{said}],\"role\":\"model\"}},\"index\":0}}],{rest}\r\n\r\n"),
            format!(
                "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{call}],\"role\":\"model\"}},\"finishReason\":\"STOP\",\"index\":0}}],{rest}\r\n\r\n"
            ),
        ]
        .concat()
    );
    assert_eq!(
        answer("/v1/models/gemini-2.5-flash:generateContent", body).await,
        format!(
            r#"{{"candidates":[{{{said},{call}],"role":"model"}},"finishReason":"STOP","index":0}}],{rest}"#
        )
    );
}

/// After a tool's result a model talks, or an agent would never come to an end.
#[tokio::test]
async fn a_tools_result_is_not_answered_by_a_call() {
    for (path, body) in [
        (
            "/v1/messages",
            r#"{"tools":[{"name":"run"}],"messages":[{"role":"user","content":[{"type":"tool_result","content":"42"}]}]}"#,
        ),
        (
            "/v1/chat/completions",
            r#"{"tools":[{"function":{"name":"run"}}],"messages":[{"role":"tool","content":"42"}]}"#,
        ),
        (
            "/v1/responses",
            r#"{"tools":[{"name":"run"}],"input":[{"type":"function_call_output","output":"42"}]}"#,
        ),
        (
            "/v1beta/models/m:generateContent",
            r#"{"tools":[{"functionDeclarations":[{"name":"run"}]}],"contents":[{"role":"user","parts":[{"functionResponse":{"name":"run","response":{"result":"42"}}}]}]}"#,
        ),
    ] {
        let answer = answer(path, body).await;
        assert!(answer.contains("You said: 42") && !answer.contains("verbose"), "{path}: {answer}");
    }
}
