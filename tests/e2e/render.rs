//! What `cloakroom render` makes of an operator's file: the transparent sidecar, and the egress gateway behind it. How
//! connections get there is not tested here: that needs network namespaces.

mod hops;

use e2e::{
    client::{Call, Protocol, Tls, within},
    envoy::Logs,
    provider::{KEY_HEADER, Pki, Reply, Script},
    world::{ANTHROPIC, OPENAI},
};
use http::StatusCode;
use serde_json::{Value, json};
use std::{fs, io};
use tokio::net::TcpStream;

use self::hops::{Certificates, GATEWAY, Hops, egress, render, validate};
use crate::support::{INSTANCE, assert_no_original};

const BODY: &str = r#"{"messages":[{"content":"i-1234567890abcdef0 AWS_EC2_007"}]}"#;
const RESTORED: &str = r#"{"content":"i-1234567890abcdef0 AWS_EC2_007"}"#;

/// What the provider received, and what it answers.
const ONCE: (&str, &str) = (
    r#"{"messages":[{"content":"AWS_EC2_001 AWS_LITERAL_001"}]}"#,
    r#"{"content":"AWS_EC2_001 AWS_LITERAL_001"}"#,
);
const TWICE: (&str, &str) = (
    r#"{"messages":[{"content":"AWS_LITERAL_001 AWS_LITERAL_002"}]}"#,
    r#"{"content":"AWS_LITERAL_001 AWS_LITERAL_002"}"#,
);

fn call(host: &str, key: &str) -> Call {
    Call::post(host, "/v1/anything", BODY)
        .header(KEY_HEADER, key)
        .header("x-api-key", "sk-scripted")
        // None of these is anybody's business.
        .header("x-original-host", "evil.example")
        .header("x-forwarded-for", "10.0.12.34")
        .header("x-request-id", INSTANCE)
        .header("x-envoy-original-path", INSTANCE)
        .header("cookie", INSTANCE)
}

fn with_gateway(masking: &str) -> Value {
    egress(json!({
        "masking": masking,
        "gateway": {"address": "gateway.example:15443", "listen": "127.0.0.1:15443"},
    }))
}

/// Names, ports, sockets and options in every combination that changes the structure; Envoy loads each.
#[test]
fn every_topology_is_valid() {
    let dir = tempfile::Builder::new().prefix("cloakroom-").tempdir().unwrap();
    let certificates = Certificates::new();
    certificates.write(dir.path(), &certificates.gateway);
    fs::write(dir.path().join("public-ca.pem"), fs::read(dir.path().join("pki/ca.pem")).unwrap()).unwrap();
    fs::write(dir.path().join("bridge-token"), "token").unwrap();
    let token_file = dir.path().join("bridge-token");
    let at_bridge = |address: &str| {
        json!({
            "bridge": {"address": address, "token_file": token_file},
            "filter": {"mapping": {"store": "bridge"}},
        })
    };
    let with = |mut file: Value, more: Value| {
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        file
    };
    for file in [
        json!({"hosts": {"a.example": {}}}),
        egress(json!({"sidecar": {"plain_http": false, "health_port": 15021}})),
        egress(at_bridge("redis-bridge:8790")),
        with(with_gateway("sidecar"), at_bridge("[::1]:8790")),
        with(with_gateway("gateway"), at_bridge("unix:/run/redis-bridge.sock")),
        with(
            with_gateway("both"),
            json!({"gateway": {"address": "10.1.2.3:1", "name": GATEWAY, "listen": "[::]:15443", "health_port": 1}}),
        ),
    ] {
        let rendered = render(dir.path(), file.clone());
        validate(&dir, "rendered/sidecar-transparent.yaml");
        if file.get("gateway").is_some() {
            validate(&dir, "rendered/gateway.yaml");
        }
        fs::remove_dir_all(rendered).unwrap();
    }
}

/// Every hop that can mask, every protocol of the application, every kind of upstream: the provider gets tokens and none of
/// what Envoy or the application added, the application gets its own words back.
#[tokio::test]
async fn requests_are_masked_and_answers_restored_in_every_topology() {
    for (file, (masked, answer)) in [
        (egress(json!({})), ONCE),
        (with_gateway("sidecar"), ONCE),
        (with_gateway("gateway"), ONCE),
        (with_gateway("both"), TWICE),
    ] {
        let hops = Hops::start(&file);
        let what = format!("{} {}", file["masking"], file["gateway"]);
        for (number, (host, protocol, tls, authority, path)) in [
            (ANTHROPIC, Protocol::Http1, true, "api.anthropic.com", "/v1/anything"),
            (OPENAI, Protocol::Http2, true, "api.openai.com", "/v1/anything"),
            ("llm.example", Protocol::Http2, true, "localhost.example:8443", "/v9/llm/v1/anything"),
            ("plain.example", Protocol::Http1, true, "plain.upstream.example:8080", "/v1/anything"),
            (ANTHROPIC, Protocol::Http1, false, "api.anthropic.com", "/v1/anything"),
            ("API.openai.COM.:443", Protocol::Http2, false, "api.openai.com", "/v1/anything"),
        ]
        .into_iter()
        .enumerate()
        {
            let key = number.to_string();
            for provider in [&hops.provider, &hops.plain] {
                provider
                    .reply(&key, Reply::Script(Script::new("application/json").send_in_pieces(answer, 5)));
            }
            let got = hops.call(tls.then_some(host), protocol, &call(host, &key)).await;
            assert_eq!((got.status, got.text().as_str()), (200, RESTORED), "{what} {host}");
            let received = hops.received(&key);
            assert_eq!(received.text(), masked, "{what} {host}");
            assert_eq!(received.path, path, "{what} {host}");
            assert_eq!(received.host().as_deref(), Some(authority), "{what} {host}");
            let mut headers = received.header_names();
            headers.retain(|name| *name != "host");
            headers.sort_unstable();
            let expected = ["accept-encoding", "content-length", "content-type", KEY_HEADER, "x-api-key"];
            assert_eq!(headers, expected, "{what} {host}");
        }
        let sidecar = hops.sidecar.stop();
        let gateway = hops.gateway.map(e2e::envoy::Envoy::stop);
        one_request_has_one_id(&sidecar, gateway.as_ref());
    }
}

fn one_request_has_one_id(sidecar: &Logs, gateway: Option<&Logs>) {
    let ids = |logs: &Logs| -> Vec<String> {
        assert_no_original("the access log", logs.access.as_bytes());
        assert_no_original("the log", logs.own.as_bytes());
        logs.access
            .lines()
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["request_id"].as_str().unwrap().to_owned()
            })
            .collect()
    };
    let at_sidecar = ids(sidecar);
    assert_eq!(at_sidecar.len(), 6);
    if let Some(gateway) = gateway {
        assert_eq!(ids(gateway), at_sidecar);
    }
}

/// What is not allowed, or not what it says, never leaves, whichever hop masks.
#[tokio::test]
async fn what_is_not_allowed_does_not_leave() {
    for file in [egress(json!({})), with_gateway("gateway")] {
        let hops = Hops::start(&file);
        let refused = |answer: e2e::client::Answer, kind: &str| {
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

/// Only a certificate of the mesh with a sidecar's name opens the gateway.
#[tokio::test]
async fn the_gateway_knows_its_sidecars() {
    let hops = Hops::start(&with_gateway("gateway"));
    let gateway = hops.gateway.as_ref().unwrap();
    let trust = || Tls::trusting(hops.certificates.gateway.ca_pem().as_bytes());
    let ask = |tls: Tls| {
        let address = gateway.address();
        async move {
            let stream = TcpStream::connect(address).await?;
            let mut connection = tls.open(stream, GATEWAY, Protocol::Http2).await?;
            within("an answer", connection.call(&call(ANTHROPIC, "key"))).await.map_err(io::Error::other)
        }
    };
    // TLS 1.3 tells a client of a refused certificate only when it reads.
    assert!(ask(trust()).await.is_err(), "without a certificate");
    let stranger = Pki::generate(&["sidecar.cloakroom.internal"]).unwrap();
    assert!(ask(trust().showing(&stranger)).await.is_err(), "of another CA");
    assert!(hops.nothing_received());
    ask(trust().showing(&hops.certificates.sidecar)).await.unwrap();
    assert_eq!(hops.received("key").text(), ONCE.0, "of a sidecar");
}

/// Certificates and CAs of the hop between sidecar and gateway are read again when they are replaced: for new connections, while
/// those that are there go on.
#[tokio::test]
async fn certificates_between_the_hops_rotate() {
    let hops = Hops::start(&with_gateway("gateway"));
    let (gateway, old) = (hops.gateway.as_ref().unwrap(), &hops.certificates);
    let new = Certificates::new();
    let ask = async |known: &Certificates, shown: &Certificates, key: &str| {
        let tls = Tls::trusting(known.gateway.ca_pem().as_bytes()).showing(&shown.sidecar);
        let stream = TcpStream::connect(gateway.address()).await?;
        let mut connection = tls.open(stream, GATEWAY, Protocol::Http2).await?;
        within("an answer", connection.call(&call(ANTHROPIC, key))).await.map_err(io::Error::other)
    };
    ask(old, old, "old").await.unwrap();
    assert_eq!(hops.call(Some(ANTHROPIC), Protocol::Http1, &call(ANTHROPIC, "first")).await.status, 404);
    new.replace(gateway.dir(), &new.sidecar);
    new.replace(hops.sidecar.dir(), &new.gateway);
    within("the gateway's new certificate", async {
        while ask(&new, &new, "new").await.is_err() {
            assert_eq!(
                hops.call(Some(ANTHROPIC), Protocol::Http1, &call(ANTHROPIC, "between")).await.status,
                404
            );
        }
    })
    .await;
    assert!(ask(&new, old, "never").await.is_err());
    assert!(hops.provider.records().of("never").is_empty());
}

/// Names in certificates count in both directions.
#[tokio::test]
async fn hops_are_known_by_name() {
    for names in [json!({"client": "other.cloakroom.internal"}), json!({"name": "other.example"})] {
        let mut file = with_gateway("gateway");
        file["gateway"].as_object_mut().unwrap().extend(names.as_object().unwrap().clone());
        let hops = Hops::start(&file);
        let answer = hops.call(Some(ANTHROPIC), Protocol::Http1, &call(ANTHROPIC, "key")).await;
        assert_eq!(answer.status, 503, "{names}");
        assert!(hops.nothing_received());
    }
}

/// For probes.
#[tokio::test]
async fn readiness_is_told_where_it_is_wanted() {
    let hops = Hops::start(&egress(json!({"sidecar": {"health_port": 15021}})));
    let [_, _, health] = hops.sidecar.addresses() else { panic!("three addresses") };
    let ask = async |path: &str| {
        let address = (std::net::Ipv4Addr::LOCALHOST, health.port()).into();
        let mut connection = e2e::client::Connection::open(address, Protocol::Http1).await.unwrap();
        within("an answer", connection.call(&Call::get("any", path))).await.unwrap().status
    };
    assert_eq!((ask("/ready").await, ask("/stats").await), (200, 404));
}
