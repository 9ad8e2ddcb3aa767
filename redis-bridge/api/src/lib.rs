//! What the filter and the Redis bridge say to each other: JSON over HTTP, every call a batch.
//!
//! | call | body | answer |
//! | --- | --- | --- |
//! | `POST /v1/scopes/{scope}/tokens` | [`IssueRequest`] | [`IssueResponse`] |
//! | `POST /v1/scopes/{scope}/values` | [`RestoreRequest`] | [`RestoreResponse`] |
//! | `DELETE /v1/scopes/{scope}` | – | [`ForgetResponse`] |
//!
//! Whatever is not answered with 200 is answered with an [`ErrorResponse`].

#![no_std]

extern crate alloc;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

pub mod names;

/// Most values, or tokens, in one call.
pub const MAX_VALUES: usize = 10_000;
/// Longest value, in bytes.
pub const MAX_VALUE_LEN: usize = 8 * 1024;
/// Longest body of a call, in bytes.
pub const MAX_REQUEST_LEN: usize = 16 * 1024 * 1024;
/// Longest answer to an [`IssueRequest`], in bytes: every token, its quotes and comma.
pub const MAX_ISSUE_RESPONSE_LEN: usize = MAX_VALUES * 64 + 64;
/// Longest answer to a [`RestoreRequest`] that the filter reads, in bytes.
pub const MAX_RESTORE_RESPONSE_LEN: usize = MAX_REQUEST_LEN;

/// The path of the call that issues tokens in `scope`.
pub fn issue_path(scope: &str) -> String {
    alloc::format!("/v1/scopes/{scope}/tokens")
}

/// The path of the call that gives back values of `scope`.
pub fn restore_path(scope: &str) -> String {
    alloc::format!("/v1/scopes/{scope}/values")
}

/// Get or create the tokens of these values.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IssueRequest<'a> {
    /// In any order; the answer keeps it.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_VALUES)))]
    pub values: Vec<IssueValue<'a>>,
}

/// One value.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IssueValue<'a> {
    /// The kind: what its tokens begin with, without `AWS_`. `EC2` stands for `AWS_EC2_001`, `PII_EMAIL` for itself.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = names::MAX_KIND_LEN)))]
    pub kind: Cow<'a, str>,
    /// The original, 1 to 8192 bytes.
    #[serde(borrow)]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IssueResponse {
    /// One a value.
    pub tokens: Vec<String>,
    /// How long the store keeps these mappings unless they are used again, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
}

/// Get the values of these tokens.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RestoreRequest<'a> {
    /// In any order; the answer keeps it.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_VALUES)))]
    pub tokens: Vec<Cow<'a, str>>,
}

/// The values, in the order of the request.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RestoreResponse {
    /// One a token; null for a token that this scope did not issue, has forgotten, or whose value is not kept.
    pub values: Vec<Option<String>>,
}

impl core::fmt::Debug for RestoreResponse {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RestoreResponse").field("values", &self.values.len()).finish()
    }
}

/// A scope was forgotten.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForgetResponse {
    /// How many mappings there were; while index keys rotate, a value may count once for each.
    pub forgotten: u64,
}

/// A call failed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorResponse {
    /// Why.
    pub error: ErrorBody,
    /// The request's `x-request-id`, as the log has it.
    pub request_id: String,
}

/// Why a call failed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorBody {
    /// Stable name of the reason.
    pub code: String,
    /// What is wrong and what to do, in one sentence. Never holds a value.
    pub message: String,
}

#[cfg(test)]
mod tests;
