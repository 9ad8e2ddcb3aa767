//! The other places of values that were found by their place.

use super::find::{Finder, form, is_doubtful};
use super::{Form, Span, Unmaskable};
use crate::boundary;
use crate::catalogue::Group;
use crate::detect::{Detector, KindId, PROPAGATED_RULE};
use crate::json::read::{Number, Place, View, Visitor};
use crate::secret::Secret;
use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::ops::Range;
use memchr::memmem;

/// Values to be found everywhere.
pub(super) struct Propagated {
    patterns: Patterns,
    /// The kind of each, and whether it is a name that somebody chose.
    kinds: Vec<(KindId, bool)>,
    /// What may hide one of them in a body, where it is spelled with escapes; `None` if that could be anything.
    hiding: Option<&'static [&'static [u8]]>,
}

enum Patterns {
    /// One, which most bodies have: the account.
    One(Box<memmem::Finder<'static>>),
    Many(AhoCorasick),
}

impl Patterns {
    /// The leftmost one in `text` that begins at `from` or later, the longest there: which, and where.
    fn find(&self, text: &[u8], from: usize) -> Option<(usize, Range<usize>)> {
        match self {
            Self::One(pattern) => {
                let start = from + pattern.find(text.get(from..)?)?;
                Some((0, start..start + pattern.needle().len()))
            }
            Self::Many(patterns) => {
                let found = patterns.find(Input::new(text).range(from..))?;
                Some((found.pattern().as_usize(), found.range()))
            }
        }
    }
}

impl Propagated {
    /// `None` if there are too many.
    pub(super) fn new(detector: &Detector, values: &BTreeSet<(KindId, Secret)>) -> Option<Self> {
        let mut all = values.iter().map(|(_, value)| value.expose());
        let patterns = match (all.next(), all.next()) {
            (Some(one), None) => Patterns::One(Box::new(memmem::Finder::new(one).into_owned())),
            _ => {
                let builder = AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostLongest)
                    // A DFA takes quadratic time to build for values that repeat themselves.
                    .kind(Some(AhoCorasickKind::ContiguousNFA))
                    .build(values.iter().map(|(_, value)| value.expose()));
                Patterns::Many(builder.ok()?)
            }
        };
        // An account stands in many a name.
        let chosen = |kind: KindId| detector.kind(kind).group != Group::Accounts;
        let any = |is: fn(&u8) -> bool| values.iter().any(|(_, value)| value.expose().iter().any(is));
        let hiding: Option<&[&[u8]]> = if any(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\')) {
            None
        } else if any(|byte| !byte.is_ascii()) {
            Some(&[b"\\u", b"\\/"])
        } else {
            Some(&[b"\\u00", b"\\/"])
        };
        Some(Self {
            patterns,
            kinds: values.iter().map(|(kind, _)| (*kind, chosen(*kind))).collect(),
            hiding,
        })
    }

    /// False if a second pass over `body` would find nothing: however deep it is in JSON in strings, a value is
    /// spelled as it reads, and where it stands it is a part of one of `spans`, which are in order.
    pub(super) fn may_stand_elsewhere(&self, body: &[u8], spans: &[Span]) -> bool {
        let hides = |escape: &&[u8]| memmem::find(body, escape).is_some();
        if self.hiding.is_none_or(|escapes| escapes.iter().any(hides)) {
            return true;
        }
        let mut spans = spans;
        let mut at = 0;
        while let Some((_, found)) = self.patterns.find(body, at) {
            // What begins no word in the body begins none in a text of it.
            if boundary::may_start(body.get(..found.start).unwrap_or_default()) {
                while let [span, later @ ..] = spans
                    && span.raw.end <= found.start
                {
                    spans = later;
                }
                let covers = |span: &Span| span.raw.start <= found.start && found.end <= span.raw.end;
                if !spans.first().is_some_and(covers) {
                    return true;
                }
            }
            let Some(next) = next_word(body, found.start) else { break };
            at = next;
        }
        false
    }
}

/// Where something may begin behind `at`. Not every position: a long value could be read again and again.
fn next_word(text: &[u8], at: usize) -> Option<usize> {
    (at + 1..text.len()).find(|at| boundary::may_start(text.get(..*at).unwrap_or_default()))
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
pub(super) struct Propagator<'a> {
    finder: Finder<'a>,
    values: Propagated,
    further: Vec<(KindId, Form, Secret, Range<usize>, usize)>,
}

impl<'a> Propagator<'a> {
    pub(super) fn new(finder: Finder<'a>, values: Propagated) -> Self {
        Self { finder, values, further: Vec::new() }
    }

    /// Further places give way to what the first pass found, unless that is a part of the value: the rest would go out.
    pub(super) fn merge(self) -> Finder<'a> {
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
        while let Some((which, hit)) = self.values.patterns.find(text, at) {
            let (before, after) = (text.get(..hit.start), text.get(hit.end..));
            let kind = self.values.kinds.get(which);
            let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
            if let (true, true, Some((kind, chosen))) =
                (boundary::may_start(before), boundary::may_end(after), kind)
                && !(*chosen && is_within_a_name(before, after))
            {
                at = hit.end;
                found.push((*kind, hit));
            } else {
                let Some(next) = next_word(text, hit.start) else { break };
                at = next;
            }
        }
        found
    }
}

impl Visitor for Propagator<'_> {
    fn text(&mut self, view: &View<'_>, from: usize, place: &Place<'_>) {
        for (kind, range) in self.matches(view.text, from) {
            self.finder.plan.doubtful |= is_doubtful(view, from, place, range.start);
            let raw = view.raw(range.start)..view.raw(range.end);
            let (form, bytes) = form(view, range);
            self.further.push((kind, form, Secret::new(bytes), raw, view.level));
        }
    }

    fn number(&mut self, number: Number<'_>, _place: &Place<'_>) {
        let digits = number.whole();
        let whole = |(_, range): &(KindId, Range<usize>)| *range == (0..digits.len());
        let found = self.matches(digits, 0).into_iter().find(whole);
        let Number { digits, raw, level, plain } = number;
        match found {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::detection::Detection;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_second_pass_runs_where_it_may_find_something() {
        let detector = Detector::new(&Detection::default()).unwrap();
        let account = detector.kind_with_prefix("AWS_ACCOUNT").unwrap();
        let span = |(start, end)| Span { raw: start..end, value: 0, level: 1, rule: PROPAGATED_RULE };
        for (values, body, spans, expected) in [
            (&["123456789012"][..], r#"{"a":"no"}"#, &[][..], false),
            (&["123456789012"], r#"{"a":"123456789012"}"#, &[], true),
            (&["123456789012"], r#"{"a":"123456789012"}"#, &[(6, 18)], false),
            (&["123456789012"], r#"{"a":"123456789012","b":123456789012}"#, &[(6, 18)], true),
            (&["123456789012"], r#"{"a":"123456789012","b":123456789012}"#, &[(6, 18), (24, 36)], false),
            // A part of a longer span gives way to it; a longer value does not.
            (&["123456789012"], r#"{"a":"arn:123456789012:x"}"#, &[(6, 24)], false),
            (&["my-orders-1"], r#"{"a":"my-orders-1"}"#, &[(6, 12)], true),
            // It begins no word.
            (&["123456789012"], r#"{"a":"x123456789012"}"#, &[], false),
            (&["123456789012"], r#"{"a":"\n123456789012"}"#, &[], true),
            (&["my-orders-1", "orders-1"], r#"{"a":"my-orders-1"}"#, &[(6, 17)], false),
            (&["my-orders-1", "orders-1"], r#"{"a":"my-orders-1 orders-1"}"#, &[(6, 17)], true),
            // Escapes may hide it.
            (&["123456789012"], r#"{"a":"12345678901\u0032"}"#, &[], true),
            (&["123456789012"], r#"{"a":"\uac00"}"#, &[], false),
            (&["가나다-1"], r#"{"a":"\uac00"}"#, &[], true),
            (&["a/b-1"], r#"{"a":"a\/b-1"}"#, &[], true),
            (&["a/b-1"], r#"{"a":"a b-1"}"#, &[], false),
            (&["a\"b-1"], r#"{"a":""}"#, &[], true),
        ] {
            let set = values.iter().map(|value| (account, Secret::new(value.as_bytes()))).collect();
            let spans: Vec<Span> = spans.iter().copied().map(span).collect();
            let values = Propagated::new(&detector, &set).unwrap();
            assert_eq!(values.may_stand_elsewhere(body.as_bytes(), &spans), expected, "{body}");
        }
    }
}
