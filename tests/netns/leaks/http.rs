//! Requests that are to go elsewhere than their connection, or that nobody could mask.

use std::net::SocketAddr;

use e2e::{
    client::{Protocol, within},
    said::Api,
    world::{ANTHROPIC, OPENAI, key_of},
};
use tokio::task::JoinSet;

use super::{ELSEWHERE, exchange, post};
use crate::{
    dial::tcp,
    world::{World, addresses},
};

/// Where the client thinks that an allowed host is does not matter: the sidecar goes where the name leads.
#[tokio::test]
async fn the_clients_address_of_an_allowed_host_does_not_matter() {
    let Some(world) = World::shared() else { return };
    for (address, port) in
        [("203.0.113.50", 443), ("2001:db8:1::50", 443), ("192.0.2.10", 4430), ("203.0.113.50", 22)]
    {
        let to = SocketAddr::new(address.parse().unwrap(), port);
        let secret = world.secret();
        let call = world.anthropic(Api::Anthropic.request(&secret, false, false));
        let stream = tcp(&world.app, to).unwrap();
        let mut connection = world.trust().open(stream, ANTHROPIC, Protocol::Http2).await.unwrap();
        let answer = within("an answer", connection.call(&call)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.text().contains(&secret), "restored: {}", answer.text());
        assert_eq!(world.provider.records().of(key_of(&call)).len(), 1);
        assert!(world.packets(|packet| packet.to == to).is_empty(), "{to}");
        world.assert_kept("an allowed host elsewhere", &secret);
    }
}

/// Certificates are for one host, and so is what is said under them.
#[tokio::test]
async fn a_connection_serves_only_the_host_of_its_sni() {
    let Some(world) = World::shared() else { return };
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (host, status) in [(OPENAI, 421), (ELSEWHERE, 421), ("", 421), ("198.51.100.7", 421)] {
            let secret = world.secret();
            let mut call = world.anthropic(Api::Anthropic.request(&secret, false, false));
            host.clone_into(&mut call.host);
            if host.is_empty() && protocol == Protocol::Http2 {
                continue;
            }
            let mut connection = world.connect(ANTHROPIC, protocol).await.unwrap();
            let answer = within("an answer", connection.call(&call)).await.unwrap();
            assert_eq!(answer.status, status, "{host:?} {protocol:?}: {}", answer.text());
            assert!(answer.headers["content-type"].as_bytes().starts_with(b"application/json"), "{answer:?}");
            assert!(world.provider.records().of(key_of(&call)).is_empty());
            world.assert_kept("another host", &secret);
        }
    }
}

/// What the application says of who it is and where this goes is not believed.
#[tokio::test]
async fn spoofed_headers_lead_nowhere() {
    let Some(world) = World::shared() else { return };
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let secret = world.secret();
        let mut call = world.anthropic(Api::Anthropic.request(&secret, false, false));
        let spoofed = [
            ("x-original-host", OPENAI),
            ("x-envoy-original-dst-host", "198.51.100.7:443"),
            ("x-envoy-upstream-alt-stat-name", "x"),
            ("x-envoy-original-path", "/elsewhere"),
            ("x-envoy-retry-on", "5xx"),
            ("x-envoy-internal", "true"),
            ("x-forwarded-for", "198.51.100.7"),
            ("x-forwarded-host", ELSEWHERE),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-client-cert", "By=spiffe://x"),
            ("forwarded", "host=llm.example"),
            ("x-request-id", "known"),
        ];
        for (name, value) in spoofed {
            call = call.header(name, value);
        }
        let answer = world.call(protocol, &call).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let received = world.provider.records().of(key_of(&call));
        let [received] = received.as_slice() else { panic!("received {} times", received.len()) };
        assert_eq!(received.host().as_deref(), Some(ANTHROPIC));
        assert_eq!(received.path, "/v1/messages");
        for (name, _) in spoofed {
            assert!(received.header(name).is_none(), "{protocol:?}: {name} is passed on: {received:?}");
        }
        world.assert_kept("spoofed headers", &secret);
    }
}

/// What HTTP has to lead elsewhere, or to make of a request something that nobody can mask. Encrypted or not.
#[tokio::test]
async fn other_forms_of_http_are_refused() {
    let Some(world) = World::shared() else { return };
    let target = |target: &str, secret: &str| {
        String::from_utf8(post(ANTHROPIC, "/v1/messages", secret)).unwrap().replacen(
            "/v1/messages",
            target,
            1,
        )
    };
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut trying = JoinSet::new();
    for encrypted in [true, false] {
        let secret = world.secret();
        let attempts = [
            ("CONNECT", format!("CONNECT {ANTHROPIC}:443 HTTP/1.1\r\nhost: {ANTHROPIC}:443\r\n\r\n{secret}"), &[400, 403, 404, 405][..]),
            ("CONNECT elsewhere", format!("CONNECT {ELSEWHERE}:443 HTTP/1.1\r\nhost: {ELSEWHERE}:443\r\n\r\n{secret}"), &[400, 403, 404, 405, 421]),
            ("absolute, elsewhere", target(&format!("http://{ELSEWHERE}/v1/messages"), &secret), &[403, 421]),
            ("absolute, https elsewhere", target(&format!("https://{ELSEWHERE}/v1/messages"), &secret), &[403, 421]),
            ("HTTP/1.0", target("/v1/messages", &secret).replace("HTTP/1.1", "HTTP/1.0"), &[426]),
            ("WebSocket", target("/v1/messages", &secret).replace("connection: close\r\n", upgrade), &[400, 403]),
            ("h2c upgrade", target("/v1/messages", &secret).replace("connection: close\r\n", "connection: close, upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"), &[200, 400, 403]),
            ("two lengths", target("/v1/messages", &secret).replace("connection: close\r\n", "connection: close\r\ntransfer-encoding: chunked\r\n"), &[400]),
            ("another host", String::from_utf8(post(ELSEWHERE, "/v1/messages", &secret)).unwrap(), &[403, 421]),
            ("two hosts", target("/v1/messages", &secret).replacen("host: ", &format!("host: {ELSEWHERE}\r\nhost: "), 1), &[400, 403, 421]),
            ("no host", target("/v1/messages", &secret).replacen(&format!("host: {ANTHROPIC}\r\n"), "", 1), &[400]),
            ("garbage", format!("\x01\x02{secret}\r\n\r\n"), &[400, 0]),
        ];
        for (what, said, statuses) in attempts {
            let secret = secret.clone();
            trying.spawn(async move {
                let got = say(world, encrypted, said.as_bytes()).await;
                let status = got.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
                assert!(statuses.contains(&status), "{what}, encrypted: {encrypted}: {status} {got}");
                world.assert_kept(what, &secret);
            });
        }
    }
    trying.join_all().await;
}

/// Says these bytes to Anthropic.
async fn say(world: &World, encrypted: bool, said: &[u8]) -> String {
    let [v4, _] = addresses(ANTHROPIC);
    if !encrypted {
        return exchange(tcp(&world.app, (v4, 80).into()).unwrap(), said).await;
    }
    let tls = world.trust().offering(Protocol::Http1);
    exchange(tls.handshake(tcp(&world.app, (v4, 443).into()).unwrap(), ANTHROPIC).await.unwrap(), said).await
}
