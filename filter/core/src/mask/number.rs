//! Numbering within one request, for `mapping.store: request`.

use super::Value;
use crate::detect::{Detector, KindId};
use crate::token;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// The tokens of `values`: counted per kind, in order of appearance.
pub fn number(detector: &Detector, values: &[Value]) -> Vec<String> {
    let mut counters: BTreeMap<KindId, u64> = BTreeMap::new();
    let mut next = |value: &Value| {
        let counter = counters.entry(value.kind).or_default();
        *counter += 1;
        token::write(&detector.kind(value.kind).prefix, *counter)
    };
    values.iter().map(&mut next).collect()
}
