//! After splicing: the recogniser must find in the masked body exactly what was inserted.

use super::find::form;
use super::{Form, Plan, Span, Spliced, Unmaskable, Value};
use crate::detect::{Detector, LITERAL_RULE};
use crate::json::read::{self, Number, Place, View, Visitor};
use crate::json::shape::Shape;
use crate::secret::Secret;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// What came of masking.
pub enum Masked {
    /// The body to send.
    Body(Vec<u8>),
    /// The plan has been changed and has new values: get their tokens and mask again.
    Widened,
}

impl Plan {
    /// Masks `body`; `tokens` are those of [`values`](Self::values), in order.
    ///
    /// # Errors
    ///
    /// [`Unmaskable::Ambiguous`] if text beside a token makes it unreadable and widening cannot help.
    pub fn mask(
        &mut self,
        detector: &Detector,
        shape: &'static Shape,
        body: &[u8],
        tokens: &[String],
    ) -> Result<Masked, Unmaskable> {
        if tokens.len() != self.values.len() {
            // A value without a token would go out as it is.
            return Err(Unmaskable::Ambiguous);
        }
        let spliced = self.splice(body, tokens);
        // Of nearly every body it can be told without reading it again.
        if self.reads_back(detector, body, tokens) {
            debug_assert_eq!(self.interfering(detector, shape, &spliced, tokens), Ok(Vec::new()));
            return Ok(Masked::Body(spliced.body));
        }
        let interfering = self.interfering(detector, shape, &spliced, tokens)?;
        if interfering.is_empty() {
            return Ok(Masked::Body(spliced.body));
        }
        for range in interfering {
            self.widen(detector, shape, body, range)?;
        }
        self.widened += 1;
        Ok(Masked::Widened)
    }

    /// Reads the masked body again: the ranges of the input whose result does not read back.
    fn interfering(
        &self,
        detector: &Detector,
        shape: &'static Shape,
        spliced: &Spliced,
        tokens: &[String],
    ) -> Result<Vec<Range<usize>>, Unmaskable> {
        let mut found = Found { detector, found: Vec::new() };
        read::document(&spliced.body, shape, &mut found).map_err(Unmaskable::Unreadable)?;
        found.found.sort_unstable_by_key(|(raw, _)| raw.start);
        Ok(self.differences(spliced, &found.found, tokens))
    }

    fn differences(
        &self,
        spliced: &Spliced,
        found: &[(Range<usize>, String)],
        tokens: &[String],
    ) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let mut found = found.iter().peekable();
        for inserted in &spliced.inserted {
            while let Some((raw, _)) = found.next_if(|(raw, _)| raw.start < inserted.output.start) {
                ranges.push(spliced.input_of(raw));
            }
            let reads_as = self.values.get(inserted.token).and_then(|value| value.reads_as.as_ref());
            let expected =
                |token: &String| tokens.get(inserted.token) == Some(token) || reads_as == Some(token);
            if found.next_if(|(raw, token)| *raw == inserted.output && expected(token)).is_none() {
                ranges.push(inserted.input.clone());
            }
        }
        ranges.extend(found.map(|(raw, _)| spliced.input_of(raw)));
        ranges
    }

    /// Makes one literal of `range` and of every span that it touches; a credential if one of them is.
    fn widen(
        &mut self,
        detector: &Detector,
        shape: &'static Shape,
        body: &[u8],
        mut range: Range<usize>,
    ) -> Result<(), Unmaskable> {
        let covered =
            |span: &Span| span.raw.start <= range.start && range.end <= span.raw.end && span.raw != range;
        if self.spans.iter().any(covered) {
            // A range before this one has taken it in.
            return Ok(());
        }
        let before = self.spans.len();
        let wanted = range.clone();
        let (mut kind, mut rule) = (detector.literal(), LITERAL_RULE);
        let values = &self.values;
        self.spans.retain(|span| {
            let touches = span.raw.start <= range.end && range.start <= span.raw.end;
            if touches {
                range = range.start.min(span.raw.start)..range.end.max(span.raw.end);
                let credential = values.get(span.value).filter(|value| !detector.kind(value.kind).restores);
                (kind, rule) = credential.map_or((kind, rule), |value| (value.kind, span.rule));
            }
            !touches
        });
        // A token on its own that does not read back would only become another one.
        if range == wanted && before == self.spans.len() + 1 {
            return Err(Unmaskable::Ambiguous);
        }
        let mut cutter = Cutter { range: range.clone(), cut: None };
        read::document(body, shape, &mut cutter).map_err(Unmaskable::Unreadable)?;
        let (form, secret, level) = cutter.cut.ok_or(Unmaskable::Ambiguous)?;
        let value = self.add_value(Value { kind, form, secret, reads_as: None });
        self.spans.push(Span { raw: range, value, level, rule });
        self.spans.sort_unstable_by_key(|span| span.raw.start);
        Ok(())
    }
}

impl Spliced {
    /// What of the input a range of the output came from.
    fn input_of(&self, output: &Range<usize>) -> Range<usize> {
        let mut start = output.start;
        let mut end = output.end;
        for inserted in &self.inserted {
            if inserted.output.end <= output.start {
                start = output.start - inserted.output.end + inserted.input.end;
            } else if inserted.output.start <= output.start {
                start = inserted.input.start;
            }
            if inserted.output.end <= output.end {
                end = output.end - inserted.output.end + inserted.input.end;
            } else if inserted.output.start < output.end {
                end = inserted.input.end;
            }
        }
        start..end
    }
}

/// Everything in a body that reads as a token.
struct Found<'a> {
    detector: &'a Detector,
    found: Vec<(Range<usize>, String)>,
}

impl Visitor for Found<'_> {
    fn text(&mut self, view: &View<'_>, from: usize, _place: &Place<'_>) {
        let mut at = from;
        while let Some(found) = self.detector.recogniser().find(view.text, at) {
            at = found.range.end;
            self.found.push((view.raw(found.range.start)..view.raw(found.range.end), found.token));
        }
    }
    fn number(&mut self, _number: Number<'_>, _place: &Place<'_>) {}
    fn fixed(&mut self, _view: &View<'_>) {}
    fn fixed_number(&mut self, _digits: &[u8], _at: usize) {}
    fn signed(&mut self) {}
}

/// Cuts the text of one range of the body out of the view that holds it.
struct Cutter {
    range: Range<usize>,
    cut: Option<(Form, Secret, usize)>,
}

impl Visitor for Cutter {
    fn text(&mut self, view: &View<'_>, from: usize, _place: &Place<'_>) {
        if self.cut.is_some()
            || view.raw(from) > self.range.start
            || view.raw(view.text.len()) < self.range.end
        {
            return;
        }
        let position = |raw: usize| (from..=view.text.len()).find(|&at| view.raw(at) == raw);
        if let (Some(start), Some(end)) = (position(self.range.start), position(self.range.end)) {
            let (form, bytes) = form(view, start..end);
            self.cut = Some((form, Secret::new(bytes), view.level));
        }
    }
    fn number(&mut self, _number: Number<'_>, _place: &Place<'_>) {}
    fn fixed(&mut self, _view: &View<'_>) {}
    fn fixed_number(&mut self, _digits: &[u8], _at: usize) {}
    fn signed(&mut self) {}
}
