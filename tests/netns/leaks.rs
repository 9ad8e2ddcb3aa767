//! Everything that an application may try, by mistake or on purpose, to get around the sidecar: nothing gets out unmasked.
//!
//! Each attempt has an identifier of its own, and what is asserted of the internet is about packets: none that has it, and
//! none at all for an address or a port that nobody may reach.

mod http;
mod tls;

use std::net::SocketAddr;

use e2e::{client::within, netns::Packet, said::Api};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    task::JoinSet,
};

use crate::{dial::tcp, sidecar::UID, world::World};

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

/// The pod's own bridge is not the application's: who can ask it for values, or for tokens, could learn from it.
#[tokio::test]
async fn the_application_reaches_neither_bridge_nor_envoys_admin() {
    let Some(world) = World::shared() else { return };
    let bridge = SocketAddr::new(world.to_bridge.v4(1), world.bridge.address().port());
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
        self.capture.packets_that(which)
    }

    /// No packet and no request at the internet has this.
    fn assert_kept(&self, what: &str, secret: &str) {
        let packets = self.packets(|packet| contains(&packet.bytes, secret));
        assert!(packets.is_empty(), "{what}: {secret} got out: {packets:?}");
        let requests = self.provider.records().all();
        let with = requests.iter().find(|request| {
            let heads = request.headers.iter().chain(&request.trailers).flat_map(|(_, value)| value);
            contains(&request.body, secret) || request.path.contains(secret) || {
                contains(&heads.copied().collect::<Vec<_>>(), secret)
            }
        });
        assert!(with.is_none(), "{what}: {secret} reached the provider: {with:?}");
    }
}
