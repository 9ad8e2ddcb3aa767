//! The detector against a naive oracle, which looks for a few kinds at every position, one after the other.
#![no_main]

use cloakroom_core::boundary;
use cloakroom_core::catalogue;
use cloakroom_fuzz::vm;
use libfuzzer_sys::fuzz_target;
use std::ops::Range;
use std::sync::LazyLock;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut findings = Vec::new();
    vm().detector.find(text.as_bytes(), 0, &mut findings);
    let mut end = 0;
    for finding in &findings {
        let Range { start, end: next } = finding.range;
        assert!(end <= start && start < next, "in order, without overlap, not empty");
        assert!(text.get(start..next).is_some(), "on whole characters");
        end = next;
    }
    for at in text.char_indices().map(|(at, _)| at) {
        // What stands before the digits may also be the end of an escape: `\u{1b}[mi-12345678`.
        let Some(id) = tagged_id(text.as_bytes(), at).or_else(|| account_of_arn(text.as_bytes(), at)) else {
            continue;
        };
        let mut covered = id.start;
        for finding in findings.iter().filter(|finding| finding.range.end > id.start) {
            if finding.range.start > covered {
                break;
            }
            covered = covered.max(finding.range.end);
        }
        assert!(covered >= id.end, "{:?} goes out of {text:?}", &text[id]);
    }
});

/// What ids of EC2 begin with.
static ANCHORS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let has = |row: &catalogue::Row, digits: &str| row.examples.iter().any(|id| id.ends_with(digits));
    let is_tagged = |row: &&catalogue::Row| has(row, "-12345678") && has(row, "-0abcdef0123456789");
    let anchors = catalogue::rows().filter(is_tagged).flat_map(|row| row.anchors);
    anchors.copied().filter(|anchor| anchor.ends_with('-')).collect()
});

/// The digits of `vpc-` and 8 or 17 hexadecimal digits, alone.
fn tagged_id(text: &[u8], at: usize) -> Option<Range<usize>> {
    let (before, rest) = text.split_at(at);
    if !boundary::may_start(before) {
        return None;
    }
    for anchor in ANCHORS.iter() {
        let Some(start) =
            rest.get(..anchor.len()).filter(|start| start.eq_ignore_ascii_case(anchor.as_bytes()))
        else {
            continue;
        };
        let digits = rest[start.len()..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let length = start.len() + digits;
        // People name snapshots by the day, and those names are no ids.
        let id = &rest[start.len()..length];
        let may_be_date =
            digits == 8 && (id.starts_with(b"19") || id.starts_with(b"20") || id.starts_with(b"21"));
        if matches!(digits, 8 | 17) && !may_be_date && boundary::may_end(&rest[length..]) {
            return Some(at + start.len()..at + length);
        }
    }
    None
}

/// Twelve digits after the colons of an ARN of IAM.
fn account_of_arn(text: &[u8], at: usize) -> Option<Range<usize>> {
    let (before, rest) = text.split_at(at);
    let arn = before.strip_suffix(b"arn:aws:iam::")?;
    let digits = rest.get(..12)?.iter().all(u8::is_ascii_digit);
    (digits && rest.get(12..)?.starts_with(b":role/a") && boundary::may_start(arn)).then_some(at..at + 12)
}
