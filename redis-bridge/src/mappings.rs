//! What callers ask for, put to a store: values become indexes and sealed bytes on the way in, and values again on the
//! way out.
//!
//! Identical calls that are in flight at the same time are one call to the store: a new value that 64 clients paste at the
//! same time costs as much as one.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

use bridge_api::{IssueValue, names};
use futures_util::future::try_join_all;
use zeroize::Zeroizing;

use self::flights::Flights;
use crate::{
    store::{Entry, ErrorKind, Index, ScopeTag, Seal, Space, Store, StoreError},
    vault::Vault,
};

mod flights;

/// A store, and the keys to it.
#[derive(Clone)]
pub struct Mappings {
    vault: Arc<Vault>,
    store: Arc<dyn Store>,
    ttl: Duration,
    issuing: Flights<Job, Arc<[u64]>>,
}

/// What is asked of the store, without the values.
type Job = (Space, Arc<[Entry]>);

/// The values of one kind in one call.
struct Batch {
    space: Space,
    entries: Vec<Entry>,
    values: Vec<Zeroizing<String>>,
    known: HashMap<Index, usize>,
}

impl Mappings {
    /// Keeps mappings in `store`, which was opened with this vault's checks and this TTL.
    pub fn new(vault: Arc<Vault>, store: Arc<dyn Store>, ttl: Duration) -> Self {
        Self { vault, store, ttl, issuing: Flights::default() }
    }

    /// How long a mapping lives from its last use.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// The tokens of these values, existing or new, in their order. Kinds and scope must be valid [`names`].
    ///
    /// # Errors
    /// [`StoreError`]; some tokens may have been issued all the same.
    pub async fn issue(&self, scope: &str, values: &[IssueValue<'_>]) -> Result<Vec<String>, StoreError> {
        let scope = self.vault.scope(scope);
        let mut batches: BTreeMap<&str, Batch> = BTreeMap::new();
        let mut places = Vec::with_capacity(values.len());
        for IssueValue { kind, value, keep } in values {
            let batch = batches.entry(kind).or_insert_with(|| Batch::new(scope, kind));
            places.push(batch.add(&self.vault, value, *keep));
        }
        let calls = batches
            .into_iter()
            .map(|(kind, batch)| async move { Ok::<_, StoreError>((kind, self.numbers(batch).await?)) });
        let numbers: BTreeMap<&str, Arc<[u64]>> = try_join_all(calls).await?.into_iter().collect();
        let token = |(IssueValue { kind, .. }, place): (&IssueValue<'_>, usize)| {
            let number = numbers.get(kind.as_ref()).and_then(|numbers| numbers.get(place));
            number.filter(|number| **number <= names::MAX_NUMBER).map(|number| names::token(kind, *number))
        };
        values.iter().zip(places).map(|pair| token(pair).ok_or_else(exhausted)).collect()
    }

    /// The values of these tokens, in their order; `None` for what this scope did not issue, has forgotten, or does not
    /// keep.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn restore(
        &self,
        scope: &str,
        tokens: &[Cow<'_, str>],
    ) -> Result<Vec<Option<String>>, StoreError> {
        let scope = self.vault.scope(scope);
        let mut asked: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        let parsed: Vec<Option<(&str, u64)>> = tokens.iter().map(|token| names::parse_token(token)).collect();
        for (kind, number) in parsed.iter().flatten() {
            asked.entry(kind).or_default().push(*number);
        }
        let calls = asked.into_iter().map(|(kind, numbers)| self.values(scope, kind, numbers));
        let values: HashMap<(&str, u64), Zeroizing<String>> =
            try_join_all(calls).await?.into_iter().flatten().collect();
        let value = |token: Option<(&str, u64)>| values.get(&token?).map(|value| value.to_string());
        Ok(parsed.into_iter().map(value).collect())
    }

    /// Forgets the mappings of a scope. How many there were.
    ///
    /// Goes on when the caller leaves.
    ///
    /// # Errors
    /// [`StoreError`]; some may have been forgotten all the same.
    pub async fn forget(&self, scope: &str) -> Result<u64, StoreError> {
        let (store, scope) = (Arc::clone(&self.store), self.vault.scope(scope));
        // A task of its own, but never joined to one under way, which may have passed what came since.
        let forgetting = tokio::spawn(async move { store.forget(scope).await });
        forgetting.await.unwrap_or_else(|_| Err(unavailable("the call to the store was ended")))
    }

    /// Whether calls would succeed now.
    ///
    /// # Errors
    /// [`StoreError`] tells why not.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.store.ready().await
    }

    /// The numbers of a batch; of identical batches in flight only the first goes to the store.
    async fn numbers(&self, batch: Batch) -> Result<Arc<[u64]>, StoreError> {
        let job: Job = (batch.space, batch.entries.into());
        let Self { vault, store, .. } = self.clone();
        let call = {
            let (space, entries) = job.clone();
            move || async move {
                let seal = seal(vault, space.clone(), Arc::clone(&entries), batch.values);
                match store.issue(&space, Arc::clone(&entries), seal).await? {
                    numbers if numbers.len() == entries.len() => Ok(numbers.into()),
                    _ => Err(unavailable("the store gave another count of numbers than it was asked for")),
                }
            }
        };
        self.issuing.join(job, call).await
    }

    /// What of these numbers is kept. Being restored is a use: the mappings live on.
    async fn values<'a>(
        &self,
        scope: ScopeTag,
        kind: &'a str,
        numbers: Vec<u64>,
    ) -> Result<Vec<((&'a str, u64), Zeroizing<String>)>, StoreError> {
        let mut used = Batch::new(scope, kind);
        let sealed = self.store.sealed(&used.space, &numbers).await?;
        let mut values = Vec::with_capacity(numbers.len());
        for (number, sealed) in numbers.into_iter().zip(sealed) {
            let Some(sealed) = sealed else { continue };
            let Some(value) = self.vault.open(&used.space, number, &sealed) else {
                tracing::error!(kind, "a sealed value cannot be opened: its key is gone, or it was changed");
                continue;
            };
            used.add(&self.vault, &value, true);
            values.push(((kind, number), value));
        }
        if !values.is_empty() {
            self.touch(used).await;
        }
        Ok(values)
    }

    /// Has these mappings live on where they still live. Whether that works is nothing to whoever has the values.
    async fn touch(&self, batch: Batch) {
        let entries: Arc<[Entry]> = batch.entries.into();
        let seal = seal(Arc::clone(&self.vault), batch.space.clone(), Arc::clone(&entries), batch.values);
        if let Err(error) = self.store.touch(&batch.space, entries, seal).await {
            // The store's trouble is told elsewhere; this would be a line for each restore.
            tracing::debug!(%error, "mappings in use could not be prolonged");
        }
    }
}

impl fmt::Debug for Mappings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mappings").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Batch {
    fn new(scope: ScopeTag, kind: &str) -> Self {
        let space = Space { scope, kind: kind.to_owned() };
        Self { space, entries: Vec::new(), values: Vec::new(), known: HashMap::new() }
    }

    /// Adds a value unless it is there; returns its place.
    fn add(&mut self, vault: &Vault, value: &str, keep: bool) -> usize {
        let indexes = vault.indexes(&self.space, value);
        let next = self.entries.len();
        let place = match indexes.first() {
            Some(first) => *self.known.entry(*first).or_insert(next),
            None => next,
        };
        match self.entries.get_mut(place) {
            Some(entry) => entry.keep |= keep,
            None => {
                self.entries.push(Entry { indexes, keep });
                self.values.push(Zeroizing::new(value.to_owned()));
            }
        }
        place
    }
}

/// Seals those of the values that are to be kept.
fn seal(vault: Arc<Vault>, space: Space, entries: Arc<[Entry]>, values: Vec<Zeroizing<String>>) -> Seal {
    Arc::new(move |at, number| {
        let value = values.get(at).filter(|_| entries.get(at).is_some_and(|entry| entry.keep))?;
        vault.seal(&space, number, value)
    })
}

fn unavailable(message: &str) -> StoreError {
    StoreError { kind: ErrorKind::Unavailable, message: message.to_owned() }
}

fn exhausted() -> StoreError {
    StoreError { kind: ErrorKind::Full, message: "the numbers of a kind in a scope are used up".to_owned() }
}

#[cfg(test)]
mod tests;
