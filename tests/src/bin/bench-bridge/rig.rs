//! What is measured: a bridge, and the Redis behind it when there is one.

use std::time::Duration;

use e2e::{
    bridge::{Bridge, Settings},
    redis::{Listen, Redis},
};
use tempfile::TempDir;

use crate::Failure;

/// Where a bridge keeps its mappings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Store {
    Redis,
    File,
    Memory,
}

/// A bridge over a store of its own.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) bridge: Bridge,
    pub(crate) redis: Option<Redis>,
    dir: TempDir,
}

/// CPU time that was used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) bridge: Duration,
    pub(crate) redis: Duration,
}

impl Store {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }
}

impl Rig {
    /// The store is empty; Redis listens on a Unix socket and persists nothing.
    pub(crate) fn start(store: Store) -> Result<Self, Failure> {
        let dir = tempfile::Builder::new().prefix("cloakroom-bench-").tempdir()?;
        let redis = (store == Store::Redis).then(|| Redis::start(Listen::Unix, &[]));
        let url = match (&redis, store) {
            (Some(redis), _) => redis.unix_url(),
            (None, Store::Memory) => "memory:".to_owned(),
            (None, _) => format!("file:{}", dir.path().join("mappings.redb").display()),
        };
        // A busy machine is no reason to fail.
        let settings = Settings::over(url).argument("--store-timeout=5s");
        Ok(Self { bridge: Bridge::start(&settings), redis, dir })
    }

    /// CPU time since the start.
    pub(crate) fn used(&self) -> Used {
        let redis = self.redis.as_ref().map_or(Duration::ZERO, |redis| redis.process().cpu());
        Used { bridge: self.bridge.process().cpu(), redis }
    }

    /// Bytes of the store's file.
    pub(crate) fn file_len(&self) -> Result<u64, Failure> {
        Ok(self.dir.path().join("mappings.redb").metadata()?.len())
    }
}

impl Used {
    pub(crate) fn since(self, before: Self) -> Self {
        let bridge = self.bridge.saturating_sub(before.bridge);
        Self { bridge, redis: self.redis.saturating_sub(before.redis) }
    }
}
