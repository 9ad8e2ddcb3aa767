//! What in a body is to be masked.

use super::known::Known;
use super::propagate::{Propagated, Propagator};
use super::{Form, MAX_SPANS, MAX_VALUES, Plan, Span, Unmaskable, Value};
use crate::catalogue::Group;
use crate::context::{PREFIXED_RULE, words};
use crate::detect::{Detector, Finding, Kind, KindId};
use crate::json::escape;
use crate::json::read::{self, Number, Place, View, Visitor};
use crate::json::shape::Shape;
use crate::secret::Secret;
use alloc::collections::BTreeSet;
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
            known: Known::default(),
            refused: None,
            propagated: BTreeSet::new(),
            remembered: Vec::new(),
            findings: Vec::new(),
            within: Vec::new(),
        };
        read::document(body, shape, &mut finder).map_err(Unmaskable::Unreadable)?;
        if let Some(values) = finder.propagated()
            && values.may_stand_elsewhere(body, finder.spans_in_order())
        {
            let mut propagator = Propagator::new(finder, values);
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
pub(super) struct Finder<'a> {
    pub(super) detector: &'a Detector,
    pub(super) plan: Plan,
    /// Where in the plan a value is.
    known: Known,
    pub(super) refused: Option<Unmaskable>,
    /// Values to be found everywhere, as they read.
    propagated: BTreeSet<(KindId, Secret)>,
    /// Which values of the plan have been looked at for that.
    remembered: Vec<bool>,
    findings: Vec<Finding>,
    within: Vec<Finding>,
}

impl Finder<'_> {
    /// Plans a span; returns its value.
    pub(super) fn span(
        &mut self,
        kind: KindId,
        form: Form,
        bytes: &[u8],
        raw: Range<usize>,
        level: usize,
        rule: &'static str,
    ) -> Option<usize> {
        if self.plan.spans.len() == MAX_SPANS {
            self.refused.get_or_insert(Unmaskable::TooManyValues);
            return None;
        }
        let value = self.value(kind, form, bytes)?;
        self.plan.spans.push(Span { raw, value, level, rule });
        Some(value)
    }

    fn value(&mut self, kind: KindId, form: Form, bytes: &[u8]) -> Option<usize> {
        let hash = match self.known.find(&self.plan.values, kind, form, bytes) {
            Ok(value) => return Some(value),
            Err(hash) => hash,
        };
        if self.plan.values.len() == MAX_VALUES {
            self.refused.get_or_insert(Unmaskable::TooManyValues);
            return None;
        }
        let reads_as = if kind == self.detector.literal() { self.credential(bytes) } else { None };
        self.plan.doubtful |= reads_as.is_some();
        let value = self.plan.add_value(Value { kind, form, secret: Secret::new(bytes), reads_as });
        self.known.insert(&self.plan.values, hash, value);
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

    /// The same for a finding that is a value of the plan, as it reads: most come again and again.
    fn propagate_once(&mut self, text: &[u8], finding: &Finding, value: Option<usize>) {
        let kind = self.detector.kind(finding.kind);
        if !(kind.propagates || finding.rule == PREFIXED_RULE) {
            return;
        }
        if let Some(value) = value {
            if self.remembered.len() <= value {
                self.remembered.resize(value + 1, false);
            }
            if let Some(remembered) = self.remembered.get_mut(value)
                && core::mem::replace(remembered, true)
            {
                return;
            }
        }
        self.propagate(text, finding);
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
        let values = Propagated::new(self.detector, &self.propagated);
        if values.is_none() {
            self.refused.get_or_insert(Unmaskable::TooManyValues);
        }
        values
    }

    fn spans_in_order(&mut self) -> &[Span] {
        // In nearly every body they are.
        if !self.plan.spans.is_sorted_by_key(|span| span.raw.start) {
            self.plan.spans.sort_unstable_by_key(|span| span.raw.start);
        }
        &self.plan.spans
    }

    /// Takes note of what tells that the masked body does not simply read back; see [`Plan::reads_back`].
    fn doubt(&mut self, view: &View<'_>, from: usize, place: &Place<'_>, findings: &[Finding]) {
        let (Some(first), recogniser) = (findings.first(), self.detector.recogniser()) else {
            self.plan.doubtful |= self.detector.recogniser().find(view.text, from).is_some();
            return;
        };
        self.plan.doubtful |= is_doubtful(view, from, place, first.range.start);
        let mut rest = findings;
        let mut at = from;
        while !self.plan.doubtful
            && let Some(found) = recogniser.find(view.text, at)
        {
            at = found.range.end;
            while let [finding, later @ ..] = rest
                && finding.range.end < at
            {
                rest = later;
            }
            self.plan.doubtful |= rest.first().is_none_or(|finding| found.range.start < finding.range.start);
        }
    }

    /// Order of appearance: the reader tells of some strings late.
    fn into_plan(self) -> Plan {
        let mut plan = self.plan;
        plan.spans.sort_unstable_by_key(|span| span.raw.start);
        let mut next = 0;
        let mut appears = |span: &Span| {
            next += usize::from(span.value == next);
            span.value < next
        };
        if plan.spans.iter().all(&mut appears) && next == plan.values.len() {
            return plan;
        }
        let mut values: Vec<Option<Value>> = plan.values.into_iter().map(Some).collect();
        let mut moved_to: Vec<usize> = alloc::vec![0; values.len()];
        plan.values = Vec::with_capacity(values.len());
        for span in &mut plan.spans {
            let (Some(value), Some(to)) = (values.get_mut(span.value), moved_to.get_mut(span.value)) else {
                continue;
            };
            if let Some(value) = value.take() {
                *to = plan.values.len();
                plan.values.push(value);
            }
            span.value = *to;
        }
        plan
    }
}

impl Visitor for Finder<'_> {
    fn text(&mut self, view: &View<'_>, from: usize, place: &Place<'_>) {
        let mut findings = core::mem::take(&mut self.findings);
        self.detector.find_placed(view.text, from, place, &mut findings);
        self.doubt(view, from, place, &findings);
        for mut finding in findings.drain(..) {
            let raw = view.raw(finding.range.start)..view.raw(finding.range.end);
            self.detector.within(view.text, &finding, &mut self.within);
            for within in core::mem::take(&mut self.within) {
                self.propagate(view.text, &within);
                if !self.detector.kind(within.kind).restores {
                    finding.kind = within.kind;
                }
            }
            let (form, bytes) = form(view, finding.range.clone());
            let value = self.span(finding.kind, form, bytes, raw, view.level, finding.rule);
            self.propagate_once(view.text, &finding, value.filter(|_| form == Form::Text));
        }
        self.findings = findings;
    }

    fn number(&mut self, number: Number<'_>, place: &Place<'_>) {
        let Some(finding) = self.detector.number(number.whole(), place) else { return };
        let Number { digits, raw, level, plain } = number;
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

    fn encoded(&mut self, view: &View<'_>, text: &[u8]) {
        self.detector.find_placed(text, 0, &Place::default(), &mut self.findings);
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

/// True if it is not certain that the text is read in the same way once what begins at `first` is masked.
pub(super) fn is_doubtful(view: &View<'_>, from: usize, place: &Place<'_>, first: usize) -> bool {
    // Masked, what is not JSON could go on as JSON.
    (from > 0 && first <= from)
        // The name of a member decides how its value is read; text may become a data URL.
        || (view.level == 1 && (place.name.is_empty() || view.text.starts_with(b"data:")))
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
