//! Decoded text that knows where each of its characters stands in the body.

use super::{Lexer, Piece, Unescaped};
use alloc::vec::Vec;
use core::ops::Range;

/// The text of one JSON string, with the way back to the bytes of the body.
///
/// A string inside a string (JSON in a tool's arguments) is a view whose parent is the view of the outer one.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The text, unescaped.
    pub text: &'a [u8],
    /// How many JSON strings it is inside of: 1 for a string of the body itself, 0 for a body that is text.
    pub level: usize,
    source: Source<'a>,
    parent: Option<&'a View<'a>>,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    /// No escapes: the text starts here and goes on byte for byte.
    At(usize),
    /// Runs and escapes: where in the text, where in the source; ends with the end of both.
    Runs(&'a [(usize, usize)]),
}

impl<'a> View<'a> {
    /// A body that is text as a whole.
    pub(super) fn of(body: &'a [u8]) -> Self {
        Self { text: body, level: 0, source: Source::At(0), parent: None }
    }
}

impl View<'_> {
    /// Where the character at `position` of the text (or the end of the text) stands in the body.
    pub fn raw(&self, position: usize) -> usize {
        let outer = self.outer(position);
        self.parent.map_or(outer, |parent| parent.raw(outer))
    }

    /// How many strings the text is inside of, not counting the text of the body itself.
    pub fn depth(&self) -> usize {
        self.parent.map_or(0, |parent| parent.depth() + 1)
    }

    /// How a range of the text is spelled in the text of the body that it is in, with the escapes of every
    /// string in between.
    pub fn spelling(&self, range: Range<usize>) -> &[u8] {
        match self.parent {
            Some(parent) => parent.spelling(self.outer(range.start)..self.outer(range.end)),
            None => self.text.get(range).unwrap_or_default(),
        }
    }

    /// Where a character of the text stands in what the text is taken from.
    fn outer(&self, position: usize) -> usize {
        match self.source {
            Source::At(start) => start + position,
            Source::Runs(runs) => {
                let after = runs.partition_point(|(text, _)| *text <= position);
                let (text, raw) = runs.get(after.saturating_sub(1)).copied().unwrap_or_default();
                raw + (position - text)
            }
        }
    }
}

/// Collects the pieces of one string into a [`View`]. Reusable: it keeps its memory.
#[derive(Default)]
pub(super) struct Collector {
    start: usize,
    end: usize,
    text: Vec<u8>,
    /// Empty as long as no escape was seen; then nothing has been copied either.
    runs: Vec<(usize, usize)>,
    after_escape: bool,
    high: Option<u16>,
}

impl Collector {
    /// A string's content begins at `start` of the source.
    pub(super) fn begin(&mut self, start: usize) {
        self.start = start;
        self.end = start;
        self.text.clear();
        self.runs.clear();
        self.after_escape = false;
        self.high = None;
    }

    pub(super) fn plain(&mut self, source: &[u8], at: usize, length: usize) {
        self.end = at + length;
        if self.runs.is_empty() {
            return;
        }
        self.flush_half_pair();
        if self.after_escape {
            self.runs.push((self.text.len(), at));
            self.after_escape = false;
        }
        self.text.extend_from_slice(source.get(at..at + length).unwrap_or_default());
    }

    /// Takes what the lexer can read at once of the open string's content, which goes on at `at`; returns how much that is.
    pub(super) fn read_on(&mut self, lexer: &Lexer, source: &[u8], at: usize) -> usize {
        lexer.read_on(source.get(at..).unwrap_or_default(), |from, length, piece| match piece {
            Piece::Escape(unescaped) => self.escape(source, at + from, length, unescaped),
            _ => self.plain(source, at + from, length),
        })
    }

    pub(super) fn escape(&mut self, source: &[u8], at: usize, length: usize, unescaped: Unescaped) {
        self.end = at + length;
        if self.runs.is_empty() {
            self.text.extend_from_slice(source.get(self.start..at).unwrap_or_default());
            self.runs.push((0, self.start));
        }
        self.after_escape = true;
        let character = match (unescaped, self.high.take()) {
            (Unescaped::Unit(low @ 0xdc00..0xe000), Some(high)) => {
                // The pair is one character that begins at its first half.
                char::decode_utf16([high, low]).next().and_then(Result::ok)
            }
            (unescaped, half) => {
                self.high = half;
                self.flush_half_pair();
                self.runs.push((self.text.len(), at));
                match unescaped {
                    Unescaped::Ascii(byte) => Some(char::from(byte)),
                    Unescaped::Unit(high @ 0xd800..0xdc00) => {
                        self.high = Some(high);
                        return;
                    }
                    Unescaped::Unit(unit) => char::from_u32(u32::from(unit)),
                }
            }
        };
        self.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    }

    /// The text collected so far. `source` is what the positions refer to.
    pub(super) fn view<'a>(
        &'a mut self,
        source: &'a [u8],
        level: usize,
        parent: Option<&'a View<'a>>,
    ) -> View<'a> {
        if self.runs.is_empty() {
            let text = source.get(self.start..self.end).unwrap_or_default();
            return View { text, level, source: Source::At(self.start), parent };
        }
        self.flush_half_pair();
        self.runs.push((self.text.len(), self.end));
        View { text: &self.text, level, source: Source::Runs(&self.runs), parent }
    }

    fn flush_half_pair(&mut self) {
        if self.high.take().is_some() {
            self.push(char::REPLACEMENT_CHARACTER);
        }
    }

    fn push(&mut self, character: char) {
        self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}
