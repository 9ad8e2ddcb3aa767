//! What in a body is to be masked.

use super::{Form, MAX_SPANS, MAX_VALUES, Plan, Span, Unmaskable, Value};
use crate::boundary;
use crate::catalogue::Group;
use crate::context::{PREFIXED_RULE, words};
use crate::detect::{Detector, Finding, Kind, KindId, PROPAGATED_RULE};
use crate::json::escape;
use crate::json::read::{self, Number, Place, View, Visitor};
use crate::json::shape::Shape;
use crate::secret::Secret;
use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

impl Plan {
    /// Finds everything in `body` that is to be masked.
    ///
    /// # Errors
    ///
    /// [`Unmaskable`] if the body cannot be read or must be refused.
    pub fn find(detector: &Detector, shape: &'static Shape, body: &[u8]) -> Result<Self, Unmaskable> {
        let mut finder = Finder {
            detector,
            plan: Self::default(),
            known: BTreeMap::new(),
            refused: None,
            propagated: BTreeSet::new(),
            findings: Vec::new(),
            within: Vec::new(),
        };
        read::document(body, shape, &mut finder).map_err(Unmaskable::Unreadable)?;
        if let Some(values) = finder.propagated() {
            let mut propagator = Propagator { finder, values, further: Vec::new() };
            read::document(body, shape, &mut propagator).map_err(Unmaskable::Unreadable)?;
            finder = propagator.merge();
        }
        if let Some(refused) = finder.refused {
            return Err(refused);
        }
        Ok(finder.into_plan())
    }

    /// Appends a value; returns its position.
    pub(super) fn add_value(&mut self, value: Value) -> usize {
        self.values.push(value);
        self.values.len() - 1
    }
}

/// Longest value that is looked for in other places: a search may read one again from each of its words, and the
/// automaton of all of them must stay small.
const MAX_PROPAGATED: usize = 1024;

/// First pass: what the catalogue finds.
struct Finder<'a> {
    detector: &'a Detector,
    plan: Plan,
    known: BTreeMap<(KindId, Form), BTreeMap<Secret, usize>>,
    refused: Option<Unmaskable>,
    /// Values to be found everywhere, as they read.
    propagated: BTreeSet<(KindId, Secret)>,
    findings: Vec<Finding>,
    within: Vec<Finding>,
}

impl Finder<'_> {
    fn span(
        &mut self,
        kind: KindId,
        form: Form,
        bytes: &[u8],
        raw: Range<usize>,
        level: usize,
        rule: &'static str,
    ) {
        if self.plan.spans.len() == MAX_SPANS {
            self.refused.get_or_insert(Unmaskable::TooManyValues);
            return;
        }
        if let Some(value) = self.value(kind, form, bytes) {
            self.plan.spans.push(Span { raw, value, level, rule });
        }
    }

    fn value(&mut self, kind: KindId, form: Form, bytes: &[u8]) -> Option<usize> {
        if let Some(value) = self.known.get(&(kind, form)).and_then(|known| known.get(bytes)) {
            return Some(*value);
        }
        if self.plan.values.len() == MAX_VALUES {
            self.refused.get_or_insert(Unmaskable::TooManyValues);
            return None;
        }
        let secret = Secret::new(bytes);
        let reads_as = if kind == self.detector.literal() { self.credential(bytes) } else { None };
        let value = self.plan.add_value(Value { kind, form, secret: secret.clone(), reads_as });
        self.known.entry((kind, form)).or_default().insert(secret, value);
        Some(value)
    }

    /// Remembers a value that is to be found everywhere.
    fn propagate(&mut self, text: &[u8], finding: &Finding) {
        let Finding { ref range, kind, rule } = *finding;
        let reads = text.get(range.clone()).unwrap_or_default();
        let Kind { propagates, group, .. } = self.detector.kind(kind);
        let chosen = *group != Group::Accounts;
        // An id of a length that its shape does not know is found by its place only.
        if reads.len() <= MAX_PROPAGATED
            && (*propagates || rule == PREFIXED_RULE)
            && (!chosen || words::may_propagate(reads))
        {
            self.propagated.insert((kind, Secret::new(reads)));
        }
    }

    /// The token of a credential that a literal reads as.
    fn credential(&self, bytes: &[u8]) -> Option<String> {
        let found = self.detector.recogniser().at(bytes, 0)?;
        let kind = self.detector.kind(self.detector.kind_of_prefix(found.prefix));
        (!kind.restores).then_some(found.token)
    }

    /// The values that are to be looked for everywhere, with what they are.
    fn propagated(&mut self) -> Option<Propagated> {
        if self.propagated.is_empty() {
            return None;
        }
        let patterns = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            // A DFA takes quadratic time to build for values that repeat themselves.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(self.propagated.iter().map(|(_, value)| value.expose()));
        match patterns {
            Ok(patterns) => {
                // An account stands in many a name.
                let chosen = |kind: &KindId| self.detector.kind(*kind).group != Group::Accounts;
                let kinds = self.propagated.iter().map(|(kind, _)| (*kind, chosen(kind))).collect();
                Some(Propagated { patterns, kinds })
            }
            Err(_) => {
                self.refused.get_or_insert(Unmaskable::TooManyValues);
                None
            }
        }
    }

    /// Order of appearance: the reader tells of some strings late.
    fn into_plan(self) -> Plan {
        let Plan { mut spans, values, signed, widened } = self.plan;
        spans.sort_unstable_by_key(|span| span.raw.start);
        let mut moved_to: Vec<Option<usize>> = alloc::vec![None; values.len()];
        let mut ordered = Vec::with_capacity(values.len());
        for span in &mut spans {
            if let (Some(to), Some(value)) = (moved_to.get_mut(span.value), values.get(span.value)) {
                span.value = *to.get_or_insert_with(|| {
                    ordered.push(value.clone());
                    ordered.len() - 1
                });
            }
        }
        Plan { spans, values: ordered, signed, widened }
    }
}

impl Visitor for Finder<'_> {
    fn text(&mut self, view: &View<'_>, from: usize, place: &Place<'_>) {
        let mut findings = core::mem::take(&mut self.findings);
        self.detector.find_placed(view.text, from, place, &mut findings);
        for finding in findings.drain(..) {
            let raw = view.raw(finding.range.start)..view.raw(finding.range.end);
            self.propagate(view.text, &finding);
            self.detector.within(view.text, &finding, &mut self.within);
            for finding in core::mem::take(&mut self.within) {
                self.propagate(view.text, &finding);
            }
            let (form, bytes) = form(view, finding.range);
            self.span(finding.kind, form, bytes, raw, view.level, finding.rule);
        }
        self.findings = findings;
    }

    fn number(&mut self, number: Number<'_>, place: &Place<'_>) {
        let Number { digits, raw, level, plain } = number;
        let Some(finding) = self.detector.number(digits, place) else { return };
        if plain {
            self.propagate(digits, &finding);
            self.span(finding.kind, Form::Number, digits, raw, level, finding.rule);
        } else {
            // It could not come back as it is spelled.
            self.refused.get_or_insert(Unmaskable::Ambiguous);
        }
    }

    fn fixed(&mut self, view: &View<'_>) {
        self.detector.find(view.text, 0, &mut self.findings);
        // What reads as a token too: in the answer it would be taken for one.
        if !self.findings.is_empty() {
            self.findings.clear();
            self.refused.get_or_insert(Unmaskable::InField(view.raw(0)));
        }
    }

    fn fixed_number(&mut self, _digits: &[u8], _at: usize) {}

    fn signed(&mut self) {
        self.plan.signed += 1;
    }
}

/// The value that stands for a range of text.
pub(super) fn form<'a>(view: &'a View<'_>, range: Range<usize>) -> (Form, &'a [u8]) {
    let text = view.text.get(range.clone()).unwrap_or_default();
    let depth = view.depth();
    if depth == 0 {
        return (Form::Text, text);
    }
    let mut respelled = Vec::with_capacity(text.len());
    escape::append(text, depth, &mut respelled);
    match view.spelling(range) {
        spelling if spelling == respelled => (Form::Text, text),
        spelling => (Form::Spelled, spelling),
    }
}

/// Values to be found everywhere.
struct Propagated {
    patterns: AhoCorasick,
    /// The kind of each, and whether it is a name that somebody chose.
    kinds: Vec<(KindId, bool)>,
}

/// True if a name goes on on either side: `orders` in `orders-archive` is another name. A full stop or a hyphen
/// with nothing behind it ends a sentence or an aside.
fn is_within_a_name(before: &[u8], after: &[u8]) -> bool {
    let joins = |byte: &u8| matches!(byte, b'-' | b'_' | b'.');
    let letter = |byte: &u8| byte.is_ascii_alphanumeric();
    let left = matches!(before, [.., a, b] if joins(b) && (letter(a) || joins(a)));
    let right = matches!(after, [a, b, ..] if joins(a) && (letter(b) || joins(b)));
    left || right
}

/// Second pass: the other places of values that were found by their place.
struct Propagator<'a> {
    finder: Finder<'a>,
    values: Propagated,
    further: Vec<(KindId, Form, Secret, Range<usize>, usize)>,
}

impl<'a> Propagator<'a> {
    /// Further places give way to what the first pass found, unless that is a part of the value: the rest would go out.
    fn merge(self) -> Finder<'a> {
        let mut finder = self.finder;
        finder.plan.spans.sort_unstable_by_key(|span| span.raw.start);
        let found = finder.plan.spans.len();
        let mut replaced = Vec::new();
        for (kind, form, secret, raw, level) in self.further {
            let earlier = finder.plan.spans.get(..found).unwrap_or_default();
            let next = earlier.partition_point(|span| span.raw.end <= raw.start);
            let upto = earlier.partition_point(|span| span.raw.start < raw.end);
            let inside = |span: &Span| {
                span.level == level
                    && span.raw != raw
                    && raw.start <= span.raw.start
                    && span.raw.end <= raw.end
            };
            if earlier.get(next..upto).is_none_or(|spans| spans.iter().all(inside)) {
                replaced.extend(next..upto);
                finder.span(kind, form, secret.expose(), raw, level, PROPAGATED_RULE);
            }
        }
        // The reader tells of some strings late.
        replaced.sort_unstable();
        let mut index = 0;
        finder.plan.spans.retain(|_| {
            index += 1;
            replaced.binary_search(&(index - 1)).is_err()
        });
        finder
    }

    fn matches(&self, text: &[u8], from: usize) -> Vec<(KindId, Range<usize>)> {
        let mut found = Vec::new();
        let mut at = from;
        while let Some(hit) = self.values.patterns.find(Input::new(text).range(at..)) {
            let (before, after) = (text.get(..hit.start()), text.get(hit.end()..));
            let kind = self.values.kinds.get(hit.pattern().as_usize());
            let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
            if let (true, true, Some((kind, chosen))) =
                (boundary::may_start(before), boundary::may_end(after), kind)
                && !(*chosen && is_within_a_name(before, after))
            {
                found.push((*kind, hit.range()));
                at = hit.end();
            } else {
                // Not from every position: a long value could be read again and again.
                let next = hit.start() + 1..text.len();
                let may_start = |at: &usize| boundary::may_start(text.get(..*at).unwrap_or_default());
                let Some(next) = next.into_iter().find(may_start) else { break };
                at = next;
            }
        }
        found
    }
}

impl Visitor for Propagator<'_> {
    fn text(&mut self, view: &View<'_>, from: usize, _place: &Place<'_>) {
        for (kind, range) in self.matches(view.text, from) {
            let raw = view.raw(range.start)..view.raw(range.end);
            let (form, bytes) = form(view, range);
            self.further.push((kind, form, Secret::new(bytes), raw, view.level));
        }
    }

    fn number(&mut self, number: Number<'_>, _place: &Place<'_>) {
        let Number { digits, raw, level, plain } = number;
        let whole = |(_, range): &(KindId, Range<usize>)| *range == (0..digits.len());
        match self.matches(digits, 0).into_iter().find(whole) {
            Some((kind, _)) if plain => {
                self.further.push((kind, Form::Number, Secret::new(digits), raw, level))
            }
            // It could not come back as it is spelled.
            Some(_) => {
                self.finder.refused.get_or_insert(Unmaskable::Ambiguous);
            }
            None => {}
        }
    }

    fn fixed(&mut self, view: &View<'_>) {
        // A tool or a model may be called like a table: there it is not that name.
        let is_chosen =
            |(kind, _): &(KindId, Range<usize>)| self.finder.detector.kind(*kind).group == Group::Names;
        if !self.matches(view.text, 0).iter().all(is_chosen) {
            self.finder.refused.get_or_insert(Unmaskable::InField(view.raw(0)));
        }
    }

    fn fixed_number(&mut self, digits: &[u8], at: usize) {
        if !self.matches(digits, 0).is_empty() {
            self.finder.refused.get_or_insert(Unmaskable::InField(at));
        }
    }

    fn signed(&mut self) {}
}
