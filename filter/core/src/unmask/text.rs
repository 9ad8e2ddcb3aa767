//! Text that may be JSON itself, to any depth that is followed, restored while it streams.
//!
//! The arguments of a tool call are a JSON document in a JSON string; strings in there may hold a document
//! again. A token stands in the innermost text, and what replaces it is escaped for every level around it.
//! Whether text is JSON is decided by what came before alone, as [`read`](crate::json::read) does for requests.

use super::mapping::Mapping;
use super::matcher::{Context, Matcher};
use crate::json::read::MAX_LEVEL;
use crate::json::{Documents, Lexer, Piece, Unescaped};
use crate::token;
use alloc::vec::Vec;

/// Stands for a character outside ASCII: it is never part of a token, and it does not bind.
const FOREIGN: u8 = 0xff;

/// One text of a body, with the texts inside it.
pub struct TextStream {
    /// How many JSON strings the outermost text is inside of.
    base: usize,
    /// How the text is read, and the text of the string that is open in it, and so on.
    readings: Vec<Reading>,
    matcher: Matcher,
    /// Memory for what passes in one go.
    plain: Vec<u8>,
}

enum Reading {
    /// White space only so far.
    Undecided,
    Json {
        lexer: Lexer,
        /// An escape whose end is not here yet: its characters, and how they are spelled.
        escape: Vec<(u8, Vec<u8>)>,
        in_key: bool,
    },
    Plain,
}

impl TextStream {
    /// A text inside `base` JSON strings.
    pub fn new(base: usize) -> Self {
        Self::reading(base, Reading::Undecided)
    }

    /// A text that is not read as JSON, whatever it looks like.
    pub fn plain(base: usize) -> Self {
        Self::reading(base, Reading::Plain)
    }

    fn reading(base: usize, reading: Reading) -> Self {
        Self { base, readings: Vec::from([reading]), matcher: Matcher::new(base), plain: Vec::new() }
    }

    /// How many bytes are withheld.
    pub fn held(&self) -> usize {
        let escapes: usize = self
            .readings
            .iter()
            .map(|reading| match reading {
                Reading::Json { escape, .. } => escape.iter().map(|(_, raw)| raw.len()).sum(),
                Reading::Plain | Reading::Undecided => 0,
            })
            .sum();
        self.matcher.held() + escapes
    }

    /// Withholds the opening quote of the string that is this text; see [`Matcher::hold_quote`].
    pub fn hold_quote(&mut self) {
        self.matcher.hold_quote(b"\"");
    }

    /// Takes text that is spelled as it reads.
    pub fn push(&mut self, text: &[u8], to: &mut Context<'_>) {
        self.feed(0, text, None, to);
    }

    /// Takes one character that is spelled with an escape.
    pub fn push_escape(&mut self, unescaped: Unescaped, raw: &[u8], to: &mut Context<'_>) {
        self.feed(0, &[ascii(unescaped)], Some(raw), to);
    }

    /// Takes the next bytes of a string of JSON, as far as they are text and short escapes; returns how many it took.
    ///
    /// The same as a call for each piece, but what cannot be part of a token passes in one go.
    pub fn read_on(&mut self, lexer: &Lexer, input: &[u8], to: &mut Context<'_>) -> usize {
        let mut plain = core::mem::take(&mut self.plain);
        let mut passed = 0;
        let read = lexer.read_on(input, |at, length, piece| {
            let bytes = input.get(at..at + length).unwrap_or_default();
            let escaped;
            let (text, raw) = match piece {
                Piece::Escape(unescaped) => {
                    escaped = [ascii(unescaped)];
                    (escaped.as_slice(), Some(bytes))
                }
                _ => (bytes, None),
            };
            let start =
                if self.is_settled() { token::next_start(plain.last().copied(), text) } else { Some(0) };
            plain.extend_from_slice(text.get(..start.unwrap_or(text.len())).unwrap_or_default());
            let Some(start) = start else { return };
            self.matcher.pass(&plain, input.get(passed..at + start).unwrap_or_default(), to);
            plain.clear();
            passed = at + length;
            self.feed(0, text.get(start..).unwrap_or_default(), raw, to);
        });
        self.matcher.pass(&plain, input.get(passed..read).unwrap_or_default(), to);
        plain.clear();
        self.plain = plain;
        read
    }

    /// True if the next character is plain text, and nothing before it may become a token.
    fn is_settled(&self) -> bool {
        matches!(self.readings.as_slice(), [Reading::Plain]) && !self.matcher.is_open()
    }

    /// Takes more of a string of JSON, as it is spelled there; escapes are whole.
    pub fn push_content(&mut self, content: &[u8], to: &mut Context<'_>) {
        let mut lexer = Lexer::in_string();
        let mut rest = content;
        loop {
            rest = rest.get(self.read_on(&lexer, rest, to)..).unwrap_or_default();
            let Some(Ok((length, piece))) = lexer.next(rest) else { return };
            let (bytes, more) = rest.split_at(length.min(rest.len()));
            match piece {
                Piece::Escape(unescaped) => self.push_escape(unescaped, bytes, to),
                _ => self.push(bytes, to),
            }
            rest = more;
        }
    }

    /// As [`push_content`](Self::push_content), if all of it goes out as it came and nothing is counted. False if that is
    /// not certain, and then nothing was done.
    pub fn passes(&mut self, content: &[u8], mapping: &Mapping) -> bool {
        if content.is_empty() || !self.is_settled() {
            return false;
        }
        let mut plain = core::mem::take(&mut self.plain);
        let read = Lexer::in_string().read_on(content, |at, length, piece| match piece {
            Piece::Escape(unescaped) => plain.push(ascii(unescaped)),
            _ => plain.extend_from_slice(content.get(at..at + length).unwrap_or_default()),
        });
        let passes = read == content.len()
            && token::next_start(None, &plain).is_none()
            && self.matcher.passes(&plain, mapping);
        plain.clear();
        self.plain = plain;
        passes
    }

    /// The text ends.
    pub fn finish(&mut self, to: &mut Context<'_>) {
        self.abandon(0, to);
        self.matcher.finish(self.base, to);
    }

    /// The string that is this text ends; see [`Matcher::finish_string`].
    pub fn finish_string(&mut self, closing: usize, to: &mut Context<'_>) -> bool {
        self.abandon(0, to);
        self.matcher.finish_string(self.base, closing, to)
    }

    /// Takes `text` at a level; `raw` is its spelling if that differs, and then `text` is one character.
    fn feed(&mut self, level: usize, text: &[u8], raw: Option<&[u8]>, to: &mut Context<'_>) {
        let mut rest = text;
        while !rest.is_empty() {
            let Some(reading) = self.readings.get_mut(level) else { return };
            match reading {
                Reading::Plain => {
                    let levels = self.base + level;
                    match raw {
                        None => self.matcher.run(rest, levels, to),
                        Some(raw) => {
                            rest.iter().for_each(|&byte| self.matcher.character(byte, raw, levels, to))
                        }
                    }
                    return;
                }
                Reading::Undecided => {
                    let blank =
                        rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
                    let (space, more) = rest.split_at(blank);
                    self.matcher.pass(space, if space.is_empty() { b"" } else { raw.unwrap_or(space) }, to);
                    match more.first() {
                        None => return,
                        Some(b'{' | b'[') if self.base + level < MAX_LEVEL => {
                            let lexer = Lexer::new(Documents::Containers);
                            *reading = Reading::Json { lexer, escape: Vec::new(), in_key: false };
                        }
                        Some(_) => *reading = Reading::Plain,
                    }
                    rest = more;
                }
                Reading::Json { lexer, .. } => {
                    let Some(step) = lexer.next(rest) else { return };
                    let Ok((length, piece)) = step else {
                        // No longer JSON: what was inside is settled, the rest is plain text.
                        self.abandon(level, to);
                        continue;
                    };
                    let (bytes, more) = rest.split_at(length.min(rest.len()));
                    self.json(level, piece, bytes, raw, to);
                    rest = more;
                }
            }
        }
    }

    /// One piece of the JSON at a level.
    fn json(&mut self, level: usize, piece: Piece, bytes: &[u8], raw: Option<&[u8]>, to: &mut Context<'_>) {
        let Some(Reading::Json { escape, in_key, .. }) = self.readings.get_mut(level) else { return };
        let spelled = raw.unwrap_or(bytes);
        match piece {
            Piece::Text => self.feed(level + 1, bytes, raw, to),
            Piece::EscapePart => escape.extend(characters(bytes, raw)),
            Piece::Escape(unescaped) => {
                let mut whole: Vec<u8> = escape.drain(..).flat_map(|(_, raw)| raw).collect();
                whole.extend_from_slice(spelled);
                self.feed(level + 1, &[ascii(unescaped)], Some(&whole), to);
            }
            Piece::StringStart { key } => {
                *in_key = key;
                if to.mapping.has_numbers() && !key {
                    self.matcher.hold_quote(spelled);
                } else {
                    self.matcher.pass(bytes, spelled, to);
                }
                self.matcher.start_string();
                self.readings.push(Reading::Undecided);
            }
            Piece::StringEnd => {
                self.abandon(level + 1, to);
                self.readings.truncate(level + 1);
                if !self.matcher.finish_string(self.base + level + 1, spelled.len(), to) {
                    self.matcher.pass(bytes, spelled, to);
                }
            }
            Piece::Close | Piece::Open { .. } | Piece::Scalar { .. } | Piece::Space => {
                self.matcher.pass(bytes, spelled, to);
            }
        }
    }

    /// The text at `level` is not read as JSON any more: unfinished escapes in it are plain characters.
    fn abandon(&mut self, level: usize, to: &mut Context<'_>) {
        // The deepest text has the oldest characters.
        for at in (level..self.readings.len()).rev() {
            let levels = self.base + at;
            let in_string = at + 1 < self.readings.len();
            let Some(reading) = self.readings.get_mut(at) else { continue };
            let Reading::Json { escape, .. } = core::mem::replace(reading, Reading::Plain) else { continue };
            if in_string {
                self.matcher.finish(levels + 1, to);
            }
            self.matcher.end_url(to);
            for (byte, raw) in escape {
                self.matcher.character(byte, &raw, levels, to);
            }
            self.readings.truncate(at + 1);
        }
    }
}

impl Default for TextStream {
    fn default() -> Self {
        Self::new(1)
    }
}

fn ascii(unescaped: Unescaped) -> u8 {
    match unescaped {
        Unescaped::Ascii(byte) => byte,
        Unescaped::Unit(_) => FOREIGN,
    }
}

/// Each character with its spelling.
fn characters<'a>(text: &'a [u8], raw: Option<&'a [u8]>) -> impl Iterator<Item = (u8, Vec<u8>)> + 'a {
    text.iter().map(move |byte| (*byte, raw.map_or_else(|| Vec::from([*byte]), Vec::from)))
}

#[cfg(test)]
mod tests;
