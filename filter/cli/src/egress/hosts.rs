//! Allowed hosts, and where each is reached.

use crate::url::Url;
use cloakroom_core::host::Authority;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names behind which clouds show credentials of the machine, and this machine itself.
const FORBIDDEN_NAMES: &[&str] = &[
    "instance-data",
    "instance-data.ec2.internal",
    "localhost",
    "localhost.localdomain",
    "localhost6",
    "metadata",
    "metadata.azure.internal",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.tencentyun.com",
];

/// Addresses outside the link-local ranges with which clouds do the same.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), // Alibaba Cloud
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),   // Azure
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),     // Oracle Cloud
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)), // AWS: credentials of pods
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), // AWS: metadata
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), // Google Cloud
];

/// Where a host is reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Upstream {
    /// True if the hop is encrypted, and the certificate verified.
    pub(crate) tls: bool,
    /// A name or an address, without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// What stands before every path: empty, or `/` and more without a slash at the end.
    pub(crate) prefix: String,
}

impl Upstream {
    /// The host itself.
    pub(crate) fn of(host: &str) -> Self {
        Self { tls: true, host: host.to_owned(), port: 443, prefix: String::new() }
    }

    /// Reads `https://host:port/prefix`. An error is what the URL is or does, without its subject.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "is not a URL such as https://llm.example.com:8443/prefix";
        let url = Url::parse(text).ok_or(EXPECTED)?;
        if text.contains('#') || text.contains('?') {
            return Err(
                "has a query or a fragment; a path is all that can stand before a request's own".to_owned()
            );
        }
        if url.authority.contains('@') {
            return Err(
                "has a user in it; credentials are the application's or Envoy's, not the URL's".to_owned()
            );
        }
        let tls = url.scheme.eq_ignore_ascii_case("https");
        let authority = Authority::try_new(url.authority.as_bytes()).map_err(|_| EXPECTED)?;
        let port = authority.port().unwrap_or(if tls { 443 } else { 80 });
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        match host.parse::<IpAddr>() {
            Ok(address) if is_forbidden(address) => {
                return Err(
                    "leads to this machine or to a link-local or metadata address, never to a provider"
                        .to_owned(),
                );
            }
            Ok(_) if tls => {
                return Err("names an address, but a certificate is verified by its name".to_owned());
            }
            Ok(_) => {}
            Err(_) if is_forbidden_name(&host) => {
                return Err("leads to this machine or to a cloud's metadata, never to a provider".to_owned());
            }
            Err(_) if dns_name(&host).is_none() => return Err(EXPECTED.to_owned()),
            Err(_) => {}
        }
        if port == 0 {
            return Err(EXPECTED.to_owned());
        }
        Ok(Self { tls, host, port, prefix: prefix(url.path())? })
    }

    /// The provider's `host` header.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == if self.tls { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }
}

/// A path that can stand before others: no dots to climb with, no escapes to read twice.
fn prefix(path: &str) -> Result<String, String> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
    if path.is_empty() || path.strip_prefix('/').is_some_and(|path| path.split('/').all(segment)) {
        Ok(path.to_owned())
    } else {
        Err("has a path that is not made of plain segments (letters, digits, `-`, `.`, `_`, `~`)".to_owned())
    }
}

/// An allowed host, in lower case. An error is what the name is or does, without its subject.
///
/// Each has a cluster of its own, so there are no wildcards, and what an application can name is never an address.
pub(super) fn host_name(text: &str) -> Result<String, &'static str> {
    if text.contains('*') {
        return Err("has a wildcard; name each host, as each has a cluster and a name in the certificate");
    }
    if text.contains("://") || text.contains(['/', ':']) {
        return Err("is not a host name such as api.anthropic.com; another URL goes under `upstream`");
    }
    let name = dns_name(text).filter(|name| name.contains('.'));
    let name = name.ok_or("is not a host name such as api.anthropic.com")?;
    if is_forbidden_name(&name) {
        return Err("leads to this machine or to a cloud's metadata, never to a provider");
    }
    Ok(name)
}

/// A name of the DNS in lower case, without its trailing dot; nothing that a resolver could take for an address (`0x7f.1`).
pub(super) fn dns_name(text: &str) -> Option<String> {
    let authority =
        Authority::try_new(text.as_bytes()).ok().filter(|authority| authority.port().is_none())?;
    let name = authority.host();
    let letter = |label: &str| label.starts_with(|first: char| first.is_ascii_lowercase());
    let plain = !text.contains([':', '_']) && name.rsplit('.').next().is_some_and(letter);
    plain.then(|| name.to_owned())
}

fn is_forbidden_name(name: &str) -> bool {
    FORBIDDEN_NAMES.contains(&name) || name.ends_with(".localhost")
}

/// True for this machine, for what reaches only neighbours or many, and for clouds' metadata; in IPv6's clothes, too.
fn is_forbidden(address: IpAddr) -> bool {
    let address = match address {
        IpAddr::V6(v6) => embedded(v6).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    METADATA.contains(&address)
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || match address {
            IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.octets().first() == Some(&0),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        }
}

/// The IPv4 address that this one stands for: mapped, compatible (not `::` and `::1`), translated, or 6to4.
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}
