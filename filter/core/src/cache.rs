//! Tokens that the bridge issued, kept for a while: a conversation that re-sends its history asks for nothing twice.
//!
//! Entries live in two generations. New ones and those that are used stand in the young one; when it holds half of what is
//! permitted, it becomes the old one, and what was old is dropped. So no entry is ever searched for to be dropped, and
//! the half that was used last is always there.

use crate::detect::KindId;
use crate::mask::Form;
use crate::secret::Secret;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::string::String;
use core::time::Duration;
use core::{fmt, mem};

/// What an entry takes beside its value and token, about.
const OVERHEAD: usize = 96;
/// What a map takes that holds one entry: a node has room for eleven.
const NODE: usize = 768;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CacheLimits {
    /// Most entries; none turns the cache off.
    pub entries: usize,
    /// Most bytes, about.
    pub bytes: usize,
    /// How long a token is kept after it was issued.
    pub ttl: Duration,
}

impl CacheLimits {
    /// Nothing is kept.
    pub const OFF: Self = Self { entries: 0, bytes: 0, ttl: Duration::ZERO };
}

/// The cache of one VM.
pub struct TokenCache {
    limits: CacheLimits,
    young: Generation,
    old: Generation,
}

/// What stands for what: kind, spelling and value.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    /// What the value is.
    pub kind: KindId,
    /// How it was spelled.
    pub form: Form,
    /// The value, or for credentials what stands in its place.
    pub value: &'a [u8],
}

#[derive(Default)]
struct Generation {
    scopes: BTreeMap<String, Scope>,
    entries: usize,
    bytes: usize,
}

/// Nested, so that nothing has to be copied to be looked for.
type Scope = BTreeMap<(KindId, Form), BTreeMap<Secret, Cached>>;

#[derive(Clone)]
struct Cached {
    token: String,
    from: Duration,
    until: Duration,
}

impl TokenCache {
    /// An empty one.
    pub fn new(limits: CacheLimits) -> Self {
        Self { limits, young: Generation::default(), old: Generation::default() }
    }

    /// The token of this value, if it was issued in this scope not too long ago.
    pub fn get(&mut self, scope: &str, key: Key<'_>, now: Duration) -> Option<String> {
        if let Some(cached) = self.young.get(scope, key) {
            return cached.at(now);
        }
        let cached = self.old.get(scope, key)?.clone();
        let token = cached.at(now)?;
        self.put(scope, key, cached);
        Some(token)
    }

    /// Keeps a token that was just issued; at most for `ttl`, if the store says how long it keeps it.
    pub fn insert(&mut self, scope: &str, key: Key<'_>, token: &str, now: Duration, ttl: Option<Duration>) {
        let ttl = ttl.map_or(self.limits.ttl, |ttl| ttl.min(self.limits.ttl));
        self.put(scope, key, Cached { token: token.to_owned(), from: now, until: now.saturating_add(ttl) });
    }

    /// Drops everything of a scope.
    pub fn forget(&mut self, scope: &str) {
        self.young.forget(scope);
        self.old.forget(scope);
    }

    fn put(&mut self, scope: &str, key: Key<'_>, cached: Cached) {
        let size = cached.size(key.value);
        // It may need a scope and a kind of its own.
        let most = size + 2 * NODE + scope.len();
        let (entries, bytes) = (self.limits.entries / 2, self.limits.bytes / 2);
        if entries == 0 || most > bytes {
            return;
        }
        if self.young.entries >= entries || self.young.bytes + most > bytes {
            self.old = mem::take(&mut self.young);
        }
        self.young.put(scope, key, cached, size);
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.young.entries + self.old.entries;
        f.debug_struct("TokenCache").field("entries", &entries).finish_non_exhaustive()
    }
}

impl Cached {
    fn size(&self, value: &[u8]) -> usize {
        OVERHEAD + value.len() + self.token.len()
    }

    /// The token, unless it is too old, or from the future of a clock that was set back.
    fn at(&self, now: Duration) -> Option<String> {
        (self.from <= now && now < self.until).then(|| self.token.clone())
    }
}

impl Generation {
    fn get(&self, scope: &str, key: Key<'_>) -> Option<&Cached> {
        self.scopes.get(scope)?.get(&(key.kind, key.form))?.get(key.value)
    }

    fn put(&mut self, scope: &str, key: Key<'_>, cached: Cached, size: usize) {
        if !self.scopes.contains_key(scope) {
            self.scopes.insert(scope.to_owned(), Scope::new());
            self.bytes += NODE + scope.len();
        }
        let Some(kinds) = self.scopes.get_mut(scope) else { return };
        let values = match kinds.entry((key.kind, key.form)) {
            Entry::Occupied(values) => values.into_mut(),
            Entry::Vacant(free) => {
                self.bytes += NODE;
                free.insert(BTreeMap::new())
            }
        };
        self.bytes += size;
        match values.insert(Secret::new(key.value), cached) {
            Some(before) => self.bytes -= before.size(key.value),
            None => self.entries += 1,
        }
    }

    fn forget(&mut self, scope: &str) {
        let Some(kinds) = self.scopes.remove(scope) else { return };
        self.bytes -= NODE * (1 + kinds.len()) + scope.len();
        for (value, cached) in kinds.into_values().flatten() {
            self.entries -= 1;
            self.bytes -= cached.size(value.expose());
        }
    }
}

#[cfg(test)]
mod tests;
