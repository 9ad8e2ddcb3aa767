//! Where mappings live, and whose they are.

use super::{BridgeConfig, ConfigError, DEFAULT_SCOPE, HeaderPattern, Store, error, raw};
use crate::cache::CacheLimits;
use crate::scope::{MAX_HEADER_NAME_LEN, Scope};
use alloc::borrow::ToOwned;
use alloc::format;
use bridge_api::names;
use core::time::Duration;

/// Headers that a request needs, or that are the caller's own to choose: none of them can say the scope.
const NO_SCOPES: &[&str] = &[
    "accept",
    "accept-encoding",
    "api-key",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-api-key",
    "x-goog-api-key",
    "x-original-host",
    "x-request-id",
];

pub(super) fn store(
    raw: raw::Mapping,
    scope: Option<raw::Scope>,
    restore: raw::Restore,
) -> Result<Store, ConfigError> {
    let restores_scope = restore == raw::Restore::Scope;
    match (raw.store, raw.bridge) {
        (raw::Store::Request, _) if restores_scope => Err(error(
            "restore",
            "`scope` only with `mapping.store: bridge`; with `request` nothing is kept that could be looked up",
        )),
        (raw::Store::Request, None) => match (raw.cache, scope) {
            (None, None) => Ok(Store::Request),
            (Some(_), _) => Err(error("mapping.cache", "only with `mapping.store: bridge`")),
            (None, Some(_)) => Err(error(
                "scope",
                "only with `mapping.store: bridge`; with `request` no request shares tokens with another",
            )),
        },
        (raw::Store::Request, Some(_)) => Err(error(
            "mapping.bridge",
            "only with `mapping.store: bridge`; with `request` there is no bridge",
        )),
        (raw::Store::Bridge, None) => {
            Err(error("mapping.bridge", "`mapping.store: bridge` needs the Envoy cluster of the bridge here"))
        }
        (raw::Store::Bridge, Some(bridge)) => {
            if bridge.cluster.is_empty() {
                return Err(error("mapping.bridge.cluster", "expected the name of an Envoy cluster"));
            }
            let millis = bridge.timeout_ms.map_or(raw::DEFAULT_TIMEOUT_MS, |millis| millis.0);
            if !(1..=60_000).contains(&millis) {
                return Err(error("mapping.bridge.timeout_ms", "expected milliseconds from 1 to 60000"));
            }
            Ok(Store::Bridge(BridgeConfig {
                cluster: bridge.cluster,
                timeout: Duration::from_millis(millis),
                scope: self::scope(scope)?,
                cache: cache(raw.cache.unwrap_or_default())?,
                restores_scope,
            }))
        }
    }
}

fn scope(raw: Option<raw::Scope>) -> Result<Scope, ConfigError> {
    match raw {
        None => Ok(Scope::Static(DEFAULT_SCOPE.to_owned())),
        Some(raw::Scope::Credential) => Ok(Scope::Credential),
        Some(raw::Scope::Header(name)) => match HeaderPattern::try_new(&name) {
            Some(HeaderPattern::Exact(name)) if NO_SCOPES.contains(&name.as_str()) => Err(error(
                "scope.header",
                format!(
                    "`{name}` has another meaning, and the scope's header is removed; name one of your own"
                ),
            )),
            Some(HeaderPattern::Exact(name)) if name.len() <= MAX_HEADER_NAME_LEN => Ok(Scope::Header(name)),
            _ => Err(error(
                "scope.header",
                format!("expected a header name of at most {MAX_HEADER_NAME_LEN} characters, not `{name}`"),
            )),
        },
        Some(raw::Scope::Static(name)) if names::is_scope(&name) => Ok(Scope::Static(name)),
        Some(raw::Scope::Static(name)) => Err(error(
            "scope.static",
            format!("expected 1 to {} letters, digits, `.`, `_` or `-`, not `{name}`", names::MAX_SCOPE_LEN),
        )),
    }
}

fn cache(raw: raw::Cache) -> Result<CacheLimits, ConfigError> {
    let within = |name: &str, value: Option<raw::Integer>, default: u64, limit: u64| match value {
        None => Ok(default),
        Some(value) if value.0 <= limit => Ok(value.0),
        Some(_) => Err(error(format!("mapping.cache.{name}"), format!("expected a number up to {limit}"))),
    };
    let entries =
        within("max_entries", raw.max_entries, raw::DEFAULT_CACHE_ENTRIES, raw::CACHE_ENTRIES_LIMIT)?;
    let bytes = within("max_bytes", raw.max_bytes, raw::DEFAULT_CACHE_BYTES, raw::CACHE_BYTES_LIMIT)?;
    let seconds = within("ttl_seconds", raw.ttl_seconds, raw::DEFAULT_CACHE_TTL, raw::CACHE_TTL_LIMIT)?;
    Ok(CacheLimits {
        entries: usize::try_from(entries).unwrap_or(usize::MAX),
        bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
        ttl: Duration::from_secs(seconds),
    })
}
