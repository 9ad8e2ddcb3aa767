//! Identifiers in path and query, which nothing masks.

use crate::catalogue::Group;
use crate::detect::{Finding, LITERAL_RULE};
use crate::json::read::Place;
use crate::vm::Vm;
use alloc::vec::Vec;

/// Where an identifier stands in path and query, percent-decoded or not.
pub(super) fn identifier_in_target(vm: &Vm, target: &[u8]) -> Option<&'static str> {
    let query = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at(query);
    let spellings = |text: &[u8]| [text.to_vec(), percent_decoded(text)];
    if spellings(path).iter().any(|path| is_in_path(vm, path)) {
        Some("path")
    } else if spellings(query).iter().any(|query| is_in_query(vm, query)) {
        Some("query")
    } else {
        None
    }
}

fn is_in_path(vm: &Vm, path: &[u8]) -> bool {
    let mut findings = Vec::new();
    vm.detector.find(path, 0, &mut findings);
    findings.iter().any(is_identifier)
}

/// A query has names, so that places tell too: `?AccountId=…`.
fn is_in_query(vm: &Vm, query: &[u8]) -> bool {
    let mut findings = Vec::new();
    vm.detector.find_placed(query, 0, &Place::default(), &mut findings);
    findings.iter().any(|finding| is_identifier(finding) && !is_callers_key(vm, query, finding))
}

/// What reads as a token names nobody.
fn is_identifier(finding: &Finding) -> bool {
    finding.rule != LITERAL_RULE
}

/// The key that the provider itself wants in the query: <https://ai.google.dev/api#authentication>.
fn is_callers_key(vm: &Vm, query: &[u8], finding: &Finding) -> bool {
    let before = query.get(..finding.range.start).unwrap_or_default();
    vm.detector.kind(finding.kind).group == Group::Secrets
        && (before.ends_with(b"?key=") || before.ends_with(b"&key="))
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
