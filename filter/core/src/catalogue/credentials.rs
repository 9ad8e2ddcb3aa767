//! Credentials of AWS.

use super::{Group, Kind, Row};
use crate::detect::access_key;

const IAM_IDS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html";

pub(super) static ROWS: &[Row] = &[Row {
    kind: Kind::credential("AWS_ACCESS_KEY", Group::Credentials),
    rule: "access-key-id",
    compound: false,
    anchors: &["akia", "asia"],
    grammar: access_key::access_key_id,
    source: IAM_IDS,
    examples: &["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"],
    counter_examples: &[
        "AKIA",
        "AKIAIOSFODNN7EXAMPL",
        "AKIAIOSFODNN7EXAMPLE1",
        "ASIAiosfodnn7example",
        "Asia",
    ],
}];
