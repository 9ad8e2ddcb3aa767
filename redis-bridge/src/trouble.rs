//! Whether the store works: told to the log when it changes, not at every call.

use std::sync::{Mutex, PoisonError};

use crate::{
    metrics::Metrics,
    store::{ErrorKind, StoreError},
};

/// What a call to the store proves when it succeeds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Proof {
    /// That it can be read, no more: a full store can.
    Reads,
    /// That it takes writes.
    Writes,
}

/// How the store did last.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<Option<ErrorKind>>);

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
        let now = match &result {
            Err(error) => Some(error.kind),
            Ok(_) if *last == Some(ErrorKind::Full) && proof == Proof::Reads => *last,
            Ok(_) => None,
        };
        let before = std::mem::replace(&mut *last, now);
        drop(last);
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
    fn a_full_store_is_well_again_only_when_it_took_a_write() {
        let (trouble, metrics) = (Trouble::default(), Metrics::new());
        let last = || *trouble.0.lock().unwrap();
        let fail = |kind| StoreError { kind, message: "why".to_owned() };
        for (proof, result, expected) in [
            (Proof::Writes, Ok(()), None),
            (Proof::Writes, Err(fail(ErrorKind::Full)), Some(ErrorKind::Full)),
            (Proof::Reads, Ok(()), Some(ErrorKind::Full)),
            (Proof::Writes, Ok(()), None),
            (Proof::Reads, Err(fail(ErrorKind::Unavailable)), Some(ErrorKind::Unavailable)),
            (Proof::Reads, Ok(()), None),
        ] {
            assert_eq!(trouble.note(proof, result.clone(), &metrics), result);
            assert_eq!(last(), expected);
            let up = format!("redis_bridge_store_up {}", u8::from(expected.is_none()));
            assert!(metrics.text().contains(&up), "{}", metrics.text());
        }
        assert!(metrics.text().contains(r#"redis_bridge_store_errors_total{kind="full"} 1"#));
    }
}
