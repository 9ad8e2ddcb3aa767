//! An application's machine, the world behind it, and the script.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::Path,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use e2e::netns::{Link, Namespace};
use rustix::{
    net::sockopt::{ip_original_dst, ipv6_original_dst},
    thread::set_thread_res_uid,
};

/// Envoy's user.
pub(super) const ENVOY: u32 = 1337;
/// An application's.
pub(super) const APPLICATION: u32 = 1000;
/// A provider, say.
pub(super) const PROVIDER: [&str; 2] = ["203.0.113.10", "2001:db8::10"];
/// Where clouds keep credentials.
pub(super) const METADATA: [&str; 2] = ["169.254.169.254", "fd00:ec2::254"];
/// Both kinds of iptables.
pub(super) const BACKENDS: [&str; 2] = ["nft", "legacy"];
/// What every TCP port of the world says.
pub(super) const WORLD: &str = "the world";
/// Ports that the world serves, TCP and UDP.
const PORTS: [u16; 5] = [53, 80, 443, 4433, 8443];
/// How long anything may take; what is refused is refused at once.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

pub(super) struct Scene {
    pub(super) app: Namespace,
    pub(super) world: Namespace,
    pub(super) link: Link,
    backend: &'static str,
    /// Connections that reached the world.
    reached: Arc<AtomicUsize>,
}

impl Scene {
    pub(super) fn new(backend: &'static str) -> Self {
        let (app, world) = (Namespace::new("app"), Namespace::new("world"));
        let link = Link::between(&app, &world, 1);
        link.is_the_way_out();
        for address in PROVIDER.iter().chain(&METADATA) {
            world.ip(&format!("addr add {address} dev lo nodad"));
        }
        let scene = Self { app, world, link, backend, reached: Arc::default() };
        scene.serve();
        scene
    }

    /// Scenes with both kinds of iptables; none where there are no namespaces.
    pub(super) fn both() -> impl Iterator<Item = Self> {
        BACKENDS.into_iter().filter(|_| e2e::netns::available()).map(Self::new)
    }

    fn serve(&self) {
        let addresses = PROVIDER.into_iter().chain(METADATA).map(|address| address.parse().unwrap());
        let addresses: Vec<IpAddr> = addresses.chain([self.link.v4(1), self.link.v6(1)]).collect();
        for (address, port) in addresses.iter().flat_map(|address| PORTS.map(|port| (*address, port))) {
            let listener = self.world.enter(|| TcpListener::bind((address, port)).expect("free"));
            let udp = self.world.enter(|| UdpSocket::bind((address, port)).expect("free"));
            let reached = Arc::clone(&self.reached);
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    reached.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.and_then(|mut stream| stream.write_all(WORLD.as_bytes()));
                }
            });
            std::thread::spawn(move || {
                let mut bytes = [0; 64];
                while let Ok((length, from)) = udp.recv_from(&mut bytes) {
                    let _ = udp.send_to(&bytes[..length], from);
                }
            });
        }
    }

    /// Stands where Envoy does, and tells each connection where it was going.
    pub(super) fn stand_in_for_envoy(&self) {
        for address in ["127.0.0.1", "::1"] {
            let at: SocketAddr = (address.parse::<IpAddr>().unwrap(), 15001).into();
            let listener = self.app.enter(|| TcpListener::bind(at).expect("free"));
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = stream.expect("a connection");
                    let target = match at.is_ipv4() {
                        true => ip_original_dst(&stream).map(SocketAddr::from),
                        false => ipv6_original_dst(&stream).map(SocketAddr::from),
                    };
                    let _ = stream.write_all(format!("{target:?}").as_bytes());
                }
            });
        }
    }

    /// What a connection of this user to there is told.
    pub(super) fn ask(&self, uid: u32, address: &str, port: u16) -> io::Result<String> {
        let to: SocketAddr = (address.parse::<IpAddr>().unwrap(), port).into();
        self.run_as(uid, || {
            let mut stream = TcpStream::connect_timeout(&to, DEADLINE)?;
            stream.set_read_timeout(Some(DEADLINE))?;
            let mut told = String::new();
            stream.read_to_string(&mut told)?;
            Ok(told)
        })
    }

    /// Sends a datagram and waits for it to come back.
    pub(super) fn ask_udp(&self, uid: u32, address: &str, port: u16) -> io::Result<()> {
        let to: IpAddr = address.parse().unwrap();
        self.run_as(uid, || {
            let any = if to.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
            let socket = UdpSocket::bind((any, 0))?;
            socket.set_read_timeout(Some(DEADLINE))?;
            socket.connect((to, port))?;
            socket.send(b"anybody there?")?;
            socket.recv(&mut [0; 64]).map(drop)
        })
    }

    pub(super) fn run_as<T: Send>(&self, uid: u32, work: impl FnOnce() -> T + Send) -> T {
        self.app.enter(|| {
            // Of this thread alone, which ends with the work.
            let uid = rustix::process::Uid::from_raw(uid);
            set_thread_res_uid(uid, uid, uid).expect("root may be anybody");
            work()
        })
    }

    /// How many connections have reached the world.
    pub(super) fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }

    /// The script with these words behind its action.
    pub(super) fn script(&self, words: &str) -> Output {
        self.script_by(&mut self.app.command("sh"), words)
    }

    /// The same, run by a shell that knows its namespace and user.
    pub(super) fn script_by(&self, shell: &mut Command, words: &str) -> Output {
        let words = words.split_whitespace();
        shell.arg(script()).args(words).args(["--backend", self.backend]).output().expect("sh runs")
    }

    pub(super) fn install(&self, options: &str) {
        succeeds(&self.script(&format!("install {options}")));
    }

    /// `iptables`, `ip6tables-save`, … of this scene's kind.
    pub(super) fn tool(&self, family: u8, suffix: &str) -> String {
        format!("{}-{}{suffix}", if family == 4 { "iptables" } else { "ip6tables" }, self.backend)
    }

    /// All rules, without counters and times.
    pub(super) fn rules(&self) -> String {
        let save = format!("{}; {}", self.tool(4, "-save"), self.tool(6, "-save"));
        let all = self.app.sh(&save);
        let kept = all.lines().filter(|line| !line.starts_with('#'));
        kept.map(|line| format!("{}\n", line.split(" [").next().unwrap())).collect()
    }
}

pub(super) fn script() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/iptables.sh")
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

pub(super) fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}
