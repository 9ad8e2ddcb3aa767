//! One list of findings out of several: no place is masked twice, and nothing that was found goes out.

use super::Finding;
use crate::boundary;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::ops::Range;

/// Puts findings in order. Of two that overlap the one that begins first is whole, the longer one if both begin there,
/// the earlier one in the list if they are the same place. What the other one has more is masked on its own.
pub(crate) fn merge(findings: &mut Vec<Finding>) {
    findings.sort_by_key(|finding| (finding.range.start, Reverse(finding.range.end)));
    let mut end = 0;
    findings.retain_mut(|finding| {
        finding.range.start = finding.range.start.max(end);
        let more = finding.range.start < finding.range.end;
        end = end.max(finding.range.end);
        more
    });
}

/// Where a finding ends that leaves the first word of an ARN right behind it to that ARN: `eyJh….arn` and a colon.
pub(super) fn leaves_arn(text: &[u8], range: &Range<usize>) -> usize {
    let start = range.end.saturating_sub(3);
    let is_arn = text.get(start..range.end).is_some_and(|word| word.eq_ignore_ascii_case(b"arn"))
        && start > range.start
        && text.get(range.end..).is_some_and(|rest| rest.starts_with(b":") || rest.starts_with(b"%"))
        && boundary::may_start(text.get(..start).unwrap_or_default());
    if is_arn { start } else { range.end }
}
