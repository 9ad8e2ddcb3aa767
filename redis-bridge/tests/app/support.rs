//! A store that fails when told to, and calls without a socket.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use redis_bridge::{
    app::{App, Phase},
    callers::Callers,
    keys::{self, Keys},
    mappings::Mappings,
    routes::router,
    store::{
        Entry, ScopeTag, Seal, Space, Store, StoreError,
        embedded::{Embedded, Place, system_clock},
    },
    vault::Vault,
};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::watch;
use tower::ServiceExt as _;

pub(crate) const TTL: Duration = Duration::from_secs(3600);

/// A bridge without sockets.
pub(crate) struct Bridge {
    pub(crate) router: Router,
    pub(crate) store: Arc<Faulty>,
    pub(crate) phase: watch::Sender<Phase>,
}

/// A store in memory that can be told to misbehave.
#[derive(Debug)]
pub(crate) struct Faulty {
    store: Embedded,
    pub(crate) fail: Mutex<Option<StoreError>>,
    pub(crate) hang: AtomicBool,
    pub(crate) panic: AtomicBool,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Bridge {
    /// Everybody may call it.
    pub(crate) fn open() -> Self {
        Self::new(Callers::Everybody)
    }

    pub(crate) fn new(callers: Callers) -> Self {
        let vault = Arc::new(Vault::new(&Keys::from_json(keys::generate().unwrap().as_bytes()).unwrap()));
        let store = Embedded::open(Place::Memory, TTL, vault.checks().to_vec(), system_clock()).unwrap();
        let store = Arc::new(Faulty {
            store,
            fail: Mutex::new(None),
            hang: AtomicBool::new(false),
            panic: AtomicBool::new(false),
        });
        let (phase, watching) = watch::channel(Phase::Serving);
        let mappings = Mappings::new(vault, Arc::<Faulty>::clone(&store), TTL);
        Self { router: router(App::new(mappings, callers, watching)), store, phase }
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: head.status, headers: head.headers, body: String::from_utf8(body.into()).unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A JSON body.
    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.call(post(path, body)).await
    }
}

pub(crate) fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(body.into()).unwrap()
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The code of an error, after a look at what all errors have in common.
    pub(crate) fn code(&self) -> String {
        assert_ne!(self.status, StatusCode::OK, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        let json = self.json();
        assert_eq!(json["request_id"].as_str(), self.header("x-request-id"), "{self:?}");
        let message = json["error"]["message"].as_str().unwrap();
        assert!(message.ends_with('.') && message.len() > 20 && message.len() < 300, "{message}");
        json["error"]["code"].as_str().unwrap().to_owned()
    }
}

impl Faulty {
    async fn misbehave(&self) -> Result<(), StoreError> {
        if self.hang.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        assert!(!self.panic.load(Ordering::Relaxed), "told to");
        self.fail.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Store for Faulty {
    async fn issue(&self, space: &Space, entries: Arc<[Entry]>, seal: Seal) -> Result<Vec<u64>, StoreError> {
        self.misbehave().await?;
        self.store.issue(space, entries, seal).await
    }

    async fn touch(&self, space: &Space, entries: Arc<[Entry]>, seal: Seal) -> Result<(), StoreError> {
        self.misbehave().await?;
        self.store.touch(space, entries, seal).await
    }

    async fn sealed(&self, space: &Space, numbers: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.misbehave().await?;
        self.store.sealed(space, numbers).await
    }

    async fn forget(&self, scope: ScopeTag) -> Result<u64, StoreError> {
        self.misbehave().await?;
        self.store.forget(scope).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.misbehave().await?;
        self.store.ready().await
    }
}
