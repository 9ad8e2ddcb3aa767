//! What one transaction changes.

use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::{
    lives::Lives,
    tables::{
        CLOCK, INDEXES, MAPPINGS, Record, SPACES, corrupt, find_space, index_key, space_key, spaces_of,
    },
};
use crate::store::{Entry, ScopeTag, Seal, Space};

type Result<T> = std::result::Result<T, redb::Error>;

/// The tables of a transaction, and the time it sees.
pub(super) struct Changes<'t> {
    spaces: Table<'t, &'static [u8], (u32, u64)>,
    indexes: Table<'t, (u32, u128), u64>,
    mappings: Table<'t, (u32, u64), &'static [u8]>,
    clock: Table<'t, (), u64>,
    lives: &'t Lives,
    now: u64,
    changed: bool,
}

/// A scope that is being forgotten: what it had when the call began.
pub(super) struct Forgetting {
    /// Its spaces, and the last number of each.
    spaces: Vec<(u32, u64)>,
    forgotten: u64,
}

/// Where the sweep is, in either direction.
#[derive(Default)]
pub(super) struct Sweep {
    mapping: (u32, u64),
    index: (u32, u128),
}

impl<'t> Changes<'t> {
    pub(super) fn begin(transaction: &'t WriteTransaction, lives: &'t Lives) -> Result<Self> {
        Ok(Self {
            spaces: transaction.open_table(SPACES)?,
            indexes: transaction.open_table(INDEXES)?,
            mappings: transaction.open_table(MAPPINGS)?,
            clock: transaction.open_table(CLOCK)?,
            lives,
            now: lives.now(),
            changed: false,
        })
    }

    /// Writes down the time. False: nothing has changed, there is nothing to commit.
    pub(super) fn finish(mut self) -> Result<bool> {
        if self.changed {
            self.clock.insert((), self.now)?;
        }
        Ok(self.changed)
    }

    /// [`Store::issue`](crate::store::Store::issue).
    pub(super) fn issue(&mut self, space: &Space, entries: &[Entry], seal: &Seal) -> Result<Vec<u64>> {
        let (id, before) = match find_space(&self.spaces, space)? {
            Some(found) => found,
            None => (u32::try_from(self.spaces.len()?).map_err(|_| corrupt("it has too many scopes"))?, 0),
        };
        let mut last = before;
        let mut numbers = Vec::with_capacity(entries.len());
        for (position, entry) in entries.iter().enumerate() {
            let seal = |number| if entry.keep { seal(position, number) } else { None };
            let number = match self.find(id, entry, &seal)? {
                Some(number) => number,
                None => {
                    last = last.checked_add(1).ok_or_else(|| corrupt("a counter is at its end"))?;
                    self.write(id, last, seal(last).as_deref())?;
                    self.point(id, entry, last)?;
                    last
                }
            };
            numbers.push(number);
        }
        if last != before {
            self.spaces.insert(space_key(space).as_slice(), (id, last))?;
        }
        Ok(numbers)
    }

    /// [`Store::touch`](crate::store::Store::touch).
    pub(super) fn touch(&mut self, space: &Space, entries: &[Entry], seal: &Seal) -> Result<()> {
        let Some((id, _)) = find_space(&self.spaces, space)? else { return Ok(()) };
        for (position, entry) in entries.iter().enumerate() {
            self.find(id, entry, &|number| if entry.keep { seal(position, number) } else { None })?;
        }
        Ok(())
    }

    /// What there is to forget of a scope.
    pub(super) fn forget(&self, scope: ScopeTag) -> Result<Forgetting> {
        Ok(Forgetting { spaces: spaces_of(&self.spaces, scope)?, forgotten: 0 })
    }

    /// Removes up to `limit` mappings; how many there were, once all are gone.
    pub(super) fn forget_some(&mut self, forgetting: &mut Forgetting, limit: usize) -> Result<Option<u64>> {
        let mut left = limit;
        while let Some(&(space, last)) = forgetting.spaces.last() {
            if left == 0 {
                return Ok(None);
            }
            let mut found = Vec::new();
            for row in self.mappings.range((space, 0)..=(space, last))?.take(left) {
                let (key, record) = row?;
                let lives = Record::parse(record.value())?.expires > self.now;
                forgetting.forgotten += u64::from(lives);
                found.push(key.value());
            }
            if found.len() < left {
                forgetting.spaces.pop();
            }
            left -= found.len();
            found.into_iter().try_for_each(|key| self.remove(key))?;
        }
        Ok(Some(forgetting.forgotten))
    }

    /// Looks at the next `limit` mappings, and removes those that have expired; likewise indexes whose mappings are gone.
    pub(super) fn sweep(&mut self, sweep: &mut Sweep, limit: usize) -> Result<()> {
        if limit == 0 {
            // Nothing to look at is not the end: the sweep goes on from where it is.
            return Ok(());
        }
        let (mut expired, mut seen) = (Vec::new(), 0);
        let mut last = (0, 0);
        for row in self.mappings.range(sweep.mapping..)?.take(limit) {
            let (key, record) = row?;
            (last, seen) = (key.value(), seen + 1);
            if Record::parse(record.value())?.expires <= self.now {
                expired.push(last);
            }
        }
        sweep.mapping = if seen < limit { (0, 0) } else { (last.0, last.1.saturating_add(1)) };
        expired.into_iter().try_for_each(|key| self.remove(key))?;

        let (mut loose, mut seen) = (Vec::new(), 0);
        let mut last = (0, 0);
        for row in self.indexes.range(sweep.index..)?.take(limit) {
            let (key, number) = row?;
            (last, seen) = (key.value(), seen + 1);
            if self.mappings.get((last.0, number.value()))?.is_none() {
                loose.push(last);
            }
        }
        sweep.index = if seen < limit { (0, 0) } else { (last.0, last.1.saturating_add(1)) };
        self.changed |= !loose.is_empty();
        for key in loose {
            self.indexes.remove(key)?;
        }
        Ok(())
    }

    /// Writes, and thereby reserves, about as much as a busy transaction does; then takes it back.
    pub(super) fn probe(&mut self, len: usize) -> Result<()> {
        self.changed = true;
        // No space has this number: see `issue`.
        self.mappings.insert((u32::MAX, u64::MAX), vec![0; len].as_slice())?;
        Ok(())
    }

    pub(super) fn unprobe(&mut self) -> Result<()> {
        self.changed |= self.mappings.remove((u32::MAX, u64::MAX))?.is_some();
        Ok(())
    }

    /// The number of a value that lives: afterwards it lives for a whole TTL, is found by its first index, and is kept if
    /// it is to be.
    fn find(
        &mut self,
        space: u32,
        entry: &Entry,
        seal: &impl Fn(u64) -> Option<Vec<u8>>,
    ) -> Result<Option<u64>> {
        for (position, index) in entry.indexes.iter().enumerate() {
            let Some(number) = self.indexes.get(index_key(space, *index))?.map(|found| found.value()) else {
                continue;
            };
            let Some(bytes) = self.mappings.get((space, number))?.map(|found| found.value().to_vec()) else {
                continue;
            };
            let record = Record::parse(&bytes)?;
            if record.expires <= self.now {
                self.remove((space, number))?;
                continue;
            }
            if position > 0 {
                self.point(space, entry, number)?;
            }
            let kept = record.sealed.is_some() || !entry.keep;
            if !kept || !self.lives.is_fresh(record.expires, self.now) {
                // Sealed anew, so that no sealed bytes in use are much older than a TTL, and an old seal key can go.
                let sealed = seal(number);
                self.write(space, number, sealed.as_deref().or(record.sealed))?;
            }
            return Ok(Some(number));
        }
        Ok(None)
    }

    /// Has the entry's first index find this number.
    fn point(&mut self, space: u32, entry: &Entry, number: u64) -> Result<()> {
        self.changed = true;
        if let Some(first) = entry.indexes.first() {
            self.indexes.insert(index_key(space, *first), number)?;
        }
        Ok(())
    }

    fn write(&mut self, space: u32, number: u64, sealed: Option<&[u8]>) -> Result<()> {
        self.changed = true;
        let record = Record { expires: self.lives.expiry(self.now), sealed }.write();
        self.mappings.insert((space, number), record.as_slice())?;
        Ok(())
    }

    /// Removes a mapping; its indexes find nothing from then on.
    fn remove(&mut self, key: (u32, u64)) -> Result<()> {
        self.changed |= self.mappings.remove(key)?.is_some();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::store::{Index, embedded::file};

    #[test]
    fn what_comes_while_a_scope_is_forgotten_stays() {
        let database = file::memory()().unwrap();
        file::prepare(&database, &[]).unwrap();
        let lives = Lives::new(Arc::new(|| 0), Duration::from_secs(60), 0);
        let transaction = database.begin_write().unwrap();
        let mut changes = Changes::begin(&transaction, &lives).unwrap();
        let spaces = ["EC2", "VPC"].map(|kind| Space { scope: ScopeTag([1; 12]), kind: kind.to_owned() });
        let seal: Seal = Arc::new(|_, _| None);
        let issue = |changes: &mut Changes<'_>, space: usize, values: std::ops::Range<u8>| {
            let entries: Vec<_> =
                values.map(|value| Entry { indexes: vec![Index([value; 16])], keep: false }).collect();
            changes.issue(&spaces[space], &entries, &seal).unwrap()
        };
        for space in [0, 1] {
            assert_eq!(issue(&mut changes, space, 0..5), [1, 2, 3, 4, 5]);
        }

        let mut forgetting = changes.forget(ScopeTag([1; 12])).unwrap();
        assert_eq!(issue(&mut changes, 0, 5..7), [6, 7]);
        let mut steps = 0;
        let forgotten = loop {
            steps += 1;
            if let Some(forgotten) = changes.forget_some(&mut forgetting, 3).unwrap() {
                break forgotten;
            }
        };
        assert_eq!((forgotten, steps), (10, 4));
        assert_eq!(issue(&mut changes, 0, 4..7), [8, 6, 7]);
        assert_eq!(issue(&mut changes, 1, 0..1), [6]);
    }
}
