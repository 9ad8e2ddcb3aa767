//! Compounds: identifiers whose parts are masked one by one, such as ARNs and host names.

use super::{Depth, Detector, Finding, Search, arn};
use crate::boundary;
use alloc::vec::Vec;
use core::ops::Range;

impl Detector {
    /// Finds the parts of a compound. What is not a part may hold identifiers all the same, behind the anchor that was
    /// found.
    pub(super) fn parts(
        &self,
        text: &[u8],
        anchor: &Range<usize>,
        parts: &arn::Parts,
        rule: &'static str,
        search: Search,
        findings: &mut Vec<Finding>,
    ) {
        let mut from = anchor.end;
        for part in &parts.parts {
            if part.range.start < anchor.start {
                self.earlier_part(text, part, rule, search, findings);
                continue;
            }
            self.find_between(text, from..part.range.start, findings);
            self.part(text, part, rule, findings);
            from = part.range.end;
        }
        self.find_between(text, from..parts.end, findings);
    }

    fn find_between(&self, text: &[u8], range: Range<usize>, findings: &mut Vec<Finding>) {
        // The first part of a compound may begin where its anchor does.
        if let Some(upto) = text.get(..range.end).filter(|upto| range.start < upto.len()) {
            self.find_in(upto, range.start, Depth::InCompound, findings);
        }
    }

    /// A part that stands before the anchor: what was found there already stays what it is, and the rest of the part
    /// is what its place says. A compound is bounded to the left, so that few findings are looked at.
    fn earlier_part(
        &self,
        text: &[u8],
        part: &arn::Part,
        rule: &'static str,
        search: Search,
        findings: &mut Vec<Finding>,
    ) {
        let kind = self.kinds.with_prefix(part.prefix).unwrap_or(self.literal());
        let mut start = part.range.start.max(search.from);
        let ends_before = |finding: &&Finding| finding.range.end > start;
        let known = findings.get(search.first..).unwrap_or_default();
        let mut at = findings.len() - known.iter().rev().take_while(ends_before).count();
        while start < part.range.end {
            let next =
                findings.get(at).map(|next| next.range.clone()).filter(|next| next.start < part.range.end);
            let end = next.as_ref().map_or(part.range.end, |next| next.start);
            if let Some(range) = word(text, start..end) {
                findings.insert(at, Finding { range, kind, rule });
                at += 1;
            }
            start = next.map_or(end, |next| next.end);
            at += 1;
        }
    }

    /// A part that is an identifier of its own (`instance/i-0abc…`) is that; otherwise it is what its place says.
    fn part(&self, text: &[u8], part: &arn::Part, rule: &'static str, findings: &mut Vec<Finding>) {
        let before = findings.len();
        self.find_between(text, part.range.clone(), findings);
        let whole = |finding: &Finding| finding.range == part.range;
        if findings.len() == before + 1 && findings.last().is_some_and(whole) {
            return;
        }
        findings.truncate(before);
        let kind = self.kinds.with_prefix(part.prefix).unwrap_or(self.literal());
        findings.push(Finding { range: part.range.clone(), kind, rule });
    }
}

/// A range without the punctuation at its ends; `None` if nothing else is in it.
fn word(text: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let bytes = text.get(range.clone())?;
    let start = bytes.iter().position(|byte| boundary::binds(*byte))?;
    let end = bytes.iter().rposition(|byte| boundary::binds(*byte))?;
    Some(range.start + start..range.start + end + 1)
}
