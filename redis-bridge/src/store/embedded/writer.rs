//! The one thread that writes.
//!
//! Calls that wait together are committed together: one flush to disk for all of them. When something fails, the calls
//! at hand fail, the database is opened again so that reading goes on, and writing is tried until it works.

use std::{
    collections::VecDeque,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use redb::Database;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    changes::{Changes, Forgetting, Sweep},
    file::{Opener, commit, store_error},
    lives::Lives,
};
use crate::store::{Entry, ErrorKind, ScopeTag, Seal, Space, StoreError};

/// What readers and the writer share.
pub(super) struct Shared {
    /// Why there is none, while there is none.
    pub(super) database: RwLock<Result<Database, StoreError>>,
    pub(super) lives: Lives,
    /// A reader failed: the database must be opened again.
    pub(super) suspect: AtomicBool,
}

/// A call that waits for the writer.
pub(super) struct Queued {
    pub(super) call: Call,
    /// Its room in the queue.
    pub(super) room: OwnedSemaphorePermit,
}

pub(super) enum Call {
    Issue { space: Space, entries: Arc<[Entry]>, seal: Seal, reply: Reply<Vec<u64>> },
    Touch { space: Space, entries: Arc<[Entry]>, seal: Seal, reply: Reply<()> },
    Forget { scope: ScopeTag, reply: Reply<u64> },
    Ready { reply: Reply<()> },
}

pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

pub(super) struct Writer {
    shared: Arc<Shared>,
    calls: Receiver<Queued>,
    open: Opener,
    forgetting: VecDeque<(Forgetting, Reply<u64>)>,
    sweep: Sweep,
    next_sweep: Instant,
    /// Why writing does not work.
    failure: Option<Failure>,
}

struct Failure {
    error: StoreError,
    retry_at: Instant,
    back_off: Duration,
}

/// An answer that waits for the commit.
type Answer = Box<dyn FnOnce(Result<(), StoreError>)>;

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, calls: Receiver<Queued>, open: Opener) -> Self {
        Self {
            shared,
            calls,
            open,
            forgetting: VecDeque::new(),
            sweep: Sweep::default(),
            next_sweep: Instant::now() + SWEEP_PAUSE,
            failure: None,
        }
    }

    /// Until all senders of calls are gone. Returns what closes the file.
    pub(super) fn run(mut self) -> Arc<Shared> {
        while let Some(group) = self.wait() {
            if self.shared.suspect.swap(false, Ordering::Relaxed) && self.failure.is_none() {
                self.fail(unavailable("the store's file could not be read; check its disk"));
            }
            if self.failure.as_ref().is_some_and(|failure| failure.retry_at <= Instant::now()) {
                self.retry();
            }
            self.answer(group);
        }
        self.shared
    }

    /// The calls that wait. None may: then it is time to sweep, to forget some more or to retry.
    fn wait(&self) -> Option<Vec<Queued>> {
        let until = match &self.failure {
            Some(failure) => failure.retry_at,
            None if !self.forgetting.is_empty() => Instant::now(),
            None => self.next_sweep,
        };
        let mut group = Vec::new();
        match self.calls.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(call) => group.push(call),
            Err(RecvTimeoutError::Timeout) => return Some(group),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
        let mut size = 0;
        while size < GROUP_ENTRIES && group.len() < GROUP_CALLS {
            let Ok(call) = self.calls.try_recv() else { break };
            size += call.room.num_permits();
            group.push(call);
        }
        Some(group)
    }

    fn answer(&mut self, group: Vec<Queued>) {
        let mut answers = Vec::with_capacity(group.len());
        let outcome = match &self.failure {
            Some(failure) => {
                answers.extend(group.into_iter().map(|queued| refusal(queued.call)));
                Err(failure.error.clone())
            }
            None => {
                let outcome = caught(|| self.write(group, &mut answers));
                if let Err(error) = &outcome {
                    self.fail(error.clone());
                }
                outcome
            }
        };
        answers.into_iter().for_each(|answer| answer(outcome.clone()));
    }

    /// One transaction. The answers are given once it is durable.
    fn write(&mut self, group: Vec<Queued>, answers: &mut Vec<Answer>) -> Result<(), StoreError> {
        let mut group = group.into_iter();
        let written = self.change(&mut group, answers);
        // Those that it did not come to.
        answers.extend(group.map(|queued| refusal(queued.call)));
        written
    }

    fn change(
        &mut self,
        group: &mut impl Iterator<Item = Queued>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), StoreError> {
        let (forgetting, sweep) = (&mut self.forgetting, &mut self.sweep);
        let mut sweep_budget = 0;
        if self.next_sweep <= Instant::now() {
            self.next_sweep = Instant::now() + SWEEP_PAUSE;
            sweep_budget = SWEEP_IDLE;
        }
        transaction(&self.shared, |changes| {
            for Queued { call, .. } in group {
                match call {
                    // Whoever asked has given up.
                    Call::Issue { reply, .. } if reply.is_closed() => {}
                    Call::Issue { space, entries, seal, reply } => {
                        sweep_budget += entries.len() * SWEEP_PER_ENTRY;
                        let numbers = changes.issue(&space, &entries, &seal);
                        let failed = numbers.as_ref().err().map(store_error);
                        answers.push(answer(reply, numbers.map_err(|error| store_error(&error))));
                        if let Some(error) = failed {
                            return Err(error);
                        }
                    }
                    Call::Touch { reply, .. } if reply.is_closed() => {}
                    Call::Touch { space, entries, seal, reply } => {
                        sweep_budget += entries.len() * SWEEP_PER_ENTRY;
                        let touched =
                            changes.touch(&space, &entries, &seal).map_err(|error| store_error(&error));
                        answers.push(answer(reply, touched.clone()));
                        touched?;
                    }
                    Call::Forget { scope, reply } => match changes.forget(scope) {
                        Ok(forget) => forgetting.push_back((forget, reply)),
                        Err(error) => {
                            let error = store_error(&error);
                            answers.push(answer(reply, Err(error.clone())));
                            return Err(error);
                        }
                    },
                    Call::Ready { reply } => answers.push(answer(reply, Ok(()))),
                }
            }
            if let Some((forget, _)) = forgetting.front_mut()
                && let Some(forgotten) =
                    changes.forget_some(forget, FORGET_MAPPINGS).map_err(|error| store_error(&error))?
                && let Some((_, reply)) = forgetting.pop_front()
            {
                answers.push(answer(reply, Ok(forgotten)));
            }
            changes.sweep(sweep, sweep_budget).map_err(|error| store_error(&error))
        })
    }

    /// Refuses what is under way, and opens the database again: reading goes on.
    fn fail(&mut self, error: StoreError) {
        for (_, reply) in mem::take(&mut self.forgetting) {
            // Whoever asked may have given up.
            let _ = reply.send(Err(error.clone()));
        }
        let back_off =
            self.failure.take().map_or(MIN_BACK_OFF, |failure| failure.back_off * 2).min(MAX_BACK_OFF);
        self.failure = Some(Failure { retry_at: Instant::now() + back_off, error, back_off });
        let mut database = self.shared.database.write().unwrap_or_else(PoisonError::into_inner);
        // The old one must be closed before the file can be opened.
        *database = Err(unavailable("the store's file is being opened again; try again"));
        *database = caught(&mut self.open);
    }

    /// Sweeps, which may make room, and tries whether what a busy transaction writes can be written.
    fn retry(&mut self) {
        let (shared, sweep) = (&self.shared, &mut self.sweep);
        let attempt = caught(|| {
            let step = |change: &mut dyn FnMut(&mut Changes<'_>) -> Result<(), redb::Error>| {
                transaction(shared, |changes| change(changes).map_err(|error| store_error(&error)))
            };
            step(&mut |changes| changes.sweep(sweep, SWEEP_IDLE))?;
            step(&mut |changes| changes.probe(PROBE_LEN))?;
            step(&mut |changes| changes.unprobe())
        });
        match attempt {
            Ok(()) => self.failure = None,
            Err(error) => self.fail(error),
        }
    }
}

/// Makes a change, and commits it if there is something to commit.
fn transaction(
    shared: &Shared,
    change: impl FnOnce(&mut Changes<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let broken = |error: redb::Error| store_error(&error);
    let database = shared.database.read().unwrap_or_else(PoisonError::into_inner);
    let database = database.as_ref().map_err(Clone::clone)?;
    let transaction = database.begin_write().map_err(|error| broken(error.into()))?;
    let mut changes = Changes::begin(&transaction, &shared.lives).map_err(broken)?;
    change(&mut changes)?;
    if changes.finish().map_err(broken)? {
        commit(transaction).map_err(broken)
    } else {
        transaction.abort().map_err(|error| broken(error.into()))
    }
}

/// What is answered when the transaction is through; when it is not, its failure is the answer.
fn answer<T: 'static>(reply: Reply<T>, result: Result<T, StoreError>) -> Answer {
    Box::new(move |outcome| {
        // Whoever asked may have given up.
        let _ = reply.send(outcome.and(result));
    })
}

/// The answer to a call that was not made: the failure.
fn refusal(call: Call) -> Answer {
    let unmade = || unavailable("the store's file could not be written; try again");
    match call {
        Call::Issue { reply, .. } => answer(reply, Err(unmade())),
        Call::Touch { reply, .. } => answer(reply, Err(unmade())),
        Call::Forget { reply, .. } => answer(reply, Err(unmade())),
        Call::Ready { reply } => answer(reply, Err(unmade())),
    }
}

/// A bug in the database, or a damaged file, must not end the thread.
fn caught<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let broken =
        || Err(unavailable("the store's file could not be used; check its disk, then restart the bridge"));
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| broken())
}

pub(super) fn unavailable(message: &str) -> StoreError {
    StoreError { kind: ErrorKind::Unavailable, message: message.to_owned() }
}

/// Most entries in a transaction before it takes no further call.
const GROUP_ENTRIES: usize = 20_000;
/// Most calls in a transaction.
const GROUP_CALLS: usize = 4_096;
/// Most mappings that are forgotten in one transaction.
const FORGET_MAPPINGS: usize = 10_000;
/// How many mappings are looked at for each entry issued: those that expired stay a fraction of those that live.
const SWEEP_PER_ENTRY: usize = 4;
/// How many mappings are looked at after each pause.
const SWEEP_IDLE: usize = 4_096;
const SWEEP_PAUSE: Duration = Duration::from_secs(1);
/// What must be writable after a failure before calls are taken.
const PROBE_LEN: usize = 1 << 20;
const MIN_BACK_OFF: Duration = Duration::from_millis(50);
const MAX_BACK_OFF: Duration = Duration::from_secs(1);
