//! Tokens that an exchange does not carry, and what the bridge says of them: `restore: scope`.
//!
//! Where a response has a token that is not known, its text goes on with a [`Hole`] in it, and the bridge is asked. What
//! comes behind it does not depend on the answer, so nothing is ever read twice: when all is answered, the holes are
//! [filled](fill).

use super::Tally;
use super::mapping::{Entry, Mapping};
use crate::json::escape;
use crate::mask::Form;
use crate::sorted::narrow;
use crate::token;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

/// Most tokens that are looked up for one response. Those beyond stay as they are, and are counted.
///
/// A batch is created by requests of at most [`MAX_VALUES`](crate::mask::MAX_VALUES) values.
pub const MAX_LOOKUPS: usize = bridge_api::MAX_VALUES;

/// What may be looked up for one response, and what was.
#[derive(Clone, Debug)]
pub struct Lookups {
    scope: String,
    /// Sorted.
    prefixes: Arc<[String]>,
    /// What was asked for.
    asked: BTreeMap<String, Answer>,
    call: Option<Asked>,
    /// Nothing more is asked for.
    off: bool,
}

#[derive(Clone, Debug)]
enum Answer {
    Awaited,
    Known(Entry),
    Unknown,
}

/// A call to the bridge that has not ended.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What it asks for.
    pub tokens: Vec<String>,
    /// When it was made.
    pub since: Duration,
}

/// What a text that reads as a token stands for.
#[derive(Debug)]
pub enum Meaning<'a> {
    /// This original.
    Value(&'a Entry),
    /// The bridge may know what this token stands for.
    Open(String),
}

/// A token that waits for the bridge, in restored text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hole {
    /// Where it stands, as the provider spelled it.
    pub at: Range<usize>,
    /// The token as it was issued.
    pub token: String,
    /// How many JSON strings it is inside of.
    pub levels: usize,
    /// How many its text is inside of.
    pub base: usize,
    /// How long the quotes around it are, if it is all that a string says: a number comes back without them.
    pub quotes: Option<(usize, usize)>,
}

impl Hole {
    /// The same one, behind `length` further bytes.
    #[must_use]
    pub fn behind(self, length: usize) -> Self {
        Self { at: self.at.start + length..self.at.end + length, ..self }
    }
}

impl Lookups {
    /// What tokens of this scope may be asked for: those that begin with one of these `prefixes`, which are sorted and
    /// end with an underscore.
    pub fn new(scope: String, prefixes: Arc<[String]>) -> Self {
        Self { scope, prefixes, asked: BTreeMap::new(), call: None, off: false }
    }

    /// Whose tokens they are, on the wire.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The tokens of these holes that are to be asked for now; none while the bridge has not answered the last call.
    pub fn ask(&mut self, holes: &[Hole], now: Duration) -> Option<&Asked> {
        if self.off || self.call.is_some() {
            return None;
        }
        let mut tokens = Vec::new();
        for Hole { token, .. } in holes {
            self.off = self.asked.len() >= MAX_LOOKUPS;
            if self.off {
                break;
            }
            if !self.asked.contains_key(token) {
                self.asked.insert(token.clone(), Answer::Awaited);
                tokens.push(token.clone());
            }
        }
        if !tokens.is_empty() {
            self.call = Some(Asked { tokens, since: now });
        }
        self.call.as_ref()
    }

    /// The call that has not ended.
    pub fn call(&self) -> Option<&Asked> {
        self.call.as_ref()
    }

    /// The call ends; what its tokens stand for, in their order.
    pub fn answer(&mut self, entries: impl Iterator<Item = Option<Entry>>) {
        let tokens = self.call.take().map(|call| call.tokens).unwrap_or_default();
        for (token, entry) in tokens.into_iter().zip(entries) {
            self.asked.insert(token, entry.map_or(Answer::Unknown, Answer::Known));
        }
    }

    /// The call fails. This response asks for nothing more, so that a stream does not stand still again and again.
    pub fn fail(&mut self) {
        self.off = true;
        self.answer(core::iter::repeat(None));
    }

    /// True if the answer for this token is still to come, or it has not been asked for.
    pub fn is_open(&self, token: &str) -> bool {
        match self.asked.get(token) {
            None => !self.off,
            Some(Answer::Awaited) => true,
            Some(Answer::Known(_) | Answer::Unknown) => false,
        }
    }

    /// Prefixes, as a range for [`narrow`](Self::narrow).
    pub(super) fn all(&self) -> Range<usize> {
        0..self.prefixes.len()
    }

    pub(super) fn narrow(&self, range: &Range<usize>, position: usize, byte: u8) -> Range<usize> {
        narrow(&self.prefixes, String::as_bytes, range, position, byte)
    }

    /// How many digits of a number stand behind a whole prefix once `byte` is read, the last of `length` characters.
    /// `range` is what they narrow the prefixes to.
    pub(super) fn digits(
        &self,
        range: &Range<usize>,
        length: usize,
        before: Option<usize>,
        byte: u8,
    ) -> Option<usize> {
        match byte {
            b'0'..=b'9' => before.map(|digits| digits + 1).filter(|digits| *digits <= token::MAX_DIGITS),
            b'_' => {
                let first = self.prefixes.get(range.start).filter(|_| !range.is_empty());
                first.is_some_and(|prefix| prefix.len() == length).then_some(0)
            }
            _ => None,
        }
    }

    /// What was answered for this token, or that it may be asked for.
    pub(super) fn meaning(&self, token: String) -> Option<Meaning<'_>> {
        match self.asked.get(&token) {
            Some(Answer::Known(entry)) => Some(Meaning::Value(entry)),
            _ => self.is_open(&token).then_some(Meaning::Open(token)),
        }
    }
}

/// Text in which every hole is filled with what `mapping` says; where it says nothing, the token stays and is counted.
pub fn fill(text: Vec<u8>, holes: &[Hole], mapping: &Mapping, tally: &mut Tally) -> Vec<u8> {
    if holes.is_empty() {
        return text;
    }
    let mut filled = Vec::with_capacity(text.len() + holes.len() * 8);
    let mut copied = 0;
    for Hole { at, token, levels, base, quotes } in holes {
        let Some(Entry { value, form, .. }) = mapping.named(token) else {
            tally.unrestored += 1;
            continue;
        };
        let (open, close) = quotes.filter(|_| *form == Form::Number).unwrap_or_default();
        filled.extend_from_slice(text.get(copied..at.start - open).unwrap_or_default());
        escape::append(value.expose(), form.levels(*levels, *base), &mut filled);
        copied = at.end + close;
        tally.restored += 1;
    }
    filled.extend_from_slice(text.get(copied..).unwrap_or_default());
    filled
}
