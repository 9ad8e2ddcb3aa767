//! Stores that fail, callers that are slow or go away, and the end.

use std::{sync::atomic::Ordering, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode},
};
use futures_util::{FutureExt as _, stream};
use redis_bridge::{
    app::Phase,
    body::BODY_TIME,
    call::CALL_TIME,
    store::{ErrorKind, StoreError},
};
use tower::ServiceExt as _;

use crate::{
    SECRET, TOKENS, VALUES, issue,
    support::{Bridge, post},
};

#[tokio::test]
async fn a_store_that_fails() {
    let bridge = Bridge::open();
    let metrics = async || bridge.get("/metrics").await.body;
    assert!(metrics().await.contains("redis_bridge_store_up 1"));
    for (kind, code) in [
        (ErrorKind::Full, "store_full"),
        (ErrorKind::Unavailable, "store_unavailable"),
        (ErrorKind::Unsound, "store_unsound"),
    ] {
        *bridge.store.fail.lock().unwrap() = Some(StoreError { kind, message: format!("at {SECRET}") });
        let answers = [
            bridge.post(TOKENS, issue(&[("EC2", "i-1", true)])).await,
            bridge.post(VALUES, r#"{"tokens":["AWS_EC2_001"]}"#).await,
            bridge.call(Request::delete("/v1/scopes/a").body(Body::empty()).unwrap()).await,
            bridge.get("/readyz").await,
        ];
        for answer in answers {
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, code));
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert!(!answer.body.contains(SECRET), "{answer:?}");
        }
        assert!(metrics().await.contains("redis_bridge_store_up 0"), "{kind:?}");
        assert_eq!(bridge.get("/healthz").await.status, StatusCode::OK, "alive all the same");
    }
    *bridge.store.fail.lock().unwrap() = None;
    assert_eq!(bridge.get("/readyz").await.status, StatusCode::OK);
    assert!(metrics().await.contains("redis_bridge_store_up 1"));
    // Four calls, and the scrape itself.
    assert!(metrics().await.contains(r#"redis_bridge_store_errors_total{kind="full"} 5"#));
}

#[tokio::test]
async fn a_bug_is_answered_and_does_not_spread() {
    let bridge = Bridge::open();
    bridge.store.panic.store(true, Ordering::Relaxed);
    let answer = bridge.get("/readyz").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (500, "internal"));
    bridge.store.panic.store(false, Ordering::Relaxed);
    assert_eq!(bridge.get("/readyz").await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_too_slow_is_told() {
    let bridge = Bridge::open();
    let began = tokio::time::Instant::now();
    let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = bridge.post(TOKENS, body).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (408, "timeout"));
    assert_eq!(answer.header("connection"), Some("close"), "the rest of the body is never read");
    assert!(began.elapsed() >= BODY_TIME && began.elapsed() < CALL_TIME);

    bridge.store.hang.store(true, Ordering::Relaxed);
    let began = tokio::time::Instant::now();
    let answer = bridge.post(TOKENS, issue(&[("EC2", "i-1", true)])).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "timeout"));
    assert!(began.elapsed() >= CALL_TIME && began.elapsed() < CALL_TIME + Duration::from_secs(1));
}

#[tokio::test]
async fn a_caller_that_goes_away_is_counted() {
    let bridge = Bridge::open();
    bridge.store.hang.store(true, Ordering::Relaxed);
    let mut call = Box::pin(bridge.router.clone().oneshot(post(VALUES, r#"{"tokens":["AWS_EC2_001"]}"#)));
    assert!(call.as_mut().now_or_never().is_none());
    drop(call);
    bridge.store.hang.store(false, Ordering::Relaxed);
    let metrics = bridge.get("/metrics").await.body;
    let line = r#"redis_bridge_calls_total{route="/v1/scopes/{scope}/values",status="499"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
    assert!(metrics.contains("redis_bridge_bodies_bytes 0"), "{metrics}");
}

#[tokio::test]
async fn draining_ends_connections_but_not_calls() {
    let bridge = Bridge::open();
    let body = || issue(&[("EC2", "i-1", true)]);
    assert_eq!(bridge.post(TOKENS, body()).await.header("connection"), None);
    bridge.phase.send_replace(Phase::Draining);
    let ready = bridge.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.code().as_str()), (503, "not_ready"));
    let answer = bridge.post(TOKENS, body()).await;
    assert_eq!((answer.status, answer.header("connection")), (StatusCode::OK, Some("close")));
}
