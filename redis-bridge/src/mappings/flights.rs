//! Calls that are one while they are under way.

use std::{
    collections::{HashMap, hash_map},
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};

use super::unavailable;
use crate::store::StoreError;

/// What is under way, by what was asked.
pub(super) struct Flights<K, V>(Arc<Mutex<HashMap<K, Flight<V>>>>);

type Flight<V> = Shared<BoxFuture<'static, Result<V, StoreError>>>;

/// Takes a call out when it ends, be it by a panic.
struct Landing<K: Eq + Hash, V> {
    flights: Flights<K, V>,
    key: K,
}

impl<K: Clone + Eq + Hash + Send + 'static, V: Clone + Send + Sync + 'static> Flights<K, V> {
    /// Joins the call of this key, or begins it.
    ///
    /// It is a task of its own: it must not end with the caller that happened to be first.
    pub(super) async fn join<F>(&self, key: K, call: impl FnOnce() -> F) -> Result<V, StoreError>
    where
        F: Future<Output = Result<V, StoreError>> + Send + 'static,
    {
        let flight = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match flights.entry(key) {
                hash_map::Entry::Occupied(running) => running.get().clone(),
                hash_map::Entry::Vacant(free) => {
                    let flight = self.start(free.key().clone(), call());
                    free.insert(flight).clone()
                }
            }
        };
        flight.await
    }

    fn start(&self, key: K, call: impl Future<Output = Result<V, StoreError>> + Send + 'static) -> Flight<V> {
        let flights = self.clone();
        let task = tokio::spawn(async move {
            let _landing = Landing { flights, key };
            call.await
        });
        let ended = |result: Result<_, _>| {
            result.unwrap_or_else(|_| Err(unavailable("the call to the store was ended")))
        };
        task.map(ended).boxed().shared()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

impl<K, V> Clone for Flights<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
