//! Mappings in a file, or in memory.
//!
//! ```text
//! issue ─▶ all there and fresh? ─ yes ─▶ answered by reading
//! touch ─▶ all gone or fresh? ─── yes ─▶ answered by reading
//!                │ no
//! forget ───────▶└─▶ queue ─▶ one thread that writes: many calls, one transaction, one flush, then the answers
//! ```
//!
//! Only the writing thread gives numbers, and it looks again before it does: whoever asks at the same time gets the same
//! number. A mapping is written again once less than a TTL of its life is left, so most uses of it write nothing.
//! Numbers never depend on the clock, and the store's time never runs backwards.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use redb::Database;
use tokio::{
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
    time::timeout,
};

use super::{Entry, ErrorKind, KeyCheck, ScopeTag, Seal, Space, Store, StoreError};
use file::Opener;
use lives::Lives;
pub use lives::{Clock, system_clock};
use writer::{Call, Queued, Reply, Shared, Writer, unavailable};

mod changes;
mod file;
mod lives;
mod reads;
mod tables;
mod writer;

/// Where an embedded store keeps its mappings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// In this file, which belongs to one process at a time.
    File(PathBuf),
    /// Nowhere: a restart forgets all mappings, and the counters with them.
    Memory,
}

/// A store without a server.
///
/// A mapping that is not used lives for a TTL at least and for four thirds of it at most. Dropping the store closes its
/// file.
pub struct Embedded {
    shared: Arc<Shared>,
    /// `None` only while dropped.
    calls: Option<mpsc::Sender<Queued>>,
    /// Room in the queue, in entries.
    room: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    limit: Duration,
    closed: Mutex<mpsc::Receiver<()>>,
}

impl Embedded {
    /// Opens the store, or creates it. Reads the whole file once, to see that it is sound.
    ///
    /// # Errors
    /// When the file is damaged, is not a store, is in use or cannot be written, or was written with other keys.
    pub fn open(
        place: Place,
        ttl: Duration,
        checks: Vec<KeyCheck>,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let opener = match place {
            Place::File(path) => file::file(path),
            Place::Memory => file::memory(),
        };
        Self::open_with(opener, ttl, &checks, clock, CALL_LIMIT)
    }

    fn open_with(
        mut open: Opener,
        ttl: Duration,
        checks: &[KeyCheck],
        clock: Clock,
        limit: Duration,
    ) -> Result<Self, StoreError> {
        let database = open()?;
        let mark = file::prepare(&database, checks)?;
        let shared = Arc::new(Shared {
            database: RwLock::new(Ok(database)),
            lives: Lives::new(clock, ttl, mark),
            suspect: AtomicBool::new(false),
        });
        let (calls, waiting) = mpsc::channel();
        let (close, closed) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&shared), waiting, open);
        let run = move || {
            let shared = writer.run();
            *shared.database.write().unwrap_or_else(PoisonError::into_inner) = Err(stopped());
            // Nobody may wait.
            let _ = close.send(());
        };
        thread::Builder::new().name("store-writer".to_owned()).spawn(run).map_err(|error| {
            unavailable(&format!("the store's thread cannot be started: {error}; try again"))
        })?;
        Ok(Self {
            shared,
            calls: Some(calls),
            room: Arc::new(Semaphore::new(QUEUE_ENTRIES)),
            reads: Arc::new(Semaphore::new(MAX_READS)),
            limit,
            closed: Mutex::new(closed),
        })
    }

    /// Runs `read` where it may block.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Database, &Lives) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(&self.reads).acquire_owned().await.map_err(|_| stopped())?;
        let shared = Arc::clone(&self.shared);
        let reading = spawn_blocking(move || {
            // Held for as long as the thread is, even if nobody waits for it any more.
            let _turn = turn;
            let database = shared.database.read().unwrap_or_else(PoisonError::into_inner);
            read(database.as_ref().map_err(Clone::clone)?, &shared.lives)
                .map_err(|error| file::store_error(&error))
        });
        let outcome =
            reading.await.unwrap_or_else(|_| Err(unavailable("the store's file could not be read")));
        if outcome.is_err() {
            self.shared.suspect.store(true, Ordering::Relaxed);
        }
        outcome
    }

    /// Has the writer make a call that takes this much room in its queue.
    async fn write<T>(&self, room: usize, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, StoreError> {
        let room = u32::try_from(room.clamp(1, QUEUE_ENTRIES)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(room).await.map_err(|_| stopped())?;
        let (reply, answer) = oneshot::channel();
        let calls = self.calls.as_ref().ok_or_else(stopped)?;
        calls.send(Queued { call: call(reply), room }).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    async fn within_limit<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let slow = || Err(unavailable("the store's file did not answer in time; check its disk"));
        timeout(self.limit, call).await.unwrap_or_else(|_| slow())
    }
}

#[async_trait]
impl Store for Embedded {
    async fn issue(&self, space: &Space, entries: Arc<[Entry]>, seal: Seal) -> Result<Vec<u64>, StoreError> {
        let call = async {
            if entries.is_empty() {
                return Ok(Vec::new());
            }
            let (read_space, read_entries) = (space.clone(), Arc::clone(&entries));
            let read =
                move |database: &_, lives: &_| reads::issued(database, lives, &read_space, &read_entries);
            match self.read(read).await? {
                Some(numbers) => Ok(numbers),
                None => {
                    let space = space.clone();
                    self.write(entries.len(), |reply| Call::Issue { space, entries, seal, reply }).await
                }
            }
        };
        self.within_limit(call).await
    }

    async fn touch(&self, space: &Space, entries: Arc<[Entry]>, seal: Seal) -> Result<(), StoreError> {
        let call = async {
            let (read_space, read_entries) = (space.clone(), Arc::clone(&entries));
            let read =
                move |database: &_, lives: &_| reads::is_touched(database, lives, &read_space, &read_entries);
            if self.read(read).await? {
                return Ok(());
            }
            let space = space.clone();
            self.write(entries.len(), |reply| Call::Touch { space, entries, seal, reply }).await
        };
        self.within_limit(call).await
    }

    async fn sealed(&self, space: &Space, numbers: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let (space, numbers) = (space.clone(), numbers.to_vec());
        let read = move |database: &_, lives: &_| reads::sealed(database, lives, &space, &numbers);
        self.within_limit(self.read(read)).await
    }

    async fn forget(&self, scope: ScopeTag) -> Result<u64, StoreError> {
        self.within_limit(self.write(1, |reply| Call::Forget { scope, reply })).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.within_limit(self.write(1, |reply| Call::Ready { reply })).await
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // The writer ends when nobody can call it any more. A disk that hangs must not keep the process.
        self.calls = None;
        let closed = self.closed.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = closed.recv_timeout(self.limit);
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").finish_non_exhaustive()
    }
}

fn stopped() -> StoreError {
    StoreError { kind: ErrorKind::Unavailable, message: "the store is closed; restart the bridge".to_owned() }
}

/// The time limit of every call.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// Most entries that wait for the writer; further calls wait for room, within their time limit.
const QUEUE_ENTRIES: usize = 200_000;
/// Most threads that read.
const MAX_READS: usize = 32;

#[cfg(test)]
mod tests;
