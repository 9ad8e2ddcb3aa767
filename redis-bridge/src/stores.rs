//! From `--store` to a store.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use tokio::task::spawn_blocking;

use crate::{
    config::Redis,
    store::{
        ErrorKind, KeyCheck, Store, StoreError,
        embedded::{self, Embedded, system_clock},
        redis,
    },
};

/// Where mappings are kept.
#[derive(Clone, Eq, PartialEq)]
pub enum Place {
    /// In a file.
    File(PathBuf),
    /// Nowhere.
    Memory,
    /// In the Redis at this URL, which may hold a password.
    Redis(String),
}

/// Opens the store at `place`, for a vault's checks and the mark of its active seal key.
///
/// # Errors
/// [`StoreError`] when it must not be used, or when its file cannot be.
pub async fn open(
    place: Place,
    redis: Redis,
    ttl: Duration,
    checks: Vec<KeyCheck>,
    seal_mark: Vec<u8>,
) -> Result<Arc<dyn Store>, StoreError> {
    let place = match place {
        Place::File(path) => embedded::Place::File(path),
        Place::Memory => embedded::Place::Memory,
        Place::Redis(url) => {
            let Redis { timeout, allow_eviction, ca, client } = redis;
            let tls = (ca.is_some() || client.is_some()).then_some(redis::Tls { ca, client });
            let options = redis::Options { url, ttl, timeout, allow_eviction, tls, seal_mark };
            return Ok(Arc::new(redis::Redis::connect(options, checks).await?));
        }
    };
    // Reads the whole file.
    let opening = spawn_blocking(move || Embedded::open(place, ttl, checks, system_clock()));
    match opening.await {
        Ok(store) => Ok(Arc::new(store?)),
        Err(_) => {
            Err(StoreError { kind: ErrorKind::Unavailable, message: "its file could not be read".to_owned() })
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Nothing of the text is told: it may hold a password.
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("redis" | "rediss" | "redis+unix", rest)) if rest.starts_with("//") => {
                Ok(Self::Redis(text.to_owned()))
            }
            _ => {
                Err("--store: expected file:PATH, memory:, redis://…, rediss://… or redis+unix:///…"
                    .to_owned())
            }
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(_) => "File",
            Self::Memory => "Memory",
            Self::Redis(_) => "Redis",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for (text, place) in [
            ("memory:", Place::Memory),
            ("file:/var/lib/a.redb", Place::File("/var/lib/a.redb".into())),
            ("file:a.redb", Place::File("a.redb".into())),
            ("redis://h", Place::Redis("redis://h".into())),
            ("rediss://u:p@h:1/2", Place::Redis("rediss://u:p@h:1/2".into())),
            ("redis+unix:///s?db=1", Place::Redis("redis+unix:///s?db=1".into())),
        ] {
            assert_eq!(text.parse(), Ok(place), "{text}");
        }
        for text in
            ["", "memory", "memory:x", "file:", "geheim://x", "redis:geheim", "/geheim", "http://geheim"]
        {
            let error = text.parse::<Place>().unwrap_err();
            assert!(!error.contains("geheim"), "{error}");
        }
        assert!(!format!("{:?}", Place::Redis("redis://:geheim@h".to_owned())).contains("geheim"));
    }
}
