//! A store, the time it sees, and short ways to call it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use e2e::redis::{Listen, Redis, Reply};
use redis_bridge::store::{
    Entry, Index, KeyCheck, ScopeTag, Seal, Space, Store, StoreError,
    embedded::{Clock, Embedded, Place},
    redis::{Options, Redis as OverRedis},
};
use tempfile::TempDir;

pub(crate) const TTL: Duration = Duration::from_secs(3_600);

/// What a kind of store needs to be tested.
#[async_trait]
pub(crate) trait Fixture: Send + Sync {
    async fn open(&self, checks: Vec<KeyCheck>) -> Result<Arc<dyn Store>, StoreError>;
    /// Whether mappings outlive the store.
    fn survives_restart(&self) -> bool;
    /// Lets this many halves of a TTL pass.
    async fn pass(&self, halves: u32);
}

/// An open store.
pub(crate) struct World {
    fixture: Box<dyn Fixture>,
    store: Option<Arc<dyn Store>>,
}

impl World {
    pub(crate) fn in_a_file() -> Self {
        let folder = TempDir::new().unwrap();
        Self::new(InAFile { path: folder.path().join("store"), _folder: folder, clock: AtClock::default() })
    }

    pub(crate) fn in_memory() -> Self {
        Self::new(InMemory { clock: AtClock::default() })
    }

    pub(crate) fn on_redis() -> Self {
        Self::new(OnRedis { server: Redis::start(Listen::Unix, &[]) })
    }

    pub(crate) async fn store(&mut self) -> Arc<dyn Store> {
        if self.store.is_none() {
            self.store = Some(self.open(checks(1)).await.unwrap());
        }
        Arc::clone(self.store.as_ref().unwrap())
    }

    pub(crate) async fn open(&self, checks: Vec<KeyCheck>) -> Result<Arc<dyn Store>, StoreError> {
        self.fixture.open(checks).await
    }

    pub(crate) fn survives_restart(&self) -> bool {
        self.fixture.survives_restart()
    }

    /// The store opens again at its next use, unless nothing would be left.
    pub(crate) fn restart(&mut self) {
        if self.survives_restart() {
            let store = self.store.take();
            assert!(store.is_none_or(|store| Arc::strong_count(&store) == 1), "a test must not hold it");
        }
    }

    pub(crate) async fn pass(&self, halves: u32) {
        self.fixture.pass(halves).await;
    }

    /// Until all mappings are gone.
    pub(crate) async fn expire(&self) {
        self.pass(3).await;
    }

    fn new(fixture: impl Fixture + 'static) -> Self {
        Self { fixture: Box::new(fixture), store: None }
    }
}

struct InAFile {
    path: PathBuf,
    _folder: TempDir,
    clock: AtClock,
}

#[async_trait]
impl Fixture for InAFile {
    async fn open(&self, checks: Vec<KeyCheck>) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(Embedded::open(Place::File(self.path.clone()), TTL, checks, self.clock.clock())?))
    }

    fn survives_restart(&self) -> bool {
        true
    }

    async fn pass(&self, halves: u32) {
        self.clock.advance(TTL / 2 * halves);
    }
}

struct InMemory {
    clock: AtClock,
}

#[async_trait]
impl Fixture for InMemory {
    async fn open(&self, checks: Vec<KeyCheck>) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(Embedded::open(Place::Memory, TTL, checks, self.clock.clock())?))
    }

    fn survives_restart(&self) -> bool {
        false
    }

    async fn pass(&self, halves: u32) {
        self.clock.advance(TTL / 2 * halves);
    }
}

struct OnRedis {
    server: Redis,
}

/// Takes this many ms off the life of every mapping. Counters, which live longer, are left alone.
const AGE: &str = "
local cursor = '0'
repeat
  local page = redis.call('SCAN', cursor, 'MATCH', 'cr:{*}:[it]:*', 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    redis.call('PEXPIRE', key, redis.call('PTTL', key) - ARGV[1])
  end
until cursor == '0'";

#[async_trait]
impl Fixture for OnRedis {
    async fn open(&self, checks: Vec<KeyCheck>) -> Result<Arc<dyn Store>, StoreError> {
        let timeout = Duration::from_secs(10);
        let options = Options {
            url: self.server.url(),
            ttl: TTL,
            timeout,
            allow_eviction: false,
            tls: None,
            seal_mark: Vec::new(),
        };
        Ok(Arc::new(OverRedis::connect(options, checks).await?))
    }

    fn survives_restart(&self) -> bool {
        true
    }

    async fn pass(&self, halves: u32) {
        let by = (TTL / 2 * halves).as_millis().to_string();
        assert_eq!(self.server.command(&["EVAL", AGE, "0", &by]), Reply::Nil);
    }
}

/// A clock that a test sets.
#[derive(Clone)]
pub(crate) struct AtClock(Arc<AtomicU64>);

impl AtClock {
    pub(crate) fn clock(&self) -> Clock {
        let now = Arc::clone(&self.0);
        Arc::new(move || now.load(Relaxed))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as u64, Relaxed);
    }

    pub(crate) fn set_back(&self, by: Duration) {
        self.0.fetch_sub(by.as_millis() as u64, Relaxed);
    }
}

impl Default for AtClock {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(1_700_000_000_000)))
    }
}

pub(crate) fn checks(byte: u8) -> Vec<KeyCheck> {
    ["index:a", "seal:a"].map(|id| KeyCheck { id: id.to_owned(), mac: [byte; 16] }).into()
}

pub(crate) fn space(scope: u8, kind: &str) -> Space {
    Space { scope: scope_tag(scope), kind: kind.to_owned() }
}

pub(crate) fn scope_tag(scope: u8) -> ScopeTag {
    ScopeTag([scope; 12])
}

/// The look-up key of a value under the index key of this generation.
pub(crate) fn index(generation: u8, value: u64) -> Index {
    let mut index = [generation; 16];
    index[8..].copy_from_slice(&value.to_be_bytes());
    Index(index)
}

pub(crate) fn entry(value: u64, keep: bool) -> Entry {
    Entry { indexes: vec![index(0, value)], keep }
}

/// Entries of these values, to be kept.
pub(crate) fn entries(values: impl IntoIterator<Item = u64>) -> Arc<[Entry]> {
    values.into_iter().map(|value| entry(value, true)).collect()
}

/// Seals nothing, but tells which number it was asked for.
pub(crate) fn seal() -> Seal {
    Arc::new(|_, number| Some(format!("sealed {number}").into_bytes()))
}

pub(crate) fn sealed(number: u64) -> Option<Vec<u8>> {
    seal()(0, number)
}
