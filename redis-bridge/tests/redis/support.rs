//! A store on a server, and values for it.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use e2e::redis::{Listen, Redis};
use redis_bridge::store::{
    Entry, ErrorKind, Index, KeyCheck, ScopeTag, Seal, Space, Store as _, StoreError,
    redis::{Options, Redis as Store},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, UnixStream},
    task::AbortHandle,
};

pub(crate) const TTL: Duration = Duration::from_secs(3600);
/// Long enough for a busy machine.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(5);
/// "Recovery within seconds".
const DEADLINE: Duration = Duration::from_secs(20);

/// A server that persists nothing, on a Unix socket.
pub(crate) fn redis() -> Redis {
    Redis::start(Listen::Unix, &[])
}

pub(crate) fn options(url: String) -> Options {
    Options { url, ttl: TTL, timeout: TIME_LIMIT, allow_eviction: false, tls: None, seal_mark: Vec::new() }
}

pub(crate) async fn store(redis: &Redis) -> Store {
    connect(options(redis.url())).await.unwrap()
}

/// A store that gives up soon.
pub(crate) async fn hasty_store(redis: &Redis) -> Store {
    connect(Options { timeout: Duration::from_millis(300), ..options(redis.url()) }).await.unwrap()
}

pub(crate) async fn connect(options: Options) -> Result<Store, StoreError> {
    Store::connect(options, checks(1)).await
}

/// Keys of the same ids; others for another `byte`.
pub(crate) fn checks(byte: u8) -> Vec<KeyCheck> {
    ["seal:a", "index:a", "scope:a"].map(|id| KeyCheck { id: id.to_owned(), mac: [byte; 16] }).into()
}

pub(crate) fn space(scope: u8) -> Space {
    Space { scope: ScopeTag([scope; 12]), kind: "EC2".to_owned() }
}

pub(crate) fn index(key: u8, value: u64) -> Index {
    let mut index = [key; 16];
    index[..8].copy_from_slice(&value.to_le_bytes());
    Index(index)
}

/// Kept values, found by one index each.
pub(crate) fn entries(values: impl IntoIterator<Item = u64>) -> Arc<[Entry]> {
    values.into_iter().map(|value| Entry { indexes: vec![index(1, value)], keep: true }).collect()
}

/// Bytes that tell for which number they were made.
pub(crate) fn seal() -> Seal {
    Arc::new(|_, number| Some(sealed(number)))
}

pub(crate) fn sealed(number: u64) -> Vec<u8> {
    format!("sealed for {number}").into_bytes()
}

pub(crate) async fn issue(
    store: &Store,
    space: &Space,
    values: impl IntoIterator<Item = u64>,
) -> Result<Vec<u64>, StoreError> {
    store.issue(space, entries(values), seal()).await
}

/// The kind of failure of getting a number for this value; `None` when there is a number.
pub(crate) async fn failure(store: &Store, value: u64) -> Option<ErrorKind> {
    issue(store, &space(1), [value]).await.err().map(|error| error.kind)
}

/// Waits until the store issues again.
pub(crate) async fn until_issued(store: &Store, space: &Space, value: u64) -> u64 {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match issue(store, space, [value]).await {
            Ok(numbers) => return numbers[0],
            Err(error) => assert!(Instant::now() < deadline, "no recovery: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the store is, or is not, ready for this reason.
pub(crate) async fn until_ready(store: &Store, expected: Result<(), ErrorKind>) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let ready = store.ready().await;
        if ready.clone().map_err(|error| error.kind) == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{ready:?} instead of {expected:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Notes which number stands for which value, and fails when one stands for two.
#[derive(Default)]
pub(crate) struct Seen(HashMap<u64, u64>);

impl Seen {
    pub(crate) fn note(&mut self, values: impl IntoIterator<Item = u64>, numbers: &[u64]) {
        for (value, &number) in values.into_iter().zip(numbers) {
            let known = *self.0.entry(number).or_insert(value);
            assert_eq!(known, value, "the number {number} was given to two values");
        }
    }
}

/// A TCP port behind which one server takes another's place.
pub(crate) struct Forwarder {
    port: u16,
    target: Arc<Mutex<PathBuf>>,
    task: AbortHandle,
}

impl Forwarder {
    pub(crate) async fn to(redis: &Redis) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new(Mutex::new(redis.socket()));
        let chosen = Arc::clone(&target);
        let forward = async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let socket = chosen.lock().unwrap().clone();
                tokio::spawn(async move {
                    if let Ok(mut server) = UnixStream::connect(socket).await {
                        // Ends when either side does.
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        };
        Self { port, target, task: tokio::spawn(forward).abort_handle() }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// New connections go to this server.
    pub(crate) fn switch_to(&self, redis: &Redis) {
        *self.target.lock().unwrap() = redis.socket();
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}
