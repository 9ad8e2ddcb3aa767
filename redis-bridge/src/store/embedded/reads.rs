//! What is answered without writing.

use redb::{Database, ReadTransaction, ReadableDatabase};

use super::{
    lives::Lives,
    tables::{INDEXES, MAPPINGS, Record, SPACES, find_space, index_key},
};
use crate::store::{Entry, Space};

type Result<T> = std::result::Result<T, redb::Error>;

/// The numbers of the entries, when all of them exist and issuing them would change nothing.
pub(super) fn issued(
    database: &Database,
    lives: &Lives,
    space: &Space,
    entries: &[Entry],
) -> Result<Option<Vec<u64>>> {
    let Some((transaction, space)) = begin(database, space)? else { return Ok(None) };
    let (indexes, mappings) = (transaction.open_table(INDEXES)?, transaction.open_table(MAPPINGS)?);
    let now = lives.now();
    let mut numbers = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(first) = entry.indexes.first() else { return Ok(None) };
        let Some(number) = indexes.get(index_key(space, *first))?.map(|found| found.value()) else {
            return Ok(None);
        };
        let Some(found) = mappings.get((space, number))? else { return Ok(None) };
        let record = Record::parse(found.value())?;
        if !lives.is_fresh(record.expires, now) || (entry.keep && record.sealed.is_none()) {
            return Ok(None);
        }
        numbers.push(number);
    }
    Ok(Some(numbers))
}

/// Whether touching these entries would change nothing: each is fresh, or is not there.
pub(super) fn is_touched(
    database: &Database,
    lives: &Lives,
    space: &Space,
    entries: &[Entry],
) -> Result<bool> {
    let Some((transaction, space)) = begin(database, space)? else { return Ok(true) };
    let (indexes, mappings) = (transaction.open_table(INDEXES)?, transaction.open_table(MAPPINGS)?);
    let now = lives.now();
    for entry in entries {
        for (position, index) in entry.indexes.iter().enumerate() {
            let Some(number) = indexes.get(index_key(space, *index))?.map(|found| found.value()) else {
                continue;
            };
            let Some(found) = mappings.get((space, number))? else { continue };
            let record = Record::parse(found.value())?;
            if record.expires <= now {
                continue;
            }
            let kept = record.sealed.is_some() || !entry.keep;
            if position > 0 || !kept || !lives.is_fresh(record.expires, now) {
                return Ok(false);
            }
            break;
        }
    }
    Ok(true)
}

/// [`Store::sealed`](crate::store::Store::sealed).
pub(super) fn sealed(
    database: &Database,
    lives: &Lives,
    space: &Space,
    numbers: &[u64],
) -> Result<Vec<Option<Vec<u8>>>> {
    let Some((transaction, space)) = begin(database, space)? else { return Ok(vec![None; numbers.len()]) };
    let mappings = transaction.open_table(MAPPINGS)?;
    let now = lives.now();
    let sealed = |number: &u64| {
        let Some(found) = mappings.get((space, *number))? else { return Ok(None) };
        let record = Record::parse(found.value())?;
        Ok(record.sealed.filter(|_| record.expires > now).map(<[u8]>::to_vec))
    };
    numbers.iter().map(sealed).collect()
}

/// A view of the file as it is now, and the number of this space in it.
fn begin(database: &Database, space: &Space) -> Result<Option<(ReadTransaction, u32)>> {
    let transaction = database.begin_read()?;
    let space = find_space(&transaction.open_table(SPACES)?, space)?;
    Ok(space.map(|(space, _)| (transaction, space)))
}
