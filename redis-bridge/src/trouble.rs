//! Whether the store works: told to the log when it changes, not at every call.

use std::sync::{Mutex, PoisonError};

use crate::{
    metrics::Metrics,
    store::{ErrorKind, StoreError},
};

/// What a call to the store proves: that this works, or that it does not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Proof {
    /// Reads, and writes too, but not that there is room.
    Probe,
    /// Reads, no more.
    Reads,
    /// Writes.
    Writes,
}

/// How the store did last.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<Option<(ErrorKind, Proof)>>);

impl Trouble {
    /// Counts and logs how a call to the store ended; returns it.
    pub(crate) fn note<T>(
        &self,
        proof: Proof,
        result: Result<T, StoreError>,
        metrics: &Metrics,
    ) -> Result<T, StoreError> {
        if let Err(error) = &result {
            metrics.store_error(error.kind);
        }
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What only a write can prove wrong, only a write can prove right.
        let now = match (&result, *last) {
            (Err(error), Some((_, Proof::Writes))) => Some((error.kind, Proof::Writes)),
            (Err(error), _) => Some((error.kind, proof)),
            (Ok(_), Some((_, Proof::Writes))) if proof == Proof::Reads => *last,
            (Ok(_), Some((ErrorKind::Full, Proof::Writes))) if proof == Proof::Probe => *last,
            (Ok(_), _) => None,
        };
        let before = std::mem::replace(&mut *last, now).map(|(kind, _)| kind);
        drop(last);
        let now = now.map(|(kind, _)| kind);
        metrics.store_up(now.is_none());
        match &result {
            Err(error) if before != now => {
                tracing::warn!(kind = ?error.kind, reason = %error, "store trouble")
            }
            Ok(_) if before != now => tracing::info!("store works again"),
            _ => {}
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_refused_a_write_is_well_again_only_when_it_took_one() {
        let (trouble, metrics) = (Trouble::default(), Metrics::new());
        let last = || trouble.0.lock().unwrap().map(|(kind, _)| kind);
        let fail = |kind| StoreError { kind, message: "why".to_owned() };
        for (proof, result, expected) in [
            (Proof::Writes, Ok(()), None),
            (Proof::Writes, Err(fail(ErrorKind::Full)), Some(ErrorKind::Full)),
            (Proof::Reads, Ok(()), Some(ErrorKind::Full)),
            (Proof::Writes, Ok(()), None),
            (Proof::Reads, Err(fail(ErrorKind::Unavailable)), Some(ErrorKind::Unavailable)),
            (Proof::Reads, Ok(()), None),
            (Proof::Writes, Err(fail(ErrorKind::Unavailable)), Some(ErrorKind::Unavailable)),
            (Proof::Reads, Ok(()), Some(ErrorKind::Unavailable)),
            (Proof::Reads, Err(fail(ErrorKind::Unsound)), Some(ErrorKind::Unsound)),
            (Proof::Reads, Ok(()), Some(ErrorKind::Unsound)),
            (Proof::Probe, Ok(()), None),
            (Proof::Writes, Err(fail(ErrorKind::Full)), Some(ErrorKind::Full)),
            (Proof::Probe, Ok(()), Some(ErrorKind::Full)),
            (Proof::Writes, Ok(()), None),
        ] {
            assert_eq!(trouble.note(proof, result.clone(), &metrics), result);
            assert_eq!(last(), expected);
            let up = format!("redis_bridge_store_up {}", u8::from(expected.is_none()));
            assert!(metrics.text().contains(&up), "{}", metrics.text());
        }
        assert!(metrics.text().contains(r#"redis_bridge_store_errors_total{kind="full"} 2"#));
    }
}
