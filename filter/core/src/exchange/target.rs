//! Identifiers in path and query, which nothing masks.

use crate::detect::{Finding, LITERAL_RULE};
use crate::vm::Vm;
use alloc::vec::Vec;

/// Where an identifier stands in path and query, percent-decoded or not.
pub(super) fn identifier_in_target(vm: &Vm, target: &[u8]) -> Option<&'static str> {
    let query = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at(query);
    let has_identifier = |text: &[u8]| {
        [text, &percent_decoded(text)].into_iter().any(|text| {
            let mut findings: Vec<Finding> = Vec::new();
            vm.detector.find(text, 0, &mut findings);
            // What reads as a token names nobody.
            findings.iter().any(|finding| finding.rule != LITERAL_RULE)
        })
    };
    if has_identifier(path) {
        Some("path")
    } else if has_identifier(query) {
        Some("query")
    } else {
        None
    }
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, more)) = rest.split_first() {
        let digit = |at: usize| more.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high << 4 | low).unwrap_or(b'%'));
                rest = more.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(if byte == b'+' { b' ' } else { byte });
                rest = more;
            }
        }
    }
    decoded
}
