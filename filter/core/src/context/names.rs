//! Names of members, options and columns, however they are spelled.
//!
//! `DBInstanceIdentifier`, `db_instance_identifier`, `--db-instance-identifier` and `DB Instance Identifier` are
//! one name. AWS puts words before a name to say which one it means (`SourceDBInstanceIdentifier`), so a name is
//! also known by its last words. A name is hashed from its end, so one walk asks for all of its endings.

use alloc::vec::Vec;

/// Longest name that is looked at, in bytes: AWS's longest are under 64.
pub(super) const MAX_NAME: usize = 72;
/// Most fields that one name can mean.
const MAX_MEANINGS: usize = 12;
/// Bits that tell most unknown names apart without a search.
const FILTER_BITS: u64 = 1 << 14;
const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;
/// How many letters from its end tell that a name is none of the known ones: most words of a text are none.
const TAIL: usize = 4;
/// Marks a name in the table that must be all of a name, not only its end.
const WHOLE: &str = "=";

/// Known names, compiled.
#[derive(Debug)]
pub(super) struct Names {
    /// Hash, whether it must be the whole name, and which field; sorted.
    entries: Vec<(u64, bool, u16)>,
    filter: Vec<u64>,
    /// The same of the last letters of each.
    tails: Vec<u64>,
}

/// What a name may mean, the longest known ending first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meanings {
    fields: [u16; MAX_MEANINGS],
    count: usize,
}

impl Meanings {
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        // Endings were met shortest first.
        self.fields.iter().take(self.count).rev().map(|field| usize::from(*field))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn push(&mut self, field: u16) {
        if let Some(slot) = self.fields.get_mut(self.count) {
            *slot = field;
            self.count += 1;
        }
    }
}

impl Names {
    /// Compiles names, each with its field. Of fields with one name, the first is tried first.
    pub(super) fn new(names: impl Iterator<Item = (&'static str, u16)>) -> Self {
        let empty = || alloc::vec![0; usize::try_from(FILTER_BITS / 64).unwrap_or_default()];
        let add = |filter: &mut Vec<u64>, hash| {
            let (word, bit) = filter_bit(hash);
            filter.get_mut(word).into_iter().for_each(|word| *word |= bit);
        };
        let mut tails = empty();
        let mut entries: Vec<_> = names
            .map(|(name, field)| {
                let (name, whole) = name.strip_prefix(WHOLE).map_or((name, false), |name| (name, true));
                let mut last = SEED;
                let tail = |hash| {
                    add(&mut tails, hash);
                    true
                };
                walk(name.as_bytes(), tail, |hash, _| last = hash);
                (last, whole, field)
            })
            .collect();
        entries.sort_unstable_by_key(|(hash, _, field)| (*hash, core::cmp::Reverse(*field)));
        let mut filter = empty();
        entries.iter().for_each(|(hash, _, _)| add(&mut filter, *hash));
        Self { entries, filter, tails }
    }

    /// What `name` may mean.
    pub(super) fn look_up(&self, name: &[u8]) -> Meanings {
        let mut meanings = Meanings::default();
        let is_in = |filter: &Vec<u64>, hash| {
            let (word, bit) = filter_bit(hash);
            filter.get(word).is_some_and(|word| word & bit != 0)
        };
        walk(
            name,
            |tail| is_in(&self.tails, tail),
            |hash, whole| {
                if !is_in(&self.filter, hash) {
                    return;
                }
                let from = self.entries.partition_point(|(known, _, _)| *known < hash);
                let same = self.entries.get(from..).unwrap_or_default().iter();
                for (_, must_be_whole, field) in same.take_while(|(known, _, _)| *known == hash) {
                    if whole || !must_be_whole {
                        meanings.push(*field);
                    }
                }
            },
        );
        meanings
    }
}

/// Calls `ending` with the hash of each ending of `name` that begins a word, the shortest first, and whether it is all of
/// it; goes on behind the last letters only if `goes_on` with their hash.
fn walk(name: &[u8], mut goes_on: impl FnMut(u64) -> bool, mut ending: impl FnMut(u64, bool)) {
    let start = name.iter().position(|byte| !is_separator(*byte)).unwrap_or_default();
    let length = singular(name).len();
    let mut hash = SEED;
    let mut letters = 0;
    for at in (start..length).rev() {
        let Some(byte) = name.get(at) else { continue };
        if is_separator(*byte) {
            continue;
        }
        hash = (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(PRIME);
        letters += 1;
        if letters == TAIL && !goes_on(hash) {
            return;
        }
        if at == start || begins_word(name, at) {
            ending(hash, at == start);
        }
    }
}

fn filter_bit(hash: u64) -> (usize, u64) {
    let at = (hash >> 20) % FILTER_BITS;
    (usize::try_from(at / 64).unwrap_or_default(), 1 << (at % 64))
}

/// Without the `s` of a plural.
pub(super) fn singular(name: &[u8]) -> &[u8] {
    match name {
        [.., b's' | b'S', b's' | b'S'] => name,
        [rest @ .., b's' | b'S'] => rest,
        _ => name,
    }
}

pub(super) fn is_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b' ' | b'.' | b'/' | b':')
}

fn begins_word(name: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| name.get(at)).copied().unwrap_or(b'_');
    let byte = name.get(at).copied().unwrap_or_default();
    let after = name.get(at + 1).copied().unwrap_or_default();
    is_separator(before)
        || (byte.is_ascii_uppercase() && (!before.is_ascii_uppercase() || after.is_ascii_lowercase()))
}

/// True if `name` ends in `ending`, which is lower case without separators, singular; or contains it.
pub(super) fn ends_in(name: &[u8], ending: &[u8]) -> bool {
    let mut wanted = ending.iter().rev().peekable();
    for byte in singular(name).iter().rev().filter(|byte| !is_separator(**byte)) {
        match wanted.next() {
            Some(known) if *known == byte.to_ascii_lowercase() => {}
            Some(_) => return false,
            None => return true,
        }
    }
    wanted.peek().is_none()
}

/// The last two letters of `name` in singular, in lower case; 0 where there are none.
pub(super) fn last_letters(name: &[u8]) -> [u8; 2] {
    let mut letters = singular(name).iter().rev().filter(|byte| !is_separator(**byte));
    let mut next = || letters.next().map_or(0, u8::to_ascii_lowercase);
    let last = next();
    [next(), last]
}

/// True if `name` contains `word`, in any letter case.
pub(super) fn contains(name: &[u8], word: &[u8]) -> bool {
    let first = word.first().map(u8::to_ascii_lowercase);
    let is = |window: &[u8]| {
        window.first().map(u8::to_ascii_lowercase) == first && window.eq_ignore_ascii_case(word)
    };
    name.windows(word.len()).any(is)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn spellings() {
        let names =
            Names::new([("DBInstanceIdentifier", 1), ("=Bucket", 2), ("InstanceIdentifier", 3)].into_iter());
        let meant = |name: &str| names.look_up(name.as_bytes()).iter().collect::<Vec<_>>();
        for name in [
            "DBInstanceIdentifier",
            "DBInstanceIdentifiers",
            "db_instance_identifier",
            "db-instance-identifier",
            "DB Instance Identifier",
            "--db-instance-identifier",
            "SourceDBInstanceIdentifier",
            "DB_INSTANCE_IDENTIFIER",
        ] {
            assert_eq!(meant(name), [1, 3], "{name}");
        }
        assert_eq!(meant("dbinstanceidentifier"), [1]);
        assert_eq!(meant("XInstanceIdentifier"), [3]);
        assert_eq!(meant("Buckets"), [2]);
        for name in ["LogBucket", "instanceidentifie", "", "s", "tinstanceidentifier"] {
            assert_eq!(meant(name), [0; 0], "{name}");
        }
        assert!(ends_in(b"VPC_IDs", b"id") && ends_in(b"id", b"id") && !ends_in(b"d", b"id"));
    }
}
