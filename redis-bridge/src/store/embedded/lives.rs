//! What time it is, and how long mappings live.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// Milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The clock of this machine.
pub fn system_clock() -> Clock {
    Arc::new(|| SystemTime::UNIX_EPOCH.elapsed().map_or(0, millis))
}

/// The store's own time: runs with the clock, but never backwards.
///
/// When the clock is set back, time stands until the next reading and goes on from there; so what has expired stays
/// expired, and a clock that was wrong by years does no lasting harm.
pub(super) struct Lives {
    clock: Clock,
    ttl: u64,
    reading: Mutex<Reading>,
}

struct Reading {
    clock: u64,
    now: u64,
}

impl Lives {
    /// Time goes on from `mark`, where the store's time was when it was last written.
    pub(super) fn new(clock: Clock, ttl: Duration, mark: u64) -> Self {
        let reading = clock();
        Self {
            clock,
            ttl: millis(ttl),
            reading: Mutex::new(Reading { clock: reading, now: reading.max(mark) }),
        }
    }

    pub(super) fn now(&self) -> u64 {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let clock = (self.clock)();
        reading.now = reading.now.saturating_add(clock.saturating_sub(reading.clock));
        reading.clock = clock;
        reading.now
    }

    /// When a mapping that is written now expires: a third later than it must, so that most uses of it write nothing.
    pub(super) fn expiry(&self, now: u64) -> u64 {
        now.saturating_add(self.ttl).saturating_add(self.ttl / 3)
    }

    /// True while a mapping that is used now lives for a whole TTL without being written again.
    pub(super) fn is_fresh(&self, expires: u64, now: u64) -> bool {
        expires.saturating_sub(now) >= self.ttl
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    #[test]
    fn time_never_runs_backwards_and_never_stands() {
        let clock = Arc::new(AtomicU64::new(1_000));
        let lives = {
            let clock = Arc::clone(&clock);
            Lives::new(Arc::new(move || clock.load(Relaxed)), Duration::from_millis(300), 0)
        };
        let at = |millis| {
            clock.store(millis, Relaxed);
            lives.now()
        };
        assert_eq!(at(1_500), 1_500);
        assert_eq!(at(90_000), 90_000, "set years ahead");
        assert_eq!(at(1_600), 90_000, "and back");
        assert_eq!(at(1_700), 90_100);
        assert_eq!(at(0), 90_100);
        assert_eq!(at(50), 90_150);
    }

    #[test]
    fn time_goes_on_from_the_mark() {
        let lives = Lives::new(Arc::new(|| 1_000), Duration::from_millis(300), 5_000);
        assert_eq!(lives.now(), 5_000);
    }

    #[test]
    fn a_mapping_is_fresh_for_a_third_of_the_ttl() {
        let lives = Lives::new(Arc::new(|| 0), Duration::from_millis(300), 0);
        let expires = lives.expiry(1_000);
        assert_eq!(expires, 1_400);
        assert!(lives.is_fresh(expires, 1_100));
        assert!(!lives.is_fresh(expires, 1_101));
    }
}
