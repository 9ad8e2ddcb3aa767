//! Finds tokens of one exchange in text that streams, and puts the originals in their place.

use super::lookalike::Lookalike;
use super::lookups::{Hole, Meaning};
use super::{MAX_HELD, Mapping, Tally};
use crate::boundary::{self, LEFT_CONTEXT};
use crate::json::escape;
use crate::mask::Form;
use crate::token::{self, MAX_ESCAPES};
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;
use in_urls::InUrls;

/// What a matcher needs from its surroundings.
pub struct Context<'a> {
    /// The exchange's tokens.
    pub mapping: &'a Mapping,
    /// Restored bytes go here.
    pub out: &'a mut Vec<u8>,
    /// What happened.
    pub tally: &'a mut Tally,
}

impl Context<'_> {
    /// Appends what was restored on its own, and the holes in it.
    pub fn append(&mut self, restored: &mut Vec<u8>, holes: Vec<Hole>) {
        let start = self.out.len();
        self.out.append(restored);
        self.tally.holes.extend(holes.into_iter().map(|hole| hole.behind(start)));
    }
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
    /// The URL that the text is in, and what waits for its host.
    urls: InUrls,
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
    /// Where tokens are looked up: how many digits of a number stand behind a whole prefix.
    digits: Option<usize>,
}

impl Matcher {
    /// Of a text inside `base` JSON strings, with the texts in it.
    pub fn new(base: usize) -> Self {
        Self { base, ..Self::default() }
    }

    /// A new string begins: its first character is at a boundary.
    pub fn start_string(&mut self) {
        self.left.clear();
        self.urls.start();
    }

    /// What follows is read as another text: no URL goes on into it.
    pub fn end_url(&mut self, to: &mut Context<'_>) {
        self.urls.end(to);
    }

    /// Withholds an opening quote until it is known that the string is not a number's token.
    pub fn hold_quote(&mut self, raw: &[u8]) {
        self.quote.extend_from_slice(raw);
    }

    /// How many bytes are withheld.
    pub fn held(&self) -> usize {
        self.quote.len() + self.urls.held() + self.raw.len()
    }

    /// True if what was read last may become a token.
    pub fn is_open(&self) -> bool {
        self.candidate.is_some()
    }

    /// Takes a run of text that is spelled as it reads, inside `levels` JSON strings.
    pub fn run(&mut self, text: &[u8], levels: usize, to: &mut Context<'_>) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.candidate.is_none() {
                // Everything up to where a token may begin passes in bulk.
                let plain = token::next_start(None, rest).unwrap_or(rest.len());
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
                None if token::is_start(byte) && boundary::may_start(&self.left) => {
                    let range = to.mapping.narrow(&to.mapping.all(), 0, byte);
                    (!range.is_empty()).then_some(Candidate { range, position: 1, escapes: 0, digits: None })
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
        self.urls.pass(text, raw, to);
        let starts = text.first().is_some_and(|byte| token::is_start(*byte));
        to.tally.unrestored += self.lookalike.pass(text, starts && boundary::may_start(&self.left));
        self.remember(text);
    }

    /// As [`pass`](Self::pass) for text in which no token begins, if it goes out as it came and nothing is counted. False
    /// if that is not certain, and then nothing was done.
    pub fn passes(&mut self, text: &[u8], mapping: &Mapping) -> bool {
        let quiet = !self.is_open() && self.quote.is_empty() && self.lookalike.is_idle();
        let passes = quiet && self.urls.passes(text, mapping);
        if passes {
            self.remember(text);
        }
        passes
    }

    /// The text ends: what was withheld is settled.
    pub fn finish(&mut self, levels: usize, to: &mut Context<'_>) {
        while self.candidate.is_some() {
            self.settle(None, levels, to);
        }
        to.tally.unrestored += self.lookalike.finish();
        to.out.append(&mut self.quote);
        self.urls.end(to);
    }

    /// The string ends, with a quote of this length. True if it was a number's token as a whole: then the number stands
    /// there, and the closing quote is to be left out like the opening one was.
    pub fn finish_string(&mut self, levels: usize, closing: usize, to: &mut Context<'_>) -> bool {
        let whole = self.candidate.as_ref().filter(|_| !self.quote.is_empty());
        match whole.and_then(|candidate| candidate.meaning(&self.units, to.mapping)) {
            Some(Meaning::Value(entry)) if entry.form == Form::Number => {
                to.out.extend_from_slice(entry.value.expose());
                to.tally.restored += 1;
                self.quote.clear();
                self.forget();
                true
            }
            Some(Meaning::Open(token)) => {
                let quotes = Some((self.quote.len(), closing));
                self.leave_hole(token, levels, quotes, to);
                false
            }
            _ => {
                self.finish(levels, to);
                false
            }
        }
    }

    /// The candidate is a token that the bridge may know.
    fn leave_hole(
        &mut self,
        token: String,
        levels: usize,
        quotes: Option<(usize, usize)>,
        to: &mut Context<'_>,
    ) {
        to.out.append(&mut self.quote);
        let at = to.out.len()..to.out.len() + self.raw.len();
        self.urls.pass(token.as_bytes(), &self.raw, to);
        to.tally.holes.push(Hole { at, token, levels, base: self.base, quotes });
        self.passed_token(to);
    }

    /// The candidate was a token; what stands in its place is no text of the provider's.
    fn passed_token(&mut self, to: &mut Context<'_>) {
        to.tally.unrestored += self.lookalike.finish();
        let tail = self.units.len().saturating_sub(LEFT_CONTEXT);
        self.left.extend(self.units.iter().skip(tail).map(|(byte, _)| *byte));
        self.trim();
        self.forget();
    }

    /// The candidate cannot go on: it is a token, or its first character is plain and the rest is looked at again.
    fn settle(&mut self, after: Option<u8>, levels: usize, to: &mut Context<'_>) {
        let Some(candidate) = self.candidate.take() else { return };
        let ends = !after.is_some_and(boundary::binds);
        match candidate.meaning(&self.units, to.mapping).filter(|_| ends) {
            Some(Meaning::Value(entry)) => {
                to.out.append(&mut self.quote);
                let mut value = Vec::new();
                escape::append(entry.value.expose(), entry.form.levels(levels, self.base), &mut value);
                self.urls.token(&entry.token, &value, &self.raw, to);
                return self.passed_token(to);
            }
            Some(Meaning::Open(token)) if self.urls.may_open(&token, to) => {
                return self.leave_hole(token, levels, None, to);
            }
            Some(Meaning::Open(token)) => {
                to.out.append(&mut self.quote);
                self.urls.keep(&token, &self.raw, to);
                return self.passed_token(to);
            }
            None => {}
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
        let position = self.position + 1;
        let digits = mapping.digits(&range, position, self.digits, byte);
        (!range.is_empty() || digits.is_some()).then_some(Self { range, position, escapes: 0, digits })
    }

    /// What it stands for, if it is a whole token.
    fn meaning<'a>(&self, units: &[(u8, usize)], mapping: &'a Mapping) -> Option<Meaning<'a>> {
        let text = units.iter().map(|(byte, _)| *byte);
        mapping.meaning(&self.range, self.position, self.digits, text).filter(|_| self.escapes == 0)
    }
}

mod in_urls;
#[cfg(test)]
mod tests;
