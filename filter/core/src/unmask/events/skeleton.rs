//! What an extra event looks like: one that carries nothing but text that was withheld.

use super::Wrap;
use super::path::Path;
use crate::json::shape::{Opening, TEXT};
use crate::json::{Rule, Shape};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde_json::{Map, Value};

/// Longest extra event, without its text. A stream keeps one for each of its channels.
const MAX_EXTRA: usize = 4096;

/// Stand for the text, and for the event's number; no provider sends them.
const CUT: &str = "\u{0}cloakroom\u{0}";
const CUT_AS_JSON: &str = r"\u0000cloakroom\u0000";
const SEQUENCE: &str = "\u{0}sequence\u{0}";
const SEQUENCE_AS_JSON: &str = r#""\u0000sequence\u0000""#;

/// An event for nothing but one channel's text.
pub(super) struct Skeleton {
    /// Lines with the event's name.
    name: Vec<u8>,
    /// Its data, with what stands for the text and for the number.
    data: String,
}

impl Skeleton {
    /// Keeps of an event (`data`, whose name is in `head`) what identifies the stream and the channel. `None` if the
    /// text cannot be told apart, or the event would be too long.
    pub(super) fn of(
        shape: &'static Shape,
        head: &[u8],
        data: &Value,
        name: &str,
        path: &Path,
    ) -> Option<Self> {
        let kept = keep(shape, data, name, path)?;
        let data = serde_json::to_string(&kept).ok()?;
        let lines = head.split(|byte| matches!(byte, b'\n' | b'\r'));
        let lines = lines.filter(|line| line.starts_with(b"event:"));
        let name: Vec<u8> = lines.flat_map(|line| [line, b"\n"]).flatten().copied().collect();
        (name.len() + data.len() <= MAX_EXTRA).then_some(Self { name, data })
    }

    /// The same for an event that opens the channel, whose text goes on in events of another type.
    pub(super) fn opened(
        shape: &'static Shape,
        head: &[u8],
        data: &Value,
        opening: &Opening,
        path: &Path,
    ) -> Option<Self> {
        let mut next: Value = serde_json::from_str(opening.data).ok()?;
        for (member, value) in data.as_object()? {
            if matches!(member_shape(shape, member).rule, Rule::Index(_) | Rule::Sequence) {
                next.as_object_mut()?.insert(member.clone(), value.clone());
            }
        }
        let named = head.starts_with(b"event:");
        let head = if named { alloc::format!("event: {}", opening.event) } else { String::new() };
        Self::of(shape, head.as_bytes(), &next, opening.channel, path)
    }

    /// What stands before the text and behind it. `sequence` is the event's number, as it is spelled.
    pub(super) fn around(&self, wrap: Wrap, sequence: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (before, behind) = self.data.split_once(CUT_AS_JSON).unwrap_or_default();
        let sequence = core::str::from_utf8(sequence).unwrap_or_default();
        let numbered = |part: &str| part.replace(SEQUENCE_AS_JSON, sequence).into_bytes();
        (
            [self.name.as_slice(), wrap.before, &numbered(before)].concat(),
            [&numbered(behind), wrap.behind].concat(),
        )
    }
}

/// What of `value` leads to the text of the channel, and what identifies it on the way.
fn keep(shape: &'static Shape, value: &Value, name: &str, path: &Path) -> Option<Value> {
    let members = match value {
        Value::Object(members) => members,
        Value::Array(items) => {
            return items
                .iter()
                .find_map(|item| keep(shape, item, name, path))
                .map(|item| Value::Array(Vec::from([item])));
        }
        Value::String(_) if path.is_empty() => {
            let known = matches!(shape.rule, Rule::Channel(known) | Rule::Turn(known) if known == name);
            return known.then(|| CUT.into());
        }
        _ => return None,
    };
    let path = &path.without(&indices(shape, members))?;
    let mut kept = Map::new();
    let mut found = false;
    for (member, value) in members {
        let shape = member_shape(shape, member);
        let keeps = match shape.rule {
            Rule::Envelope | Rule::EventType(_) | Rule::Index(_) => !value.is_object() && !value.is_array(),
            Rule::Ends(_) => value.is_null(),
            _ => false,
        };
        if keeps {
            kept.insert(member.clone(), value.clone());
        } else if shape.rule == Rule::Sequence {
            kept.insert(member.clone(), SEQUENCE.into());
        } else if let (false, Some(value)) = (found, keep(shape, value, name, path)) {
            kept.insert(member.clone(), value);
            found = true;
        }
    }
    found.then_some(Value::Object(kept))
}

/// The indices of one object.
fn indices(shape: &'static Shape, members: &Map<String, Value>) -> Path {
    let mut indices: Vec<(&str, String)> = Vec::new();
    for (member, value) in members {
        if let (Rule::Index(name), false) =
            (member_shape(shape, member).rule, matches!(value, Value::Null | Value::Bool(false)))
        {
            indices.push((name, value.as_str().map_or_else(|| value.to_string(), String::from)));
        }
    }
    indices.sort_unstable();
    let mut path = Path::ROOT;
    path.enter(indices.iter().map(|(name, value)| (*name, value.as_bytes())));
    path
}

fn member_shape(shape: &'static Shape, member: &str) -> &'static Shape {
    let known = shape.fields.iter().find(|(known, _)| *known == member);
    known.map_or(&TEXT, |(_, shape)| *shape)
}
