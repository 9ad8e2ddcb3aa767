//! What is shown: requests as people really send them, with what must not get out.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::curl::Call;

/// Whose API is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Anthropic,
    OpenAi,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) api: Api,
    pub(crate) stream: bool,
    /// The tool that the provider shall call with what it was told.
    pub(crate) tool: Option<&'static str>,
    pub(crate) prompt: &'static str,
    /// What the provider must not see and the application must get back.
    pub(crate) identifiers: &'static [&'static str],
    /// What the provider must not see and nobody gets back.
    pub(crate) credentials: &'static [&'static str],
}

pub(crate) const SCENES: [Scene; 4] = [
    Scene {
        api: Api::Anthropic,
        stream: false,
        tool: None,
        prompt: "Why can't i-0a1b2c3d4e5f67890 (10.20.30.40) reach 10.20.31.77? Both are in vpc-0123456789abcdef0, \
                 the first in subnet-0fedcba9876543210 behind sg-0a9b8c7d6e5f43210.",
        identifiers: &[
            "i-0a1b2c3d4e5f67890",
            "10.20.30.40",
            "10.20.31.77",
            "vpc-0123456789abcdef0",
            "subnet-0fedcba9876543210",
            "sg-0a9b8c7d6e5f43210",
        ],
        credentials: &[],
    },
    Scene {
        api: Api::Anthropic,
        stream: true,
        tool: None,
        prompt: "인스턴스i-0f1e2d3c4b5a69788을 재시작했는데 10.0.12.5로 접속이 안 됩니다. \
                 보안 그룹 sg-0123abcd4567ef890과 subnet-0aa11bb22cc33dd44를 확인해 주세요.",
        identifiers: &[
            "i-0f1e2d3c4b5a69788",
            "10.0.12.5",
            "sg-0123abcd4567ef890",
            "subnet-0aa11bb22cc33dd44",
        ],
        credentials: &[],
    },
    Scene {
        api: Api::OpenAi,
        stream: false,
        tool: Some("stop_instance"),
        prompt: "Stop arn:aws:ec2:ap-northeast-2:123456789012:instance/i-0bb11cc22dd33ee44 and keep its volume \
                 vol-049df61146c4d7901.",
        identifiers: &["123456789012", "i-0bb11cc22dd33ee44", "vol-049df61146c4d7901"],
        credentials: &[],
    },
    Scene {
        api: Api::OpenAi,
        stream: true,
        tool: None,
        prompt: "$ aws ec2 describe-snapshots --snapshot-ids snap-0c1d2e3f405162738\n\
                 An error occurred (UnauthorizedOperation) for arn:aws:iam::210987654321:user/ci from 52.78.14.201\n\
                 $ env | grep AWS\n\
                 AWS_ACCESS_KEY_ID=AKIAZ7QWERTY2345UIOP\n\
                 Which permission is missing?",
        identifiers: &["snap-0c1d2e3f405162738", "210987654321", "52.78.14.201"],
        credentials: &["AKIAZ7QWERTY2345UIOP"],
    },
];

impl Scene {
    pub(crate) fn title(&self) -> String {
        let api = match self.api {
            Api::Anthropic => "Anthropic, POST /v1/messages",
            Api::OpenAi => "OpenAI, POST /v1/chat/completions",
        };
        let stream = if self.stream { ", streamed" } else { "" };
        let tool = if self.tool.is_some() { ", with a tool call" } else { "" };
        format!("{api}{stream}{tool}")
    }

    /// The request as curl sends it. `listeners` are the sidecar's: by Host header, Anthropic's, OpenAI's.
    pub(crate) fn call(&self, listeners: &[SocketAddr]) -> Call {
        let (name, path, port, headers): (_, _, _, &[_]) = match self.api {
            Api::Anthropic => (
                "anthropic.localhost",
                "/v1/messages",
                listeners.get(1),
                &["x-api-key: sk-demo", "anthropic-version: 2023-06-01"],
            ),
            Api::OpenAi => (
                "openai.localhost",
                "/v1/chat/completions",
                listeners.get(2),
                &["authorization: Bearer sk-demo"],
            ),
        };
        Call { name, address: port.copied(), path, headers, body: self.body().to_string() }
    }

    fn body(&self) -> Value {
        let mut body = json!({
            "max_tokens": 1024,
            "messages": [{"role": "user", "content": self.prompt}],
            "stream": self.stream,
        });
        let model = match self.api {
            Api::Anthropic => "claude-sonnet-4-5",
            Api::OpenAi => "gpt-5",
        };
        let Some(fields) = body.as_object_mut() else { return body };
        fields.insert("model".to_owned(), model.into());
        if let Some(tool) = self.tool {
            let schema = json!({"type": "object", "properties": {"text": {"type": "string"}}});
            let tool = match self.api {
                Api::Anthropic => json!({"name": tool, "input_schema": schema}),
                Api::OpenAi => json!({"type": "function", "function": {"name": tool, "parameters": schema}}),
            };
            fields.insert("tools".to_owned(), json!([tool]));
        }
        body
    }
}
