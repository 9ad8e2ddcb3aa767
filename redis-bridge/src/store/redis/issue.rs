//! Getting or creating numbers.

use redis::{Cmd, Pipeline};

use super::{JUMP, failure::Failure, floors::Floors, link::Link, names::Scope, script::Script};
use crate::store::{Entry, Seal, Space};

/// One call.
pub(super) struct Issue<'a> {
    pub(super) space: &'a Space,
    pub(super) entries: &'a [Entry],
    pub(super) ttl_ms: u128,
    pub(super) floors: &'a Floors,
}

/// Entries that one run of a script handles. Redis serves nobody else meanwhile: about a millisecond.
const CHUNK: usize = 500;
/// Sealed bytes that one run of a script stores, and that we hold at a time; the last value may exceed it.
const SEALED_CHUNK_LEN: usize = 1024 * 1024;

impl Issue<'_> {
    /// First the numbers, in one round trip. Only with its number can a value be sealed, so new ones cost another.
    ///
    /// A crash in between heals itself: the next call finds the number, and no sealed bytes.
    pub(super) async fn run(&self, link: &Link, seal: &Seal) -> Result<Vec<u64>, Failure> {
        if self.entries.is_empty() {
            return Ok(Vec::new());
        }
        let counters = Scope::new(self.space.scope).counters();
        let (numbers, unsealed) = self.number(link, &counters).await?;
        if let Some(&highest) = numbers.iter().max() {
            self.floors.raise(self.space, highest);
        }
        self.seal(link, &counters, &numbers, &unsealed, seal).await?;
        Ok(numbers)
    }

    /// The numbers of all entries, and the positions of those that are to be sealed.
    async fn number(&self, link: &Link, counters: &str) -> Result<(Vec<u64>, Vec<usize>), Failure> {
        let floor = self.floors.get(self.space);
        let mut calls = Pipeline::with_capacity(self.entries.len().div_ceil(CHUNK));
        for chunk in self.entries.chunks(CHUNK) {
            let mut call = Script::issue().call(counters);
            call.arg(&self.space.kind)
                .arg(link.run_id())
                .arg(self.ttl_ms)
                .arg(floor)
                .arg(JUMP)
                .arg(u8::from(link.lost_writes_lately()))
                .arg(chunk.first().map_or(0, |entry| entry.indexes.len()))
                .arg(pack(chunk));
            calls.add_command(call);
        }
        let replies: Vec<(Vec<u8>, Vec<u8>)> = Script::issue().run(link, &calls).await?;

        let mut numbers = Vec::with_capacity(self.entries.len());
        let mut unsealed = Vec::new();
        for (chunk, (given, missing)) in self.entries.chunks(CHUNK).zip(replies) {
            let first = numbers.len();
            for number in parse(&given) {
                numbers.push(number.filter(|&number| number > 0).ok_or_else(Failure::nonsense)?);
            }
            for position in parse(&missing) {
                let position = position.and_then(|position| usize::try_from(position).ok());
                let position = position.filter(|&position| position < chunk.len());
                unsealed.push(first + position.ok_or_else(Failure::nonsense)?);
            }
            if numbers.len() != first + chunk.len() {
                return Err(Failure::nonsense());
            }
        }
        if numbers.len() == self.entries.len() { Ok((numbers, unsealed)) } else { Err(Failure::nonsense()) }
    }

    async fn seal(
        &self,
        link: &Link,
        counters: &str,
        numbers: &[u64],
        unsealed: &[usize],
        seal: &Seal,
    ) -> Result<(), Failure> {
        let mut batch = self.batch(counters);
        let (mut count, mut len) = (0, 0);
        for &position in unsealed {
            let (Some(&number), Some(entry)) = (numbers.get(position), self.entries.get(position)) else {
                continue;
            };
            let (Some(index), Some(bytes)) = (entry.indexes.first(), seal(position, number)) else {
                continue;
            };
            batch.arg(&index.0).arg(number).arg(&bytes);
            (count, len) = (count + 1, len + bytes.len());
            if count == CHUNK || len >= SEALED_CHUNK_LEN {
                let full = std::mem::replace(&mut batch, self.batch(counters));
                Script::seal().run_one::<()>(link, full).await?;
                (count, len) = (0, 0);
            }
        }
        if count > 0 {
            Script::seal().run_one::<()>(link, batch).await?;
        }
        Ok(())
    }

    fn batch(&self, counters: &str) -> Cmd {
        let mut batch = Script::seal().call(counters);
        batch.arg(&self.space.kind).arg(self.ttl_ms);
        batch
    }
}

/// The entries as one argument, which is cheaper for both sides than thousands.
fn pack(entries: &[Entry]) -> Vec<u8> {
    let width = entries.first().map_or(0, |entry| entry.indexes.len());
    let mut packed = Vec::with_capacity(entries.len() * (1 + 16 * width));
    for entry in entries {
        debug_assert!(width > 0 && entry.indexes.len() == width, "entries have equally many indexes");
        packed.push(if entry.keep { b'1' } else { b'0' });
        entry.indexes.iter().for_each(|index| packed.extend_from_slice(&index.0));
    }
    packed
}

/// Numbers joined by commas; `None` for what is no number.
fn parse(joined: &[u8]) -> impl Iterator<Item = Option<u64>> {
    let parts = (!joined.is_empty()).then(|| joined.split(|&byte| byte == b','));
    parts.into_iter().flatten().map(|part| std::str::from_utf8(part).ok()?.parse().ok())
}
