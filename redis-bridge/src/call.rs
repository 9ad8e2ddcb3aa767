//! What every call gets, whatever its route: a request id, a time limit, a line in the log, and its place in the metrics.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt as _;
use tracing::{Instrument as _, Span};

use crate::{
    app::{App, Phase},
    error::Refusal,
    routes::{FORGET, HEALTHZ, ISSUE, METRICS, OPENAPI, READYZ, RESTORE},
};

/// Longest that a call may take, from its head to the head of its answer.
pub const CALL_TIME: Duration = Duration::from_secs(15);
/// Longest request id that is taken over.
pub const MAX_REQUEST_ID_LEN: usize = 128;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What the metrics know a call as whose caller went away before the answer.
const GONE: u16 = 499;

/// What is learned about a call on its way.
#[derive(Debug, Default)]
pub(crate) struct Record {
    caller: OnceLock<Arc<str>>,
    count: OnceLock<usize>,
    admitted: AtomicBool,
}

/// In the extensions of an answer: its caller may make calls, whatever became of this one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted;

impl Record {
    pub(crate) fn set_admitted(&self) {
        self.admitted.store(true, Ordering::Relaxed);
    }

    pub(crate) fn set_caller(&self, name: &Arc<str>) {
        let _ = self.caller.set(Arc::clone(name));
    }

    /// How many values, tokens or mappings the call is about.
    pub(crate) fn set_count(&self, count: usize) {
        let _ = self.count.set(count);
    }
}

/// The layer around all routes.
pub(crate) async fn observe(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let record = Arc::new(Record::default());
    request.extensions_mut().insert(Arc::clone(&record));
    let span = tracing::error_span!("call", request_id = id.to_str().unwrap_or_default());
    let version = request.version();
    let mut ending = Ending {
        app: Arc::clone(&app),
        record: Arc::clone(&record),
        span: span.clone(),
        method: method(request.method()),
        route: route(request.extensions().get()),
        started: Instant::now(),
        status: GONE,
    };

    let running = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span);
    let mut response = match tokio::time::timeout(CALL_TIME, running).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Refusal::Internal.into(),
        Err(_) => Refusal::TimedOut.into(),
    };

    let refusal = response.extensions_mut().remove::<Refusal>();
    if let Some(refusal) = &refusal {
        let body = serde_json::to_vec(&refusal.body(id.to_str().unwrap_or_default())).unwrap_or_default();
        *response.body_mut() = body.into();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let last = app.phase() != Phase::Serving || refusal.is_some_and(|refusal| refusal.ends_connection());
    if last && version < Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(REQUEST_ID, id);
    if record.admitted.load(Ordering::Relaxed) {
        response.extensions_mut().insert(Admitted);
    }
    ending.status = response.status().as_u16();
    response
}

/// Tells how a call ended, also when it is dropped on the way.
struct Ending {
    app: Arc<App>,
    record: Arc<Record>,
    span: Span,
    method: &'static str,
    route: &'static str,
    started: Instant,
    status: u16,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let Self { app, record, span, method, route, started, status } = self;
        let duration = started.elapsed();
        app.metrics.call(route, *status, duration);
        let duration_ms = (duration.as_secs_f64() * 1e6).round() / 1e3;
        let (caller, count) = (record.caller.get().map(AsRef::as_ref), record.count.get());
        span.in_scope(|| {
            // A probe every second would bury the calls.
            if matches!(*route, HEALTHZ | READYZ | METRICS) && *status == 200 {
                tracing::debug!(method, route, status, duration_ms, "call");
            } else {
                tracing::info!(method, route, status, caller, count, duration_ms, "call");
            }
        });
    }
}

/// The caller's own, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let valid = |id: &&HeaderValue| {
        (1..=MAX_REQUEST_ID_LEN).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    headers.get(REQUEST_ID).filter(valid).cloned().unwrap_or_else(|| {
        let mut random = [0; 16];
        // Without random numbers ids are all the same, and calls go on.
        let _ = getrandom::fill(&mut random);
        let id = format!("{:032x}", u128::from_be_bytes(random));
        HeaderValue::from_maybe_shared(id).unwrap_or_else(|_| HeaderValue::from_static("none"))
    })
}

/// The template of the route, never the path, which names a scope.
fn route(matched: Option<&MatchedPath>) -> &'static str {
    let Some(matched) = matched else { return "none" };
    [ISSUE, RESTORE, FORGET, HEALTHZ, READYZ, METRICS, OPENAPI]
        .into_iter()
        .find(|route| *route == matched.as_str())
        .unwrap_or("none")
}

/// A method may be any word that a caller likes.
fn method(method: &Method) -> &'static str {
    [Method::GET, Method::POST, Method::DELETE, Method::HEAD, Method::OPTIONS, Method::PUT, Method::PATCH]
        .iter()
        .zip(["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"])
        .find_map(|(known, name)| (known == method).then_some(name))
        .unwrap_or("other")
}
