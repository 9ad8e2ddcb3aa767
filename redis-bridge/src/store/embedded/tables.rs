//! What stands in the file.
//!
//! ```text
//! spaces    scope ‖ kind         → space, last number    never removed: a number is never given twice
//! indexes   space, index         → number
//! mappings  space, number        → expires ‖ indexes ‖ sealed bytes
//! keys      key's id             → what it makes of a constant
//! clock                          → the store's time of the last write
//! ```
//!
//! The mapping is the truth: an index whose mapping is gone finds nothing. A space is a short number for a scope and a
//! kind, so that keys are short and equally long.

use redb::{ReadableTable, TableDefinition};

use crate::store::{Index, ScopeTag, Space};

pub(super) const SPACES: TableDefinition<'_, &[u8], (u32, u64)> = TableDefinition::new("spaces");
pub(super) const INDEXES: TableDefinition<'_, (u32, u128), u64> = TableDefinition::new("indexes");
pub(super) const MAPPINGS: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("mappings");
pub(super) const KEYS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("keys");
pub(super) const CLOCK: TableDefinition<'_, (), u64> = TableDefinition::new("clock");

/// Most indexes that a mapping is found by: those of the last rotations of the index key.
pub(super) const MAX_INDEXES: usize = 8;

/// A mapping as it is stored.
pub(super) struct Record<'a> {
    /// In the store's time; from then on the mapping is gone, swept or not.
    pub(super) expires: u64,
    indexes: &'a [[u8; INDEX_LEN]],
    /// `None`: the value is not kept.
    pub(super) sealed: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, redb::Error> {
        Self::split(bytes).ok_or_else(|| corrupt("a mapping is cut short"))
    }

    /// 8 bytes of time, one that counts the indexes and tells in its lowest bit whether sealed bytes follow, the indexes,
    /// the sealed bytes.
    pub(super) fn write(expires: u64, indexes: &[Index], sealed: Option<&[u8]>) -> Vec<u8> {
        let indexes = indexes.get(..MAX_INDEXES).unwrap_or(indexes);
        let mut bytes = Vec::with_capacity(9 + indexes.len() * INDEX_LEN + sealed.map_or(0, <[u8]>::len));
        bytes.extend(expires.to_be_bytes());
        bytes.push((indexes.len() as u8) << 1 | u8::from(sealed.is_some()));
        indexes.iter().for_each(|index| bytes.extend(index.0));
        bytes.extend(sealed.unwrap_or_default());
        bytes
    }

    /// What the mapping is found by, the latest first.
    pub(super) fn indexes(&self) -> impl Iterator<Item = Index> {
        self.indexes.iter().copied().map(Index)
    }

    fn split(bytes: &'a [u8]) -> Option<Self> {
        let (expires, rest) = bytes.split_first_chunk()?;
        let (head, rest) = rest.split_first()?;
        let (indexes, sealed) = rest.split_at_checked(usize::from(head >> 1) * INDEX_LEN)?;
        Some(Self {
            expires: u64::from_be_bytes(*expires),
            indexes: indexes.as_chunks().0,
            sealed: (head & 1 == 1).then_some(sealed),
        })
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

const INDEX_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records() {
        let indexes: Vec<Index> = (0..10).map(|byte| Index([byte; 16])).collect();
        for (count, sealed) in [(1, None), (1, Some(&b""[..])), (3, Some(b"sealed")), (MAX_INDEXES, None)] {
            let bytes = Record::write(7, &indexes[..count], sealed);
            let record = Record::parse(&bytes).unwrap();
            assert_eq!((record.expires, record.sealed), (7, sealed));
            assert!(record.indexes().eq(indexes[..count].iter().copied()));
        }
        let bytes = Record::write(7, &indexes, Some(b"sealed"));
        let record = Record::parse(&bytes).unwrap();
        assert!(record.indexes().eq(indexes[..MAX_INDEXES].iter().copied()), "the oldest go");
        assert_eq!(record.sealed, Some(&b"sealed"[..]));
    }

    #[test]
    fn a_record_that_is_cut_short_is_an_error() {
        let bytes = Record::write(7, &[Index([1; 16]), Index([2; 16])], None);
        for len in 0..bytes.len() {
            assert!(Record::parse(&bytes[..len]).is_err(), "{len}");
        }
    }
}
