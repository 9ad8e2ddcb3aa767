//! The routes, without sockets: what is answered to whom, and that hostile input is refused and never repeated.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests, helpers included"
)]

mod bodies;
mod calls;
mod support;
mod troubles;

use serde_json::{Value, json};

pub(crate) const TOKENS: &str = "/v1/scopes/default/tokens";
pub(crate) const VALUES: &str = "/v1/scopes/default/values";
/// In every hostile body: must never come back.
pub(crate) const SECRET: &str = "i-5ec2e7c0de";

pub(crate) fn issue(values: &[(&str, &str, bool)]) -> String {
    let values: Vec<Value> = values
        .iter()
        .map(|(kind, value, keep)| json!({"kind": kind, "value": value, "keep": keep}))
        .collect();
    json!({ "values": values }).to_string()
}
