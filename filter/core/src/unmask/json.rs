//! JSON documents restored while they stream.

use super::Tally;
use super::mapping::Mapping;
use super::matcher::Context;
use super::text::TextStream;
use crate::json::{Documents, Lexer, Piece, Rule, Shape, Walk};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Where the text of a string comes from and goes to: most strings are texts of their own, those of an
/// event's channel go on in the next event.
pub trait Texts {
    /// True if the strings of channels are media, and pass as they are.
    fn pass(&self) -> bool;
    /// A string of a channel begins; `rule` says of which, `starts` are the offsets of the containers it is in.
    fn open(&mut self, rule: Rule, starts: &[usize], tally: &mut Tally) -> Option<Box<TextStream>>;
    /// The string of the channel that was opened last ends.
    fn close(&mut self, text: Box<TextStream>, to: &mut Context<'_>);
}

/// No channels: every string is a text of its own.
pub struct NoChannels;

impl Texts for NoChannels {
    fn pass(&self) -> bool {
        false
    }
    fn open(&mut self, _rule: Rule, _starts: &[usize], _tally: &mut Tally) -> Option<Box<TextStream>> {
        None
    }
    fn close(&mut self, mut text: Box<TextStream>, to: &mut Context<'_>) {
        text.finish(to);
    }
}

/// A body of one document or of many, or the data of one event. Feed every piece to [`push`](Self::push), then call
/// [`finish`](Self::finish) once.
///
/// What is no JSON is restored as text: to the end of an event's data, else to the end of the line, so that one bad line
/// does not take the others with it.
pub struct JsonUnmasker {
    shape: &'static Shape,
    documents: Documents,
    lexer: Lexer,
    walk: Walk,
    state: State,
    /// An escape whose end is not here yet.
    escape: Vec<u8>,
    in_key: bool,
    /// How many bytes of the document were read.
    offset: usize,
    /// Where the open containers begin.
    starts: Vec<usize>,
    /// Something in this body was not JSON.
    malformed: bool,
}

enum State {
    Between,
    /// In a string that passes as it is.
    Passing,
    Restoring(Box<TextStream>),
    /// In a string of a channel.
    Channel(Box<TextStream>),
    /// Not JSON from here on: restored as text.
    Malformed(Box<TextStream>),
}

impl JsonUnmasker {
    /// Starts before the body; the shape of its documents says what is restored.
    pub fn new(shape: &'static Shape) -> Self {
        Self::reading(shape, Documents::Many)
    }

    /// Starts before the data of an event.
    pub fn of_event(shape: &'static Shape) -> Self {
        Self::reading(shape, Documents::One)
    }

    fn reading(shape: &'static Shape, documents: Documents) -> Self {
        Self {
            shape,
            documents,
            lexer: Lexer::new(documents),
            walk: Walk::new(shape),
            state: State::Between,
            escape: Vec::new(),
            in_key: false,
            offset: 0,
            starts: Vec::new(),
            malformed: false,
        }
    }

    /// Takes the next bytes and appends to `out` what is now certain.
    pub fn push(&mut self, bytes: &[u8], mapping: &Mapping, out: &mut Vec<u8>, tally: &mut Tally) {
        self.push_with(bytes, &mut NoChannels, &mut Context { mapping, out, tally });
    }

    /// As [`push`](Self::push), for an event whose strings may belong to channels.
    pub fn push_with(&mut self, bytes: &[u8], texts: &mut dyn Texts, to: &mut Context<'_>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if let State::Malformed(text) = &mut self.state {
                let line = match self.documents {
                    Documents::Many => memchr::memchr(b'\n', rest).map(|at| at + 1),
                    _ => None,
                };
                let (bytes, more) = rest.split_at(line.unwrap_or(rest.len()));
                text.push(bytes, to);
                rest = more;
                if line.is_some() {
                    text.finish(to);
                    *self = Self { malformed: true, ..Self::new(self.shape) };
                }
                continue;
            }
            rest = rest.get(self.content(rest, to)..).unwrap_or_default();
            match self.lexer.next(rest) {
                None => return,
                Some(Ok((length, piece))) => {
                    let (bytes, more) = rest.split_at(length.min(rest.len()));
                    self.piece(piece, bytes, texts, to);
                    rest = more;
                }
                Some(Err(_)) => self.give_up(texts, to),
            }
        }
    }

    /// How many bytes are withheld.
    pub fn held(&self) -> usize {
        let text = match &self.state {
            State::Restoring(text) | State::Channel(text) | State::Malformed(text) => text.held(),
            State::Between | State::Passing => 0,
        };
        text + self.escape.len()
    }

    /// The document ends. Anything withheld leaves.
    pub fn finish(&mut self, mapping: &Mapping, out: &mut Vec<u8>, tally: &mut Tally) {
        self.finish_with(&mut NoChannels, &mut Context { mapping, out, tally });
    }

    /// As [`finish`](Self::finish), for an event.
    pub fn finish_with(&mut self, texts: &mut dyn Texts, to: &mut Context<'_>) {
        if !matches!(self.state, State::Malformed(_)) {
            if self.lexer.is_complete() || self.offset == 0 {
                return;
            }
            self.give_up(texts, to);
        }
        if let State::Malformed(text) = &mut self.state {
            text.finish(to);
        }
    }

    /// Reads on in the value of a string, if one is open: most of every answer. Returns how many bytes it took.
    fn content(&mut self, rest: &[u8], to: &mut Context<'_>) -> usize {
        if self.in_key || !self.escape.is_empty() {
            return 0;
        }
        let text = match &mut self.state {
            State::Restoring(text) | State::Channel(text) => text,
            _ => return 0,
        };
        let length = text.read_on(&self.lexer, rest, to);
        self.offset += length;
        length
    }

    fn piece(&mut self, piece: Piece, bytes: &[u8], texts: &mut dyn Texts, to: &mut Context<'_>) {
        // In a response a member that stands twice decides nothing; the last one counts, as for most parsers.
        let at_key = self.in_key;
        match piece {
            Piece::StringStart { key } => {
                self.in_key = key;
                self.start_string(bytes, texts, to);
            }
            Piece::StringEnd => {
                self.end_string(bytes, texts, to);
                self.in_key = false;
            }
            Piece::EscapePart => self.escape.extend_from_slice(bytes),
            Piece::Escape(unescaped) => {
                self.escape.extend_from_slice(bytes);
                let raw = core::mem::take(&mut self.escape);
                match &mut self.state {
                    State::Restoring(text) | State::Channel(text) => text.push_escape(unescaped, &raw, to),
                    _ => to.out.extend_from_slice(&raw),
                }
            }
            Piece::Text => match &mut self.state {
                State::Restoring(text) | State::Channel(text) => text.push(bytes, to),
                _ => to.out.extend_from_slice(bytes),
            },
            Piece::Open { .. } => {
                self.starts.push(self.offset);
                to.out.extend_from_slice(bytes);
            }
            Piece::Close => {
                self.starts.pop();
                to.out.extend_from_slice(bytes);
            }
            Piece::Scalar { .. } | Piece::Space => to.out.extend_from_slice(bytes),
        }
        let in_key = at_key || self.in_key;
        self.walk.take(piece, in_key, bytes).unwrap_or_default();
        self.offset += bytes.len();
    }

    fn start_string(&mut self, quote: &[u8], texts: &mut dyn Texts, to: &mut Context<'_>) {
        let rule = if self.in_key { self.walk.name_rule() } else { self.walk.place().rule };
        self.state = match rule {
            Rule::Channel(_) | Rule::Opens(_) | Rule::Turn(_) if !self.in_key => {
                if texts.pass() {
                    State::Passing
                } else {
                    let joined = texts.open(rule, &self.starts, to.tally);
                    joined.map_or_else(|| State::Restoring(Box::new(TextStream::new(1))), State::Channel)
                }
            }
            Rule::Text if to.mapping.has_numbers() && !self.in_key => {
                let mut text = Box::new(TextStream::new(1));
                text.hold_quote();
                self.state = State::Restoring(text);
                return;
            }
            Rule::Channel(_) | Rule::Ends(_) | Rule::Opens(_) | Rule::Prose | Rule::Text | Rule::Turn(_) => {
                State::Restoring(Box::new(TextStream::new(1)))
            }
            _ => State::Passing,
        };
        to.out.extend_from_slice(quote);
    }

    fn end_string(&mut self, quote: &[u8], texts: &mut dyn Texts, to: &mut Context<'_>) {
        match core::mem::replace(&mut self.state, State::Between) {
            State::Restoring(mut text) => {
                if text.finish_string(quote.len(), to) {
                    return;
                }
            }
            State::Channel(text) => texts.close(text, to),
            State::Between | State::Passing | State::Malformed(_) => {}
        }
        to.out.extend_from_slice(quote);
    }

    /// The rest is not JSON: it is restored as text, with what is put in escaped all the same.
    fn give_up(&mut self, texts: &mut dyn Texts, to: &mut Context<'_>) {
        match core::mem::replace(&mut self.state, State::Between) {
            State::Restoring(mut text) => text.finish(to),
            State::Channel(text) => texts.close(text, to),
            State::Between | State::Passing | State::Malformed(_) => {}
        }
        to.out.append(&mut self.escape);
        to.tally.malformed += u64::from(!self.malformed);
        self.state = State::Malformed(Box::new(TextStream::plain(1)));
    }
}

#[cfg(test)]
mod tests;
