//! The filter's configuration: JSON in, a [`Config`] that cannot be wrong out.

use crate::cache::CacheLimits;
use crate::host::{Authority, HostPattern, HostPolicy};
use crate::scope::Scope;
use crate::unmask::UrlPolicy;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use detection::Detection;
use raw::Raw;

pub mod detection;
mod mapping;
mod raw;

#[cfg(feature = "schema")]
pub use raw::schema;

/// Default of `max_body_bytes`: 32 MiB, the limit of Anthropic's API.
pub const DEFAULT_MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
/// The one scope there is, unless the configuration says otherwise.
pub const DEFAULT_SCOPE: &str = "default";
/// Request headers that go on to the provider by default; `*` stands for any ending.
pub const DEFAULT_FORWARD_HEADERS: &[&str] = &[
    "accept*",
    "anthropic-*",
    "authorization",
    "content-*",
    "idempotency-key",
    "openai-*",
    "user-agent",
    "x-api-key",
    "x-goog-*",
    "x-idempotency-key",
    "x-stainless-*",
];

/// A valid configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which hosts may be called.
    pub hosts: HostPolicy,
    /// Largest request body, before masking and after.
    pub max_body_bytes: usize,
    /// Where mappings live.
    pub store: Store,
    /// What becomes of multipart bodies.
    pub multipart: Multipart,
    /// What becomes of signed thinking.
    pub signed_thinking: SignedThinking,
    /// Request headers that go on to the provider.
    pub forward_headers: Vec<HeaderPattern>,
    /// What is restored inside URLs; everything if there is none.
    pub urls: Option<Arc<UrlPolicy>>,
    /// What becomes of what is found.
    pub mode: Mode,
    /// What is masked.
    pub detection: Detection,
    /// True if answers are read for how many tokens of the model they took.
    pub usage: bool,
}

/// What becomes of identifiers that are found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// They are masked.
    Mask,
    /// They are counted, and bodies go on as they are.
    Observe,
}

/// Where mappings live.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Store {
    /// Numbered within the request, kept with the exchange.
    Request,
    /// In the Redis bridge.
    Bridge(BridgeConfig),
}

/// How to reach the bridge.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BridgeConfig {
    /// The Envoy cluster of the bridge.
    pub cluster: String,
    /// How long a call may take.
    pub timeout: Duration,
    /// Whose tokens a request gets.
    pub scope: Scope,
    /// How much of what the bridge answered is kept.
    pub cache: CacheLimits,
    /// True if tokens that an answer takes from state kept by the provider are looked up: `restore: scope`.
    pub restores_scope: bool,
}

/// What becomes of multipart bodies, whose parts cannot be masked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Multipart {
    /// They go out as they are.
    Pass,
    /// They are refused.
    Refuse,
}

/// What becomes of thinking that the provider signed, and that it takes back only unchanged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignedThinking {
    /// It goes out as it is: the provider's own words, with tokens in them.
    Pass,
    /// The request is refused.
    Refuse,
}

/// A header name, or the beginning of names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HeaderPattern {
    /// Exactly this name.
    Exact(String),
    /// Every name that begins with this.
    Prefix(String),
}

impl HeaderPattern {
    fn try_new(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let (name, prefix) = text.strip_suffix('*').map_or((text.as_str(), false), |name| (name, true));
        // Token characters of RFC 9110 §5.6.2 that occur in names.
        let valid = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        match (valid && !name.is_empty(), prefix) {
            (false, _) => None,
            (true, true) => Some(Self::Prefix(name.to_owned())),
            (true, false) => Some(Self::Exact(name.to_owned())),
        }
    }

    /// True if `name`, in lower case, is meant.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
        }
    }
}

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// The field, for example `hosts[0]`; `.` for the whole.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl core::error::Error for ConfigError {}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first field that is wrong, missing or unknown.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let raw: Raw = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| ConfigError {
            // A document that is cut off has no field to name.
            path: Some(error.path().to_string()).filter(|path| path != "?").unwrap_or_else(|| ".".to_owned()),
            message: error.into_inner().to_string(),
        })?;
        deserializer
            .end()
            .map_err(|error| ConfigError { path: ".".to_owned(), message: error.to_string() })?;
        Self::try_from(raw)
    }
}

impl TryFrom<Raw> for Config {
    type Error = ConfigError;

    fn try_from(raw: Raw) -> Result<Self, ConfigError> {
        if raw.hosts.is_empty() {
            return Err(error("hosts", "expected at least one host that may be called"));
        }
        let allowed = indexed("hosts", &raw.hosts, |text| {
            let expected = "expected a host name such as `api.anthropic.com`, `*.` and a suffix of two labels or more, \
                            or an address, without scheme and port";
            HostPattern::try_new(text).map_err(|_| expected)
        })?;
        let base_urls = base_urls(&raw.base_urls)?;
        let hosts = HostPolicy { allowed, base_urls };
        if let Some((local, host)) = hosts.base_urls.iter().find(|(local, _)| hosts.resolve(local).is_none())
        {
            return Err(error(format!("base_urls.{local}"), format!("`{host}` is not in `hosts`")));
        }
        let max_body_bytes = match raw.max_body_bytes {
            None => DEFAULT_MAX_BODY_BYTES,
            Some(bytes) => usize::try_from(bytes.0)
                .ok()
                .filter(|bytes| (1..=raw::MAX_BODY_BYTES_LIMIT).contains(bytes))
                .ok_or_else(|| {
                    error("max_body_bytes", "expected a number of bytes from 1 to 268435456 (256 MiB)")
                })?,
        };
        let forward_headers = match &raw.forward_headers {
            None => DEFAULT_FORWARD_HEADERS.iter().filter_map(|text| HeaderPattern::try_new(text)).collect(),
            Some(patterns) => indexed("forward_headers", patterns, |text| {
                let expected =
                    "expected a header name such as `x-api-key`, or the beginning of names and `*`";
                HeaderPattern::try_new(text).ok_or(expected)
            })?,
        };
        let urls = urls(raw.restore_in_urls, &raw.url_hosts, &hosts.allowed)?;
        Ok(Self {
            urls: urls.map(Arc::new),
            hosts,
            max_body_bytes,
            store: mapping::store(raw.mapping, raw.scope, raw.restore)?,
            multipart: raw.multipart.into(),
            signed_thinking: raw.signed_thinking.into(),
            forward_headers,
            mode: raw.mode.into(),
            detection: raw.detect.try_into()?,
            usage: raw.usage,
        })
    }
}

fn urls(
    restore: raw::RestoreInUrls,
    url_hosts: &[String],
    allowed: &[HostPattern],
) -> Result<Option<UrlPolicy>, ConfigError> {
    let own = indexed("url_hosts", url_hosts, |text| {
        HostPattern::try_new(text)
            .map_err(|_| "expected a host name, or `*.` and a domain of at least two labels")
    })?;
    match restore {
        raw::RestoreInUrls::Known => Ok(Some(UrlPolicy::known([allowed, &own].concat()))),
        _ if !own.is_empty() => {
            Err(error("url_hosts", "expected no hosts with `restore_in_urls` other than `known`"))
        }
        raw::RestoreInUrls::Always => Ok(None),
        raw::RestoreInUrls::Never => Ok(Some(UrlPolicy::never())),
    }
}

fn base_urls(raw: &BTreeMap<String, String>) -> Result<Vec<(Authority, String)>, ConfigError> {
    let one = |(local, host): (&String, &String)| {
        let path = format!("base_urls.{local}");
        let local = Authority::try_new(local.as_bytes()).map_err(|_| {
            error(path.clone(), "expected a local name and perhaps a port, such as `localhost:8081`")
        })?;
        match Authority::try_new(host.as_bytes()) {
            Ok(host) if host.port().is_none() => Ok((local, host.host().to_owned())),
            _ => Err(error(path, format!("expected a host of `hosts` without port, not `{host}`"))),
        }
    };
    let urls: Vec<_> = raw.iter().map(one).collect::<Result<_, _>>()?;
    let twice = |(at, (local, _)): (usize, &(Authority, String))| {
        urls.iter().take(at).any(|(other, _)| other == local).then(|| local.to_string())
    };
    match urls.iter().enumerate().find_map(twice) {
        Some(local) => {
            Err(error(format!("base_urls.{local}"), "expected each local name once, in any spelling"))
        }
        None => Ok(urls),
    }
}

fn indexed<T>(
    field: &str,
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Vec<T>, ConfigError> {
    let one = |(at, text): (usize, &String)| {
        parse(text).map_err(|expected| error(format!("{field}[{at}]"), format!("{expected}, not `{text}`")))
    };
    texts.iter().enumerate().map(one).collect()
}

fn error(path: impl Into<String>, message: impl Into<String>) -> ConfigError {
    ConfigError { path: path.into(), message: message.into() }
}

#[cfg(test)]
mod tests;
