//! The detector against a naive oracle, which looks for a few kinds at every position, one after the other.
#![no_main]

use cloakroom_core::boundary;
use cloakroom_core::catalogue;
use cloakroom_fuzz::vm;
use libfuzzer_sys::fuzz_target;
use std::ops::Range;

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
        let Some(length) = tagged_id(text.as_bytes(), at).or_else(|| account_of_arn(text.as_bytes(), at))
        else {
            continue;
        };
        let id = at..at + length;
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

/// `vpc-` and 8 or 17 hexadecimal digits, alone.
fn tagged_id(text: &[u8], at: usize) -> Option<usize> {
    let (before, rest) = text.split_at(at);
    let is_tagged = |row: &&catalogue::Row| row.examples.iter().any(|id| id.ends_with("0abcdef0123456789"));
    let anchors = catalogue::rows().filter(is_tagged).flat_map(|row| row.anchors);
    for anchor in anchors {
        let Some(start) =
            rest.get(..anchor.len()).filter(|start| start.eq_ignore_ascii_case(anchor.as_bytes()))
        else {
            continue;
        };
        let digits = rest[start.len()..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let length = start.len() + digits;
        if matches!(digits, 8 | 17) && boundary::may_start(before) && boundary::may_end(&rest[length..]) {
            return Some(length);
        }
    }
    None
}

/// Twelve digits after the colons of an ARN of IAM.
fn account_of_arn(text: &[u8], at: usize) -> Option<usize> {
    let (before, rest) = text.split_at(at);
    let arn = before.strip_suffix(b"arn:aws:iam::")?;
    let digits = rest.get(..12)?.iter().all(u8::is_ascii_digit);
    (digits && rest.get(12..)?.starts_with(b":role/a") && boundary::may_start(arn)).then_some(12)
}
