//! Getting or creating numbers.

use std::time::Instant;

use redis::Cmd;

use super::{JUMP, failure::Failure, floors::Floors, link::Link, names::Scope, script::Script};
use crate::store::{Entry, ErrorKind, Seal, Space};

/// One call.
pub(super) struct Issue<'a> {
    pub(super) space: &'a Space,
    pub(super) entries: &'a [Entry],
    pub(super) ttl_ms: u128,
    pub(super) floors: &'a Floors,
    /// How sealed bytes are to begin; empty: in any way.
    pub(super) seal_mark: &'a [u8],
    pub(super) unknown: Unknown,
}

/// What happens to entries without a number.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Unknown {
    /// They get one.
    Create,
    /// Nothing; their number is said to be 0.
    Leave,
}

/// What the first step told.
#[derive(Default)]
struct Numbered {
    numbers: Vec<u64>,
    /// Positions of entries that are to be sealed.
    unsealed: Vec<usize>,
    /// Positions of entries that another key sealed.
    stale: Vec<usize>,
}

/// Entries that one run of a script handles. Redis serves nobody else meanwhile: about a millisecond.
const CHUNK: usize = 500;
/// Sealed bytes that one run of a script stores, and that we hold at a time; the last value may exceed it.
const SEALED_CHUNK_LEN: usize = 1024 * 1024;

impl Issue<'_> {
    /// First the numbers, in a round trip for each chunk. Only with its number can a value be sealed, so new ones cost more.
    ///
    /// A crash in between heals itself: the next call finds the number, and no sealed bytes.
    pub(super) async fn run(&self, link: &Link, seal: &Seal) -> Result<Vec<u64>, Failure> {
        if self.entries.is_empty() {
            return Ok(Vec::new());
        }
        let counters = Scope::new(self.space.scope).counters();
        // Before Redis sees the call, so that a floor never counts for longer than Redis keeps the counter.
        let began = Instant::now();
        let floor = self.floors.get(self.space, began);
        let Numbered { numbers, unsealed, stale } = self.number(link, &counters, floor).await?;
        if let Some(&highest) = numbers.iter().max().filter(|&&highest| highest > 0) {
            self.floors.raise(self.space, highest, began);
        }
        self.seal(link, &counters, &numbers, &unsealed, seal).await?;
        match self.seal(link, &counters, &numbers, &stale, seal).await {
            // What the old key sealed is good as long as there is that key.
            Err(failure) if failure.error.kind == ErrorKind::Full => Ok(numbers),
            sealed => sealed.map(|()| numbers),
        }
    }

    async fn number(&self, link: &Link, counters: &str, floor: u64) -> Result<Numbered, Failure> {
        let least = u64::from(self.unknown == Unknown::Create);
        let mut told = Numbered::default();
        // One after another, so that others' calls get their turn in between.
        for chunk in self.entries.chunks(CHUNK) {
            let mut call = Script::issue().call(counters);
            call.arg(&self.space.kind)
                .arg(link.run_id())
                .arg(self.ttl_ms)
                .arg(floor)
                .arg(JUMP)
                .arg(u8::from(link.lost_writes_lately()))
                .arg(chunk.first().map_or(0, |entry| entry.indexes.len()))
                .arg(self.seal_mark)
                .arg(u8::from(self.unknown == Unknown::Leave))
                .arg(pack(chunk));
            let (given, missing, stale) =
                Script::issue().run::<(Vec<u8>, Vec<u8>, Vec<u8>)>(link, &call).await?;
            let first = told.numbers.len();
            for number in parse(&given) {
                told.numbers.push(number.filter(|&number| number >= least).ok_or_else(Failure::nonsense)?);
            }
            for (positions, reply) in [(&mut told.unsealed, missing), (&mut told.stale, stale)] {
                for position in parse(&reply) {
                    let position = position.and_then(|position| usize::try_from(position).ok());
                    let position = position.filter(|&position| position < chunk.len());
                    positions.push(first + position.ok_or_else(Failure::nonsense)?);
                }
            }
            if told.numbers.len() != first + chunk.len() {
                return Err(Failure::nonsense());
            }
        }
        Ok(told)
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
                Script::seal().run::<()>(link, &full).await?;
                (count, len) = (0, 0);
            }
        }
        if count > 0 {
            Script::seal().run::<()>(link, &batch).await?;
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
