//! One event: what it says about the channels, and what an extra event like it looks like.

use super::SseUnmasker;
use crate::json::shape::{Ends, TEXT};
use crate::json::{Documents, Lexer, Piece, Rule, Shape, Walk};
use crate::unmask::json::JsonUnmasker;
use crate::unmask::matcher::Context;
use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;
use serde_json::{Map, Value};

/// One line of an event's data, or a line among them that is not data and has no value.
pub(super) struct Line<'a> {
    pub(super) field: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) terminator: &'a [u8],
}

impl SseUnmasker {
    /// Restores one event. What has to come before it comes first.
    pub(super) fn event(&mut self, lines: &[Line<'_>], to: &mut Context<'_>) {
        let data = match lines {
            [line] => Cow::Borrowed(line.value),
            _ => Cow::Owned(
                lines.iter().flat_map(|line| [line.value, b"\n".as_slice()]).flatten().copied().collect(),
            ),
        };
        let facts = Facts::read(self.shape, &data);
        let mut json = JsonUnmasker::new(self.shape);
        let mut restored = Vec::new();
        let mut event = self.channels.in_event(self.shape, &self.head, &data, &facts);
        let holes = core::mem::take(&mut to.tally.holes);
        let mut inner = Context { mapping: to.mapping, out: &mut restored, tally: to.tally };
        for (index, line) in lines.iter().enumerate() {
            inner.out.extend_from_slice(line.field);
            json.push_with(line.value, &mut event, &mut inner);
            if index + 1 == lines.len() {
                json.finish_with(&mut event, &mut inner);
            } else {
                // Lines of data are joined by a line feed; in its place stands what ended the line.
                json.push_with(b"\n", &mut event, &mut inner);
                inner.out.pop();
            }
            inner.out.extend_from_slice(line.terminator);
        }
        let inner = core::mem::replace(&mut to.tally.holes, holes);
        self.channels.end(&facts, to);
        to.out.append(&mut self.head);
        to.append(&mut restored, inner);
    }
}

/// What an event says about channels.
#[derive(Default)]
pub(super) struct Facts {
    /// Containers (by where they begin) that have an index, and its spelling.
    indices: Vec<(usize, Vec<u8>)>,
    /// The texts of channels: where their content stands.
    texts: Vec<Range<usize>>,
    /// Which channels it ends: those whose indices begin with one of these.
    ends: Vec<Vec<Vec<u8>>>,
}

impl Facts {
    fn read(shape: &'static Shape, data: &[u8]) -> Self {
        let mut facts = Self::default();
        let mut same: Vec<Vec<usize>> = Vec::new();
        let mut ends = |ends: Ends, starts: &[usize], facts: &mut Self| match ends {
            Ends::All => facts.ends.push(Vec::new()),
            Ends::Same => same.push(starts.to_vec()),
        };
        for_each_value(shape, data, |rule, value, starts| {
            let bytes = data.get(value.clone()).unwrap_or_default();
            match rule {
                Rule::Channel(_) => facts.texts.push(value),
                Rule::Index => {
                    facts.indices.push((starts.last().copied().unwrap_or_default(), bytes.to_vec()));
                }
                Rule::EventType(types) => {
                    if let Some((_, what)) = types.iter().find(|(name, _)| name.as_bytes() == bytes) {
                        ends(*what, starts, &mut facts);
                    }
                }
                Rule::Ends(what) if !matches!(bytes, b"null" | b"") => ends(what, starts, &mut facts),
                _ => {}
            }
        });
        facts.indices.sort_unstable_by_key(|(start, _)| *start);
        for starts in same {
            let path = facts.path(&starts);
            facts.ends.push(path);
        }
        facts
    }

    /// The indices of the containers that begin at `starts`, outermost first.
    pub(super) fn path(&self, starts: &[usize]) -> Vec<Vec<u8>> {
        let index = |start: &usize| {
            let at = self.indices.binary_search_by_key(start, |(at, _)| *at).ok()?;
            self.indices.get(at).map(|(_, index)| index.clone())
        };
        starts.iter().filter_map(index).collect()
    }

    /// The event's data without the texts of its channels, for [`skeleton`].
    pub(super) fn without_texts(&self, data: &[u8]) -> Option<Value> {
        let mut rest = Vec::with_capacity(data.len());
        let mut from = 0;
        for text in &self.texts {
            rest.extend_from_slice(data.get(from..text.start)?);
            from = text.end;
        }
        rest.extend_from_slice(data.get(from..)?);
        serde_json::from_slice(&rest).ok()
    }

    /// True if the event ends the channels with these indices.
    pub(super) fn ends(&self, path: &[Vec<u8>]) -> bool {
        self.ends.iter().any(|ended| path.starts_with(ended))
    }
}

/// Calls `each` with every scalar (as spelled), string (its content as spelled) and, for [`Rule::Ends`], container.
fn for_each_value(shape: &'static Shape, data: &[u8], mut each: impl FnMut(Rule, Range<usize>, &[usize])) {
    let mut lexer = Lexer::new(Documents::One);
    let mut walk = Walk::new(shape);
    let (mut at, mut string, mut in_key) = (0, 0, false);
    let mut scalar: Option<usize> = None;
    let mut starts = Vec::new();
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
        walk.take(piece, in_key, data.get(at..at + length).unwrap_or_default()).unwrap_or_default();
        in_key &= piece != Piece::StringEnd;
        at += length;
    }
}

/// An event that carries nothing but the text of one channel: what stands before that text, and behind it.
///
/// It keeps of `data` what identifies the stream and the channel. `None` if the text cannot be told apart.
pub(super) fn skeleton(
    shape: &'static Shape,
    head: &[u8],
    data: &Value,
    name: &str,
    path: &[Vec<u8>],
) -> Option<(Vec<u8>, Vec<u8>)> {
    let kept = keep(shape, data, name, path)?;
    let kept = serde_json::to_string(&kept).ok()?;
    let (before, behind) = kept.split_once(CUT_AS_JSON)?;
    let mut event = Vec::new();
    for line in head.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| line.starts_with(b"event:")) {
        event.extend_from_slice(line);
        event.push(b'\n');
    }
    if event.len() + kept.len() > MAX_EXTRA {
        return None;
    }
    event.extend_from_slice(b"data: ");
    event.extend_from_slice(before.as_bytes());
    Some((event, [behind.as_bytes(), b"\n\n"].concat()))
}

/// Longest extra event, without its text. A stream keeps one for each of its channels.
const MAX_EXTRA: usize = 4096;

/// Stands for the text; no provider sends it.
const CUT: &str = "\u{0}cloakroom\u{0}";
const CUT_AS_JSON: &str = r"\u0000cloakroom\u0000";

/// What of `value` leads to the text of the channel, and what identifies it on the way.
fn keep(shape: &'static Shape, value: &Value, name: &str, path: &[Vec<u8>]) -> Option<Value> {
    let members = match value {
        Value::Object(members) => members,
        Value::Array(items) => {
            return items
                .iter()
                .find_map(|item| keep(shape, item, name, path))
                .map(|item| Value::Array(Vec::from([item])));
        }
        Value::String(_)
            if path.is_empty() && matches!(shape.rule, Rule::Channel(known) if known == name) =>
        {
            return Some(CUT.into());
        }
        _ => return None,
    };
    let member_shape = |member: &str| {
        let known = shape.fields.iter().find(|(known, _)| *known == member);
        known.map_or(&TEXT, |(_, shape)| *shape)
    };
    let index =
        members.iter().find(|(member, _)| member_shape(member).rule == Rule::Index).map(|(_, index)| index);
    let path = match (index, path.split_first()) {
        (Some(index), Some((first, rest))) if spelling(index).as_bytes() == first => rest,
        (Some(_), _) => return None,
        (None, _) => path,
    };
    let mut kept = Map::new();
    let mut found = false;
    for (member, value) in members {
        let shape = member_shape(member);
        let keeps = match shape.rule {
            Rule::Envelope | Rule::EventType(_) | Rule::Index => !value.is_object() && !value.is_array(),
            Rule::Ends(_) => value.is_null(),
            _ => false,
        };
        if keeps {
            kept.insert(member.clone(), value.clone());
        } else if let (false, Some(value)) = (found, keep(shape, value, name, path)) {
            kept.insert(member.clone(), value);
            found = true;
        }
    }
    found.then_some(Value::Object(kept))
}

fn spelling(index: &Value) -> String {
    index.as_str().map_or_else(|| index.to_string(), String::from)
}
