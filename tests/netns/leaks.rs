//! Everything that an application may try, by mistake or on purpose, to get around the sidecar: nothing gets out unmasked.
//!
//! Each attempt has an identifier of its own, and what is asserted of the internet is about packets: none that has it, and
//! none at all for an address or a port that nobody may reach.

use std::{io, net::SocketAddr};

use e2e::{
    client::{Call, Protocol, Tls, within},
    netns::Packet,
    provider::KEY_HEADER,
    said::Api,
    world::{ANTHROPIC, OPENAI},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    task::JoinSet,
};

use crate::{
    dial::tcp,
    sidecar::UID,
    world::{World, addresses},
};

/// A host that no operator allowed.
const ELSEWHERE: &str = "llm.example";

/// Neither the address nor the port nor the IP matters: what is not for an allowed host ends at the sidecar.
#[tokio::test]
async fn other_machines_receive_nothing() {
    let Some(world) = World::shared() else { return };
    let before = world.closed();
    let ends =
        ["198.51.100.7", "203.0.113.9", "2001:db8:1::7", "169.254.169.254", "fd00:ec2::254", "192.0.2.10"];
    // 443 and 80 of the last one are a provider's.
    let ports = |end: &str| if end == "192.0.2.10" { vec![22, 8443] } else { vec![443, 80, 22, 8443] };
    let mut trying = JoinSet::new();
    for end in ends {
        for port in ports(end) {
            trying.spawn(try_all(world, SocketAddr::new(end.parse().unwrap(), port)));
        }
    }
    let tried: u64 = trying.join_all().await.into_iter().sum();
    // Whoever runs this sees it in a counter.
    assert!(world.closed() >= before + tried, "{} of {tried} were counted", world.closed() - before);
}

/// Says all kinds of things to this address; returns how many of them are no HTTP for an allowed name.
async fn try_all(world: &World, to: SocketAddr) -> u64 {
    let secret = world.secret();
    let connect = || tcp(&world.app, to).unwrap();
    assert!(world.trust().handshake(connect(), ELSEWHERE).await.is_err(), "{to}: TLS for {ELSEWHERE}");
    let by_address = world.trust().handshake(connect(), &to.ip().to_string()).await;
    assert!(by_address.is_err(), "{to}: TLS for the address itself, which has no SNI");
    let others = [format!("SSH-2.0-{secret}\r\n"), format!("\0\0\0\x01{secret}\n"), hello_of(&secret)];
    for said in &others {
        let got = exchange(connect(), said.as_bytes()).await;
        assert!(got.is_empty(), "{to}: {said:?} is answered with {got}");
    }
    let got = exchange(connect(), &post(ELSEWHERE, "/", &secret)).await;
    assert!(got.starts_with("HTTP/1.1 403 "), "{to}: {got}");
    let arrived = world.packets(|packet| packet.to == to);
    assert!(arrived.is_empty(), "{to}: {arrived:?}");
    world.assert_kept("another machine", &secret);
    5
}

/// The first bytes of something that looks like TLS.
fn hello_of(secret: &str) -> String {
    format!("\x16\x03\x01\x00\x20\x01\0\0\x1c\x03\x03{secret}{secret}\n")
}

/// QUIC, and everything else without connections.
#[test]
fn datagrams_do_not_leave() {
    let Some(world) = World::shared() else { return };
    for end in ["192.0.2.10", "2001:db8::10", "198.51.100.7", "2001:db8:1::7"] {
        for port in [443, 80, 3478, 8125] {
            let to = SocketAddr::new(end.parse().unwrap(), port);
            let secret = world.secret();
            let refused = world.app.enter(|| {
                let socket = std::net::UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
                socket.connect(to)?;
                // The refusal comes back as an error of the first or of the next call.
                socket.send(secret.as_bytes())?;
                socket.send(secret.as_bytes())
            });
            assert!(refused.is_err(), "{to}: a client must be told, to fall back to TCP at once");
            assert!(world.packets(|packet| packet.udp && packet.to == to).is_empty(), "{to}");
            world.assert_kept("a datagram", &secret);
        }
    }
}

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
        assert_eq!(world.provider.records().of(e2e::world::key_of(&call)).len(), 1);
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
            world.assert_not_received(&call, &secret);
        }
    }
}

/// Without SNI nobody knows which certificate to show.
#[tokio::test]
async fn no_sni_no_connection() {
    let Some(world) = World::shared() else { return };
    let [v4, _] = addresses(ANTHROPIC);
    let before = world.closed();
    let stream = tcp(&world.app, (v4, 443).into()).unwrap();
    assert!(world.trust().without_sni().handshake(stream, ANTHROPIC).await.is_err());
    assert!(world.closed() > before);
}

/// A client that knows the provider's own certificate, or CA, sees that this is another one and says nothing.
#[tokio::test]
async fn a_client_that_pins_the_certificate_says_nothing() {
    let Some(world) = World::shared() else { return };
    let [v4, _] = addresses(ANTHROPIC);
    let pinning = Tls::trusting(world.provider.ca_pem().unwrap().as_bytes());
    let error = pinning.open(tcp(&world.app, (v4, 443).into()).unwrap(), ANTHROPIC, Protocol::Http1).await;
    assert!(error.unwrap_err().to_string().contains("invalid peer certificate"));
    let secret = world.secret();
    let body = Api::Anthropic.request(&secret, false, false);
    let pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let output =
        world.curl(&["--pinnedpubkey", pin, "--data", &body, &format!("https://{ANTHROPIC}/v1/messages")]);
    assert_eq!(output.status.code(), Some(90), "curl's code for this: {output:?}");
    world.assert_kept("a pinned certificate", &secret);
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
        let received = world.provider.records().of(e2e::world::key_of(&call));
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
                let got = world.say(encrypted, said.as_bytes()).await;
                let status = got.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
                assert!(statuses.contains(&status), "{what}, encrypted: {encrypted}: {status} {got}");
                world.assert_kept(what, &secret);
            });
        }
    }
    trying.join_all().await;
}

/// The pod's own bridge is not the application's: who can ask it for values, or for tokens, could learn from it.
#[tokio::test]
async fn the_application_reaches_neither_bridge_nor_envoys_admin() {
    let Some(world) = World::shared() else { return };
    let bridge = world.bridge.address();
    let got =
        exchange(tcp(&world.app, bridge).unwrap(), &post(&bridge.to_string(), "/v1/scopes/x/values", "{}"))
            .await;
    assert!(got.starts_with("HTTP/1.1 403 "), "{got}");
    // The same as another user than root.
    let admin = world.sidecar.envoy.dir().join(e2e::envoy::ADMIN);
    let mut curl = world.app.command_as(UID + 1, "curl");
    let status = curl.args(["--silent", "--unix-socket"]).arg(&admin).arg("http://admin/").status().unwrap();
    assert!(!status.success());
}

/// The measure itself: what does get out, as Envoy's own user, is seen. And that user reaches no secrets of the cloud.
#[test]
fn the_record_shows_what_gets_out() {
    let Some(world) = World::shared() else { return };
    let out = |address: &str| {
        let secret = world.secret();
        let mut curl = world.app.command_as(UID, "curl");
        curl.args(["--silent", "--max-time", "2", "--data", &secret, &format!("http://{address}:8080/")]);
        (curl.status().unwrap(), world.packets(|packet| contains(&packet.bytes, &secret)).len())
    };
    for address in ["198.51.100.99", "[2001:db8:1::99]"] {
        // Nobody answers there, but it was sent.
        assert!(matches!(out(address), (status, 1..) if status.code() == Some(28)), "{address}");
    }
    for address in ["169.254.169.254", "[fd00:ec2::254]"] {
        assert!(matches!(out(address), (status, 0) if status.code() == Some(7)), "{address}");
    }
}

/// A request of HTTP/1.1 with this identifier in its body.
fn post(host: &str, path: &str, secret: &str) -> Vec<u8> {
    let body = Api::Anthropic.request(secret, false, false);
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Says this and returns what comes until the other side closes.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, said: &[u8]) -> String {
    let mut got = Vec::new();
    within(&format!("the end after {:?}", String::from_utf8_lossy(said)), async {
        // Either end may come as a reset.
        let _ = stream.write_all(said).await;
        let _ = stream.read_to_end(&mut got).await;
    })
    .await;
    String::from_utf8_lossy(&got).into_owned()
}

fn contains(bytes: &[u8], what: &str) -> bool {
    bytes.windows(what.len()).any(|window| window == what.as_bytes())
}

impl World {
    /// An instance that nobody else names.
    fn secret(&self) -> String {
        let number: u64 = self.key().trim_start_matches("call-").parse().unwrap();
        format!("i-0bad{number:013x}")
    }

    /// Connections that the sidecar closed because they are for no host that is allowed, or no HTTP.
    fn closed(&self) -> u64 {
        self.sidecar.envoy.stat("no_filter_chain_match")
    }

    /// Packets at the internet.
    fn packets(&self, which: impl Fn(&Packet) -> bool) -> Vec<Packet> {
        self.capture.packets().into_iter().filter(which).collect()
    }

    /// No packet and no request at the internet has this.
    fn assert_kept(&self, what: &str, secret: &str) {
        let packets = self.packets(|packet| contains(&packet.bytes, secret));
        assert!(packets.is_empty(), "{what}: {secret} got out: {packets:?}");
        let requests = self.provider.records().all();
        let with = requests.iter().find(|request| contains(format!("{request:?}").as_bytes(), secret));
        assert!(with.is_none(), "{what}: {secret} reached the provider: {with:?}");
    }

    fn assert_not_received(&self, call: &Call, secret: &str) {
        assert!(self.provider.records().of(call.headers[KEY_HEADER].to_str().unwrap()).is_empty());
        self.assert_kept("not received", secret);
    }

    /// Says these bytes to Anthropic.
    async fn say(&self, encrypted: bool, said: &[u8]) -> String {
        let [v4, _] = addresses(ANTHROPIC);
        let connect = |port: u16| -> io::Result<_> { tcp(&self.app, (v4, port).into()) };
        if !encrypted {
            return exchange(connect(80).unwrap(), said).await;
        }
        let tls = self.trust().offering(Protocol::Http1);
        exchange(tls.handshake(connect(443).unwrap(), ANTHROPIC).await.unwrap(), said).await
    }
}
