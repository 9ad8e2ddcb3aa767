//! The highest number that this bridge saw in each space: Redis may lose its counters, we do not.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::store::Space;

/// Highest numbers by space; bounded.
///
/// Two generations: when the young one is full, the old one, of spaces that nobody used for as long, goes.
#[derive(Default)]
pub(super) struct Floors(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<Space, u64>,
    old: HashMap<Space, u64>,
}

/// Spaces in a generation; a space has some 100 bytes.
const GENERATION: usize = 50_000;

impl Floors {
    /// The highest number seen; 0 for a space that is unknown, or was dropped.
    pub(super) fn get(&self, space: &Space) -> u64 {
        let floors = self.lock();
        floors.young.get(space).or_else(|| floors.old.get(space)).copied().unwrap_or_default()
    }

    /// Remembers that this number was seen.
    pub(super) fn raise(&self, space: &Space, number: u64) {
        let mut floors = self.lock();
        if let Some(floor) = floors.young.get_mut(space) {
            *floor = number.max(*floor);
            return;
        }
        let floor = number.max(floors.old.get(space).copied().unwrap_or_default());
        if floors.young.len() == GENERATION {
            floors.old = mem::take(&mut floors.young);
        }
        floors.young.insert(space.clone(), floor);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // A number that was not raised is what is not seen yet: nothing is half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ScopeTag;

    fn space(number: u64) -> Space {
        let mut tag = [0; 12];
        tag[..8].copy_from_slice(&number.to_le_bytes());
        Space { scope: ScopeTag(tag), kind: "EC2".to_owned() }
    }

    #[test]
    fn a_floor_only_rises() {
        let floors = Floors::default();
        assert_eq!(floors.get(&space(0)), 0);
        floors.raise(&space(0), 7);
        floors.raise(&space(0), 3);
        assert_eq!(floors.get(&space(0)), 7);
        assert_eq!(floors.get(&space(1)), 0);
    }

    #[test]
    fn used_spaces_stay_and_the_rest_is_bounded() {
        let floors = Floors::default();
        for number in 0..3 * GENERATION as u64 {
            floors.raise(&space(number), number);
            floors.raise(&space(0), 1_000_000);
        }
        assert_eq!(floors.get(&space(0)), 1_000_000);
        assert_eq!(floors.get(&space(1)), 0);
        let kept = floors.lock();
        assert!(kept.young.len() + kept.old.len() <= 2 * GENERATION);
    }
}
