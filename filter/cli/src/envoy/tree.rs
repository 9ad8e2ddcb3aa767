//! A configuration as a tree in which every node knows its place.

use crate::yaml;
use serde_json::{Map, Value};

/// Reads YAML, and JSON with it. Names become `snake_case`, as protobuf's JSON may have `camelCase`, and what is wrapped in a
/// `TypedStruct` loses its wrapping. An error is one sentence.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let tree: Value = yaml::read(text)?;
    match tree {
        Value::Object(_) => Ok(normalised(tree)),
        _ => Err("expected an Envoy configuration, which is a mapping".to_owned()),
    }
}

fn normalised(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            unwrapped(map.into_iter().map(|(key, value)| (snake(&key), normalised(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(normalised).collect(),
        other => other,
    }
}

fn unwrapped(mut map: Map<String, Value>) -> Value {
    let is_typed_struct =
        map.get("@type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with(".TypedStruct"));
    match (is_typed_struct, map.remove("type_url"), map.remove("value")) {
        (true, Some(kind), Some(Value::Object(mut inner))) => {
            inner.insert("@type".to_owned(), kind);
            Value::Object(inner)
        }
        (_, kind, value) => {
            map.extend(kind.map(|kind| ("type_url".to_owned(), kind)));
            map.extend(value.map(|value| ("value".to_owned(), value)));
            Value::Object(map)
        }
    }
}

/// `maxRequestBytes` as `max_request_bytes`; names with dots, dashes or underscores stay, because they are no fields.
fn snake(key: &str) -> String {
    if key.contains(['.', '-', '_', '/', '@']) || !key.starts_with(|first: char| first.is_ascii_lowercase()) {
        return key.to_owned();
    }
    let mut out = String::new();
    for character in key.chars() {
        if character.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(character.to_ascii_lowercase());
    }
    out
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    value: &'a Value,
    place: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { value, place: ".".to_owned() }
    }

    /// Where it stands: names of fields, and of items their `name`, or their number if they have none.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// The field `name`, unless it is absent or null.
    pub(super) fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        let place = if self.place == "." { name.to_owned() } else { format!("{}.{name}", self.place) };
        Some(Self { value, place })
    }

    /// The field at the end of these names, which have dots between them.
    pub(super) fn at(&self, path: &str) -> Option<Self> {
        path.split('.').try_fold(self.clone(), |node, name| node.get(name))
    }

    /// The items of the list that is the field `name`; none if there is none.
    pub(super) fn items(&self, name: &str) -> Vec<Self> {
        self.get(name).map(|list| list.children()).unwrap_or_default()
    }

    /// The values of a mapping or the items of a list.
    pub(super) fn children(&self) -> Vec<Self> {
        match self.value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    let name = value.get("name").and_then(Value::as_str);
                    let label = name.map_or_else(|| index.to_string(), str::to_owned);
                    Self { value, place: format!("{}[{label}]", self.place) }
                })
                .collect(),
            Value::Object(map) => map.keys().filter_map(|name| self.get(name)).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name)?.as_str()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.value.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// A number; protobuf's JSON writes large ones as text.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        let value = self.value.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    /// A duration such as `0.5s`, in seconds.
    pub(super) fn seconds(&self, name: &str) -> Option<f64> {
        self.text(name)?.strip_suffix('s')?.parse().ok()
    }

    /// The last part of `@type`, such as `Buffer`; empty if there is none.
    pub(super) fn kind(&self) -> &'a str {
        let kind = self.text("@type").unwrap_or_default();
        kind.rsplit('.').next().unwrap_or_default()
    }

    /// True if `@type` ends with this, such as `decompressor.v3.Decompressor`.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.text("@type").is_some_and(|whole| whole.ends_with(kind))
    }

    /// Calls `found` with this node and all below it, the outer ones first.
    pub(super) fn walk(&self, found: &mut impl FnMut(&Self)) {
        found(self);
        for child in self.children() {
            child.walk(found);
        }
    }
}
