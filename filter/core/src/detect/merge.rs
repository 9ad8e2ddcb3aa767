//! One list of findings out of several: no place is masked twice, and nothing that was found goes out.

use super::Finding;
use alloc::vec::Vec;
use core::cmp::Reverse;

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
