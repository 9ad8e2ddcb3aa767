//! What stands in the file.
//!
//! ```text
//! spaces    scope ‖ kind         → space, last number    never removed: a number is never given twice
//! indexes   space, index         → number
//! mappings  space, number        → expires ‖ sealed bytes
//! keys      key's id             → what it makes of a constant
//! clock                          → the store's time of the last write
//! ```
//!
//! The mapping is the truth: an index whose mapping is gone finds nothing, and is swept when its turn comes. Indexes are
//! as good as random, and removing one rewrites a page; the sweep takes them in their order, a page at a time.
//!
//! A space is a short number for a scope and a kind, so that keys are short and equally long.

use redb::{ReadableTable, TableDefinition};

use crate::store::{Index, ScopeTag, Space};

pub(super) const SPACES: TableDefinition<'_, &[u8], (u32, u64)> = TableDefinition::new("spaces");
pub(super) const INDEXES: TableDefinition<'_, (u32, u128), u64> = TableDefinition::new("indexes");
pub(super) const MAPPINGS: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("mappings");
pub(super) const KEYS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("keys");
pub(super) const CLOCK: TableDefinition<'_, (), u64> = TableDefinition::new("clock");

/// A mapping as it is stored.
pub(super) struct Record<'a> {
    /// In the store's time; from then on the mapping is gone, swept or not.
    pub(super) expires: u64,
    /// `None`: the value is not kept.
    pub(super) sealed: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    /// # Errors
    /// When this was not [written](Self::write).
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, redb::Error> {
        Self::split(bytes).ok_or_else(|| corrupt("a mapping is cut short"))
    }

    /// 8 bytes of time, one that tells whether the value is kept, the sealed bytes.
    pub(super) fn write(&self) -> Vec<u8> {
        let sealed = self.sealed.unwrap_or_default();
        [&self.expires.to_be_bytes(), [u8::from(self.sealed.is_some())].as_slice(), sealed].concat()
    }

    fn split(bytes: &'a [u8]) -> Option<Self> {
        let (expires, rest) = bytes.split_first_chunk()?;
        let (kept, sealed) = rest.split_first()?;
        Some(Self { expires: u64::from_be_bytes(*expires), sealed: (*kept == 1).then_some(sealed) })
    }
}

/// The number and the last number of a space that was ever written to.
pub(super) fn find_space(
    spaces: &impl ReadableTable<&'static [u8], (u32, u64)>,
    space: &Space,
) -> Result<Option<(u32, u64)>, redb::Error> {
    Ok(spaces.get(space_key(space).as_slice())?.map(|found| found.value()))
}

/// All spaces of a scope.
pub(super) fn spaces_of(
    spaces: &impl ReadableTable<&'static [u8], (u32, u64)>,
    scope: ScopeTag,
) -> Result<Vec<(u32, u64)>, redb::Error> {
    let mut found = Vec::new();
    for row in spaces.range(scope.0.as_slice()..)? {
        let (key, space) = row?;
        if !key.value().starts_with(&scope.0) {
            break;
        }
        found.push(space.value());
    }
    Ok(found)
}

pub(super) fn space_key(space: &Space) -> Vec<u8> {
    [&space.scope.0, space.kind.as_bytes()].concat()
}

pub(super) fn index_key(space: u32, index: Index) -> (u32, u128) {
    (space, u128::from_be_bytes(index.0))
}

pub(super) fn corrupt(what: &str) -> redb::Error {
    redb::Error::Corrupted(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records() {
        for sealed in [None, Some(&b""[..]), Some(b"sealed")] {
            let bytes = Record { expires: 7, sealed }.write();
            let record = Record::parse(&bytes).unwrap();
            assert_eq!((record.expires, record.sealed), (7, sealed));
        }
        let bytes = Record { expires: 7, sealed: None }.write();
        for len in 0..bytes.len() {
            assert!(Record::parse(&bytes[..len]).is_err(), "{len}");
        }
    }
}
