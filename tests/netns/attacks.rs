//! Connections that were there before the rules: what an application says on them afterwards does not leave, whoever speaks
//! first, and whoever closes. And what a request can carry where nobody masks.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::Path,
    process::Output,
    time::{Duration, Instant},
};

use e2e::netns::{Capture, Link, Namespace, available};
use e2e::{
    client::Protocol,
    said::Api,
    world::{ANTHROPIC, key_of},
};
use http::Method;
use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};

use crate::world::World;

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// What must not leave.
const SECRET: &[u8] = b"i-0bad00000000older";

/// An application's machine where nothing follows connections yet, as in any new container, and a provider's.
struct Scene {
    app: Namespace,
    provider: Namespace,
    link: Link,
    backend: &'static str,
}

impl Scene {
    /// Scenes with both kinds of iptables and both of IP, and the provider's address; none where there are no namespaces.
    fn all() -> impl Iterator<Item = (Self, IpAddr)> {
        let kinds = ["nft", "legacy"].into_iter().flat_map(|backend| [4, 6].map(|family| (backend, family)));
        kinds.filter(|_| available()).map(|(backend, family)| {
            let (app, provider) = (Namespace::new("app"), Namespace::new("provider"));
            let link = Link::between(&app, &provider, 1);
            link.is_the_way_out();
            let address = if family == 4 { link.v4(1) } else { link.v6(1) };
            (Self { app, provider, link, backend }, address)
        })
    }

    fn script(&self, action: &str) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/iptables.sh");
        let mut shell = self.app.command("sh");
        let output = shell.arg(script).args([action, "--backend", self.backend]).output().expect("sh runs");
        assert!(output.status.success(), "{output:?}");
        output
    }

    /// A connection from the application to the provider, and its other end.
    fn connection(&self, provider: IpAddr) -> (TcpStream, TcpStream) {
        let listener = self.provider.enter(|| TcpListener::bind((provider, 7777)).unwrap());
        set_socket_recv_buffer_size(&listener, 8192).unwrap();
        let to = listener.local_addr().unwrap();
        let client = self.app.enter(|| TcpStream::connect_timeout(&to, DEADLINE)).unwrap();
        let (served, _) = listener.accept().unwrap();
        for end in [&client, &served] {
            end.set_read_timeout(Some(DEADLINE)).unwrap();
            end.set_write_timeout(Some(DEADLINE)).unwrap();
        }
        (client, served)
    }
}

fn has_secret(capture: &Capture) -> bool {
    capture.packets().iter().any(|packet| packet.bytes.windows(SECRET.len()).any(|bytes| bytes == SECRET))
}

/// An answer that streams while the rules come: the kernel then sees the provider's packet first, and could take the
/// connection for one that the provider made.
#[test]
fn an_older_connection_is_cut_also_when_the_provider_speaks_first() {
    for (scene, provider) in Scene::all() {
        let (mut client, mut served) = scene.connection(provider);
        let capture = Capture::start(&scene.provider);
        scene.script("install");
        served.write_all(b"data: {}\n\n").unwrap();
        // Whether the application still gets this is a race: already the kernel's acknowledgement does not leave.
        let _ = client.read_exact(&mut [0; 10]);
        let cut = client.write_all(SECRET).and_then(|()| client.read_exact(&mut [0; 1]));
        let kind = cut.expect_err("it is reset").kind();
        let expected = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&kind);
        assert!(expected, "{} {provider}: {kind:?}", scene.backend);
        assert!(!has_secret(&capture), "{} {provider}", scene.backend);
    }
}

/// The same over QUIC.
#[test]
fn quic_that_is_older_is_refused_also_when_the_provider_speaks_first() {
    for (scene, provider) in Scene::all() {
        let server = scene.provider.enter(|| UdpSocket::bind((provider, 443)).unwrap());
        let any: SocketAddr = if provider.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }.parse().unwrap();
        let client = scene.app.enter(|| UdpSocket::bind(any).unwrap());
        client.connect((provider, 443)).unwrap();
        client.send(b"before").unwrap();
        for end in [&client, &server] {
            end.set_read_timeout(Some(DEADLINE)).unwrap();
        }
        let (_, from) = server.recv_from(&mut [0; 8]).unwrap();
        let capture = Capture::start(&scene.provider);
        scene.script("install");
        server.send_to(b"answer", from).unwrap();
        client.recv(&mut [0; 8]).unwrap();
        let refused = (0..2).any(|_| client.send(SECRET).is_err());
        assert!(refused, "{} {provider}: a client must be told", scene.backend);
        assert!(!has_secret(&capture), "{} {provider}", scene.backend);
    }
}

/// What an application left to the kernel to send when it closed, because the provider did not read: the last of what Envoy
/// left so must go out, and packets of the two look alike.
#[test]
fn an_older_connections_last_words_stay() {
    for (scene, provider) in Scene::all() {
        let (mut client, mut served) = scene.connection(provider);
        client.set_nonblocking(true).unwrap();
        while client.write(&[b'.'; 4096]).is_ok() {}
        let capture = Capture::start(&scene.provider);
        scene.script("install");
        set_socket_send_buffer_size(&client, 4 << 20).unwrap();
        // There is room now, unless the connection is cut already.
        let _ = client.write_all(SECRET);
        drop(client);
        // All that comes, until the end, a reset or silence.
        served.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let _ = served.read_to_end(&mut Vec::new());
        assert!(!has_secret(&capture), "{} {provider}", scene.backend);
    }
}

/// Answers to connections that others make are untouched, also after the rules were installed again.
#[test]
fn connections_of_others_go_on() {
    for (scene, provider) in Scene::all() {
        scene.script("install");
        let at = if provider.is_ipv4() { scene.link.v4(0) } else { scene.link.v6(0) };
        let listener = scene.app.enter(|| TcpListener::bind((at, 8080)).unwrap());
        let to = listener.local_addr().unwrap();
        let mut visitor = scene.provider.enter(|| TcpStream::connect_timeout(&to, DEADLINE)).unwrap();
        let (mut served, _) = listener.accept().unwrap();
        visitor.set_read_timeout(Some(DEADLINE)).unwrap();
        for _ in 0..2 {
            served.write_all(b"served").unwrap();
            visitor.read_exact(&mut [0; 6]).unwrap();
            scene.script("install");
        }
        let statsd = scene.app.enter(|| UdpSocket::bind((at, 8125)).unwrap());
        let visitor = scene.provider.enter(|| UdpSocket::bind((provider, 0)).unwrap());
        for end in [&statsd, &visitor] {
            end.set_read_timeout(Some(DEADLINE)).unwrap();
        }
        visitor.send_to(b"ask", statsd.local_addr().unwrap()).unwrap();
        let (_, from) = statsd.recv_from(&mut [0; 8]).unwrap();
        statsd.send_to(b"answer", from).unwrap();
        visitor.recv(&mut [0; 8]).unwrap();
    }
}

/// A method may be any word, over HTTP/2: it is part of no body, and of the access log.
#[tokio::test]
async fn a_method_carries_nothing() {
    let Some(world) = World::shared() else { return };
    let secret = "i-0bad0000000method";
    let mut call = world.anthropic(Api::Anthropic.request("nothing", false, false));
    assert_eq!(call.host, ANTHROPIC);
    call.method = Method::from_bytes(secret.as_bytes()).unwrap();
    let answer = world.call(Protocol::Http2, &call).await.unwrap();
    assert_eq!(answer.status, 405, "{}", answer.text());
    assert!(answer.headers["content-type"].as_bytes().starts_with(b"application/json"), "{answer:?}");
    assert!(world.provider.records().of(key_of(&call)).is_empty());
    call.method = Method::POST;
    assert_eq!(world.call(Protocol::Http2, &call).await.unwrap().status, 200);
    // Envoy writes its log when it likes.
    let begun = Instant::now();
    let log = loop {
        let log = world.sidecar.envoy.logs().access;
        if ["-", "POST"].iter().all(|method| log.contains(&format!("\"method\":\"{method}\""))) {
            break log;
        }
        assert!(begun.elapsed() < 3 * DEADLINE, "{log}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(!log.contains(secret), "{log}");
}
