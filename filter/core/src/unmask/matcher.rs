//! Finds tokens of one exchange in text that streams, and puts the originals in their place.

use super::lookalike::Lookalike;
use super::{MAX_HELD, Mapping, Tally};
use crate::boundary::{self, LEFT_CONTEXT};
use crate::json::escape;
use crate::mask::Form;
use crate::token::{self, MAX_ESCAPES};
use alloc::vec::Vec;
use core::ops::Range;

/// What a matcher needs from its surroundings.
pub struct Context<'a> {
    /// The exchange's tokens.
    pub mapping: &'a Mapping,
    /// Restored bytes go here.
    pub out: &'a mut Vec<u8>,
    /// What happened.
    pub tally: &'a mut Tally,
}

/// One text. The text as it reads decides; its bytes as they are spelled in the body go through.
#[derive(Default)]
pub struct Matcher {
    /// How many JSON strings the outermost text is inside of: as many escapes a value of [`Form::Spelled`] lacks.
    base: usize,
    candidate: Option<Candidate>,
    /// The last bytes of the text before the candidate.
    left: Vec<u8>,
    /// The opening quote of a string that may be a number's token as a whole.
    quote: Vec<u8>,
    /// The candidate's characters and how many bytes each is spelled with.
    units: Vec<(u8, usize)>,
    /// The candidate as it is spelled.
    raw: Vec<u8>,
    /// Memory for the next candidate while this one is looked at again.
    spare: (Vec<(u8, usize)>, Vec<u8>),
    /// What passes is looked at too.
    lookalike: Lookalike,
}

/// A proper prefix of a token, or a token whose right neighbour is not known yet.
#[derive(Clone, Debug)]
struct Candidate {
    /// Tokens that begin like this.
    range: Range<usize>,
    /// How many characters of the token were read, backslashes not counted.
    position: usize,
    /// Backslashes read in front of the next underscore.
    escapes: usize,
}

impl Matcher {
    /// Of a text inside `base` JSON strings, with the texts in it.
    pub fn new(base: usize) -> Self {
        Self { base, ..Self::default() }
    }

    /// A new string begins: its first character is at a boundary.
    pub fn start_string(&mut self) {
        self.left.clear();
    }

    /// Withholds an opening quote until it is known that the string is not a number's token.
    pub fn hold_quote(&mut self, raw: &[u8]) {
        self.quote.extend_from_slice(raw);
    }

    /// How many bytes are withheld.
    pub fn held(&self) -> usize {
        self.quote.len() + self.raw.len()
    }

    /// Takes a run of text that is spelled as it reads, inside `levels` JSON strings.
    pub fn run(&mut self, text: &[u8], levels: usize, to: &mut Context<'_>) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.candidate.is_none() {
                // Everything up to where a token may begin passes in bulk.
                let plain = token::next_start(rest).unwrap_or(rest.len());
                let (passed, more) = rest.split_at(plain);
                self.pass(passed, passed, to);
                rest = more;
            }
            let Some((&byte, more)) = rest.split_first() else { break };
            self.character(byte, &[byte], levels, to);
            rest = more;
        }
    }

    /// Takes one character, however it is spelled.
    pub fn character(&mut self, byte: u8, raw: &[u8], levels: usize, to: &mut Context<'_>) {
        loop {
            let next = match &self.candidate {
                None if boundary::may_start(&self.left) => {
                    let range = to.mapping.narrow(&to.mapping.all(), 0, byte);
                    (!range.is_empty()).then_some(Candidate { range, position: 1, escapes: 0 })
                }
                None => None,
                Some(candidate) => candidate.next(byte, to.mapping),
            };
            if next.is_some() && self.raw.len() + raw.len() <= MAX_HELD {
                self.candidate = next;
                self.units.push((byte, raw.len()));
                self.raw.extend_from_slice(raw);
                return;
            }
            if self.candidate.is_none() {
                self.pass(&[byte], raw, to);
                return;
            }
            self.settle(Some(byte), levels, to);
        }
    }

    /// Text that cannot be part of a token, whatever stands around it.
    pub fn pass(&mut self, text: &[u8], raw: &[u8], to: &mut Context<'_>) {
        if raw.is_empty() {
            return;
        }
        to.out.append(&mut self.quote);
        to.out.extend_from_slice(raw);
        let starts = text.first().is_some_and(|byte| token::next_start(&[*byte]).is_some());
        to.tally.unrestored += self.lookalike.pass(text, starts && boundary::may_start(&self.left));
        self.remember(text);
    }

    /// The text ends: what was withheld is settled.
    pub fn finish(&mut self, levels: usize, to: &mut Context<'_>) {
        while self.candidate.is_some() {
            self.settle(None, levels, to);
        }
        to.tally.unrestored += self.lookalike.finish();
        to.out.append(&mut self.quote);
    }

    /// The string ends. True if it was a number's token as a whole: then the number stands there, and the
    /// closing quote is to be left out like the opening one was.
    pub fn finish_string(&mut self, levels: usize, to: &mut Context<'_>) -> bool {
        let number = self
            .candidate
            .as_ref()
            .filter(|candidate| !self.quote.is_empty() && candidate.escapes == 0)
            .and_then(|candidate| to.mapping.exact(&candidate.range, candidate.position))
            .filter(|entry| entry.form == Form::Number);
        if let Some(entry) = number {
            to.out.extend_from_slice(entry.value.expose());
            to.tally.restored += 1;
            self.quote.clear();
            self.forget();
            return true;
        }
        self.finish(levels, to);
        false
    }

    /// The candidate cannot go on: it is a token, or its first character is plain and the rest is looked at again.
    fn settle(&mut self, after: Option<u8>, levels: usize, to: &mut Context<'_>) {
        let Some(candidate) = self.candidate.take() else { return };
        let entry = to.mapping.exact(&candidate.range, candidate.position);
        let ends = candidate.escapes == 0 && !after.is_some_and(boundary::binds);
        if let (Some(entry), true) = (entry, ends) {
            to.out.append(&mut self.quote);
            let levels = if entry.form == Form::Spelled { levels.min(self.base) } else { levels };
            escape::append(entry.value.expose(), levels, to.out);
            to.tally.restored += 1;
            to.tally.unrestored += self.lookalike.finish();
            let tail = self.units.len().saturating_sub(LEFT_CONTEXT);
            self.left.extend(self.units.iter().skip(tail).map(|(byte, _)| *byte));
            self.trim();
            self.forget();
            return;
        }
        let mut units = core::mem::take(&mut self.units);
        let mut raw = core::mem::take(&mut self.raw);
        core::mem::swap(&mut self.units, &mut self.spare.0);
        core::mem::swap(&mut self.raw, &mut self.spare.1);
        let mut at = 0;
        for (index, &(byte, length)) in units.iter().enumerate() {
            let spelled = raw.get(at..at + length).unwrap_or_default();
            at += length;
            if index == 0 {
                self.pass(&[byte], spelled, to);
            } else {
                self.character(byte, spelled, levels, to);
            }
        }
        units.clear();
        raw.clear();
        self.spare = (units, raw);
    }

    fn forget(&mut self) {
        self.candidate = None;
        self.units.clear();
        self.raw.clear();
    }

    fn remember(&mut self, text: &[u8]) {
        let tail = text.get(text.len().saturating_sub(LEFT_CONTEXT)..).unwrap_or_default();
        self.left.extend_from_slice(tail);
        self.trim();
    }

    fn trim(&mut self) {
        if self.left.len() > 4 * LEFT_CONTEXT {
            self.left.drain(..self.left.len() - LEFT_CONTEXT);
        }
    }
}

impl Candidate {
    fn next(&self, byte: u8, mapping: &Mapping) -> Option<Self> {
        if byte == b'\\' {
            let underscore = mapping.narrow(&self.range, self.position, b'_');
            let more = self.escapes < MAX_ESCAPES && !underscore.is_empty();
            return more.then(|| Self { escapes: self.escapes + 1, ..self.clone() });
        }
        if self.escapes > 0 && byte != b'_' {
            return None;
        }
        let range = mapping.narrow(&self.range, self.position, byte);
        (!range.is_empty()).then_some(Self { range, position: self.position + 1, escapes: 0 })
    }
}

#[cfg(test)]
mod tests;
