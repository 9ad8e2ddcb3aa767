//! Where a value stands in real JSON, as the reader tells it; and names that say nothing without what they are in.

use super::Places;
use super::names::{self, MAX_NAME, singular};
use crate::detect::Finding;
use alloc::vec::Vec;
use core::ops::Range;

/// Where a string or a number stands. What is not known is empty.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Place<'a> {
    /// The member whose value it is, through arrays.
    pub name: &'a [u8],
    /// The member whose object that one is in.
    pub parent: &'a [u8],
    /// What a member before it, in the same object, says that this value is: `BucketName` for the value in
    /// `{"Name": "BucketName", "Value": "x"}`.
    pub pair: &'a [u8],
}

/// Names that say nothing alone.
const GENERIC: &[&[u8]] =
    &[b"name", b"names", b"id", b"ids", b"identifier", b"identifiers", b"key", b"location"];
/// Names of members that name another one's value.
const PAIR_NAMES: &[&[u8]] = &[
    b"name",
    b"key",
    b"parameterkey",
    b"parametername",
    b"outputkey",
    b"attributename",
    b"fieldname",
    b"tagkey",
];
/// Names of the members that have that value.
const PAIR_VALUES: &[&[u8]] =
    &[b"value", b"values", b"parametervalue", b"outputvalue", b"stringvalue", b"attributevalue", b"tagvalue"];
/// What other software calls `name` too often is read with its parent only if AWS alone has such a parent.
const LOWER_CASE_PARENTS: &[&[u8]] = &[
    b"artifact",
    b"bucket",
    b"s3bucket",
    b"s3log",
    b"cluster",
    b"nodegroup",
    b"loadbalancer",
    b"targetgroup",
    b"keypair",
    b"launchtemplate",
    b"instanceprofile",
    b"iamrole",
    b"loggroup",
    b"statemachine",
];
/// Last words of a parent that say how many there are, not what.
const PARENT_ENDINGS: &[&[u8]] = &[
    b"List",
    b"Summaries",
    b"Summary",
    b"Descriptions",
    b"Description",
    b"Details",
    b"Detail",
    b"Metadata",
    b"Set",
    b"Info",
    b"Input",
    b"Output",
    b"Configuration",
    b"Config",
];

pub(super) fn is_generic(name: &[u8]) -> bool {
    is_one_of(GENERIC, name)
}

pub(super) fn is_pair_name(name: &[u8]) -> bool {
    is_one_of(PAIR_NAMES, name)
}

pub(super) fn is_pair_value(name: &[u8]) -> bool {
    is_one_of(PAIR_VALUES, name)
}

/// True for the keys of tags that services put on everything they made (`aws:cloudformation:stack-name`).
pub(super) fn is_system_tag(name: &[u8]) -> bool {
    name.starts_with(b"aws:")
}

fn is_one_of(known: &[&[u8]], name: &[u8]) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Appends what a generic name means in `parent`; nothing if that says nothing either.
pub(super) fn qualify(parent: &[u8], name: &[u8], qualified: &mut Vec<u8>) {
    qualified.clear();
    let lower = |name: &[u8]| !name.first().is_some_and(u8::is_ascii_uppercase);
    if parent.is_empty() || parent.len() + name.len() >= MAX_NAME {
        return;
    }
    if (lower(name) || lower(parent)) && !LOWER_CASE_PARENTS.iter().any(|known| names::ends_in(parent, known))
    {
        return;
    }
    let ending = PARENT_ENDINGS.iter().find_map(|ending| parent.strip_suffix(*ending));
    let noun = ending.filter(|noun| !noun.is_empty()).unwrap_or(parent);
    join(noun, name, qualified);
}

/// `TargetGroups` and `name`: `TargetGroup_name`.
pub(super) fn join(noun: &[u8], name: &[u8], joined: &mut Vec<u8>) {
    match noun.strip_suffix(b"ies") {
        Some(stem) => {
            joined.extend_from_slice(stem);
            joined.push(b'y');
        }
        None => joined.extend_from_slice(singular(noun)),
    }
    joined.push(b'_');
    joined.extend_from_slice(name);
}

impl Places {
    /// What a whole value is at its place.
    pub(crate) fn member(&self, place: &Place<'_>, value: &[u8]) -> Option<Finding> {
        if place.name.is_empty() {
            return None;
        }
        let mut found = self.value(place.name, value);
        if found.is_none() && is_generic(place.name) {
            let mut qualified = Vec::new();
            qualify(place.parent, place.name, &mut qualified);
            found = self.value(&qualified, value);
        }
        if found.is_none() && is_pair_value(place.name) && !is_system_tag(place.pair) {
            found = self.value(place.pair, value);
        }
        found.map(|(range, kind, rule)| Finding { range, kind, rule })
    }
}

/// Follows the names of members through one document.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// The names of all open containers, one after the other.
    bytes: Vec<u8>,
    open: Vec<Open>,
}

#[derive(Clone, Debug, Default)]
struct Open {
    start: usize,
    parent: Range<usize>,
    pair: Range<usize>,
    name: Range<usize>,
}

impl Trail {
    /// Forgets everything but its memory, and begins a document that is the text of a string at `place`.
    pub(crate) fn begin(&mut self, place: &Place<'_>) {
        self.bytes.clear();
        self.open.clear();
        self.bytes.extend_from_slice(place.name);
        let end = self.bytes.len();
        self.bytes.extend_from_slice(place.pair);
        self.open.push(Open { start: 0, parent: 0..0, pair: end..self.bytes.len(), name: 0..end });
    }

    /// An object or an array begins.
    pub(crate) fn open(&mut self, object: bool) {
        let start = self.bytes.len();
        let outer = self.open.last();
        let next = match outer {
            // Arrays are transparent.
            Some(outer) if !object => Open { start, pair: outer.pair.clone(), ..outer.clone() },
            Some(outer) => Open { start, parent: outer.name.clone(), pair: start..start, name: start..start },
            None => Open { start, ..Open::default() },
        };
        self.open.push(next);
    }

    /// It ends.
    pub(crate) fn close(&mut self) {
        if let Some(open) = self.open.pop() {
            self.bytes.truncate(open.start);
        }
    }

    /// A member of the open object begins.
    pub(crate) fn name(&mut self, name: &[u8]) {
        let Some(open) = self.open.last_mut() else { return };
        self.bytes.truncate(open.pair.end.max(open.start));
        let start = self.bytes.len();
        if name.len() <= MAX_NAME {
            self.bytes.extend_from_slice(name);
        }
        open.name = start..self.bytes.len();
    }

    /// The open object's member has this string.
    pub(crate) fn value(&mut self, value: &[u8]) {
        let Some(open) = self.open.last_mut() else { return };
        let name = self.bytes.get(open.name.clone()).unwrap_or_default();
        if is_pair_name(name) && value.len() <= MAX_NAME && open.name.start >= open.start {
            self.bytes.truncate(open.start);
            self.bytes.extend_from_slice(value);
            open.pair = open.start..self.bytes.len();
            open.name = self.bytes.len()..self.bytes.len();
        }
    }

    /// Where the value that begins or is being read stands.
    pub(crate) fn place(&self) -> Place<'_> {
        let Some(open) = self.open.last() else { return Place::default() };
        let bytes = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        Place { name: bytes(&open.name), parent: bytes(&open.parent), pair: bytes(&open.pair) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn trails() {
        let mut trail = Trail::default();
        let place = |name, parent, pair| Place { name, parent, pair };
        assert_eq!(trail.place(), Place::default());
        trail.open(true);
        trail.name(b"Buckets");
        trail.open(false);
        trail.open(true);
        trail.name(b"Name");
        assert_eq!(trail.place(), place(b"Name", b"Buckets", b""));
        trail.value(b"BucketName");
        trail.name(b"Values");
        trail.open(false);
        assert_eq!(trail.place(), place(b"Values", b"Buckets", b"BucketName"));
        trail.close();
        trail.close();
        trail.open(true);
        trail.name(b"Value");
        assert_eq!(trail.place(), place(b"Value", b"Buckets", b""));
        trail.close();
        trail.close();
        trail.name(b"Next");
        assert_eq!(trail.place(), place(b"Next", b"", b""));
        trail.close();
        trail.close();
        assert_eq!(trail.place(), Place::default());
    }

    #[test]
    fn generic_names_mean_what_they_are_in() {
        let mut qualified = Vec::new();
        for (parent, name, expected) in [
            ("Buckets", "Name", "Bucket_Name"),
            ("SecretList", "Name", "Secret_Name"),
            ("Policies", "Name", "Policy_Name"),
            ("bucket", "name", "bucket_name"),
            ("function", "name", ""),
            ("parameters", "name", ""),
            ("", "Name", ""),
        ] {
            qualify(parent.as_bytes(), name.as_bytes(), &mut qualified);
            assert_eq!(qualified, expected.as_bytes(), "{parent} {name}");
        }
    }
}
