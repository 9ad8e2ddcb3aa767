//! A pod, the internet, the bridge and Redis, each a network namespace of its own.
//!
//! ```text
//!   app ──── internet            every address of the documentation networks; the providers are three of them
//!    │       (Provider, Capture)
//!    └──── bridge ──── redis
//! ```
//!
//! With a gateway, that stands between the application and the internet, with a link of its own to the bridge.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use e2e::{
    bridge::{self, Bridge},
    client::Call,
    netns::{Capture, Link, Namespace, available},
    provider::{KEY_HEADER, Options, Provider, Transport},
    redis::Redis,
    world::{ANTHROPIC, GEMINI, OPENAI},
};
use serde_json::json;

use crate::sidecar::{Hop, Operator, redirect};

/// The providers. Their addresses end in this number.
pub(crate) const PROVIDERS: [(&str, u8); 3] = [(ANTHROPIC, 10), (OPENAI, 20), (GEMINI, 30)];
/// An allowed host whose certificate nobody trusts.
pub(crate) const IMPOSTOR: &str = "impostor.example";
/// An allowed host whose name leads to where clouds tell their secrets.
pub(crate) const INWARD: &str = "inward.example";
/// Every host that is allowed, and where it is.
static HOSTS: LazyLock<BTreeMap<&str, [IpAddr; 2]>> = LazyLock::new(|| {
    let secrets =
        [Ipv4Addr::new(169, 254, 169, 254).into(), Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254).into()];
    let providers = PROVIDERS.map(|(host, number)| (host, machine(number)));
    providers.into_iter().chain([(IMPOSTOR, machine(40)), (INWARD, secrets)]).collect()
});
/// Networks whose every address is a machine of the internet: a provider, or one that takes whatever it is sent. The last
/// ones are where clouds tell their secrets.
const NETWORKS: [&str; 6] =
    ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "169.254.0.0/16", "fd00:ec2::/64"];
/// Where everything else than the providers' ports is led to.
const SINK: u16 = 9999;
/// Where the impostor listens.
const FALSE: u16 = 9998;
/// Where the bridge listens.
const BRIDGE: u16 = 8790;
/// Where the gateway listens.
const GATEWAY: u16 = 15443;

/// Everything around an application.
pub(crate) struct World {
    pub(crate) app: Namespace,
    pub(crate) internet: Namespace,
    pub(crate) to_internet: Link,
    pub(crate) to_bridge: Link,
    pub(crate) to_redis: Link,
    /// What arrives at the internet.
    pub(crate) capture: Capture,
    pub(crate) provider: Provider,
    pub(crate) impostor: Provider,
    pub(crate) redis: Redis,
    pub(crate) bridge: Bridge,
    pub(crate) sidecar: Hop,
    pub(crate) gateway: Option<Gateway>,
    keys: AtomicUsize,
}

/// The gateway between an application and the internet.
pub(crate) struct Gateway {
    pub(crate) namespace: Namespace,
    pub(crate) hop: Hop,
    /// Where sidecars find it.
    pub(crate) address: SocketAddr,
}

impl World {
    /// One for all tests that change nothing in it. `None` where namespaces cannot be made.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: LazyLock<Option<World>> = LazyLock::new(World::start);
        SHARED.as_ref()
    }

    /// One of one's own. `None` where namespaces cannot be made.
    pub(crate) fn start() -> Option<Self> {
        Self::build(None)
    }

    /// One whose sidecar has no other way than to a gateway, which is the one to reach the internet; `masking` says who
    /// masks. `None` where namespaces cannot be made.
    pub(crate) fn behind_gateway(masking: &str) -> Option<Self> {
        Self::build(Some(masking))
    }

    fn build(masking: Option<&str>) -> Option<Self> {
        if !available() {
            return None;
        }
        let [app, internet, beside, store] = ["app", "internet", "bridge", "redis"].map(Namespace::new);
        let central = masking.map(|_| Namespace::new("gateway"));
        let to_internet = Link::between(central.as_ref().unwrap_or(&app), &internet, 1);
        let to_bridge = Link::between(&app, &beside, 2);
        let to_redis = Link::between(&beside, &store, 3);
        to_internet.is_the_way_out();
        let [provider, impostor] = make_internet(&internet);
        let capture = Capture::start(&internet);
        let redis = Redis::start_in(&store, &[]);
        let url = format!("redis://{}:{}", to_redis.v4(1), redis.port());
        let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, BRIDGE));
        let bridge = Bridge::start(&bridge::Settings::over(url).within(&beside, everywhere));

        let operator = |link: &Link| {
            let public_ca = provider.ca_pem().expect("it has one");
            Operator::new((link.v4(1), BRIDGE).into(), bridge.token(), public_ca)
        };
        for namespace in [&app].into_iter().chain(&central) {
            namespace.hosts(&names());
        }
        let gateway = masking.zip(central).map(|(masking, namespace)| {
            let link = Link::between(&app, &namespace, 4);
            link.is_the_way_out();
            let address = SocketAddr::new(link.v4(1), GATEWAY);
            let settings = json!({"address": address.to_string(), "name": "gateway.example"});
            let operator = operator(&Link::between(&namespace, &beside, 5));
            let operator = operator.set("masking", masking.into()).set("gateway", settings);
            Gateway { hop: operator.start(&namespace, "gateway.yaml"), namespace, address }
        });
        let mut operator = operator(&to_bridge);
        if let Some(Gateway { hop, .. }) = &gateway {
            operator = operator.like(hop);
        }
        let sidecar = operator.start(&app, "sidecar-transparent.yaml");
        redirect(&app);
        let keys = AtomicUsize::new(0);
        Some(Self {
            app,
            internet,
            to_internet,
            to_bridge,
            to_redis,
            capture,
            provider,
            impostor,
            redis,
            bridge,
            sidecar,
            gateway,
            keys,
        })
    }

    /// A call to Anthropic's Messages API with a key of its own.
    pub(crate) fn anthropic(&self, body: impl Into<bytes::Bytes>) -> Call {
        Call::post(ANTHROPIC, "/v1/messages", body)
            .header("x-api-key", "sk-scripted")
            .header("anthropic-version", "2023-06-01")
            .header(KEY_HEADER, self.key())
    }

    /// A call to OpenAI's Chat Completions API with a key of its own.
    pub(crate) fn openai(&self, body: impl Into<bytes::Bytes>) -> Call {
        Call::post(OPENAI, "/v1/chat/completions", body)
            .header("authorization", "Bearer sk-scripted")
            .header(KEY_HEADER, self.key())
    }

    /// A key that no other request of this world has.
    pub(crate) fn key(&self) -> String {
        format!("call-{}", self.keys.fetch_add(1, Ordering::Relaxed))
    }
}

/// Addresses of an allowed host: IPv4 and IPv6.
pub(crate) fn addresses(host: &str) -> [IpAddr; 2] {
    *HOSTS.get(host).expect("an allowed host")
}

/// Addresses of a machine in the providers' networks.
pub(crate) fn machine(number: u8) -> [IpAddr; 2] {
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into());
    [Ipv4Addr::new(192, 0, 2, number).into(), v6.into()]
}

/// What a name server would say.
fn names() -> String {
    let line = |(host, addresses): (&&str, &[IpAddr; 2])| {
        addresses.map(|address| format!("{address} {host}\n")).concat()
    };
    HOSTS.iter().map(line).collect()
}

/// The names of all allowed hosts.
pub(crate) fn allowed() -> impl Iterator<Item = &'static str> {
    HOSTS.keys().copied()
}

/// Lets the namespace have every address, the providers with TLS and plain HTTP on theirs, and something that takes all
/// there is on all others.
fn make_internet(internet: &Namespace) -> [Provider; 2] {
    for network in NETWORKS {
        internet.ip(&format!("route add local {network} dev lo"));
    }
    let rule = |address: IpAddr, what: &str| {
        let tool = if address.is_ipv4() { "iptables" } else { "ip6tables" };
        internet.sh(&format!("{tool} -t nat -A PREROUTING -d {address} -p tcp {what}"));
    };
    for (host, _) in PROVIDERS {
        for address in addresses(host) {
            rule(address, "-m multiport --dports 80,443 -j RETURN");
        }
    }
    for address in addresses(IMPOSTOR) {
        rule(address, &format!("--dport 443 -j REDIRECT --to-ports {FALSE}"));
    }
    for tool in ["iptables", "ip6tables"] {
        internet.sh(&format!("{tool} -t nat -A PREROUTING -p tcp -j REDIRECT --to-ports {SINK}"));
    }
    let listen = |port: u16| TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).expect("the port is free");
    let [https, http, sink, false_one] = internet.enter(|| [443, 80, SINK, FALSE].map(listen));
    std::thread::spawn(move || swallow(&sink));
    let start = |listeners| Provider::over(listeners, &Options::default()).expect("the provider starts");
    // Each makes a CA of its own; only the first one's is trusted.
    let provider = start(vec![(https, Transport::Tls), (http, Transport::Plain)]);
    [provider, start(vec![(false_one, Transport::Tls)])]
}

/// Takes every connection and reads it to its end.
fn swallow(sink: &TcpListener) {
    for stream in sink.incoming().flatten() {
        std::thread::spawn(move || std::io::copy(&mut &stream, &mut std::io::sink()));
    }
}
