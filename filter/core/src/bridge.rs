//! The bytes of calls to the Redis bridge, and of its answers.

use crate::config::BridgeConfig;
use crate::detect::Detector;
use crate::exchange::{Call, Reason, StoreReply};
use crate::mask::{Form, Value};
use crate::secret::Secret;
use crate::unmask::mapping::Entry;
use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bridge_api::{
    IssueRequest, IssueResponse, IssueValue, MAX_ISSUE_RESPONSE_LEN, MAX_REQUEST_LEN,
    MAX_RESTORE_RESPONSE_LEN, MAX_VALUE_LEN, RestoreRequest, RestoreResponse, issue_path, restore_path,
};
use core::time::Duration;

/// Tokens that the bridge issued.
pub struct Issued {
    /// One a value.
    pub tokens: Vec<String>,
    /// How long they may be cached, if the bridge says how long it keeps them: half as long.
    pub ttl: Option<Duration>,
}

/// The call that gets or creates the tokens of `values` in `scope`.
///
/// A number's token is not that of the same digits in text, so its value on the wire carries the form; likewise
/// for a value that is a spelling.
///
/// # Errors
///
/// [`Reason`] if the bridge would not take it.
pub fn issue(
    bridge: &BridgeConfig,
    detector: &Detector,
    scope: &str,
    values: &[&Value],
    request_id: &str,
) -> Result<Call, Reason> {
    let values: Vec<IssueValue<'_>> = values
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
    if values.iter().any(|value| value.value.len() > MAX_VALUE_LEN) {
        return Err(Reason::ValueTooLong);
    }
    let body = serde_json::to_vec(&IssueRequest { values }).unwrap_or_default();
    if body.len() > MAX_REQUEST_LEN {
        return Err(Reason::ValuesTooLong);
    }
    Ok(call(bridge, issue_path(scope), request_id, body))
}

fn call(bridge: &BridgeConfig, path: String, request_id: &str, body: Vec<u8>) -> Call {
    let cluster = bridge.cluster.clone();
    Call { cluster, path, request_id: request_id.to_owned(), body, timeout: bridge.timeout }
}

/// The tokens in an answer: one a value, each of the value's kind, no two the same. `None` for anything else.
pub fn issued(detector: &Detector, values: &[&Value], reply: StoreReply<'_>) -> Option<Issued> {
    let StoreReply::Answered { status: 200, body } = reply else { return None };
    if body.len() > MAX_ISSUE_RESPONSE_LEN {
        return None;
    }
    let IssueResponse { tokens, ttl_seconds } = serde_json::from_slice(body).ok()?;
    let distinct: BTreeSet<&String> = tokens.iter().collect();
    let of_kind = |(value, token): (&&Value, &String)| {
        let found = detector.recogniser().at(token.as_bytes(), 0);
        found
            .is_some_and(|found| found.token == *token && detector.kind_of_prefix(found.prefix) == value.kind)
    };
    let valid = tokens.len() == values.len()
        && distinct.len() == tokens.len()
        && values.iter().zip(&tokens).all(of_kind);
    valid.then(|| Issued { tokens, ttl: ttl_seconds.map(|seconds| Duration::from_secs(seconds) / 2) })
}

/// The call that gets back what `tokens` of `scope` stand for: at most [`MAX_LOOKUPS`](crate::unmask::lookups::MAX_LOOKUPS),
/// which the bridge takes.
pub fn restore(bridge: &BridgeConfig, scope: &str, tokens: &[String], request_id: &str) -> Call {
    let tokens = tokens.iter().map(|token| Cow::Borrowed(token.as_str())).collect();
    let body = serde_json::to_vec(&RestoreRequest { tokens }).unwrap_or_default();
    call(bridge, restore_path(scope), request_id, body)
}

/// What an answer says of `tokens`, one by one: nothing of those that the scope does not know. `None` if it is no answer.
pub fn restored(tokens: &[String], reply: StoreReply<'_>) -> Option<Vec<Option<Entry>>> {
    let StoreReply::Answered { status: 200, body } = reply else { return None };
    if body.len() > MAX_RESTORE_RESPONSE_LEN {
        return None;
    }
    let RestoreResponse { values } = serde_json::from_slice(body).ok()?;
    let entry = |(token, value): (&String, Option<String>)| {
        let (form, value) = unmarked(value.as_deref()?)?;
        Some(Entry { token: token.clone(), value: Secret::new(value.as_bytes()), form })
    };
    (values.len() == tokens.len()).then(|| tokens.iter().zip(values).map(entry).collect())
}

/// The form of a value on the wire, and the value; `None` if it is nobody's.
fn unmarked(wire: &str) -> Option<(Form, &str)> {
    let (form, value) = match wire.split_at_checked(1) {
        Some(("#", digits)) => {
            // It is put where a number stands, without quotes.
            let number = digits.bytes().all(|byte| byte.is_ascii_digit());
            (Form::Number, number.then_some(digits)?)
        }
        Some(("~", spelling)) => (Form::Spelled, spelling),
        Some(("=", text)) => (Form::Text, text),
        _ => (Form::Text, wire),
    };
    (!value.is_empty() && value.len() <= MAX_VALUE_LEN).then_some((form, value))
}
