//! What is not allowed, or not what it says, does not leave, whichever hop masks.

use super::hops::{Hops, ONCE, call, egress, with_gateway};
use crate::support::{INSTANCE, assert_no_original};
use e2e::{
    client::{Answer, Call, Protocol, Tls, raw_until, within},
    world::{ANTHROPIC, OPENAI},
};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// What is not allowed, or not what it says, never leaves, whichever hop masks.
#[tokio::test]
async fn what_is_not_allowed_does_not_leave() {
    for file in [egress(json!({})), with_gateway("gateway")] {
        let hops = Hops::start(&file);
        let refused = |answer: Answer, kind: &str| {
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(body["error"]["type"], kind, "{body}");
            assert!(body["request_id"].is_string() && answer.headers["content-type"] == "application/json");
            assert_no_original("the refusal", &answer.body);
            answer.status
        };
        // A host that is not in the list, in the clear; and behind the name of one that is.
        let other = call("evil.example", "other");
        assert_eq!(refused(hops.call(None, Protocol::Http1, &other).await, "host_not_allowed"), 403);
        let answer = hops.call(Some(ANTHROPIC), Protocol::Http1, &other).await;
        assert_eq!(refused(answer, "misdirected_request"), StatusCode::MISDIRECTED_REQUEST.as_u16());
        // Another allowed host than the one that TLS was opened for.
        let answer = hops.call(Some(ANTHROPIC), Protocol::Http2, &call(OPENAI, "other")).await;
        assert_eq!(refused(answer, "misdirected_request"), 421);
        // An identifier in the path: it is in no log either.
        let path = Call::get(ANTHROPIC, &format!("/v1/models/{INSTANCE}"));
        let answer = hops.call(Some(ANTHROPIC), Protocol::Http2, &path).await;
        assert_eq!(refused(answer, "identifier_in_target"), 422);

        // Names that are not in the list get no certificate, and neither do connections without a name.
        let closed = |tls: Tls, name: &'static str| {
            let address = hops.sidecar.address();
            async move {
                let stream = TcpStream::connect(address).await?;
                within("the end of the connection", tls.open(stream, name, Protocol::Http2)).await
            }
        };
        assert!(closed(hops.trust(), "evil.example").await.is_err());
        assert!(closed(hops.trust().without_sni(), ANTHROPIC).await.is_err());
        let counted = hops.sidecar.admin("/stats?filter=no_filter_chain_match").unwrap();
        assert!(counted.contains("_0.no_filter_chain_match: 2"), "{counted}");

        assert!(hops.nothing_received());
        let logs = hops.sidecar.stop();
        assert_no_original("the access log", logs.access.as_bytes());
        assert_eq!(logs.access.matches("closed: a name or a protocol that is not allowed").count(), 2);
        assert!(!logs.access.contains("evil"), "{}", logs.access);
    }
}

/// Tunnels, upgrades, another target than the Host, two Hosts, old HTTP: refused by the hop that the application reaches.
#[tokio::test]
async fn what_could_become_something_else_does_not_leave() {
    for file in [egress(json!({})), with_gateway("gateway")] {
        let hops = Hops::start(&file);
        for (request, statuses) in [
            ("CONNECT api.openai.com:443 HTTP/1.1\r\nhost: api.openai.com:443\r\n\r\n", &["403", "404"][..]),
            (
                "GET /v1/realtime HTTP/1.1\r\nhost: api.openai.com\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                 sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n",
                &["403"],
            ),
            (
                "GET http://evil.example/ HTTP/1.1\r\nhost: api.openai.com\r\nconnection: close\r\n\r\n",
                &["403"],
            ),
            ("GET / HTTP/1.1\r\nhost: api.openai.com\r\nhost: evil.example\r\n\r\n", &["400", "403"]),
            ("GET / HTTP/1.1\r\nconnection: close\r\n\r\n", &["400"]),
            ("GET / HTTP/1.0\r\nhost: api.openai.com\r\n\r\n", &["426"]),
            (
                "POST / HTTP/1.1\r\nhost: api.openai.com\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
                &["400"],
            ),
        ] {
            let ended = |answer: &[u8]| answer.windows(4).any(|end| end == b"\r\n\r\n");
            let answer = raw_until(hops.sidecar.address(), request.as_bytes(), ended);
            let answer = within("an answer", answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer);
            assert!(
                statuses.iter().any(|status| answer.starts_with(&format!("HTTP/1.1 {status} "))),
                "{request}{answer}"
            );
        }
        assert!(hops.nothing_received());
    }
}

/// The limit is the filter's, wherever it runs: up to it a body goes through every hop, and beyond it the filter says so.
#[tokio::test]
async fn the_limit_of_bodies_is_the_filters() {
    const LIMIT: usize = 5 << 20;
    let body = |length: usize| format!(r#"{{"x":"{}"}}"#, "a ".repeat(length / 2 - 4));
    for mut file in [egress(json!({})), with_gateway("gateway")] {
        file["filter"]["max_body_bytes"] = LIMIT.into();
        let hops = Hops::start(&file);
        for (length, status) in [(LIMIT, 404), (LIMIT + 2, 413), (3 * LIMIT, 413)] {
            let mut call = call(ANTHROPIC, &length.to_string());
            call.pieces = vec![body(length).into()];
            assert_eq!(call.body().len(), length);
            let answer = hops.call(Some(ANTHROPIC), Protocol::Http1, &call).await;
            assert_eq!(answer.status, status, "{length}");
            if status == 413 {
                assert!(answer.text().contains("\"body_too_large\""), "{}", answer.text());
            } else {
                assert_eq!(hops.received(&length.to_string()).body, call.body());
            }
        }
        assert_eq!(hops.provider.records().all().len(), 1);
    }
}

/// With `plain_http: false` nothing is taken in the clear.
#[tokio::test]
async fn plain_http_can_be_closed() {
    let hops = Hops::start(&egress(json!({"sidecar": {"plain_http": false}})));
    let mut connection = hops.connect(None, Protocol::Http1).await.unwrap();
    assert!(within("the end", connection.call(&call(ANTHROPIC, "key"))).await.is_err());
    assert!(hops.nothing_received());
    hops.call(Some(ANTHROPIC), Protocol::Http1, &call(ANTHROPIC, "key")).await;
    assert_eq!(hops.received("key").text(), ONCE.0);
}
