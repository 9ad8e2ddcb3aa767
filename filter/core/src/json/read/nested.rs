//! JSON in strings.

use super::{Reader, View, bytes_of};
use crate::context::member::Place;
use crate::json::read::Number;
use crate::json::{Documents, Lexer, Piece};
use core::ops::Range;

impl Reader<'_> {
    /// Reads text as JSON for as long as it is; returns where it stops being JSON.
    ///
    /// Only what came before decides how a character is read, so that a response, which is restored while
    /// it streams, is read the same way.
    pub(super) fn nested(&mut self, outer: &View<'_>, place: &Place<'_>) -> usize {
        let mut lexer = Lexer::new(Documents::Containers);
        let (mut content, mut trail) = self.spare.pop().unwrap_or_default();
        trail.begin(place);
        let mut in_key = false;
        let level = outer.level + 1;
        let mut at = 0;
        let mut in_string = false;
        let mut scalar: Option<usize> = None;
        let plain_from = loop {
            let rest = outer.text.get(at..).unwrap_or_default();
            let (length, piece) = match lexer.next(rest) {
                None => break outer.text.len(),
                Some(Err(_)) => break scalar.unwrap_or(at),
                Some(Ok(step)) => step,
            };
            if let (Some(start), false) = (scalar, matches!(piece, Piece::Scalar { .. })) {
                self.nested_number(outer, start..at, &trail.place());
                scalar = None;
            }
            match piece {
                Piece::StringStart { key } => {
                    in_string = true;
                    in_key = key;
                    content.begin(at + 1);
                    at += 1;
                    at += content.read_on(&lexer, outer.text, at);
                    continue;
                }
                Piece::Text => content.plain(outer.text, at, length),
                Piece::Escape(unescaped) => content.escape(outer.text, at, length, unescaped),
                Piece::StringEnd => {
                    in_string = false;
                    let view = content.view(outer.text, level, Some(outer));
                    if in_key {
                        trail.name(view.text);
                        self.text(&view, &Place::default());
                    } else {
                        self.text(&view, &trail.place());
                        trail.value(view.text);
                    }
                }
                Piece::Scalar { first: true } => scalar = Some(at),
                Piece::Open { object } => trail.open(object),
                Piece::Close => trail.close(),
                Piece::EscapePart | Piece::Scalar { .. } | Piece::Space => {}
            }
            at += length;
        };
        if in_string {
            let place = if in_key { Place::default() } else { trail.place() };
            self.text(&content.view(outer.text, level, Some(outer)), &place);
        }
        if let (Some(start), true) = (scalar, plain_from == outer.text.len()) {
            // The text is cut off behind a number, which may be whole.
            self.nested_number(outer, start..plain_from, &trail.place());
        }
        self.spare.push((content, trail));
        plain_from
    }

    fn nested_number(&mut self, outer: &View<'_>, range: Range<usize>, place: &Place<'_>) {
        let digits = bytes_of(outer.text, range.clone());
        let raw = outer.raw(range.start)..outer.raw(range.end);
        let plain = outer.spelling(range) == digits;
        self.number(Number { digits, raw, level: outer.level + 1, plain }, place);
    }
}
