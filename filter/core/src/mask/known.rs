//! Which values a plan has already: a hash table of their positions in it.

use super::{Form, Value};
use crate::detect::KindId;
use crate::secret::Secret;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// How many slots a value may stand in.
const PROBES: usize = 16;
/// Slots of the smallest table.
const MIN_SLOTS: usize = 64;

/// Positions of values in a plan. It keeps no value but those that found no slot.
#[derive(Default)]
pub(super) struct Known {
    /// The hash and the position of a value. As many as a power of two says, at most half of them taken.
    slots: Vec<Option<(u32, usize)>>,
    count: usize,
    /// What found no free slot. The hash is no secret, and values that collide on purpose must not take quadratic time.
    others: BTreeMap<(KindId, Form), BTreeMap<Secret, usize>>,
}

impl Known {
    /// Where in `values` this one is; if it is not there, the hash to [`insert`](Self::insert) it with.
    pub(super) fn find(
        &self,
        values: &[Value],
        kind: KindId,
        form: Form,
        bytes: &[u8],
    ) -> Result<usize, u32> {
        let hash = hash(kind, form, bytes);
        for slot in self.probes(hash) {
            // What found no free slot when the table was smaller may find one now, and stays where it is.
            let Some(Some((known, position))) = self.slots.get(slot) else { break };
            let is =
                |value: &Value| value.kind == kind && value.form == form && value.secret.expose() == bytes;
            if *known == hash && values.get(*position).is_some_and(is) {
                return Ok(*position);
            }
        }
        self.others.get(&(kind, form)).and_then(|others| others.get(bytes)).copied().ok_or(hash)
    }

    /// Adds the value at this position, which is not in it.
    pub(super) fn insert(&mut self, values: &[Value], hash: u32, position: usize) {
        self.count += 1;
        if self.count * 2 > self.slots.len() {
            let size = (self.slots.len() * 2).max(MIN_SLOTS);
            let before = core::mem::replace(&mut self.slots, alloc::vec![None; size]);
            for (hash, position) in before.into_iter().flatten() {
                self.put(values, hash, position);
            }
        }
        self.put(values, hash, position);
    }

    fn put(&mut self, values: &[Value], hash: u32, position: usize) {
        for slot in self.probes(hash) {
            if let Some(free @ None) = self.slots.get_mut(slot) {
                *free = Some((hash, position));
                return;
            }
        }
        if let Some(Value { kind, form, secret, .. }) = values.get(position) {
            self.others.entry((*kind, *form)).or_default().insert(secret.clone(), position);
        }
    }

    fn probes(&self, hash: u32) -> impl Iterator<Item = usize> + use<> {
        let last = self.slots.len().saturating_sub(1);
        (0..PROBES).map(move |probe| (hash as usize).wrapping_add(probe) & last)
    }
}

fn hash(kind: KindId, form: Form, bytes: &[u8]) -> u32 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    let start = u64::from(kind.0) << 8 | form as u64;
    let hash = words.iter().fold(mix(0, start), |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let hash = rest.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)));
    (mix(hash, bytes.len() as u64) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn value(number: u16) -> Value {
        let secret = Secret::new(&number.to_be_bytes());
        Value { kind: KindId(number % 3), form: Form::Text, secret, reads_as: None }
    }

    fn fill(hash_of: impl Fn(u32) -> u32) -> (Known, Vec<Value>) {
        let (mut known, mut values) = (Known::default(), Vec::new());
        for number in 0..1000 {
            let new = value(number);
            let hash = known.find(&values, new.kind, new.form, new.secret.expose()).unwrap_err();
            values.push(new);
            known.insert(&values, hash_of(hash), values.len() - 1);
        }
        (known, values)
    }

    #[test]
    fn every_value_is_found_where_it_is() {
        let (known, values) = fill(|hash| hash);
        for (at, Value { kind, form, secret, .. }) in values.iter().enumerate() {
            assert_eq!(known.find(&values, *kind, *form, secret.expose()), Ok(at));
            assert!(known.find(&values, *kind, Form::Spelled, secret.expose()).is_err());
            assert!(known.find(&values, KindId(7), *form, secret.expose()).is_err());
        }
    }

    #[test]
    fn values_that_collide_are_kept_apart() {
        let (known, values) = fill(|_| 5);
        let others: usize = known.others.values().map(BTreeMap::len).sum();
        assert_eq!(others, values.len() - PROBES);
        for (at, value) in values.iter().enumerate().skip(PROBES) {
            let others = known.others.get(&(value.kind, value.form)).unwrap();
            assert_eq!(others.get(value.secret.expose()), Some(&at));
        }
    }
}
