//! Notices text that reads like a token and stands for nothing in this exchange, for a counter: a model that makes tokens
//! up, or one that remembers another conversation's.
//!
//! It looks at the shape alone (`AWS_EC2_001`), not at the catalogue, and at one character at a time, so cuts do not matter.

use crate::token::FAMILIES;

const NUMBER: core::ops::RangeInclusive<usize> = 3..=10;

/// Reads text that passes as it is.
#[derive(Default)]
pub(super) struct Lookalike(State);

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Idle,
    /// This many letters of a family were read.
    Family { family: usize, letters: usize },
    /// A part behind the family: how many were whole before it, how long it is, and whether it has digits only.
    Part { before: usize, length: usize, digits: bool },
}

impl Lookalike {
    /// Takes plain text. `may_start` tells whether its first character is at a boundary. How many ended in it.
    pub(super) fn pass(&mut self, text: &[u8], mut may_start: bool) -> u64 {
        let (mut rest, mut ended) = (text, 0);
        loop {
            // Within plain text only its first character can begin something: a matcher hands over the others one by one.
            if matches!(self.0, State::Idle) && !may_start {
                return ended;
            }
            let Some((&byte, more)) = rest.split_first() else { return ended };
            rest = more;
            let (next, end) = self.0.next(byte, may_start);
            self.0 = next;
            may_start = false;
            ended += u64::from(end);
        }
    }

    /// True if nothing was read that may become one.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.0, State::Idle)
    }

    /// The text ends, or something else stands here. How many ended.
    pub(super) fn finish(&mut self) -> u64 {
        u64::from(core::mem::take(&mut self.0).is_whole())
    }
}

impl State {
    fn is_whole(self) -> bool {
        matches!(self, Self::Part { before: 1.., length, digits: true } if NUMBER.contains(&length))
    }

    /// The next state, and whether something ended before `byte`.
    fn next(self, byte: u8, may_start: bool) -> (Self, bool) {
        let next = match (self, byte) {
            (Self::Idle, _) => {
                let family = FAMILIES.iter().position(|family| family.as_bytes().first() == Some(&byte));
                family.filter(|_| may_start).map(|family| Self::Family { family, letters: 1 })
            }
            (Self::Family { family, letters }, _) => {
                match FAMILIES.get(family).and_then(|family| family.as_bytes().get(letters)) {
                    Some(letter) => {
                        (*letter == byte).then_some(Self::Family { family, letters: letters + 1 })
                    }
                    // Markdown escapes the underscore.
                    None if byte == b'\\' => Some(self),
                    None => (byte == b'_').then_some(Self::Part { before: 0, length: 0, digits: true }),
                }
            }
            (Self::Part { before, length, digits }, b'A'..=b'Z' | b'0'..=b'9') => {
                Some(Self::Part { before, length: length + 1, digits: digits && byte.is_ascii_digit() })
            }
            (part, b'_' | b'\\') if part.is_whole() => None,
            (Self::Part { .. }, b'\\') => Some(self),
            (Self::Part { before, length: 1.., .. }, b'_') => {
                Some(Self::Part { before: before + 1, length: 0, digits: true })
            }
            (Self::Part { .. }, _) => None,
        };
        let ended = next.is_none() && self.is_whole() && !byte.is_ascii_lowercase();
        (next.unwrap_or_default(), ended)
    }
}
