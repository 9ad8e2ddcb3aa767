//! The tokens of one exchange and what they stand for.

use crate::mask::Form;
use crate::secret::Secret;
use crate::sorted::narrow;
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
}

impl Mapping {
    /// Takes the tokens of an exchange, in any order.
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable_by(|a, b| a.token.cmp(&b.token));
        let has_numbers = entries.iter().any(|entry| entry.form == Form::Number);
        Self { entries, has_numbers }
    }

    /// True if there is nothing to restore.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// True if a token stands for a JSON number.
    pub fn has_numbers(&self) -> bool {
        self.has_numbers
    }

    /// All entries, as a range for [`narrow`](Self::narrow).
    pub fn all(&self) -> Range<usize> {
        0..self.entries.len()
    }

    /// Those of `range` (which agree in their first `position` characters) that go on with `byte`.
    pub fn narrow(&self, range: &Range<usize>, position: usize, byte: u8) -> Range<usize> {
        narrow(&self.entries, |entry| entry.token.as_bytes(), range, position, byte)
    }

    /// The one of `range` that is `length` long; there is at most one, and it comes first.
    pub fn exact(&self, range: &Range<usize>, length: usize) -> Option<&Entry> {
        self.entries.get(range.start).filter(|entry| !range.is_empty() && entry.token.len() == length)
    }
}
