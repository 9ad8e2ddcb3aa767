//! What the filter and the Redis bridge say to each other: JSON over HTTP, every call a batch.
//!
//! | call | body | answer |
//! | --- | --- | --- |
//! | `POST /v1/scopes/{scope}/tokens` | [`IssueRequest`] | [`IssueResponse`] |

#![no_std]

extern crate alloc;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most values in one call.
pub const MAX_VALUES: usize = 10_000;
/// Longest answer that a caller has to read: every token, its quotes and comma.
pub const MAX_RESPONSE_LEN: usize = MAX_VALUES * 64 + 64;

/// The path of the call that issues tokens in `scope`.
pub fn issue_path(scope: &str) -> String {
    alloc::format!("/v1/scopes/{scope}/tokens")
}

/// Get or create the tokens of these values.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IssueRequest<'a> {
    /// In any order; the answer keeps it.
    #[serde(borrow)]
    pub values: Vec<IssueValue<'a>>,
}

/// One value.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IssueValue<'a> {
    /// The kind, without its family: `EC2`.
    pub kind: Cow<'a, str>,
    /// The original.
    pub value: Cow<'a, str>,
    /// False: the store keeps an index and the token, never the value.
    pub keep: bool,
}

impl core::fmt::Debug for IssueValue<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("IssueValue")
            .field("kind", &self.kind)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// The tokens, in the order of the request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct IssueResponse {
    /// One a value.
    pub tokens: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden: what is on the wire does not change by accident.
    #[test]
    fn issue() {
        let json = r#"{"values":[{"kind":"EC2","value":"i-0abc","keep":true},{"kind":"ACCESS_KEY","value":"AKIA\"","keep":false}]}"#;
        let request: IssueRequest<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(request.values[0].kind, "EC2");
        assert_eq!(request.values[1].value, "AKIA\"");
        assert_eq!(serde_json::to_string(&request).unwrap(), json);

        let json = r#"{"tokens":["AWS_EC2_001"]}"#;
        let response: IssueResponse = serde_json::from_str(json).unwrap();
        assert_eq!(response.tokens, ["AWS_EC2_001"]);
        assert_eq!(serde_json::to_string(&response).unwrap(), json);
    }

    #[test]
    fn values_do_not_print() {
        let value = IssueValue { kind: "EC2".into(), value: "i-0abc".into(), keep: true };
        assert!(!alloc::format!("{value:?}").contains("i-0abc"));
    }
}
