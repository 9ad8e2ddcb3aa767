//! Mappings in Redis, 6.2 or later, or in what speaks its protocol and runs its scripts.
//!
//! | key | what |
//! | --- | --- |
//! | `cr:{S}:c` | a hash: `n:KIND` is the last number given, `r:KIND` the run of the server that gave it |
//! | `cr:{S}:i:KIND:` + 16 bytes | a look-up key: the number |
//! | `cr:{S}:t:KIND:NUMBER` | the sealed bytes |
//! | `cr:keys` | a hash: what the bridges' keys make of a constant, by id |
//! | `cr:{run}` | the run of the server that was used last |
//! | `cr:{run}:changed` | exists for one TTL after the run became another |
//!
//! `S` is the scope's tag in base64url. The counters of a scope are one hash, so that forgetting a scope knows at once
//! which numbers there are; it lives twice as long as the numbers, at least.
//!
//! **Lost writes.** Redis answers before a write is safe, so a crash or a failover takes the last ones back. The counter
//! remembers which run of the server wrote it (its run_id, and its replication id, which is another each time that a
//! replica is promoted); under another run it first jumps by [`JUMP`], under the same run with another history by a tenth
//! of it. That is the bound on what a space may lose, jumps among it: a failover that takes back the jump of the one
//! before is beyond it, unless a bridge that goes on saw the numbers. A counter that is absent may be lost itself; for one TTL
//! after the run became another, new ones begin above the jump, too. And a bridge remembers the highest number it saw in a space, and never gives one
//! below. A Redis that lost everything while several bridges use it is beyond that: those that had not used a space
//! begin it anew.
//!
//! **ACL.** A user of its own needs no more than
//! `~cr:* +evalsha +script|load +get +set +mget +hgetall +hmget +hset +hlen +pexpire +pttl +unlink +scan +info`, and
//! `+select` for another database than 0.

mod connector;
mod failure;
mod floors;
mod forget;
mod issue;
mod link;
mod names;
mod script;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use redis::{Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo, TlsCertificates, cmd};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use tokio::task::AbortHandle;

use self::{
    connector::Connector,
    failure::Failure,
    floors::Floors,
    issue::{Issue, Unknown},
    names::Scope,
};
use super::{Entry, KeyCheck, ScopeTag, Seal, Space, Store, StoreError};

/// How far a counter jumps when writes may have been lost.
pub const JUMP: u64 = 1_000;

/// Numbers that one `MGET` asks for. Redis serves nobody else meanwhile.
const SEALED_CHUNK: usize = 500;

const UNREADABLE: &str = "a certificate or key for Redis cannot be read; they are PEM files";

/// How to reach Redis, and what it must do.
#[derive(Clone)]
pub struct Options {
    /// `redis://user:password@host:port/db`, `rediss://…` for TLS, `redis+unix:///path?db=&user=&pass=`.
    pub url: String,
    /// How long a mapping lives after its last use.
    pub ttl: Duration,
    /// How long each step of a call, or an attempt to connect, may take.
    pub timeout: Duration,
    /// Use a Redis that evicts keys, after which a token may stand for two values.
    pub allow_eviction: bool,
    /// Certificates for `rediss://`; the system's authorities without.
    pub tls: Option<Tls>,
    /// How bytes begin that the active key sealed: what begins in another way is sealed anew when it is used. Empty: no
    /// bytes are looked at.
    pub seal_mark: Vec<u8>,
}

/// Certificates, in PEM.
#[derive(Clone, Default)]
pub struct Tls {
    /// The authorities to trust instead of the system's.
    pub ca: Option<Vec<u8>>,
    /// A certificate to show, with its chain, and its key.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
}

/// A store in Redis.
pub struct Redis {
    connector: Arc<Connector>,
    floors: Floors,
    ttl_ms: u128,
    seal_mark: Vec<u8>,
    keeper: AbortHandle,
}

impl Redis {
    /// Connects to Redis. While it cannot be reached, calls fail and it is tried again and again.
    ///
    /// # Errors
    /// [`Unsound`](super::ErrorKind::Unsound) when the options do not make sense, or when Redis is reached and must not be
    /// used as it is: it evicts keys, is too old, or was written with other keys.
    pub async fn connect(options: Options, checks: Vec<KeyCheck>) -> Result<Self, StoreError> {
        let client = client(&options)?;
        let connector = Arc::new(Connector::new(client, &options, checks).await?);
        let kept = Arc::clone(&connector);
        let keeper = tokio::spawn(async move { kept.keep().await }).abort_handle();
        let ttl_ms = options.ttl.as_millis().max(1);
        let floors = Floors::new(options.ttl);
        Ok(Self { connector, floors, ttl_ms, seal_mark: options.seal_mark, keeper })
    }

    async fn number(
        &self,
        space: &Space,
        entries: &[Entry],
        seal: &Seal,
        unknown: Unknown,
    ) -> Result<Vec<u64>, StoreError> {
        let link = self.connector.link()?;
        let (ttl_ms, floors, seal_mark) = (self.ttl_ms, &self.floors, self.seal_mark.as_slice());
        let issue = Issue { space, entries, ttl_ms, floors, seal_mark, unknown };
        self.connector.within(&link, issue.run(&link, seal)).await
    }
}

#[async_trait]
impl Store for Redis {
    async fn issue(&self, space: &Space, entries: Arc<[Entry]>, seal: Seal) -> Result<Vec<u64>, StoreError> {
        self.number(space, &entries, &seal, Unknown::Create).await
    }

    async fn touch(&self, space: &Space, entries: Arc<[Entry]>, seal: Seal) -> Result<(), StoreError> {
        self.number(space, &entries, &seal, Unknown::Leave).await.map(drop)
    }

    async fn sealed(&self, space: &Space, numbers: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let scope = Scope::new(space.scope);
        let link = self.connector.link()?;
        let get = async {
            let mut sealed = Vec::with_capacity(numbers.len());
            for chunk in numbers.chunks(SEALED_CHUNK) {
                let mut get = cmd("MGET");
                for &number in chunk {
                    get.arg(scope.sealed(&space.kind, number));
                }
                sealed.extend(link.ask::<Vec<Option<Vec<u8>>>>(&get).await?);
            }
            if sealed.len() == numbers.len() { Ok(sealed) } else { Err(Failure::nonsense()) }
        };
        self.connector.within(&link, get).await
    }

    /// Counts look-up keys: a value that is found under two index keys, while these are rotated, counts twice.
    ///
    /// It walks over all keys there are, other scopes' as well.
    async fn forget(&self, scope: ScopeTag) -> Result<u64, StoreError> {
        let link = self.connector.link()?;
        forget::forget(&self.connector, &link, &Scope::new(scope)).await
    }

    /// As of the last heartbeat, so that it costs no round trip.
    async fn ready(&self) -> Result<(), StoreError> {
        self.connector.ready()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("Options")
            .field("ttl", &self.ttl)
            .field("timeout", &self.timeout)
            .field("allow_eviction", &self.allow_eviction)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Never cites the URL or a certificate.
fn client(options: &Options) -> Result<Client, StoreError> {
    let invalid = |message: &str| Failure::unsound(message.to_owned()).error;
    let info = options.url.as_str().into_connection_info().map_err(|_| {
        invalid("the URL of Redis is not valid; it is redis://…, rediss://… or redis+unix:///path")
    })?;
    match (info.addr(), &options.tls) {
        (ConnectionAddr::TcpTls { insecure: true, .. }, _) => Err(invalid(
            "the URL of Redis ends in #insecure, which is not supported; give the bridge the CA instead",
        )),
        (ConnectionAddr::TcpTls { .. }, tls) => {
            // An error means that there is one already, which will do.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let tls = tls.clone().unwrap_or_default();
            // The client takes a file without any for one that has none to trust, or to show.
            let pems = tls.ca.iter().chain(tls.client.iter().map(|(certificate, _)| certificate));
            if pems.into_iter().any(|pem| CertificateDer::pem_slice_iter(pem).next().is_none()) {
                return Err(invalid(UNREADABLE));
            }
            let client_tls =
                tls.client.map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key });
            Client::build_with_tls(info, TlsCertificates { client_tls, root_cert: tls.ca })
                .map_err(|_| invalid(UNREADABLE))
        }
        (_, Some(_)) => {
            Err(invalid("there are certificates for Redis, but its URL does not begin with rediss://"))
        }
        (_, None) => Client::open(info).map_err(|_| invalid("the URL of Redis is not valid")),
    }
}
