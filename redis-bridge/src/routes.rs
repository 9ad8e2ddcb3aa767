//! The paths, and what a call on each of them does.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Extension, Router,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use bridge_api::{
    ForgetResponse, IssueRequest, IssueResponse, IssueValue, MAX_VALUE_LEN, MAX_VALUES, RestoreRequest,
    RestoreResponse, names,
};
use serde::Serialize;

use crate::{
    app::{App, Phase},
    body::Received,
    call::{self, Record},
    callers::{Callers, Right},
    error::Refusal,
    json, metrics,
    trouble::Proof,
};

pub(crate) const ISSUE: &str = "/v1/scopes/{scope}/tokens";
pub(crate) const RESTORE: &str = "/v1/scopes/{scope}/values";
pub(crate) const FORGET: &str = "/v1/scopes/{scope}";
pub(crate) const HEALTHZ: &str = "/healthz";
pub(crate) const READYZ: &str = "/readyz";
pub(crate) const METRICS: &str = "/metrics";
pub(crate) const OPENAPI: &str = "/openapi.json";

/// All routes of a bridge.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(ISSUE, post(issue))
        .route(RESTORE, post(restore))
        .route(FORGET, delete(forget))
        .route(HEALTHZ, get(healthz))
        .route(READYZ, get(readyz))
        .route(METRICS, get(scrape))
        .route(OPENAPI, get(openapi))
        .fallback(async || Refusal::NotFound)
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), call::observe))
        .with_state(app)
}

type Scope = Result<Path<String>, PathRejection>;
type Answer = Result<Response, Refusal>;

async fn issue(
    State(app): State<Arc<App>>,
    Extension(record): Extension<Arc<Record>>,
    scope: Scope,
    call: Request,
) -> Answer {
    let scope = admit(&app, &record, Right::Issue, scope, call.headers())?;
    check_headers(call.headers())?;
    let received = app.budget.receive(call.into_body()).await?;
    let IssueRequest { values } = parse(&received)?;
    record.set_count(values.len());
    check(&values)?;
    let issued = app.mappings.issue(&scope, &values).await;
    let tokens = app.trouble.note(Proof::Writes, issued, &app.metrics)?;
    app.metrics.issued.inc_by(tokens.len() as u64);
    answer(&app, &IssueResponse { tokens, ttl_seconds: Some(app.mappings.ttl().as_secs()) })
}

async fn restore(
    State(app): State<Arc<App>>,
    Extension(record): Extension<Arc<Record>>,
    scope: Scope,
    call: Request,
) -> Answer {
    let scope = admit(&app, &record, Right::Restore, scope, call.headers())?;
    check_headers(call.headers())?;
    let received = app.budget.receive(call.into_body()).await?;
    let RestoreRequest { tokens } = parse(&received)?;
    record.set_count(tokens.len());
    if tokens.len() > MAX_VALUES {
        return Err(Refusal::TooMany);
    }
    let restored = app.mappings.restore(&scope, &tokens).await;
    let values = app.trouble.note(Proof::Reads, restored, &app.metrics)?;
    app.metrics.restored.inc_by(values.len() as u64);
    answer(&app, &RestoreResponse { values })
}

async fn forget(
    State(app): State<Arc<App>>,
    Extension(record): Extension<Arc<Record>>,
    scope: Scope,
    headers: HeaderMap,
) -> Answer {
    let scope = admit(&app, &record, Right::Admin, scope, &headers)?;
    let forgotten = app.trouble.note(Proof::Reads, app.mappings.forget(&scope).await, &app.metrics)?;
    record.set_count(usize::try_from(forgotten).unwrap_or(usize::MAX));
    answer(&app, &ForgetResponse { forgotten })
}

async fn healthz(State(app): State<Arc<App>>) -> Answer {
    answer(&app, &Health { status: "ok" })
}

async fn readyz(State(app): State<Arc<App>>) -> Answer {
    if app.phase() != Phase::Serving {
        return Err(Refusal::NotReady("The bridge is about to end."));
    }
    app.trouble.note(Proof::Probe, app.mappings.ready().await, &app.metrics)?;
    answer(&app, &Health { status: "ok" })
}

async fn scrape(State(app): State<Arc<App>>) -> impl IntoResponse {
    // So that the store's gauge is true without calls, too.
    let _ = app.trouble.note(Proof::Probe, app.mappings.ready().await, &app.metrics);
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], app.metrics.text())
}

async fn openapi(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, JSON)], app.openapi.clone())
}

/// The scope of a call whose caller may do this there.
fn admit(
    app: &App,
    record: &Record,
    right: Right,
    scope: Scope,
    headers: &HeaderMap,
) -> Result<String, Refusal> {
    let caller = match &app.callers {
        Callers::Everybody => None,
        Callers::Known(callers) => {
            let token = bearer(headers).ok_or(Refusal::Unauthenticated)?;
            let caller = Callers::find(callers, token).ok_or(Refusal::Unauthenticated)?;
            record.set_caller(caller.name());
            Some(caller)
        }
    };
    record.set_admitted();
    if caller.is_some_and(|caller| !caller.may(right)) {
        return Err(Refusal::Forbidden(right.lacking()));
    }
    let Some(Path(scope)) = scope.ok().filter(|scope| names::is_scope(scope)) else {
        let expected = "1 to 128 letters, digits, `.`, `_` or `-`, not only dots";
        return Err(Refusal::Invalid { place: "scope".to_owned(), expected: expected.into() });
    };
    if caller.is_some_and(|caller| !caller.may_in(&scope)) {
        return Err(Refusal::Forbidden("The caller may not use this scope."));
    }
    Ok(scope)
}

/// The token of the one `authorization` header there is.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.as_bytes();
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_ascii_start())
}

/// JSON and nothing else; a form of a web page, for one, cannot have this content type.
fn check_headers(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = |name| headers.get(name).map(HeaderValue::as_bytes);
    let media_type = value(header::CONTENT_TYPE).and_then(|value| value.split(|byte| *byte == b';').next());
    if !media_type.is_some_and(|media_type| media_type.trim_ascii().eq_ignore_ascii_case(JSON.as_bytes())) {
        return Err(Refusal::UnsupportedMediaType("The body must be `content-type: application/json`."));
    }
    if value(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        return Err(Refusal::UnsupportedMediaType("The body must be sent without `content-encoding`."));
    }
    Ok(())
}

fn parse<'a, T: serde::Deserialize<'a>>(received: &'a Received) -> Result<T, Refusal> {
    json::read(&received.bytes).map_err(|wrong| Refusal::NotTheBody(format!("The body has {wrong}")))
}

fn check(values: &[IssueValue<'_>]) -> Result<(), Refusal> {
    if values.len() > MAX_VALUES {
        return Err(Refusal::TooMany);
    }
    for (at, IssueValue { kind, value, .. }) in values.iter().enumerate() {
        let (member, expected) = if !names::is_kind(kind) {
            (
                "kind",
                Cow::Borrowed("capital letters and digits in parts joined by `_`, a letter in every part"),
            )
        } else if !(1..=MAX_VALUE_LEN).contains(&value.len()) {
            ("value", format!("1 to {MAX_VALUE_LEN} bytes").into())
        } else {
            continue;
        };
        return Err(Refusal::Invalid { place: format!("values[{at}].{member}"), expected });
    }
    Ok(())
}

fn answer(app: &App, body: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(body).map_err(|_| Refusal::Internal)?;
    Ok(([(header::CONTENT_TYPE, JSON)], app.budget.send(bytes)?).into_response())
}

/// The answer to a probe.
#[derive(Serialize)]
struct Health {
    status: &'static str,
}

const JSON: &str = "application/json";
const SCHEME: &[u8] = b"bearer ";
