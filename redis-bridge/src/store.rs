//! Where mappings are kept. One contract, two implementations: [`redis`] and [`embedded`].
//!
//! A store knows numbers, look-up keys and sealed bytes. It never sees a value, the name of a scope, or a key.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use async_trait::async_trait;

pub mod embedded;
pub mod redis;

/// Makes the sealed bytes of the entry at this position, once its number is known. `None` where the value is not kept.
///
/// The number is part of what is authenticated, so a store cannot swap two values.
pub type Seal = Arc<dyn Fn(usize, u64) -> Option<Vec<u8>> + Send + Sync>;

/// Which scope, as a keyed hash of its name.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ScopeTag(pub [u8; 12]);

/// The look-up key of a value: a keyed hash of scope, kind and value.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Index(pub [u8; 16]);

/// Where numbers are counted: one kind in one scope.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Space {
    /// Whose.
    pub scope: ScopeTag,
    /// As on the wire: `EC2`.
    pub kind: String,
}

/// One value to get or create a number for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Entry {
    /// Its look-up key under every index key there is, the active one first. Never empty; all entries of a call have
    /// equally many.
    pub indexes: Vec<Index>,
    /// False: only the number is kept.
    pub keep: bool,
}

/// What a store must do.
///
/// * **One number, one value.** In a space, a number is given to one value and to no other: not after the value expired,
///   not after the scope was forgotten. A counter outlives every number it gave, by another TTL at least.
/// * **One value, one number** as long as it lives: from concurrent calls, too. New numbers have no gaps and follow the
///   order of the entries within a call.
/// * A value is found by any of its indexes; from then on it is found by the first one as well.
/// * From its last [`issue`](Self::issue), a mapping lives for the store's TTL at least and for four thirds of it at most.
///   Then both directions are gone.
/// * What was answered is durable, as far as the store can promise.
/// * Each step of a call ends within the store's time limit, and a store recovers by itself after a failure.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// The numbers of these entries, existing or new, in their order. No two entries have an index in common; there may
    /// be many thousands of them.
    ///
    /// For an entry that is to be kept, `seal` has made bytes that are stored under the number when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; some numbers may have been given all the same, and are found by the next call.
    async fn issue(&self, space: &Space, entries: Arc<[Entry]>, seal: Seal) -> Result<Vec<u64>, StoreError>;

    /// Prolongs the lives of these entries, as [`issue`](Self::issue) does, where they live; creates nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn touch(&self, space: &Space, entries: Arc<[Entry]>, seal: Seal) -> Result<(), StoreError>;

    /// The sealed bytes of these numbers, in their order; `None` for what is unknown, expired or not kept.
    /// Does not prolong lives.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn sealed(&self, space: &Space, numbers: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Forgets all mappings of a scope that there were when the call began; its counters stay. How many there were; while
    /// index keys rotate, a value may count once for each.
    ///
    /// # Errors
    /// [`StoreError`]; some may have been forgotten all the same.
    async fn forget(&self, scope: ScopeTag) -> Result<u64, StoreError>;

    /// Whether calls would succeed now.
    ///
    /// # Errors
    /// [`StoreError`] tells why not.
    async fn ready(&self) -> Result<(), StoreError>;
}

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreError {
    /// What sort of failure.
    pub kind: ErrorKind,
    /// For the log, in one sentence. Holds no value, scope or key.
    pub message: String,
}

/// Sorts of failures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// No memory or disk space is left.
    Full,
    /// It must not be used as it is: its eviction policy, its version, or keys that are not ours. Somebody has to act.
    Unsound,
    /// It cannot be reached, does not answer in time, or takes no writes. May pass by itself.
    Unavailable,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}

/// What a key does to a constant: tells, without telling the key, whether a store was written with the same one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyCheck {
    /// The key's id, with what it is for: `seal:k1`.
    pub id: String,
    /// What it makes of the constant.
    pub mac: [u8; 16],
}

/// Compares our keys with those a store was written with; returns what the store does not know yet.
///
/// # Errors
/// [`ErrorKind::Unsound`] when a key of the same id is another one, or when a store that has keys of a purpose has
/// none of ours.
pub fn compare_keys<'a>(
    known: &BTreeMap<String, Vec<u8>>,
    ours: &'a [KeyCheck],
) -> Result<Vec<&'a KeyCheck>, StoreError> {
    let unsound = |message| Err(StoreError { kind: ErrorKind::Unsound, message });
    if let Some(other) = ours.iter().find(|check| known.get(&check.id).is_some_and(|mac| *mac != check.mac)) {
        return unsound(format!(
            "the key `{}` is not the one that the store was written with; give the bridge the keys it had, or an empty \
             store",
            other.id
        ));
    }
    let shared: BTreeSet<&str> =
        ours.iter().filter(|check| known.contains_key(&check.id)).map(|check| purpose(&check.id)).collect();
    if let Some(foreign) = known.keys().map(|id| purpose(id)).find(|purpose| !shared.contains(purpose)) {
        return unsound(format!(
            "the store was written with {foreign} keys that the bridge does not have; give it one of them, or an empty \
             store"
        ));
    }
    Ok(ours.iter().filter(|check| !known.contains_key(&check.id)).collect())
}

/// What a key is for: `seal` of `seal:k1`.
fn purpose(id: &str) -> &str {
    id.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, byte: u8) -> KeyCheck {
        KeyCheck { id: id.to_owned(), mac: [byte; 16] }
    }

    #[test]
    fn keys_are_compared_by_id_and_by_purpose() {
        let known =
            |checks: &[KeyCheck]| checks.iter().map(|check| (check.id.clone(), check.mac.to_vec())).collect();
        let ours = written();
        assert_eq!(compare_keys(&known(&[]), &ours), Ok(ours.iter().collect()));
        assert_eq!(compare_keys(&known(&ours), &ours), Ok(Vec::new()));

        let rotated = [ours[0].clone(), check("seal:b", 4), ours[1].clone(), ours[2].clone()];
        assert_eq!(compare_keys(&known(&ours), &rotated), Ok(vec![&rotated[1]]), "a second key is added");
        assert_eq!(
            compare_keys(&known(&rotated), &ours),
            Ok(Vec::new()),
            "a bridge that does not have it yet"
        );

        for (changed, named) in [(check("seal:a", 9), "`seal:a`"), (check("seal:z", 1), "seal keys")] {
            let ours = [changed, ours[1].clone(), ours[2].clone()];
            let error = compare_keys(&known(&written()), &ours).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unsound);
            assert!(error.message.contains(named), "{error}");
        }
    }

    fn written() -> [KeyCheck; 3] {
        [check("seal:a", 1), check("index:a", 2), check("scope:a", 3)]
    }
}
