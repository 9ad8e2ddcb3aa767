//! What an event says about the channels.

use super::path::Path;
use crate::json::shape::{Ends, Says};
use crate::json::{Documents, Lexer, Piece, Rule, Shape, Walk};
use crate::token;
use alloc::vec::Vec;
use core::mem;
use core::ops::Range;
use serde_json::Value;

/// What one event says.
#[cfg_attr(test, derive(PartialEq))]
pub(super) struct Facts {
    /// Indices: the container (by where it begins), the name, and where the value is spelled.
    indices: Vec<(usize, &'static str, Range<usize>)>,
    /// The texts of channels.
    pub(super) texts: Vec<Text>,
    /// Which channels it ends.
    ends: Vec<Ended>,
    /// What would be text of a channel is media.
    pub(super) is_media: bool,
    /// Its number in the stream, as it is spelled.
    pub(super) sequence: Option<Range<usize>>,
    /// It carries something else than texts of turns, and what each event repeats.
    carries: bool,
    /// The data is one complete JSON document, or cannot become one.
    pub(super) settled: bool,
    /// It is one, and outside the texts of channels no token can stand in it: there nothing changes.
    pub(super) plain: bool,
}

/// The text of a channel in an event.
#[cfg_attr(test, derive(PartialEq))]
pub(super) struct Text {
    pub(super) rule: Rule,
    /// Where its content stands, as it is spelled.
    pub(super) content: Range<usize>,
    /// Where the containers begin that it is in.
    pub(super) starts: Vec<usize>,
    /// Of which channel it is, in a plain event; see [`Facts::path`].
    pub(super) path: Option<Path>,
}

/// The channels within a path.
#[cfg_attr(test, derive(PartialEq))]
struct Ended {
    within: Path,
    /// But for this one.
    but: Option<(&'static str, Path)>,
    /// Only as far as their text comes before this place.
    before: usize,
}

impl Facts {
    pub(super) fn read(shape: &'static Shape, data: &[u8]) -> Self {
        let mut facts = Self {
            indices: Vec::new(),
            texts: Vec::new(),
            ends: Vec::new(),
            is_media: false,
            sequence: None,
            carries: false,
            settled: false,
            plain: true,
        };
        // Which containers end channels. Their indices may come later.
        let mut ending: Vec<(Rule, Vec<usize>)> = Vec::new();
        let end = for_each_value(shape, data, |rule, value, starts| {
            let bytes = data.get(value.clone()).unwrap_or_default();
            facts.carries |= match rule {
                Rule::Turn(_) => value.is_empty(),
                Rule::Ends(_) => !matches!(bytes, b"null" | b""),
                Rule::Index(_) | Rule::Envelope | Rule::Fixed => false,
                _ => true,
            };
            facts.plain &= match rule {
                Rule::Channel(_) | Rule::Opens(_) | Rule::Turn(_) => true,
                Rule::Envelope | Rule::EventType(_) | Rule::Fixed | Rule::Index(_) => true,
                Rule::Opaque | Rule::Sequence => true,
                _ => is_plain(bytes),
            };
            match rule {
                Rule::Channel(_) | Rule::Opens(_) | Rule::Turn(_) => {
                    facts.texts.push(Text { rule, content: value, starts: starts.to_vec(), path: None });
                    ending.extend(matches!(rule, Rule::Turn(_)).then(|| (rule, starts.to_vec())));
                }
                Rule::Index(name) if !matches!(bytes, b"null" | b"false") => {
                    facts.indices.push((starts.last().copied().unwrap_or_default(), name, value));
                }
                Rule::EventType(types) => match types.iter().find(|(name, _)| name.as_bytes() == bytes) {
                    Some((_, Says::Ends(what))) => ending.push((Rule::Ends(*what), starts.to_vec())),
                    Some((_, Says::Media)) => facts.is_media = true,
                    None => {}
                },
                Rule::Ends(_) if !matches!(bytes, b"null" | b"") => ending.push((rule, starts.to_vec())),
                Rule::Sequence if bytes.len() <= MAX_SEQUENCE => facts.sequence = Some(value),
                _ => {}
            }
        });
        facts.settled = end != End::Open;
        facts.plain &= end == End::Complete { plain_names: true };
        facts.indices.sort_unstable_by_key(|(start, name, _)| (*start, *name));
        for (rule, starts) in ending {
            facts.end(rule, &starts, data);
        }
        let mut texts = mem::take(&mut facts.texts);
        for text in texts.iter_mut().filter(|_| facts.plain) {
            text.path = facts.path(&text.starts, data);
        }
        facts.texts = texts;
        facts
    }

    /// A value with this rule, in the containers that begin at `starts`, ends channels.
    fn end(&mut self, rule: Rule, starts: &[usize], data: &[u8]) {
        let (part, list) = starts.split_last().map_or((0, starts), |(part, list)| (*part, list));
        let (within, but, before) = match rule {
            Rule::Ends(Ends::Earlier) => (self.path(list, data), None, part),
            Rule::Ends(Ends::Same) => (self.path(starts, data), None, usize::MAX),
            Rule::Turn(name) => (self.path(list, data), self.path(starts, data).map(|own| (name, own)), part),
            _ => (Some(Path::ROOT), None, usize::MAX),
        };
        let Some(within) = within else { return };
        if let Some(known) = self.ends.iter_mut().find(|ended| ended.within == within && ended.but == but) {
            known.before = known.before.max(before);
            return;
        }
        if self.ends.len() < MAX_ENDS {
            self.ends.push(Ended { within, but, before });
        } else {
            self.ends.clear();
            self.ends.push(Ended { within: Path::ROOT, but: None, before: usize::MAX });
        }
    }

    /// The indices of the containers that begin at `starts`, outermost first. `None` if that is too long for a channel.
    pub(super) fn path(&self, starts: &[usize], data: &[u8]) -> Option<Path> {
        let mut path = Path::ROOT;
        for start in starts {
            let from = self.indices.partition_point(|(at, _, _)| at < start);
            let here = self.indices.iter().skip(from).take_while(|(at, _, _)| at == start);
            path.enter(here.map(|(_, name, value)| (*name, data.get(value.clone()).unwrap_or_default())));
            if !path.is_short() {
                return None;
            }
        }
        Some(path)
    }

    /// The event's data without the texts of its channels, for [`Skeleton`](super::skeleton::Skeleton).
    pub(super) fn without_texts(&self, data: &[u8]) -> Option<Value> {
        let mut rest = Vec::with_capacity(data.len());
        let mut from = 0;
        for Text { content, .. } in &self.texts {
            rest.extend_from_slice(data.get(from..content.start)?);
            from = content.end;
        }
        rest.extend_from_slice(data.get(from..)?);
        serde_json::from_slice(&rest).ok()
    }

    /// Where the one text stands in which the next event may differ, if nothing else of this one tells what to do.
    pub(super) fn only_text(&self) -> Option<Range<usize>> {
        let [Text { rule: Rule::Channel(_), content, .. }] = self.texts.as_slice() else { return None };
        let same = self.plain && self.ends.is_empty() && self.sequence.is_none() && !self.is_media;
        same.then(|| content.clone())
    }

    /// Makes that text as long as this, which moves what stands behind it.
    pub(super) fn resize_text(&mut self, length: usize) {
        let Some(Text { content, .. }) = self.texts.first_mut() else { return };
        let (old, new) = (content.end, content.start + length);
        content.end = new;
        let moved = |at: usize| if at < old { at } else { at - old + new };
        for (start, _, value) in &mut self.indices {
            *start = moved(*start);
            *value = moved(value.start)..moved(value.end);
        }
    }

    /// How many texts of turns the event is nothing but, none of them empty.
    pub(super) fn only_turns(&self) -> Option<usize> {
        (!self.carries && !self.texts.is_empty()).then_some(self.texts.len())
    }

    /// True if the event ends the channel, whose last text in it stands in the container that begins at `at`.
    pub(super) fn ends(&self, name: &str, path: &Path, at: usize) -> bool {
        self.ends.iter().any(|ended| {
            let goes_on = ended.but.as_ref().is_some_and(|(other, own)| *other == name && own == path);
            at < ended.before && !goes_on && path.is_within(&ended.within)
        })
    }
}

/// Most endings of channels that one event may tell. One with more ends all of them.
const MAX_ENDS: usize = 256;

/// Longest number of an event that is repeated.
const MAX_SEQUENCE: usize = 20;

/// True if no token can begin in this spelling of a string: neither a first letter of one, nor an escape for it.
fn is_plain(content: &[u8]) -> bool {
    !content.iter().fold(false, |found, byte| found | token::is_start(*byte) | (*byte == b'\\'))
}

/// How the data of an event ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// In the middle of a document: there is more in the next line.
    Open,
    /// It is one JSON document. No token can stand in the names of its members, if `plain_names`.
    Complete { plain_names: bool },
    /// It is no JSON.
    Malformed,
}

/// Calls `each` with every scalar (as spelled), string (its content as spelled) and, for [`Rule::Ends`], container.
fn for_each_value(
    shape: &'static Shape,
    data: &[u8],
    mut each: impl FnMut(Rule, Range<usize>, &[usize]),
) -> End {
    let mut lexer = Lexer::new(Documents::One);
    let mut walk = Walk::new(shape);
    let (mut at, mut string, mut in_key) = (0, 0, false);
    let mut scalar: Option<usize> = None;
    let mut starts = Vec::new();
    let mut plain_names = true;
    while let Some(Ok((length, piece))) = lexer.next(data.get(at..).unwrap_or_default()) {
        if let (Some(start), false) = (scalar, matches!(piece, Piece::Scalar { .. })) {
            each(walk.place().rule, start..at, &starts);
            scalar = None;
        }
        match piece {
            Piece::StringStart { key } => (string, in_key) = (at + 1, key),
            Piece::StringEnd if !in_key => each(walk.place().rule, string..at, &starts),
            Piece::Scalar { first: true } => scalar = Some(at),
            Piece::Open { .. } => {
                if let rule @ Rule::Ends(_) = walk.place().rule {
                    each(rule, at..at + 1, &starts);
                }
                starts.push(at);
            }
            Piece::Close => {
                starts.pop();
            }
            _ => {}
        }
        let bytes = data.get(at..at + length).unwrap_or_default();
        plain_names &=
            !in_key || matches!(piece, Piece::StringStart { .. } | Piece::StringEnd) || is_plain(bytes);
        walk.take(piece, in_key, bytes).unwrap_or_default();
        in_key &= piece != Piece::StringEnd;
        at += length;
    }
    // The line feed behind the data ends what a line cannot go on with.
    match (at < data.len(), lexer.next(b"\n")) {
        (true, _) | (_, Some(Err(_))) => End::Malformed,
        _ if lexer.is_complete() => End::Complete { plain_names },
        _ => End::Open,
    }
}
