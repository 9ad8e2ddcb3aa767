//! How many tokens of the model an answer took: read from what the provider sends, which is not changed by it.
//!
//! An API's `usage` shape says where the numbers stand ([`provider`](crate::provider)). Only there they count: what a model
//! says, or calls a tool with, is no member of that place. A document counts when it is complete, an event too; in a stream
//! numbers grow from event to event, so the largest one counts and not the sum.
//!
//! Nothing is kept but the numbers and the model's name, however long the answer is.

use crate::json::shape::Tokens;
use crate::json::{Documents, Lexer, Piece, Rule, Shape, Unescaped, Walk};
use alloc::string::String;
use alloc::vec::Vec;
use memchr::memmem;

/// Most tokens that one number may say. More is no number of tokens.
pub const MAX_TOKENS: u64 = 1_000_000_000;
/// Longest name of a model. A longer one is not known, as is one that is spelled with escapes: a part of a name could hide what
/// must not be shown.
pub const MAX_MODEL: usize = 128;

/// Part of the name of every member that counts tokens; most events have it nowhere, and are not read.
const IN_EVERY_NAME: &[u8] = b"oken";
const DATA: &[u8] = b"data:";

/// What an answer has said so far.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    counts: [u64; Tokens::ALL],
    /// The model's name as the answer has it; empty if it is not known.
    pub model: String,
}

impl Usage {
    /// Tokens that the model read, from a cache or not.
    pub fn input(&self) -> u64 {
        self.counts.iter().take(Tokens::FIRST_OUTPUT).sum()
    }

    /// Tokens that the model wrote, thinking included.
    pub fn output(&self) -> u64 {
        self.counts.iter().skip(Tokens::FIRST_OUTPUT).sum()
    }

    /// A document is complete, and said this. True if a number is larger than before.
    fn merge(&mut self, said: &mut Said) -> bool {
        let Some(counts) = said.counts.take() else { return false };
        let mut larger = false;
        for (count, new) in self.counts.iter_mut().zip(counts) {
            larger |= new > *count;
            *count = new.max(*count);
        }
        let model = core::mem::take(&mut said.model);
        if !model.is_empty() {
            let known = String::from_utf8(model).ok().filter(|model| model.len() <= MAX_MODEL);
            self.model = known.unwrap_or_default();
        }
        larger
    }
}

/// Reads one answer.
#[derive(Debug)]
pub struct UsageReader {
    shape: &'static Shape,
    framing: Framing,
    /// Finds [`IN_EVERY_NAME`].
    finder: memmem::Finder<'static>,
    /// The document that is being read; `None` if there is none, or what there is cannot be read.
    document: Option<Document>,
    usage: Usage,
}

#[derive(Debug)]
enum Framing {
    Document,
    /// Server-sent events; every line of data is one document. How much of the field's name stands in this line so far,
    /// `None` behind it.
    Events(Option<usize>),
}

/// JSON that is being read.
#[derive(Debug)]
struct Document {
    lexer: Lexer,
    walk: Walk,
    in_key: bool,
    depth: usize,
    /// It is a list: each item is complete for itself.
    is_list: bool,
    /// The number that is being read, if it is one that can be.
    number: Option<u64>,
    said: Said,
}

/// What a document has said so far.
#[derive(Debug, Default)]
struct Said {
    counts: Option<[u64; Tokens::ALL]>,
    /// One byte longer than [`MAX_MODEL`] if it is not to be known.
    model: Vec<u8>,
}

impl UsageReader {
    /// Starts before a body of one document, or of `events`.
    pub fn new(shape: &'static Shape, events: bool) -> Self {
        let framing = if events { Framing::Events(Some(0)) } else { Framing::Document };
        let document = (!events).then(|| Document::new(shape));
        let finder = memmem::Finder::new(IN_EVERY_NAME);
        Self { shape, framing, finder, document, usage: Usage::default() }
    }

    /// What was said so far.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// False if nothing that comes can say anything.
    pub fn reads(&self) -> bool {
        self.document.is_some() || matches!(self.framing, Framing::Events(_))
    }

    /// Takes the next bytes; true if they complete something new.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        let whole_lines = matches!(self.framing, Framing::Events(Some(0))) && bytes.ends_with(b"\n");
        // Most of a stream comes in lines that have no number.
        if whole_lines && self.finder.find(bytes).is_none() {
            return false;
        }
        let mut told = false;
        let mut rest = bytes;
        while !rest.is_empty() {
            let Framing::Events(line) = self.framing else {
                return self.read(rest);
            };
            let end = memchr::memchr2(b'\n', b'\r', rest);
            let (part, more) = rest.split_at(end.unwrap_or(rest.len()));
            rest = more.get(1..).unwrap_or_default();
            // A whole line that has no number costs a search.
            if line != Some(0) || end.is_none() || self.finder.find(part).is_some() {
                let (name, value) = self.field(line, part);
                self.framing = Framing::Events(name);
                told |= self.read(value);
            }
            if end.is_some() {
                self.framing = Framing::Events(Some(0));
                self.document = None;
            }
        }
        told
    }

    /// Takes the field's name off a part of a line: how much of the name is known now, and the rest of the part.
    fn field<'a>(&mut self, mut name: Option<usize>, part: &'a [u8]) -> (Option<usize>, &'a [u8]) {
        let mut rest = part;
        while let (Some(known), Some((first, more))) = (name, rest.split_first()) {
            match DATA.get(known) {
                Some(expected) if expected == first => name = Some(known + 1),
                // The byte order mark, which may stand before the first line.
                _ if known == 0 && matches!(first, 0xef | 0xbb | 0xbf) => {}
                _ => return (None, rest),
            }
            rest = more;
            if name == Some(DATA.len()) {
                name = None;
                self.document = Some(Document::new(self.shape));
            }
        }
        (name, rest)
    }

    fn read(&mut self, bytes: &[u8]) -> bool {
        let Some(mut document) = self.document.take() else { return false };
        let mut told = false;
        let mut rest = bytes;
        loop {
            rest = rest.get(document.skip(rest)..).unwrap_or_default();
            let Some(step) = document.lexer.next(rest) else { break };
            // What is no JSON says nothing more.
            let Ok((length, piece)) = step else { return told };
            let (bytes, more) = rest.split_at(length.min(rest.len()));
            document.take(piece, bytes);
            if piece == Piece::Close && document.depth == usize::from(document.is_list) {
                told |= self.usage.merge(&mut document.said);
            }
            rest = more;
        }
        self.document = Some(document);
        told
    }
}

impl Document {
    fn new(shape: &'static Shape) -> Self {
        let (lexer, walk) = (Lexer::new(Documents::One), Walk::new(shape));
        Self { lexer, walk, in_key: false, depth: 0, is_list: false, number: None, said: Said::default() }
    }

    /// How many bytes are of a string that says nothing here.
    fn skip(&self, rest: &[u8]) -> usize {
        if self.in_key || self.walk.place().rule == Rule::Model {
            0
        } else {
            self.lexer.read_on(rest, |_, _, _| ())
        }
    }

    fn take(&mut self, piece: Piece, bytes: &[u8]) {
        let rule = self.walk.place().rule;
        match (piece, rule) {
            (Piece::Scalar { first }, Rule::Usage(_)) => {
                let before = if first { Some(0) } else { self.number };
                self.number = bytes.iter().fold(before, |number, byte| digit(number?, *byte));
            }
            (Piece::Space | Piece::Close, Rule::Usage(tokens)) => {
                if let Some(number) = self.number.take() {
                    let counts = self.said.counts.get_or_insert_default();
                    counts.iter_mut().skip(tokens as usize).take(1).for_each(|count| *count = number);
                }
            }
            (Piece::StringStart { key: false }, Rule::Model) => self.said.model.clear(),
            (Piece::Text, Rule::Model) if !self.in_key => self.extend_model(bytes),
            (Piece::Escape(_), Rule::Model) if !self.in_key => self.extend_model(&[0; MAX_MODEL + 1]),
            _ => {}
        }
        match piece {
            Piece::Open { object } => {
                self.is_list |= self.depth == 0 && !object;
                self.depth += 1;
            }
            Piece::Close => self.depth -= 1,
            Piece::StringStart { key } => self.in_key = key,
            _ => {}
        }
        // A name that is spelled with escapes is no known one: it could not be seen without reading.
        let piece = match piece {
            Piece::Escape(_) if self.in_key => Piece::Escape(Unescaped::Unit(0)),
            piece => piece,
        };
        // Of members that stand twice the last one counts, as for most parsers.
        self.walk.take(piece, self.in_key, bytes).unwrap_or_default();
        self.in_key &= piece != Piece::StringEnd;
    }

    fn extend_model(&mut self, bytes: &[u8]) {
        let room = (MAX_MODEL + 1).saturating_sub(self.said.model.len());
        self.said.model.extend(bytes.iter().take(room));
    }
}

fn digit(number: u64, byte: u8) -> Option<u64> {
    let digit = char::from(byte).to_digit(10)?;
    Some(number * 10 + u64::from(digit)).filter(|number| *number <= MAX_TOKENS)
}

#[cfg(test)]
mod tests;
