//! Finds identifiers in decoded text: one pass for the literal anchors of all rules, a grammar at each.
//!
//! The leftmost match wins, then the longest anchor, then the order of the catalogue. Time is linear: a grammar
//! that finds nothing looks at a bounded surrounding, what it finds moves the search forward, and an ARN is not
//! looked for inside an ARN's parts.

use crate::catalogue::{self, Kind, LITERAL, Outcome, Row};
use crate::context;
use crate::context::member::Place;
use crate::context::{Placed, Places};
use crate::token::{FAMILIES, Recogniser};
use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use alloc::vec::Vec;
use core::ops::Range;

pub mod access_key;
pub mod arn;
pub mod ipv4;
pub mod resource_id;

/// A kind of this catalogue.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct KindId(pub(crate) u16);

/// A place in text that is to be masked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Where, in the text.
    pub range: Range<usize>,
    /// What it is.
    pub kind: KindId,
    /// Which rule found it.
    pub rule: &'static str,
}

/// The compiled catalogue: built once a VM, used by every exchange.
#[derive(Debug)]
pub struct Detector {
    kinds: Vec<Kind>,
    rows: Vec<(&'static Row, KindId)>,
    anchors: AhoCorasick,
    /// For each anchor pattern, what to try there.
    tries: Vec<Vec<Try>>,
    recogniser: Recogniser,
    literal: KindId,
    places: Places,
}

/// Compounds are not looked for inside compounds: what is in them is found one level deep, in linear time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Depth {
    InCompound,
    Outer,
}

#[derive(Clone, Copy, Debug)]
enum Try {
    Row(usize),
    Token,
}

/// The rule that finds text which reads as a token.
pub const LITERAL_RULE: &str = "token-look-alike";
/// The rule that finds further places of a value found by its place.
pub const PROPAGATED_RULE: &str = "propagated";

impl Detector {
    /// Compiles the catalogue. `None` if an automaton cannot be built, which only a catalogue too large can cause.
    pub fn new() -> Option<Self> {
        // Several rows may find one kind.
        let mut kinds: Vec<Kind> = Vec::new();
        for kind in catalogue::kinds() {
            if position(&kinds, kind.prefix).is_none() {
                kinds.push(*kind);
            }
        }
        let rows = catalogue::rows()
            .map(|row| position(&kinds, row.kind.prefix).map(|kind| (row, kind)))
            .collect::<Option<Vec<_>>>()?;
        let mut patterns: Vec<&str> = Vec::new();
        let mut tries: Vec<Vec<Try>> = Vec::new();
        let mut add =
            |anchor: &'static str, what: Try| match patterns.iter().position(|known| *known == anchor) {
                Some(at) => tries.get_mut(at).into_iter().for_each(|list| list.push(what)),
                None => {
                    patterns.push(anchor);
                    tries.push(Vec::from([what]));
                }
            };
        for family in FAMILIES {
            add(family, Try::Token);
        }
        for (at, (row, _)) in rows.iter().enumerate() {
            for anchor in row.anchors {
                add(anchor, Try::Row(at));
            }
        }
        let anchors = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&patterns)
            .ok()?;
        let recogniser = Recogniser::new(kinds.iter().map(|kind| kind.prefix));
        let literal = position(&kinds, LITERAL.prefix)?;
        let places = Places::new(|prefix| position(&kinds, prefix))?;
        Some(Self { kinds, rows, anchors, tries, recogniser, literal, places })
    }

    /// What a kind is.
    pub fn kind(&self, id: KindId) -> Kind {
        self.kinds.get(usize::from(id.0)).copied().unwrap_or(LITERAL)
    }

    /// The kind whose name on the wire this is.
    pub fn kind_named(&self, name: &str) -> Option<KindId> {
        let at = self.kinds.iter().position(|kind| kind.name() == name)?;
        u16::try_from(at).ok().map(KindId)
    }

    /// The kind of text that reads as a token.
    pub fn literal(&self) -> KindId {
        self.literal
    }

    /// Finds tokens of every kind of this catalogue.
    pub fn recogniser(&self) -> &Recogniser {
        &self.recogniser
    }

    /// The kind that a token found by [`recogniser`](Self::recogniser) names.
    pub fn kind_of_prefix(&self, prefix: usize) -> KindId {
        u16::try_from(prefix).map_or(self.literal, KindId)
    }

    /// Appends to `findings` what stands in `text` from `from` on, in order and without overlap.
    pub fn find(&self, text: &[u8], from: usize, findings: &mut Vec<Finding>) {
        self.find_in(text, from, Depth::Outer, findings);
    }

    /// Like [`find`](Self::find), and finds what its place in the text, or the text's own `place`, tells.
    pub fn find_placed(&self, text: &[u8], from: usize, place: &Place<'_>, findings: &mut Vec<Finding>) {
        let before = findings.len();
        self.find(text, from, findings);
        let mut placed: Vec<Placed> = Vec::new();
        let member = if from == 0 { self.places.member(place, text) } else { None };
        match member {
            Some(member) => placed.push(member),
            None => self.places.find(text, from, &mut placed),
        }
        if !placed.is_empty() {
            context::merge(findings, before, placed);
        }
    }

    /// What the digits of a number are at their place.
    pub fn number(&self, digits: &[u8], place: &Place<'_>) -> Option<Finding> {
        let Placed { range, kind, rule } = self.places.member(place, digits)?;
        (range.len() == digits.len()).then_some(Finding { range, kind, rule })
    }

    fn find_in(&self, text: &[u8], from: usize, depth: Depth, findings: &mut Vec<Finding>) {
        let mut at = from;
        while let Some(anchor) = self.anchors.find(Input::new(text).range(at..)) {
            // A grammar may begin before its anchor, but never before what was consumed.
            at = self
                .tries
                .get(anchor.pattern().as_usize())
                .into_iter()
                .flatten()
                .find_map(|what| self.attempt(*what, text, anchor.range(), at, depth, findings))
                .unwrap_or(anchor.start() + 1);
        }
    }

    /// Returns where to go on if this settles the place.
    fn attempt(
        &self,
        what: Try,
        text: &[u8],
        anchor: Range<usize>,
        consumed: usize,
        depth: Depth,
        findings: &mut Vec<Finding>,
    ) -> Option<usize> {
        let Try::Row(index) = what else {
            let found = self.recogniser.at(text, anchor.start)?;
            let end = found.range.end;
            findings.push(Finding { range: found.range, kind: self.literal, rule: LITERAL_RULE });
            return Some(end);
        };
        let (row, kind) = *self.rows.get(index)?;
        if row.compound && depth == Depth::InCompound {
            return None;
        }
        match (row.grammar)(text, anchor.clone()) {
            Outcome::No => None,
            Outcome::SkipTo(end) => Some(end.max(anchor.start + 1)),
            Outcome::One(range) if range.start < consumed => None,
            Outcome::One(range) => {
                let end = range.end;
                findings.push(Finding { range, kind, rule: row.rule });
                Some(end)
            }
            Outcome::Parts(parts) => {
                // What is not a part may hold identifiers all the same, behind the anchor that was found.
                let mut from = anchor.end;
                for part in &parts.parts {
                    self.find_between(text, from..part.range.start, findings);
                    self.part(text, part, row.rule, findings);
                    from = part.range.end;
                }
                self.find_between(text, from..parts.end, findings);
                Some(parts.end)
            }
        }
    }

    fn find_between(&self, text: &[u8], range: Range<usize>, findings: &mut Vec<Finding>) {
        if let Some(upto) = text.get(..range.end) {
            self.find_in(upto, range.start, Depth::InCompound, findings);
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
        let kind = position(&self.kinds, part.prefix).unwrap_or(self.literal);
        findings.push(Finding { range: part.range.clone(), kind, rule });
    }
}

fn position(kinds: &[Kind], prefix: &str) -> Option<KindId> {
    let at = kinds.iter().position(|kind| kind.prefix == prefix)?;
    u16::try_from(at).ok().map(KindId)
}

#[cfg(test)]
mod tests;
