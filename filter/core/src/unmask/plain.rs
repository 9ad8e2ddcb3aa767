//! Text without a terminator, such as `text/plain`, restored while it streams.
//!
//! A host cannot add bytes once trailers have come, it can only change what it holds then; and it is not known
//! before that they will come. So the undecided tail is not kept here: it is shown to the host as it is, and the
//! host is asked to hold it. The next call gets it back in front of the new bytes:
//!
//! ```text
//! call n      out = settled ++ tail, hold
//! call n+1    in  = settled ++ tail ++ new bytes   →   out = settled ++ more settled ++ new tail
//! trailers    in  = settled ++ tail                →   out = settled ++ all of the rest
//! ```

use super::mapping::Mapping;
use super::matcher::Context;
use super::text::TextStream;
use super::{MAX_HELD, Tally};
use alloc::vec::Vec;

/// Most bytes that the host is asked to hold, because it cuts a response off that is held beyond its own buffer.
/// The tail of a larger piece is kept here: if trailers come next, it is lost, and the answer must be cut off.
pub const MAX_SHOWN: usize = 64 * 1024 + MAX_HELD;

/// One text. See the [module](self).
pub struct PlainUnmasker {
    text: TextStream,
    /// What the host holds: how much of it is settled, and how much in all.
    settled: usize,
    shown: usize,
    /// The undecided tail that the host does not hold, as it came.
    kept: Vec<u8>,
}

/// What is to become of the bytes that were shown.
pub struct Shown {
    /// What to show instead.
    pub bytes: Vec<u8>,
    /// True if the host is to hold it until there is more.
    pub hold: bool,
}

impl Default for PlainUnmasker {
    fn default() -> Self {
        Self { text: TextStream::new(0), settled: 0, shown: 0, kept: Vec::new() }
    }
}

impl PlainUnmasker {
    /// How many bytes are undecided.
    pub fn held(&self) -> usize {
        self.text.held()
    }

    /// How many bytes are undecided and in nobody's hands but these.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Takes what the host shows: what it was asked to hold, and the new bytes behind it.
    pub fn push(&mut self, shown: &[u8], end: bool, mapping: &Mapping, tally: &mut Tally) -> Shown {
        let (held, new) = shown.split_at(self.shown.min(shown.len()));
        let (settled, undecided) = held.split_at(self.settled.min(held.len()));
        let mut bytes = settled.to_vec();
        let mut tail = core::mem::take(&mut self.kept);
        tail.extend_from_slice(undecided);
        let mut to = Context { mapping, out: &mut bytes, tally };
        self.text.push(new, &mut to);
        if end {
            self.text.finish(&mut to);
        }
        // What is withheld now is the end of what was withheld and came.
        tail.extend_from_slice(new);
        let held = self.text.held();
        let tail = tail.get(tail.len().saturating_sub(held)..).unwrap_or_default();
        let hold = held > 0 && bytes.len() + held <= MAX_SHOWN;
        self.settled = 0;
        self.shown = 0;
        if hold {
            self.settled = bytes.len();
            bytes.extend_from_slice(tail);
            self.shown = bytes.len();
        } else {
            self.kept = tail.to_vec();
        }
        Shown { bytes, hold }
    }
}

#[cfg(test)]
mod tests;
