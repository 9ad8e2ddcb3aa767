//! The tokens of one exchange and what they stand for.

use super::lookups::{Lookups, Meaning};
use super::urls::Urls;
use crate::mask::Form;
use crate::secret::Secret;
use crate::sorted::narrow;
use crate::token::is_number;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// One token that may be restored.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As issued.
    pub token: String,
    /// The original.
    pub value: Secret,
    /// How the original was spelled.
    pub form: Form,
}

/// Restorable tokens, searchable character by character.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// Sorted by token, so that tokens with a common beginning stand together.
    entries: Vec<Entry>,
    has_numbers: bool,
    /// Says what other tokens stand for.
    lookups: Option<Lookups>,
    /// Says what is restored in URLs; everything without it.
    urls: Option<Urls>,
}

impl Mapping {
    /// Takes the tokens of an exchange, in any order.
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable_by(|a, b| a.token.cmp(&b.token));
        let has_numbers = entries.iter().any(|entry| entry.form == Form::Number);
        Self { entries, has_numbers, lookups: None, urls: None }
    }

    /// Restores tokens of the scope too.
    #[must_use]
    pub fn with_lookups(self, lookups: Option<Lookups>) -> Self {
        Self { lookups, ..self }
    }

    /// Restores in URLs what `urls` says, instead of everything.
    #[must_use]
    pub fn with_urls(self, urls: Option<Urls>) -> Self {
        Self { urls, ..self }
    }

    /// What is restored in URLs; everything if there is none.
    pub fn urls(&self) -> Option<&Urls> {
        self.urls.as_ref()
    }

    /// True if other tokens may be looked up.
    pub fn has_lookups(&self) -> bool {
        self.lookups.is_some()
    }

    /// What may be looked up.
    pub fn lookups(&mut self) -> Option<&mut Lookups> {
        self.lookups.as_mut()
    }

    /// True if there is nothing to restore.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.lookups.is_none()
    }

    /// True if a token stands for a JSON number, or may.
    pub fn has_numbers(&self) -> bool {
        self.has_numbers || self.lookups.is_some()
    }

    /// Everything that a token may be or begin with, as a range for [`narrow`](Self::narrow).
    pub fn all(&self) -> Range<usize> {
        self.lookups.as_ref().map_or(0..self.entries.len(), Lookups::all)
    }

    /// Those of `range` (which agree in their first `position` characters) that go on with `byte`.
    pub fn narrow(&self, range: &Range<usize>, position: usize, byte: u8) -> Range<usize> {
        if let Some(lookups) = &self.lookups {
            return lookups.narrow(range, position, byte);
        }
        narrow(&self.entries, |entry| entry.token.as_bytes(), range, position, byte)
    }

    /// How many digits of a number stand behind a whole prefix; see [`Lookups::digits`].
    pub fn digits(
        &self,
        range: &Range<usize>,
        length: usize,
        before: Option<usize>,
        byte: u8,
    ) -> Option<usize> {
        self.lookups.as_ref()?.digits(range, length, before, byte)
    }

    /// What the first `length` characters stand for, if they are a whole token: without lookups the one of `range` that
    /// is that long (there is at most one, and it comes first), else what `text`, of which the last `digits` are a
    /// number, is.
    pub fn meaning(
        &self,
        range: &Range<usize>,
        length: usize,
        digits: Option<usize>,
        text: impl Iterator<Item = u8>,
    ) -> Option<Meaning<'_>> {
        let Some(lookups) = &self.lookups else {
            let first = self.entries.get(range.start)?;
            let whole = !range.is_empty() && first.token.len() == length;
            return whole.then_some(Meaning::Value(first));
        };
        let number = length.checked_sub(digits?)?;
        let token = String::from_utf8(text.filter(|byte| *byte != b'\\').collect()).ok()?;
        if !is_number(token.as_bytes().get(number..)?) {
            return None;
        }
        self.own(&token).map(Meaning::Value).or_else(|| lookups.meaning(token))
    }

    /// What a token of this exchange, or one that was looked up, stands for.
    pub fn named(&self, token: &str) -> Option<&Entry> {
        let looked_up = || match self.lookups.as_ref()?.meaning(token.into())? {
            Meaning::Value(entry) => Some(entry),
            Meaning::Open(_) => None,
        };
        self.own(token).or_else(looked_up)
    }

    fn own(&self, token: &str) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| entry.token.as_str().cmp(token)).ok()?;
        self.entries.get(at)
    }
}
