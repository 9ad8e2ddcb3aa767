//! A scripted LLM provider, all APIs on one port: Anthropic's Messages and token counting, OpenAI's Chat Completions,
//! Responses and Embeddings, Gemini's `generateContent`, `streamGenerateContent` and `countTokens`.
//!
//! It answers in one of two ways, chosen for each request by its `idempotency-key` header (see
//! [`Provider::reply`]):
//!
//! * [`Reply::Echo`] (the default): the last text it was sent comes back in prose, and in a tool call when the
//!   request offers tools, streamed or not, in the shapes of the real APIs. Asked to think, it thinks first.
//! * [`Reply::Script`]: exactly these bytes, cut exactly here, with gates, resets and trailers.
//!
//! Everything that arrives is recorded before it is answered, so a test can also assert that nothing arrived.

mod anthropic;
mod echo;
mod gemini;
mod openai;
mod record;
mod responses;
mod script;
mod serve;
mod speech;
mod tls;

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use self::{
    echo::Echo,
    record::{End, Recorded, Records},
    script::{Gate, Reply, Script, Step},
    tls::{Identity, Pki},
};

/// The header by which [`Provider::reply`] tells requests apart.
///
/// It is one that applications really send and that the filter lets through.
pub const KEY_HEADER: &str = "idempotency-key";

/// The names in the provider's certificate.
pub const HOST_NAMES: [&str; 4] =
    ["api.anthropic.com", "api.openai.com", "generativelanguage.googleapis.com", "localhost"];

/// Which protocols the provider offers in ALPN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alpn {
    /// Both; a client that can takes HTTP/2.
    #[default]
    Both,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only.
    Http2,
}

/// How a socket of the provider is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTP/1.1, and HTTP/2 with prior knowledge.
    Plain,
    /// TLS first.
    Tls,
}

/// How to start a [`Provider`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Serve without TLS (HTTP/1.1, and HTTP/2 with prior knowledge).
    pub plain: bool,
    /// What TLS offers; without TLS the client chooses.
    pub alpn: Alpn,
    /// What TLS shows, if not a certificate of its own CA.
    pub identity: Option<Identity>,
    /// Where to write `ca.pem`, `leaf.pem` and `leaf.key`; `None` keeps them in memory.
    pub tls_dir: Option<PathBuf>,
    /// Where to append one JSON line for each request whose body has ended.
    pub record: Option<PathBuf>,
    /// Keep records in memory for [`Provider::records`]. Off for benches: it grows without bound.
    pub keep_records: bool,
    /// How requests are answered that no [`Provider::reply`] was set for.
    pub echo: Echo,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            plain: false,
            alpn: Alpn::Both,
            identity: None,
            tls_dir: None,
            record: None,
            keep_records: true,
            echo: Echo::default(),
        }
    }
}

/// A running provider.
///
/// It has a thread and a runtime of its own, so that tests with different runtimes can share one. Dropping it
/// closes every connection.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    ca_pem: Option<String>,
    shared: Arc<Shared>,
    /// Dropped with the provider; its thread sees that and ends the runtime.
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Provider {
    /// Starts listening; when this returns, connections are accepted.
    ///
    /// # Errors
    /// When the address is taken, a certificate cannot be made, or a file cannot be written.
    pub fn start(options: &Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen)?;
        let transport = if options.plain { Transport::Plain } else { Transport::Tls };
        Self::over(vec![(listener, transport)], options)
    }

    /// Serves on these sockets, whatever the options say of listening: there may be several, and they may be in another
    /// network namespace. All of them have one record.
    ///
    /// # Errors
    /// When there is none, a certificate cannot be made, or a file cannot be written.
    pub fn over(listeners: Vec<(TcpListener, Transport)>, options: &Options) -> io::Result<Self> {
        let (first, _) = listeners.first().ok_or(io::ErrorKind::InvalidInput)?;
        let address = first.local_addr()?;
        let (acceptor, ca_pem) = if listeners.iter().all(|(_, transport)| *transport == Transport::Plain) {
            (None, None)
        } else if let Some(identity) = &options.identity {
            (Some(identity.acceptor(options.alpn)?), None)
        } else {
            let pki = Pki::generate(&HOST_NAMES)?;
            if let Some(dir) = &options.tls_dir {
                pki.write(dir)?;
            }
            (Some(pki.acceptor(options.alpn)?), Some(pki.ca_pem().to_owned()))
        };
        let shared = Arc::new(Shared {
            records: Arc::new(Records::new(options.record.as_deref(), options.keep_records)?),
            replies: Mutex::default(),
            echo: options.echo.clone(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        for (listener, transport) in listeners {
            listener.set_nonblocking(true)?;
            let _inside = runtime.enter();
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let acceptor = acceptor.clone().filter(|_| transport == Transport::Tls);
            runtime.spawn(serve::serve(listener, acceptor, Arc::clone(&shared)));
        }
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        std::thread::Builder::new().name("llm-provider".to_owned()).spawn(move || {
            // The sender is never used, only dropped.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        })?;
        Ok(Self { address, ca_pem, shared, _stop: stop })
    }

    /// Where it listens, first of all.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its own CA; `None` when it serves without TLS, or shows somebody else's certificate.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// What arrived until now.
    pub fn records(&self) -> &Records {
        &self.shared.records
    }

    /// Answers every request whose [`KEY_HEADER`] is `key` like this from now on.
    pub fn reply(&self, key: &str, reply: Reply) {
        self.shared.replies().insert(key.to_owned(), reply);
    }
}

/// What the connections share.
#[derive(Debug)]
struct Shared {
    records: Arc<Records>,
    replies: Mutex<HashMap<String, Reply>>,
    echo: Echo,
}

impl Shared {
    fn reply_to(&self, key: Option<&str>) -> Reply {
        key.and_then(|key| self.replies().get(key).cloned()).unwrap_or_else(|| Reply::Echo(self.echo.clone()))
    }

    fn replies(&self) -> MutexGuard<'_, HashMap<String, Reply>> {
        // A map of whole values is in order even if some test panicked while it held the lock.
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
