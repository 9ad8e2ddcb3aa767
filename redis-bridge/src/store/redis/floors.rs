//! The highest number that this bridge saw in each space: Redis may lose its counters, we do not.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::store::Space;

/// Highest numbers by space; bounded.
///
/// Two generations: when the young one is full, the old one, of spaces that nobody used for as long, goes.
///
/// A floor counts for two TTLs after its space was used, as long as Redis keeps the counter at least: a counter that
/// expired was not lost, and every number from then has expired before it.
pub(super) struct Floors {
    life: Duration,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Space, Floor>,
    old: HashMap<Space, Floor>,
}

#[derive(Clone, Copy)]
struct Floor {
    number: u64,
    used: Instant,
}

/// Spaces in a generation; a space has some 100 bytes.
const GENERATION: usize = 50_000;

impl Floors {
    /// None yet; numbers live for `ttl`.
    pub(super) fn new(ttl: Duration) -> Self {
        Self { life: ttl.saturating_mul(2), generations: Mutex::default() }
    }

    /// The highest number seen; 0 for a space that is unknown, was dropped, or was not used for too long.
    pub(super) fn get(&self, space: &Space, now: Instant) -> u64 {
        let floors = self.lock();
        let floor = floors.young.get(space).or_else(|| floors.old.get(space));
        floor.filter(|floor| self.counts(floor, now)).map_or(0, |floor| floor.number)
    }

    /// Remembers that this number was seen by a call that began at `now`.
    pub(super) fn raise(&self, space: &Space, number: u64, now: Instant) {
        let mut floors = self.lock();
        let known = floors.young.get(space).or_else(|| floors.old.get(space)).copied();
        let floor = match known.filter(|floor| self.counts(floor, now)) {
            Some(floor) => Floor { number: number.max(floor.number), used: now.max(floor.used) },
            None => Floor { number, used: now },
        };
        if let Some(young) = floors.young.get_mut(space) {
            *young = floor;
            return;
        }
        if floors.young.len() == GENERATION {
            floors.old = mem::take(&mut floors.young);
        }
        floors.young.insert(space.clone(), floor);
    }

    fn counts(&self, floor: &Floor, now: Instant) -> bool {
        now.saturating_duration_since(floor.used) < self.life
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // A number that was not raised is what is not seen yet: nothing is half done.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
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

    const TTL: Duration = Duration::from_secs(60);

    #[test]
    fn a_floor_only_rises_as_long_as_it_counts() {
        let (floors, start) = (Floors::new(TTL), Instant::now());
        assert_eq!(floors.get(&space(0), start), 0);
        floors.raise(&space(0), 7, start);
        floors.raise(&space(0), 3, start + TTL);
        floors.raise(&space(0), 3, start);
        assert_eq!(floors.get(&space(1), start), 0);
        let end = start + 3 * TTL;
        assert_eq!(floors.get(&space(0), end - Duration::from_nanos(1)), 7, "every use counts");
        assert_eq!(floors.get(&space(0), end), 0);
        floors.raise(&space(0), 1, end);
        assert_eq!(floors.get(&space(0), end), 1, "the space began anew");
    }

    #[test]
    fn used_spaces_stay_and_the_rest_is_bounded() {
        let (floors, now) = (Floors::new(TTL), Instant::now());
        for number in 0..3 * GENERATION as u64 {
            floors.raise(&space(number), number, now);
            floors.raise(&space(0), 1_000_000, now);
        }
        assert_eq!(floors.get(&space(0), now), 1_000_000);
        assert_eq!(floors.get(&space(1), now), 0);
        let kept = floors.lock();
        assert!(kept.young.len() + kept.old.len() <= 2 * GENERATION);
    }
}
