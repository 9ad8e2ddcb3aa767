//! Host names: what a request's authority says, and which hosts are allowed.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

/// Longest host name (RFC 1035 §2.3.4, without the root's dot).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// A host and perhaps a port, normalised: lower case, no trailing dot, addresses in their canonical form.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

/// What is wrong with an authority.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidAuthority;

impl Authority {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port` (RFC 3986 §3.2, without user information).
    ///
    /// # Errors
    ///
    /// [`InvalidAuthority`] for anything else.
    pub fn try_new(text: &[u8]) -> Result<Self, InvalidAuthority> {
        let text = core::str::from_utf8(text).map_err(|_| InvalidAuthority)?;
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']').ok_or(InvalidAuthority)?;
            let address: Ipv6Addr = address.parse().map_err(|_| InvalidAuthority)?;
            (alloc::format!("[{address}]"), port.strip_prefix(':').or(port.is_empty().then_some("")))
        } else {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            (name(host)?, Some(port))
        };
        let port = match port.ok_or(InvalidAuthority)? {
            "" => None,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().map_err(|_| InvalidAuthority)?)
            }
            _ => return Err(InvalidAuthority),
        };
        Ok(Self { host, port })
    }

    /// The host: a name in lower case, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, if it was given.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// True if this is `other`, any port of it if no port is given here.
    pub fn covers(&self, other: &Self) -> bool {
        self.host == other.host && (self.port.is_none() || self.port == other.port)
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// A host name in lower case without its trailing dot, or an IPv4 address.
fn name(host: &str) -> Result<String, InvalidAuthority> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.len() > MAX_NAME || !host.split('.').all(label) {
        return Err(InvalidAuthority);
    }
    // A last label of digits makes it an address, and then it must be one (RFC 3986 §3.2.2).
    let last_is_number =
        host.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if last_is_number && host.parse::<Ipv4Addr>().is_err() {
        return Err(InvalidAuthority);
    }
    Ok(host.to_ascii_lowercase())
}

/// One entry of the allowlist: a host, or `*.` and a suffix.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HostPattern {
    /// Exactly this host, on any port.
    Exact(String),
    /// Every name that ends with this, a dot in front; not the suffix itself.
    Suffix(String),
}

impl HostPattern {
    /// Reads `api.anthropic.com`, `*.example.com`, `10.0.0.1` or `[::1]`.
    ///
    /// # Errors
    ///
    /// [`InvalidAuthority`] for anything else, a port included.
    pub fn try_new(text: &str) -> Result<Self, InvalidAuthority> {
        let host = |text: &str| match Authority::try_new(text.as_bytes()) {
            Ok(Authority { host, port: None }) if !text.ends_with(':') => Ok(host),
            _ => Err(InvalidAuthority),
        };
        match text.strip_prefix("*.") {
            // A suffix of one label (`*.com`) would allow half of the Internet.
            Some(suffix) if !suffix.contains('.') || suffix.parse::<Ipv4Addr>().is_ok() => {
                Err(InvalidAuthority)
            }
            Some(suffix) => Ok(Self::Suffix(alloc::format!(".{}", host(suffix)?))),
            None => Ok(Self::Exact(host(text)?)),
        }
    }

    /// True if `host`, which is normalised, is meant.
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == host,
            Self::Suffix(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
        }
    }
}

/// Which hosts may be called, and the local names that stand for them.
#[derive(Clone, Debug)]
pub struct HostPolicy {
    /// Hosts that may be called.
    pub allowed: Vec<HostPattern>,
    /// Authorities that an application uses as its base URL, and the host that each stands for.
    pub base_urls: Vec<(Authority, String)>,
}

impl HostPolicy {
    /// The host that `authority` means, if it may be called.
    pub fn resolve<'a>(&'a self, authority: &'a Authority) -> Option<&'a str> {
        // The entry with the port that was asked for goes before the one for any port.
        let exact = self.base_urls.iter().find(|(local, _)| local == authority);
        let local = exact.or_else(|| self.base_urls.iter().find(|(local, _)| local.covers(authority)));
        let host = local.map_or(authority.host(), |(_, host)| host.as_str());
        self.allowed.iter().any(|pattern| pattern.matches(host)).then_some(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn authorities_are_normalised() {
        let cases = [
            ("api.anthropic.com", "api.anthropic.com"),
            ("API.Anthropic.COM.:443", "api.anthropic.com:443"),
            ("localhost:8081", "localhost:8081"),
            ("api.anthropic.com:", "api.anthropic.com"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[2001:DB8:0:0::1]:80", "[2001:db8::1]:80"),
        ];
        for (text, expected) in cases {
            assert_eq!(Authority::try_new(text.as_bytes()).unwrap().to_string(), expected);
        }
        let bad = [
            "",
            ".",
            ":80",
            "a..b",
            "-a.com",
            "a-.com",
            "user@a.com",
            "a.com:99999",
            "a.com:x",
            "a.com:-1",
            "a.com:+1",
            "a b",
            "::1",
            "[::1",
            "[::1]x",
            "[zz]",
            "1.2.3",
            "256.1.1.1",
            "1.2.3.4.5",
            "a/b",
            "a.com..",
            "é.com",
            "*.a.com",
        ];
        for text in bad {
            assert_eq!(Authority::try_new(text.as_bytes()), Err(InvalidAuthority), "{text:?}");
        }
        assert_eq!(Authority::try_new(b"\xff\xfe"), Err(InvalidAuthority));
        assert_eq!(Authority::try_new(&[b'a'; 64]), Err(InvalidAuthority));
    }

    #[test]
    fn patterns() {
        let matches = |pattern: &str, host: &str| HostPattern::try_new(pattern).unwrap().matches(host);
        assert!(matches("API.OpenAI.com.", "api.openai.com"));
        assert!(!matches("api.openai.com", "xapi.openai.com"));
        assert!(matches("*.openai.com", "eu.api.openai.com"));
        assert!(!matches("*.openai.com", "openai.com"));
        assert!(!matches("*.openai.com", "evilopenai.com"));
        assert!(matches("[0::1]", "[::1]"));
        for bad in ["", "*", "*.", "*.com", "a.*.com", "a.com:443", "https://a.com", "*.1.2.3.4", "a.com:"] {
            assert!(HostPattern::try_new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn base_urls_stand_for_hosts_that_must_be_allowed() {
        let authority = |text: &str| Authority::try_new(text.as_bytes()).unwrap();
        let policy = HostPolicy {
            allowed: Vec::from([HostPattern::Exact("api.a.com".into())]),
            base_urls: Vec::from([
                (authority("127.0.0.1:8081"), "api.a.com".into()),
                (authority("a.localhost"), "api.a.com".into()),
                (authority("b.localhost"), "api.b.com".into()),
                (authority("c.localhost"), "api.b.com".into()),
                (authority("c.localhost:7"), "api.a.com".into()),
            ]),
        };
        for (text, expected) in [
            ("api.a.com:443", Some("api.a.com")),
            ("127.0.0.1:8081", Some("api.a.com")),
            ("127.0.0.1:8082", None),
            ("A.localhost.:9", Some("api.a.com")),
            ("b.localhost", None),
            ("c.localhost:7", Some("api.a.com")),
            ("c.localhost:8", None),
            ("api.b.com", None),
        ] {
            assert_eq!(policy.resolve(&authority(text)), expected, "{text}");
        }
    }
}
