//! Finds identifiers in decoded text: one pass for the literal anchors of all rules, a grammar at each.
//!
//! The leftmost match wins, then the longest anchor, then the order of the catalogue. Time is linear: a
//! grammar that finds nothing looks at a bounded surrounding, what it finds moves the search forward, and
//! an ARN is not looked for inside an ARN's parts.

use crate::catalogue::{self, Outcome, Row};
use crate::config::detection::{Arns, Detection, NeverMask};
use crate::context::Places;
use crate::context::member::Place;
use crate::token::{FAMILIES, Recogniser};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use anchors::Anchors;
use core::ops::Range;
use kinds::Kinds;
use own::OwnKind;

pub mod access_key;
mod anchors;
pub mod arn;
mod compound;
pub mod console;
pub mod host;
pub mod ipv4;
pub mod ipv6;
mod kinds;
pub(crate) mod merge;
pub mod organization;
pub mod own;
mod path;
pub mod pii;
pub mod place;
pub mod private_dns;
pub mod resource_id;
pub mod s3_url;
pub mod secrets;
pub mod sid;
pub mod signature;
pub mod told;
pub mod userinfo;
mod version;

pub use kinds::{Kind, KindId};

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
    kinds: Kinds,
    rows: Vec<(&'static Row, KindId)>,
    /// With what to try at each.
    anchors: Anchors<Try>,
    recogniser: Recogniser,
    places: Places,
    own: Vec<(OwnKind, KindId)>,
    arns: Arns,
    never_mask: NeverMask,
}

/// Compounds are not looked for inside compounds: what is in them is found one level deep, in linear time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Depth {
    InCompound,
    Outer,
}

/// One run over a text.
#[derive(Clone, Copy, Debug)]
struct Search {
    /// Where it begins.
    from: usize,
    /// How many findings there were before.
    first: usize,
    depth: Depth,
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
    pub fn new(detection: &Detection) -> Option<Self> {
        let kinds = Kinds::new(detection)?;
        // What is off by default costs nothing unless it is turned on. What is turned off is found all the same, and
        // left out later: a name in an ARN must not become another kind.
        let rows = catalogue::rows()
            .map(|row| kinds.with_prefix(row.kind.prefix).map(|kind| (row, kind)))
            .filter(|row| {
                row.is_none_or(|(row, kind)| kinds.get(kind).on || row.kind.group.is_on_by_default())
            })
            .collect::<Option<Vec<_>>>()?;
        let own = (detection.own_kinds.iter())
            .map(|own| kinds.with_prefix(&own.prefix).map(|kind| (own.clone(), kind)))
            .collect::<Option<Vec<_>>>()?;
        let mut anchors = Anchors::builder();
        for family in FAMILIES {
            anchors.add(family, Try::Token);
        }
        for (at, (row, _)) in rows.iter().enumerate() {
            for anchor in row.anchors {
                anchors.add(anchor, Try::Row(at));
            }
        }
        let anchors = anchors.build()?;
        let recogniser = Recogniser::new(kinds.prefixes());
        let places = Places::new(|prefix| kinds.with_prefix(prefix))?;
        let Detection { arns, never_mask, .. } = detection;
        Some(Self {
            kinds,
            rows,
            anchors,
            recogniser,
            places,
            own,
            arns: *arns,
            never_mask: never_mask.clone(),
        })
    }

    /// What a kind is.
    pub fn kind(&self, id: KindId) -> &Kind {
        self.kinds.get(id)
    }

    /// The kind whose name on the wire this is.
    pub fn kind_named(&self, name: &str) -> Option<KindId> {
        self.kinds.named(name)
    }

    /// The kind whose tokens begin with this.
    pub fn kind_with_prefix(&self, prefix: &str) -> Option<KindId> {
        self.kinds.with_prefix(prefix)
    }

    /// What tokens that may be restored begin with, up to their number; sorted.
    pub fn restorable(&self) -> Vec<String> {
        let restorable = self.kinds.all().filter(|kind| kind.restores);
        let mut prefixes: Vec<String> = restorable.map(|kind| format!("{}_", kind.prefix)).collect();
        prefixes.sort_unstable();
        prefixes
    }

    /// The kind of text that reads as a token.
    pub fn literal(&self) -> KindId {
        self.kinds.literal()
    }

    /// Finds tokens of every kind of this catalogue.
    pub fn recogniser(&self) -> &Recogniser {
        &self.recogniser
    }

    /// The kind that a token found by [`recogniser`](Self::recogniser) names.
    pub fn kind_of_prefix(&self, prefix: usize) -> KindId {
        u16::try_from(prefix).map_or(self.literal(), KindId)
    }

    /// True if a value of this kind is masked.
    pub fn masks(&self, kind: KindId, value: &[u8]) -> bool {
        kind == self.literal() || (self.kind(kind).on && !self.never_mask.has(value))
    }

    /// Finds what shapes tell in `text` from `from` on, in order and without overlap. `findings` must be empty.
    pub fn find(&self, text: &[u8], from: usize, findings: &mut Vec<Finding>) {
        self.find_shapes(text, from, findings);
        self.settle(text, findings);
    }

    /// Like [`find`](Self::find), and finds what its place in the text, or the text's own `place`, tells.
    pub fn find_placed(&self, text: &[u8], from: usize, place: &Place<'_>, findings: &mut Vec<Finding>) {
        self.find_shapes(text, from, findings);
        let shapes = findings.len();
        match self.places.member(place, text).filter(|_| from == 0) {
            Some(member) => findings.push(member),
            None => self.places.find(text, from, findings),
        }
        if shapes < findings.len() {
            // What is the whole value keeps what its shape says; a place that tells of more takes shapes in.
            merge::merge(findings);
        }
        self.settle(text, findings);
    }

    /// What the digits of a number are at their place.
    pub fn number(&self, digits: &[u8], place: &Place<'_>) -> Option<Finding> {
        let found = self.places.member(place, digits)?;
        (found.range.len() == digits.len() && self.masks(found.kind, digits)).then_some(found)
    }

    fn find_shapes(&self, text: &[u8], from: usize, findings: &mut Vec<Finding>) {
        for (own, kind) in &self.own {
            let rule = own.rule();
            own.find(text, from, |range| findings.push(Finding { range, kind: *kind, rule }));
        }
        if findings.is_empty() {
            return self.find_in(text, from, Depth::Outer, findings);
        }
        let mut shapes = Vec::new();
        self.find_in(text, from, Depth::Outer, &mut shapes);
        // Of the same place, the operator's kind.
        findings.append(&mut shapes);
        merge::merge(findings);
    }

    /// Leaves out what is not to be masked.
    fn settle(&self, text: &[u8], findings: &mut Vec<Finding>) {
        findings.retain(|found| self.masks(found.kind, text.get(found.range.clone()).unwrap_or_default()));
    }

    /// What a finding that is masked whole says about other places: the account and the names of an ARN.
    pub fn within(&self, text: &[u8], finding: &Finding, findings: &mut Vec<Finding>) {
        if self.arns == Arns::Whole
            && finding.rule == arn::RULE
            && let Some(upto) = text.get(..finding.range.end)
            && let Outcome::Parts(parts) = arn::parts(upto, finding.range.clone())
        {
            let search = Search { from: finding.range.start, first: findings.len(), depth: Depth::Outer };
            let start = finding.range.start..finding.range.start;
            self.parts(upto, &start, &parts, arn::RULE, search, findings);
        }
    }

    fn find_in(&self, text: &[u8], from: usize, depth: Depth, findings: &mut Vec<Finding>) {
        let search = Search { from, first: findings.len(), depth };
        let mut at = from;
        while let Some((anchor, tries)) = self.anchors.find(text, at) {
            at = tries
                .iter()
                .find_map(|what| self.attempt(*what, text, anchor.clone(), search, findings))
                .unwrap_or(anchor.start + 1);
        }
    }

    /// Returns where to go on if this settles the place.
    fn attempt(
        &self,
        what: Try,
        text: &[u8],
        anchor: Range<usize>,
        search: Search,
        findings: &mut Vec<Finding>,
    ) -> Option<usize> {
        let Try::Row(index) = what else {
            let found = self.recogniser.at(text, anchor.start)?;
            let end = found.range.end;
            findings.push(Finding { range: found.range, kind: self.literal(), rule: LITERAL_RULE });
            return Some(end);
        };
        let (row, kind) = *self.rows.get(index)?;
        if row.compound && search.depth == Depth::InCompound {
            return None;
        }
        match (row.grammar)(text, anchor.clone()) {
            Outcome::No => None,
            Outcome::SkipTo(end) => Some(end.max(anchor.start + 1)),
            // A grammar may begin before its anchor, but never before what was found.
            Outcome::One(range) if range.start < search.consumed(findings) => None,
            Outcome::One(range) => {
                let end = merge::leaves_arn(text, &range);
                findings.push(Finding { range: range.start..end, kind, rule: row.rule });
                Some(end)
            }
            Outcome::Parts(parts) => {
                let end = parts.end;
                // What is not masked as a whole is masked part by part.
                let whole = self.arns == Arns::Whole && row.rule == arn::RULE && self.kind(kind).on;
                if whole && !parts.parts.is_empty() {
                    findings.push(Finding { range: anchor.start..end, kind, rule: row.rule });
                } else {
                    self.parts(text, &anchor, &parts, row.rule, search, findings);
                }
                Some(end)
            }
        }
    }
}

impl Search {
    /// Where the last finding of this run ends.
    fn consumed(self, findings: &[Finding]) -> usize {
        let found = findings.get(self.first..).unwrap_or_default();
        found.last().map_or(self.from, |last| last.range.end)
    }
}

#[cfg(test)]
mod settings_tests;
#[cfg(test)]
mod tests;
