//! A whole request body, read place by place: what is text, what must not change, what is opaque.

use super::shape::Body;
use super::view::Collector;
pub use super::view::View;
use super::{Documents, Lexer, Malformed, Piece, Rule, Shape, Walk};
pub use crate::context::member::Place;
use crate::context::member::Trail;
use alloc::vec::Vec;
use core::ops::Range;

mod media;
mod nested;

use media::{decoded_text, is_base64, is_data_url};

/// How many JSON strings deep text is followed: JSON in a string (2), JSON in a string of that (3), and so on.
///
/// Deeper text is read as it stands, with its escapes; those are boundaries, so identifiers are found all the same.
pub const MAX_LEVEL: usize = 5;

/// Is told what stands in the body, in the order of the body, except that signed text and media come at
/// the end of the object that tells what they are.
pub trait Visitor {
    /// Text to be masked; what comes before `from` was visited already and is context only.
    ///
    /// `place` says which member's value it is.
    fn text(&mut self, view: &View<'_>, from: usize, place: &Place<'_>);
    /// A number where text may stand.
    fn number(&mut self, number: Number<'_>, place: &Place<'_>);
    /// A string that must not be changed, or that is not text: an identifier in it cannot be masked.
    fn fixed(&mut self, view: &View<'_>);
    /// A file of text, encoded as this view: an identifier in it cannot be masked.
    fn encoded(&mut self, _view: &View<'_>, _text: &[u8]) {}
    /// A number that must not be changed; where it stands.
    fn fixed_number(&mut self, digits: &[u8], at: usize);
    /// Signed text passed unread.
    fn signed(&mut self);
}

/// A whole number, as it stands in the body or in JSON in a string; with a fraction of zeros if it came through a table
/// that has floating point only.
pub struct Number<'a> {
    /// Its digits, and the fraction.
    pub digits: &'a [u8],
    /// Where it stands in the body.
    pub raw: Range<usize>,
    /// How many JSON strings it is inside of, and one for the body itself.
    pub level: usize,
    /// False if the strings around it spell its digits with escapes.
    pub plain: bool,
}

impl<'a> Number<'a> {
    /// Its digits without the fraction.
    pub fn whole(&self) -> &'a [u8] {
        whole(self.digits).unwrap_or(self.digits)
    }
}

/// The digits of a number that is whole: `12`, `12.0`.
fn whole(number: &[u8]) -> Option<&[u8]> {
    let mut parts = number.splitn(2, |byte| *byte == b'.');
    let digits = parts.next().filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    parts.next().is_none_or(|zeros| zeros.iter().all(|byte| *byte == b'0')).then_some(digits)
}

/// Why a body cannot be read, and where in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unreadable {
    /// What is wrong.
    pub problem: Problem,
    /// Byte offset in the body.
    pub at: usize,
}

/// What is wrong with a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Problem {
    /// A member that tells how others are read stands twice in one object.
    Duplicate,
    /// It starts with a byte order mark.
    ByteOrderMark,
    /// Not JSON.
    Malformed(Malformed),
    /// Media that is not base64.
    Media,
    /// Not UTF-8.
    NotUtf8,
}

/// Reads `body`, which must be what the shape says, and tells `visitor` what is where.
///
/// # Errors
///
/// [`Unreadable`] if it is not UTF-8 JSON (or text), is nested too deep, or says one thing twice. The visitor may
/// have been told a part of it by then.
pub fn document(body: &[u8], shape: &'static Shape, visitor: &mut dyn Visitor) -> Result<(), Unreadable> {
    if body.starts_with(b"\xef\xbb\xbf") {
        return Err(Unreadable { problem: Problem::ByteOrderMark, at: 0 });
    }
    if let Err(error) = core::str::from_utf8(body) {
        return Err(Unreadable { problem: Problem::NotUtf8, at: error.valid_up_to() });
    }
    let walk = Walk::new(shape);
    let trail = Trail::default();
    let mut reader = Reader { body, visitor, walk, trail, objects: Vec::new(), spare: Vec::new() };
    match shape.body {
        Body::Json => reader.read(Documents::One),
        Body::JsonLines => reader.read(Documents::Many),
        Body::Text => {
            // What is UTF-16 reads as UTF-8 too, with zeros in it.
            if let Some(at) = memchr::memchr(0, body) {
                return Err(Unreadable { problem: Problem::NotUtf8, at });
            }
            reader.text(&View::of(body), &Place::default());
            Ok(())
        }
    }
}

struct Reader<'a> {
    body: &'a [u8],
    visitor: &'a mut dyn Visitor,
    walk: Walk,
    /// What each open container has said about its members so far.
    objects: Vec<Object>,
    /// The names of members of the body itself.
    trail: Trail,
    /// Spare buffers.
    spare: Vec<(Collector, Trail)>,
}

#[derive(Default)]
struct Object {
    signed: bool,
    is_text: bool,
    is_thinking: bool,
    /// Strings whose treatment the object's end decides: where their quotes are.
    deferred: Vec<(Rule, Range<usize>)>,
}

impl Reader<'_> {
    fn read(&mut self, documents: Documents) -> Result<(), Unreadable> {
        let body = self.body;
        let mut lexer = Lexer::new(documents);
        let mut content = Collector::default();
        let mut at = 0;
        let mut in_key = false;
        let mut string_start = 0;
        let mut number: Option<usize> = None;
        let unreadable = |problem, at| Unreadable { problem, at };
        while let Some(step) = lexer.next(body.get(at..).unwrap_or_default()) {
            let (length, piece) = step.map_err(|malformed| unreadable(Problem::Malformed(malformed), at))?;
            let bytes = body.get(at..at + length).unwrap_or_default();
            if let (Some(start), false) = (number, matches!(piece, Piece::Scalar { .. })) {
                self.top_number(start..at);
                number = None;
            }
            match piece {
                Piece::StringStart { key } => {
                    in_key = key;
                    string_start = at;
                    content.begin(at + 1);
                    if !key {
                        at += 1;
                        at += content.read_on(&lexer, body, at);
                        continue;
                    }
                }
                Piece::Text => content.plain(body, at, length),
                Piece::Escape(unescaped) => content.escape(body, at, length, unescaped),
                Piece::StringEnd => self.string(&mut content, in_key, string_start..at + 1)?,
                Piece::Scalar { first: true } => number = Some(at),
                Piece::Open { object } => {
                    self.trail.open(object);
                    self.objects.push(Object::default());
                }
                Piece::Close => {
                    self.trail.close();
                    self.close()?;
                }
                Piece::EscapePart | Piece::Scalar { first: false } | Piece::Space => {}
            }
            self.walk.take(piece, in_key, bytes).map_err(|_| unreadable(Problem::Duplicate, string_start))?;
            at += length;
            if piece == Piece::StringEnd {
                in_key = false;
            }
        }
        if !lexer.is_complete() {
            return Err(unreadable(Problem::Malformed(Malformed::Syntax), at));
        }
        if let Some(start) = number {
            self.top_number(start..at);
        }
        Ok(())
    }

    fn string(&mut self, content: &mut Collector, key: bool, quotes: Range<usize>) -> Result<(), Unreadable> {
        let rule = if key { self.walk.name_rule() } else { self.walk.place().rule };
        let view = content.view(self.body, 1, None);
        if key {
            self.trail.name(view.text);
        }
        match rule {
            Rule::Signature => {
                if let Some(object) = self.objects.last_mut() {
                    object.signed |= !view.text.is_empty();
                }
                self.visitor.fixed(&view);
            }
            Rule::Media | Rule::SignedText => {
                if let Some(object) = self.objects.last_mut() {
                    object.deferred.push((rule, quotes));
                }
            }
            Rule::MediaUrl if is_data_url(view.text) => self.media(&view),
            Rule::Channel(_) | Rule::MediaUrl | Rule::Opens(_) | Rule::Prose | Rule::Text | Rule::Turn(_)
                if key =>
            {
                self.text(&view, &Place::default());
            }
            Rule::Channel(_) | Rule::MediaUrl | Rule::Opens(_) | Rule::Prose | Rule::Text | Rule::Turn(_) => {
                let trail = core::mem::take(&mut self.trail);
                self.text(&view, &trail.place());
                self.trail = trail;
                self.trail.value(view.text);
            }
            Rule::Ends(_)
            | Rule::Envelope
            | Rule::EventType(_)
            | Rule::Fixed
            | Rule::Index(_)
            | Rule::Model
            | Rule::Opaque
            | Rule::Sequence
            | Rule::Usage(_) => {
                if let (Some(object), false, b"type") = (self.objects.last_mut(), key, self.walk.name()) {
                    object.is_text |= view.text == b"text";
                    object.is_thinking |= view.text == b"thinking";
                }
                self.visitor.fixed(&view);
            }
        }
        Ok(())
    }

    fn media(&mut self, view: &View<'_>) {
        self.visitor.fixed(view);
        if let Some(text) = decoded_text(view.text) {
            self.visitor.encoded(view, &text);
        }
    }

    /// The end of an object decides what its deferred strings are.
    fn close(&mut self) -> Result<(), Unreadable> {
        let Some(object) = self.objects.pop() else { return Ok(()) };
        for (rule, quotes) in object.deferred {
            let mut content = Collector::default();
            collect_string(self.body, quotes.clone(), &mut content);
            let view = content.view(self.body, 1, None);
            match rule {
                Rule::SignedText if object.signed && object.is_thinking => self.visitor.signed(),
                Rule::Media if !object.is_text => {
                    if !is_base64(view.text) {
                        return Err(Unreadable { problem: Problem::Media, at: quotes.start });
                    }
                    self.media(&view);
                }
                _ => self.text(&view, &Place::default()),
            }
        }
        Ok(())
    }

    fn text(&mut self, view: &View<'_>, place: &Place<'_>) {
        let from =
            if view.level < MAX_LEVEL && starts_container(view.text) { self.nested(view, place) } else { 0 };
        if from < view.text.len() {
            self.visitor.text(view, from, place);
        }
    }

    fn top_number(&mut self, raw: Range<usize>) {
        let digits = bytes_of(self.body, raw.clone());
        if matches!(self.walk.place().rule, Rule::Prose | Rule::Text) {
            let trail = core::mem::take(&mut self.trail);
            self.number(Number { digits, raw, level: 1, plain: true }, &trail.place());
            self.trail = trail;
        } else {
            self.visitor.fixed_number(digits, raw.start);
        }
    }

    fn number(&mut self, number: Number<'_>, place: &Place<'_>) {
        if whole(number.digits).is_some() {
            self.visitor.number(number, place);
        }
    }
}

/// True if text may be JSON: its first character opens an object or an array.
fn starts_container(text: &[u8]) -> bool {
    let first = text.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    matches!(first, Some(b'{' | b'['))
}

fn collect_string(body: &[u8], quotes: Range<usize>, content: &mut Collector) {
    let mut lexer = Lexer::new(Documents::One);
    let mut at = quotes.start;
    content.begin(at + 1);
    while let Some(Ok((length, piece))) = lexer.next(bytes_of(body, at..quotes.end)) {
        match piece {
            Piece::Text => content.plain(body, at, length),
            Piece::Escape(unescaped) => content.escape(body, at, length, unescaped),
            _ => {}
        }
        at += length;
    }
}

fn bytes_of(source: &[u8], range: Range<usize>) -> &[u8] {
    source.get(range).unwrap_or_default()
}

#[cfg(test)]
mod tests;
