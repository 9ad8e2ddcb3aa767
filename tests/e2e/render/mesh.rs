//! Sidecars and gateway know each other by their certificates.

use super::hops::{Certificates, GATEWAY, Hops, ONCE, call, with_gateway};
use e2e::{
    client::{Protocol, Tls, within},
    provider::Pki,
    world::ANTHROPIC,
};
use serde_json::json;
use std::io;
use tokio::net::TcpStream;

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
