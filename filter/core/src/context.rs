//! Identifiers that only their place tells: twelve digits under `OwnerId`, a name under `Bucket`, a secret under
//! `SecretAccessKey`.
//!
//! ```text
//! real JSON   {"Buckets": [{"Name": "x"}]}        names come from the reader       member.rs
//! text        Key: value, key = "value", <K>v</K>,
//!             "Key": "value" behind prose, --key value, tables, tab-separated      text.rs, table.rs
//!                         │ name (and what it is in), value
//!                         ▼
//!             names.rs: which fields have this name, in any spelling, by its last words
//!             values.rs: the field's grammar says what of the value is masked
//!             words.rs: variables, types and ordinary words are no values
//! ```
//!
//! A name such as `Name` says nothing alone; it is read with what it is in (`Buckets` → `BucketName`), or with the
//! command that has the option (`create-target-group --name` → `TargetGroupName`). Two members that are a name and
//! its value (`{"Name": "BucketName", "Value": "x"}`) are one place.
//!
//! Time is linear: separators are searched as bytes, a name is of bounded length, and what was read as
//! a value is not read again.

use crate::catalogue::{self, Kind};
use crate::detect::KindId;
use alloc::vec::Vec;
use core::ops::Range;
use names::Names;

mod csv;
mod fields;
pub(crate) mod member;
mod names;
mod table;
mod text;
mod values;
pub(crate) mod words;

pub use fields::{Field, fields};
pub use values::Value;
pub(crate) use values::password;

/// The fields, compiled.
#[derive(Debug)]
pub(crate) struct Places {
    fields: Vec<(&'static Field, KindId)>,
    names: Names,
    /// Literal prefixes of ids, from the catalogue's rows, with their kinds; sorted.
    prefixes: Vec<(&'static str, KindId)>,
}

/// All kinds that are found by their place.
pub(crate) fn kinds() -> impl Iterator<Item = &'static Kind> {
    fields().map(|field| &field.kind)
}

/// What says that twelve digits are an account, anywhere in a name.
const ACCOUNT: &[u8] = b"account";
/// Last words of names that tell of an account, but not which.
const NO_ACCOUNTS: &[&[u8]] =
    &[b"accounting", b"amount", b"at", b"balance", b"cent", b"date", b"time", b"timestamp"];
/// Last words of names under which ids with a prefix stand.
const ID_ENDINGS: &[&[u8]] = &[
    b"id",
    b"identifier",
    b"subnet",
    b"securitygroup",
    b"instance",
    b"volume",
    b"vpc",
    b"gateway",
    b"source",
    b"resource",
    b"target",
    b"ami",
    b"image",
];
/// The rule for ids of a known prefix whose length is not the documented one.
pub(crate) const PREFIXED_RULE: &str = "id-field";
/// Shortest id after its prefix under a name that does not say that it is one.
const MIN_LONG_ID: usize = 8;
/// Fewest hexadecimal digits of an id that happens to have letters only.
const MIN_HEX: usize = 6;
/// Longest id after its prefix.
const MAX_ID: usize = 40;

impl Places {
    /// Compiles the fields. `kind_of` says which kind a token prefix is.
    pub(crate) fn new(kind_of: impl Fn(&str) -> Option<KindId>) -> Option<Self> {
        let fields = fields()
            .map(|field| kind_of(field.kind.prefix).map(|kind| (field, kind)))
            .collect::<Option<Vec<_>>>()?;
        let names = fields.iter().enumerate().flat_map(|(at, (field, _))| {
            let at = u16::try_from(at).unwrap_or(u16::MAX);
            field.names.iter().map(move |name| (*name, at))
        });
        let names = Names::new(names);
        let mut prefixes: Vec<(&str, KindId)> = catalogue::rows()
            .filter(|row| !row.compound)
            .filter_map(|row| kind_of(row.kind.prefix).map(|kind| (row, kind)))
            .flat_map(|(row, kind)| row.anchors.iter().map(move |anchor| (*anchor, kind)))
            .filter(|(anchor, _)| {
                anchor
                    .strip_suffix('-')
                    .is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
            })
            .collect();
        prefixes.sort_unstable_by_key(|(anchor, _)| *anchor);
        prefixes.dedup_by_key(|(anchor, _)| *anchor);
        Some(Self { fields, names, prefixes })
    }

    /// What a value is under a name. The range is that of the part to be masked.
    pub(crate) fn value(&self, name: &[u8], value: &[u8]) -> Option<(Range<usize>, KindId, &'static str)> {
        if name.is_empty() || value.len() < 2 || name.len() > names::MAX_NAME {
            return None;
        }
        let found = self.names.look_up(name).iter().find_map(|at| {
            let (field, kind) = self.fields.get(at)?;
            (field.value)(value).map(|range| (range, *kind, field.rule))
        });
        found.or_else(|| self.account(name, value)).or_else(|| self.prefixed(name, value))
    }

    /// True if some value under this name may be masked.
    pub(crate) fn knows(&self, name: &[u8]) -> bool {
        !self.names.look_up(name).is_empty() || names::contains(name, ACCOUNT) || names_id(name)
    }

    fn account(&self, name: &[u8], value: &[u8]) -> Option<(Range<usize>, KindId, &'static str)> {
        let range = values::account(value)?;
        let (field, kind) =
            self.fields.iter().find(|(field, _)| field.kind.prefix == catalogue::ACCOUNT.prefix)?;
        let other = NO_ACCOUNTS.iter().any(|ending| names::ends_in(name, ending));
        (names::contains(name, ACCOUNT) && !other).then_some((range, *kind, field.rule))
    }

    /// `vpc-123abc` under `VpcId`: documentation and new services have other lengths than the rows know.
    fn prefixed(&self, name: &[u8], value: &[u8]) -> Option<(Range<usize>, KindId, &'static str)> {
        // Behind the last hyphen there are letters and digits only.
        let (prefix, id) = value.split_at(memchr::memrchr(b'-', value)? + 1);
        let at = self.prefixes.binary_search_by(|(known, _)| known.as_bytes().cmp(prefix)).ok()?;
        let (_, kind) = self.prefixes.get(at)?;
        let is = (3..=MAX_ID).contains(&id.len())
            && id.iter().all(u8::is_ascii_alphanumeric)
            && (id.iter().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
                || (id.len() >= MIN_HEX && id.iter().all(u8::is_ascii_hexdigit)));
        // `Values` says nothing; there the id itself must say enough.
        let long = || id.len() >= MIN_LONG_ID && id.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4;
        let named = || names_id(name) || (names::ends_in(name, b"value") && long());
        (is && named()).then_some((0..value.len(), *kind, PREFIXED_RULE))
    }
}

/// True for a name under which ids with a prefix stand.
fn names_id(name: &[u8]) -> bool {
    may_name_id(names::last_letters(name)) && ID_ENDINGS.iter().any(|ending| names::ends_in(name, ending))
}

/// The last two letters of [`ID_ENDINGS`], which tell most names apart.
fn may_name_id(last: [u8; 2]) -> bool {
    matches!(&last, b"ay" | b"ce" | b"er" | b"et" | b"ge" | b"id" | b"me" | b"mi" | b"pc" | b"up")
}

#[cfg(test)]
mod tests;
