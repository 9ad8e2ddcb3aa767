//! A cable between two namespaces.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Namespace;

/// What a slow link carries in a second, in kilobits: a request and its answer take a good while, and queue.
const SLOW_KBIT: u32 = 64;
/// How many packets of a hundred percent a lossy link loses.
const LOSS: &str = "0.3";

/// A pair of interfaces, one in each of two namespaces, with addresses of both IPs.
#[derive(Clone, Debug)]
pub struct Link {
    ends: [End; 2],
    subnet: u8,
}

#[derive(Clone, Debug)]
struct End {
    namespace: Namespace,
    interface: String,
}

impl Link {
    /// Links two namespaces. `subnet` is a number that no other link of theirs has.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn between(first: &Namespace, second: &Namespace, subnet: u8) -> Self {
        let end = |number: u8, namespace: &Namespace| End {
            namespace: namespace.clone(),
            interface: format!("link{subnet}-{number}"),
        };
        let link = Self { ends: [end(1, first), end(2, second)], subnet };
        let [End { interface: one, .. }, End { interface: two, .. }] = &link.ends;
        first.ip(&format!("link add {one} type veth peer name {two} netns {}", second.name()));
        for (number, End { namespace, interface }) in link.ends.iter().enumerate() {
            let (v4, v6) = (link.v4(number), link.v6(number));
            // A link that was cut and mended has the addresses that it had.
            namespace.sh(&format!("echo 1 > /proc/sys/net/ipv6/conf/{interface}/keep_addr_on_down"));
            namespace.ip(&format!("addr add {v4}/24 dev {interface}"));
            namespace.ip(&format!("addr add {v6}/64 dev {interface} nodad"));
            namespace.ip(&format!("link set {interface} up"));
        }
        link
    }

    /// The IPv4 address of the first (0) or the second (1) end.
    pub fn v4(&self, end: usize) -> IpAddr {
        Ipv4Addr::new(10, 77, self.subnet, u8::from(end != 0) + 1).into()
    }

    /// The IPv6 address of the first (0) or the second (1) end.
    pub fn v6(&self, end: usize) -> IpAddr {
        Ipv6Addr::new(0xfd77, 0, 0, self.subnet.into(), 0, 0, 0, u16::from(end != 0) + 1).into()
    }

    /// Lets everything that has no other way from the first end go to the second.
    ///
    /// # Panics
    /// When it cannot be set.
    pub fn is_the_way_out(&self) {
        let End { namespace, interface } = &self.ends[0];
        for (family, via) in [("-4", self.v4(1)), ("-6", self.v6(1))] {
            namespace.sh(&format!("ip {family} route replace default via {via} dev {interface}"));
        }
    }

    /// Cuts it at the second end: what the first end sends is lost, and nobody tells it.
    ///
    /// # Panics
    /// When it cannot be cut.
    pub fn cut(&self) {
        self.ends[1].set("down");
    }

    /// Mends it after [`cut`](Self::cut).
    ///
    /// # Panics
    /// When it cannot be mended.
    pub fn mend(&self) {
        self.ends[1].set("up");
    }

    /// Lets it carry little, in both directions: what is sent waits in line.
    ///
    /// # Panics
    /// When `tc` fails.
    pub fn slow_down(&self) {
        for End { namespace, interface } in &self.ends {
            let limit = format!("rate {SLOW_KBIT}kbit burst 4kb latency 2000ms");
            namespace.sh(&format!("tc qdisc add dev {interface} root tbf {limit}"));
        }
    }

    /// Takes back [`slow_down`](Self::slow_down).
    ///
    /// # Panics
    /// When `tc` fails.
    pub fn speed_up(&self) {
        for End { namespace, interface } in &self.ends {
            namespace.sh(&format!("tc qdisc del dev {interface} root"));
        }
    }

    /// Loses packets at random, in both directions.
    ///
    /// # Panics
    /// When `iptables` fails.
    pub fn lose(&self) {
        self.rule("-I");
    }

    /// Takes back [`lose`](Self::lose).
    ///
    /// # Panics
    /// When `iptables` fails.
    pub fn keep(&self) {
        self.rule("-D");
    }

    fn rule(&self, change: &str) {
        for End { namespace, interface } in &self.ends {
            let loss = format!("-m statistic --mode random --probability {LOSS} -j DROP");
            namespace.sh(&format!("iptables {change} INPUT -i {interface} {loss}"));
        }
    }
}

impl End {
    fn set(&self, state: &str) {
        self.namespace.ip(&format!("link set {} {state}", self.interface));
    }
}
