//! The bytes of calls to the Redis bridge, and of its answers.

use crate::config::BridgeConfig;
use crate::detect::Detector;
use crate::exchange::{Call, StoreReply};
use crate::mask::{Form, Value};
use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bridge_api::{IssueRequest, IssueResponse, IssueValue, MAX_ISSUE_RESPONSE_LEN, issue_path};

/// The one scope there is as long as scopes are not configured.
const SCOPE: &str = "default";

/// The call that gets or creates the tokens of `values`.
///
/// A number's token is not that of the same digits in text, so its value on the wire carries the form; likewise
/// for a value that is a spelling.
pub fn issue(bridge: &BridgeConfig, detector: &Detector, values: &[Value]) -> Call {
    let values = values
        .iter()
        .map(|value| {
            let kind = detector.kind(value.kind);
            let text = String::from_utf8_lossy(value.secret.expose());
            IssueValue {
                kind: Cow::Borrowed(kind.name()),
                value: match value.form {
                    Form::Number => Cow::Owned(format!("#{text}")),
                    Form::Spelled => Cow::Owned(format!("~{text}")),
                    // What begins like a mark gets one of its own, so that no two values are spelled alike.
                    Form::Text if text.starts_with(['#', '~', '=']) => Cow::Owned(format!("={text}")),
                    Form::Text => text,
                },
                keep: kind.restores,
            }
        })
        .collect();
    let body = serde_json::to_vec(&IssueRequest { values }).unwrap_or_default();
    Call { cluster: bridge.cluster.clone(), path: issue_path(SCOPE), body, timeout: bridge.timeout }
}

/// The tokens in an answer: one a value, each of the value's kind, no two the same. `None` for anything else.
pub fn issued(detector: &Detector, values: &[Value], reply: StoreReply<'_>) -> Option<Vec<String>> {
    let StoreReply::Answered { status: 200, body } = reply else { return None };
    if body.len() > MAX_ISSUE_RESPONSE_LEN {
        return None;
    }
    let IssueResponse { tokens, .. } = serde_json::from_slice(body).ok()?;
    let distinct: BTreeSet<&String> = tokens.iter().collect();
    let of_kind = |(value, token): (&Value, &String)| {
        let found = detector.recogniser().at(token.as_bytes(), 0);
        found
            .is_some_and(|found| found.token == *token && detector.kind_of_prefix(found.prefix) == value.kind)
    };
    let valid = tokens.len() == values.len()
        && distinct.len() == tokens.len()
        && values.iter().zip(&tokens).all(of_kind);
    valid.then_some(tokens)
}
