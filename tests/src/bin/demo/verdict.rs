//! What both ends saw of a scene, and whether that is what was promised.

use std::collections::BTreeSet;

use e2e::{
    provider::{End, Recorded},
    sse,
};
use serde_json::Value;

use crate::{
    curl::Answer,
    scene::{Api, Scene},
};

/// What the scripted provider says before it repeats what it was told.
const PREAMBLE: &str = "You said: ";

/// What is shown and claimed about one scene.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The prompt as the provider received it.
    pub(crate) received: String,
    /// The answer as the application got it.
    pub(crate) got: String,
    pub(crate) checks: Vec<Check>,
}

/// One claim.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) passed: bool,
    pub(crate) text: String,
}

impl Verdict {
    pub(crate) fn of(scene: &Scene, received: &[Recorded], answer: &Answer) -> Self {
        let mut checks = Vec::new();
        let mut check = |passed, text: String| checks.push(Check { passed, text });
        let [record] = received else {
            check(false, format!("the provider received {} requests instead of one", received.len()));
            let got = String::from_utf8_lossy(&answer.body).into_owned();
            check(false, format!("curl got status {}", answer.status));
            return Self { received: String::new(), got, checks };
        };
        let prompt = prompt(record);
        let said = Said::by(scene, answer);

        let hidden = scene.identifiers.iter().chain(scene.credentials);
        let leaked: Vec<_> = hidden.clone().filter(|value| contains(record, value)).copied().collect();
        let tokens = tokens(&prompt);
        check(
            leaked.is_empty() && tokens.len() >= hidden.clone().count(),
            if leaked.is_empty() {
                format!(
                    "nothing leaked: {} identifiers, {} tokens in their places",
                    hidden.count(),
                    tokens.len()
                )
            } else {
                format!("leaked: {}", leaked.join(", "))
            },
        );

        let mut came_back = answer.status == "200"
            && record.end == End::Complete
            && said.prose.strip_prefix(PREAMBLE).is_some_and(|text| restores(scene, text));
        if scene.tool.is_some() {
            let argument = said.tool.as_deref().and_then(|tool| serde_json::from_str::<Value>(tool).ok());
            let text = argument.as_ref().and_then(|argument| argument.get("text")?.as_str());
            came_back &= text.is_some_and(|text| restores(scene, text));
        }
        let pieces = if scene.stream { format!(", over {} events", said.events) } else { String::new() };
        check(came_back, format!("everything came back{pieces}"));
        if !scene.credentials.is_empty() {
            check(
                came_back,
                "the access key stays a token on purpose: credentials are never restored".to_owned(),
            );
        }
        Self { received: prompt, got: said.shown(scene), checks }
    }

    pub(crate) fn faults(&self) -> usize {
        self.checks.iter().filter(|check| !check.passed).count()
    }
}

/// What the provider said, as the application got it.
#[derive(Debug, Default)]
struct Said {
    prose: String,
    /// The arguments of the tool call.
    tool: Option<String>,
    events: usize,
}

impl Said {
    fn by(scene: &Scene, answer: &Answer) -> Self {
        // A refusal is JSON, also when a stream was asked for.
        if scene.stream && answer.body.ends_with(b"\n\n") {
            let mut texts = sse::texts(&answer.body);
            let (prose, tool) = match scene.api {
                Api::Anthropic => ("text 0", "tool 1"),
                Api::OpenAi => ("content", "tool 0"),
            };
            return Self {
                prose: texts.remove(prose).unwrap_or_default(),
                tool: texts.remove(tool),
                events: sse::events(&answer.body).len(),
            };
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let at = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (prose, tool) = match scene.api {
            Api::Anthropic => {
                (at("/content/0/text"), body.pointer("/content/1/input").map(ToString::to_string))
            }
            Api::OpenAi => {
                let message = "/choices/0/message";
                (at(&format!("{message}/content")), at(&format!("{message}/tool_calls/0/function/arguments")))
            }
        };
        let prose = prose.unwrap_or_else(|| String::from_utf8_lossy(&answer.body).into_owned());
        Self { prose, tool, events: 0 }
    }

    fn shown(&self, scene: &Scene) -> String {
        match (&self.tool, scene.tool) {
            (Some(arguments), Some(name)) => format!("{}\n\n{name}({arguments})", self.prose),
            _ => self.prose.clone(),
        }
    }
}

/// Whether `text` is the scene's prompt again, with tokens where it has credentials.
fn restores(scene: &Scene, text: &str) -> bool {
    let mut expected = scene.prompt;
    let mut rest = text;
    for credential in scene.credentials {
        let Some((before, after)) = expected.split_once(credential) else { return false };
        let Some(token) = rest.strip_prefix(before) else { return false };
        let end = token_length(token);
        let (_, behind) = token.split_at(end);
        if end == 0 {
            return false;
        }
        (expected, rest) = (after, behind);
    }
    rest == expected
}

/// Whether `value` stands anywhere in what the provider received.
fn contains(record: &Recorded, value: &str) -> bool {
    let headers = record.headers.iter().chain(&record.trailers);
    let mut texts = headers.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    texts.any(|text| text.contains(value)) || record.text().contains(value) || record.path.contains(value)
}

/// The text of the one message in a recorded request.
fn prompt(record: &Recorded) -> String {
    let body: Value = serde_json::from_slice(&record.body).unwrap_or_default();
    let text = body.pointer("/messages/0/content").and_then(Value::as_str);
    text.map_or_else(|| record.text(), str::to_owned)
}

/// The tokens in `text`, each once.
pub(crate) fn tokens(text: &str) -> BTreeSet<String> {
    text.match_indices("AWS_")
        .filter_map(|(at, _)| {
            let token = text.get(at..)?;
            token.get(..token_length(token)).filter(|token| !token.is_empty()).map(str::to_owned)
        })
        .collect()
}

/// How long the token is that `text` begins with: `AWS_`, a kind in capitals, at least three digits. 0: there is none.
fn token_length(text: &str) -> usize {
    let end = text
        .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .unwrap_or(text.len());
    let number = text.get(..end).and_then(|token| token.strip_prefix("AWS_")?.rsplit_once('_'));
    match number {
        Some((_, digits)) if digits.len() >= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()) => end,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found() {
        let text = "AWS_EC2_001AWS_ x AWS_ACCESS_KEY_ID=AWS_ACCESS_KEY_012을 AWS_VPC_01";
        assert_eq!(tokens(text).into_iter().collect::<Vec<_>>(), ["AWS_ACCESS_KEY_012"]);
        assert_eq!(token_length("AWS_VPC_1015."), "AWS_VPC_1015".len());
    }

    #[test]
    fn only_credentials_may_stay_tokens() {
        let scene = Scene {
            api: Api::OpenAi,
            stream: false,
            tool: None,
            prompt: "i-1 and AKIA!",
            identifiers: &["i-1"],
            credentials: &["AKIA"],
        };
        assert!(restores(&scene, "i-1 and AWS_ACCESS_KEY_001!"));
        for text in ["i-1 and AKIA!", "AWS_EC2_001 and AWS_ACCESS_KEY_001!", "i-1 and AWS_ACCESS_KEY_001", ""]
        {
            assert!(!restores(&scene, text), "{text}");
        }
    }
}
