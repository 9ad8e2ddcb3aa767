//! One JSON array that streams: its items are events, as Gemini's API answers without `alt=sse`.
//!
//! An item leaves when it is complete. An extra event is one more item, before the item that ends the channel or
//! before the end of the array. See `unmask::events`.

use super::Tally;
use super::events::{Events, Line, MAX_EVENT, Wrap};
use super::json::{JsonUnmasker, NoChannels};
use super::mapping::Mapping;
use super::matcher::Context;
use crate::json::{Documents, Lexer, Piece, Shape};
use alloc::vec::Vec;
use core::mem;

/// An extra item before another one, and behind the last one.
const BEFORE: Wrap = Wrap { before: b"", behind: b",", leaves_out: false };
const LAST: Wrap = Wrap { before: b",", behind: b"", leaves_out: false };

/// An answer that may be an array of events. Feed every piece to [`push`](Self::push), then call
/// [`finish`](Self::finish) once.
pub struct ArrayUnmasker {
    /// An answer that is no array.
    document: &'static Shape,
    state: State,
    lexer: Lexer,
    /// How many containers are open.
    depth: usize,
    events: Events,
    /// The item that is being collected.
    item: Vec<u8>,
}

enum State {
    /// Nothing but white space so far.
    Start,
    /// In the array. The item is read as it streams if it is too long to be collected.
    Items { long: Option<JsonUnmasker> },
    /// It is no array, or no longer one.
    Other(JsonUnmasker),
}

impl ArrayUnmasker {
    /// Starts before the answer; `event` is the shape of an item, `document` that of an answer that is no array.
    pub fn new(event: &'static Shape, document: &'static Shape) -> Self {
        Self {
            document,
            state: State::Start,
            lexer: Lexer::new(Documents::One),
            depth: 0,
            events: Events::new(event),
            item: Vec::new(),
        }
    }

    /// Takes the next bytes and appends to `out` what is now certain.
    pub fn push(&mut self, bytes: &[u8], mapping: &Mapping, out: &mut Vec<u8>, tally: &mut Tally) {
        let mut to = Context { mapping, out, tally };
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            match &mut self.state {
                State::Other(json) => {
                    json.push_with(rest, &mut NoChannels, &mut to);
                    return;
                }
                State::Start if !matches!(first, b'[' | b' ' | b'\t' | b'\n' | b'\r') => {
                    self.state = State::Other(JsonUnmasker::new(self.document));
                    continue;
                }
                State::Start | State::Items { .. } => {}
            }
            let Some(Ok((length, piece))) = self.lexer.next(rest) else {
                self.give_up(&mut to);
                continue;
            };
            let (bytes, more) = rest.split_at(length.min(rest.len()));
            self.piece(piece, bytes, &mut to);
            rest = more;
        }
    }

    /// How many bytes are withheld, of an unfinished item too.
    pub fn held(&self) -> usize {
        let json = match &self.state {
            State::Items { long: Some(json) } | State::Other(json) => json.held(),
            State::Items { long: None } | State::Start => 0,
        };
        self.item.len() + self.events.held() + json
    }

    /// The answer ends: whatever is withheld leaves.
    pub fn finish(&mut self, mapping: &Mapping, out: &mut Vec<u8>, tally: &mut Tally) {
        let mut to = Context { mapping, out, tally };
        if let State::Items { .. } = self.state {
            self.end_item(&mut to);
            self.events.end_all(LAST, &mut to);
        }
        if let State::Other(json) = &mut self.state {
            json.finish_with(&mut NoChannels, &mut to);
        }
    }

    fn piece(&mut self, piece: Piece, bytes: &[u8], to: &mut Context<'_>) {
        match piece {
            Piece::Open { .. } => self.depth += 1,
            Piece::Close => self.depth -= 1,
            _ => {}
        }
        match (self.depth, piece) {
            (1, Piece::Open { .. }) => {
                self.state = State::Items { long: None };
                to.out.extend_from_slice(bytes);
            }
            (0, Piece::Close) => {
                self.end_item(to);
                self.events.end_all(LAST, to);
                to.out.extend_from_slice(bytes);
            }
            (0 | 1, Piece::Space) => {
                self.end_item(to);
                to.out.extend_from_slice(bytes);
            }
            (depth, _) => {
                self.extend_item(bytes, to);
                if (depth, piece) == (1, Piece::Close) {
                    self.end_item(to);
                }
            }
        }
    }

    fn extend_item(&mut self, bytes: &[u8], to: &mut Context<'_>) {
        if let State::Items { long: Some(json) } = &mut self.state {
            json.push_with(bytes, &mut NoChannels, to);
            return;
        }
        self.item.extend_from_slice(bytes);
        if self.item.len() > MAX_EVENT {
            to.tally.unjoined += 1;
            let mut json = self.events.unjoined();
            json.push_with(&mem::take(&mut self.item), &mut NoChannels, to);
            self.state = State::Items { long: Some(json) };
        }
    }

    /// What was collected of an item is all there is of it.
    fn end_item(&mut self, to: &mut Context<'_>) {
        if let State::Items { long } = &mut self.state
            && let Some(mut json) = long.take()
        {
            json.finish_with(&mut NoChannels, to);
        }
        if self.item.is_empty() {
            return;
        }
        let mut item = mem::take(&mut self.item);
        let line = Line { field: b"", value: &item, terminator: b"" };
        self.events.event(&mut Vec::new(), &[line], BEFORE, to);
        item.clear();
        self.item = item;
    }

    /// What follows is not JSON.
    fn give_up(&mut self, to: &mut Context<'_>) {
        self.end_item(to);
        self.events.end_all(LAST, to);
        self.state = State::Other(JsonUnmasker::new(self.document));
    }
}

#[cfg(test)]
mod tests;
