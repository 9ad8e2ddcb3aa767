//! What the provider received, exactly, and whether its answer got out.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::Engine as _;
use http::{HeaderMap, request::Parts};
use serde_json::json;
use tokio::sync::Notify;

/// How a body, in either direction, came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has not ended yet.
    Open,
    /// It ended as it should.
    Complete,
    /// The peer went away, or the stream was reset, before the end.
    Cut,
}

impl End {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Cut => "cut",
        }
    }
}

/// One request, as it arrived. `Debug` shows it as one line of JSON.
#[derive(Clone)]
pub struct Recorded {
    /// Which connection it came on, counted from 1.
    pub connection: usize,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// The method.
    pub method: String,
    /// `:scheme`; HTTP/1.1 has none.
    pub scheme: Option<String>,
    /// `:authority`, or what an absolute HTTP/1.1 target says.
    pub authority: Option<String>,
    /// Path and query, as sent.
    pub path: String,
    /// Every header: names in lower case, values as bytes. `host` is among them on HTTP/1.1.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body until now.
    pub body: Vec<u8>,
    /// Trailers of the request.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Whether the request's body is all there.
    pub end: End,
    /// Whether the answer got out whole.
    pub answer: End,
}

impl Recorded {
    /// Who the request was for: `:authority`, else `host`.
    pub fn host(&self) -> Option<String> {
        self.authority.clone().or_else(|| self.header("host"))
    }

    /// The value of a header that must be there once; bytes outside UTF-8 are replaced.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut values = self.headers.iter().filter(|(n, _)| n == name);
        let value = values.next().map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        if values.next().is_some() { None } else { value }
    }

    /// The names of all headers, sorted, each once.
    pub fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The body as text; bytes outside UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The one line of JSON that `--record` writes.
    ///
    /// `body` is text when `body_encoding` is `utf-8`, else base64; header values are read as Latin-1, which loses no byte.
    fn to_json(&self) -> String {
        let (body, encoding) = match str::from_utf8(&self.body) {
            Ok(text) => (text.to_owned(), "utf-8"),
            Err(_) => (base64::engine::general_purpose::STANDARD.encode(&self.body), "base64"),
        };
        let latin1 = |headers: &[(String, Vec<u8>)]| -> Vec<(String, String)> {
            headers.iter().map(|(n, v)| (n.clone(), v.iter().copied().map(char::from).collect())).collect()
        };
        json!({
            "connection": self.connection,
            "version": self.version,
            "method": self.method,
            "scheme": self.scheme,
            "authority": self.authority,
            "path": self.path,
            "headers": latin1(&self.headers),
            "body": body,
            "body_encoding": encoding,
            "trailers": latin1(&self.trailers),
            "end": self.end.name(),
        })
        .to_string()
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

/// All requests, in the order in which their heads arrived.
#[derive(Debug)]
pub struct Records {
    log: Mutex<Log>,
    connections: AtomicUsize,
    keep: bool,
    changed: Notify,
}

#[derive(Debug)]
struct Log {
    requests: Vec<Arc<Mutex<Recorded>>>,
    file: Option<File>,
}

impl Records {
    pub(super) fn new(file: Option<&Path>, keep: bool) -> io::Result<Self> {
        let file = match file {
            Some(path) => Some(OpenOptions::new().create(true).append(true).open(path)?),
            None => None,
        };
        Ok(Self {
            log: Mutex::new(Log { requests: Vec::new(), file }),
            connections: AtomicUsize::new(0),
            keep,
            changed: Notify::new(),
        })
    }

    /// A copy of every request until now.
    pub fn all(&self) -> Vec<Recorded> {
        lock(&self.log).requests.iter().map(|request| lock(request).clone()).collect()
    }

    /// A copy of every request whose header [`KEY_HEADER`](super::KEY_HEADER) is `key`.
    pub fn of(&self, key: &str) -> Vec<Recorded> {
        let mut all = self.all();
        all.retain(|request| request.header(super::KEY_HEADER).as_deref() == Some(key));
        all
    }

    /// How many connections were accepted, also those on which nothing came.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until the requests with this key are as `ready` wants them, and returns them. Bound it with a deadline.
    pub async fn wait(&self, key: &str, ready: impl Fn(&[Recorded]) -> bool) -> Vec<Recorded> {
        loop {
            let changed = self.changed.notified();
            let found = self.of(key);
            if ready(&found) {
                return found;
            }
            changed.await;
        }
    }

    pub(super) fn connected(&self) -> usize {
        self.connections.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Notes a request's head. Its connection is closed when `disconnect` is notified.
    pub(super) fn begin(
        self: &Arc<Self>,
        head: &Parts,
        connection: usize,
        disconnect: &Arc<Notify>,
    ) -> Answering {
        let recorded = Arc::new(Mutex::new(Recorded {
            connection,
            version: format!("{:?}", head.version),
            method: head.method.to_string(),
            scheme: head.uri.scheme_str().map(str::to_owned),
            authority: head.uri.authority().map(ToString::to_string),
            path: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
            headers: list(&head.headers),
            body: Vec::new(),
            trailers: Vec::new(),
            end: End::Open,
            answer: End::Open,
        }));
        if self.keep {
            lock(&self.log).requests.push(Arc::clone(&recorded));
        }
        self.changed.notify_waiters();
        Answering { recorded, records: Arc::clone(self), disconnect: Arc::clone(disconnect) }
    }
}

/// A request that is being served: through it, the record is brought up to date.
///
/// When the last handle of the answer's body goes away before [`sent`](Self::sent), the answer counts as cut.
#[derive(Debug)]
pub(super) struct Answering {
    recorded: Arc<Mutex<Recorded>>,
    records: Arc<Records>,
    disconnect: Arc<Notify>,
}

impl Answering {
    pub(super) fn body_writer(&self) -> BodyWriter {
        BodyWriter { recorded: Arc::clone(&self.recorded), records: Arc::clone(&self.records) }
    }

    pub(super) fn recorded(&self) -> Recorded {
        lock(&self.recorded).clone()
    }

    pub(super) fn sent(&self) {
        lock(&self.recorded).answer = End::Complete;
        self.records.changed.notify_waiters();
    }

    pub(super) fn disconnect(&self) {
        self.disconnect.notify_one();
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut recorded = lock(&self.recorded);
        if recorded.answer == End::Open {
            recorded.answer = End::Cut;
        }
        drop(recorded);
        self.records.changed.notify_waiters();
    }
}

/// Notes a request's body while it arrives.
pub(super) struct BodyWriter {
    recorded: Arc<Mutex<Recorded>>,
    records: Arc<Records>,
}

impl BodyWriter {
    pub(super) fn push(&self, bytes: &[u8]) {
        lock(&self.recorded).body.extend_from_slice(bytes);
        self.records.changed.notify_waiters();
    }

    pub(super) fn trailers(&self, trailers: &HeaderMap) {
        lock(&self.recorded).trailers = list(trailers);
    }

    pub(super) fn end(self, end: End) {
        let recorded = {
            let mut recorded = lock(&self.recorded);
            recorded.end = end;
            recorded.clone()
        };
        if let Some(file) = &mut lock(&self.records.log).file {
            // The record is what this program is for; but a full disk must not stop the answer.
            let _ = file.write_all((recorded.to_json() + "\n").as_bytes());
        }
        self.records.changed.notify_waiters();
    }
}

fn list(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under the lock is one assignment, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
