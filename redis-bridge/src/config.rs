//! What the flags say, checked: a configuration that exists is valid.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use zeroize::Zeroizing;

use crate::{callers::Callers, cli::Flags, keys::Keys, listen::Address, stores::Place};

/// Bounds of the TTL.
pub const TTL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(366 * 24 * 60 * 60));
/// Bounds of the time limit for calls to Redis: well within a call's own.
pub const STORE_TIMEOUT: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(5));
/// Bounds of the drain time.
pub const DRAIN: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(600));

/// The environment variable that holds the text of a key file.
const KEYS: &str = "REDIS_BRIDGE_KEYS";

/// How to serve.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: Vec<Address>,
    /// Permissions of the Unix sockets' files.
    pub socket_mode: u32,
    /// Where mappings are kept.
    pub store: Place,
    /// How Redis is used.
    pub redis: Redis,
    /// What seals them.
    pub keys: Keys,
    /// Who may call.
    pub callers: Callers,
    /// How long a mapping lives after its last use.
    pub ttl: Duration,
    /// How long to go on taking calls after SIGTERM.
    pub drain: Duration,
}

/// How Redis is used.
pub struct Redis {
    /// How long a call may take.
    pub timeout: Duration,
    /// Whether it may evict keys.
    pub allow_eviction: bool,
    /// Authorities, in PEM.
    pub ca: Option<Vec<u8>>,
    /// A certificate with its chain, and its key, in PEM.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
}

/// Why the flags make no configuration. Holds no secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError(String);

impl Config {
    /// Reads the files that the flags name. `keys` is what the environment holds in `REDIS_BRIDGE_KEYS`.
    ///
    /// # Errors
    /// [`ConfigError`] says what to do.
    pub fn new(flags: Flags, keys: Option<Zeroizing<String>>) -> Result<Self, ConfigError> {
        let callers = match &flags.callers {
            Some(path) => {
                let text = read(path, "--callers")?;
                Callers::from_json(&text)
                    .map_err(|error| ConfigError(format!("{}: {error}", cited(path, "--callers"))))?
            }
            None => Callers::Everybody,
        };
        if let (Callers::Everybody, Some(address)) =
            (&callers, flags.listen.iter().find(|address| !address.is_local()))
        {
            return Err(ConfigError(format!(
                "{address} can be reached from other machines: say with --callers who may call, or listen on a loopback \
                 address or a Unix socket"
            )));
        }
        within("--ttl", flags.ttl, TTL)?;
        within("--store-timeout", flags.store_timeout, STORE_TIMEOUT)?;
        within("--drain", flags.drain, DRAIN)?;
        let ca = flags.redis_ca.map(|path| read(&path, "--redis-ca")).transpose()?;
        let client = match (flags.redis_cert, flags.redis_key) {
            (Some(cert), Some(key)) => {
                Some((read(&cert, "--redis-cert")?.to_vec(), read(&key, "--redis-key")?.to_vec()))
            }
            _ => None,
        };
        Ok(Self {
            listen: flags.listen,
            socket_mode: flags.socket_mode,
            store: flags.store.parse().map_err(ConfigError)?,
            redis: Redis {
                timeout: flags.store_timeout,
                allow_eviction: flags.allow_eviction,
                ca: ca.map(|ca| ca.to_vec()),
                client,
            },
            keys: self::keys(flags.keys, keys)?,
            callers,
            ttl: flags.ttl,
            drain: flags.drain,
        })
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// The text of a key file that the environment holds.
///
/// # Errors
/// When it is not UTF-8.
pub fn keys_from_environment() -> Result<Option<Zeroizing<String>>, ConfigError> {
    match std::env::var_os(KEYS) {
        None => Ok(None),
        Some(text) => match text.into_string() {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(_) => Err(ConfigError(format!("{KEYS}: the keys are not UTF-8"))),
        },
    }
}

fn keys(path: Option<PathBuf>, text: Option<Zeroizing<String>>) -> Result<Keys, ConfigError> {
    let (source, text) = match (path, text) {
        (Some(_), Some(_)) => {
            return Err(ConfigError(format!("there are keys in --keys and in {KEYS}; give one of them")));
        }
        (None, None) => {
            return Err(ConfigError(format!(
                "there are no keys: make some with `redis-bridge keygen --out FILE` and give them with --keys FILE, or put \
                 the file's text into {KEYS}"
            )));
        }
        (Some(path), None) => (cited(&path, "--keys"), read(&path, "--keys")?),
        (None, Some(text)) => (KEYS.to_owned(), Zeroizing::new(text.as_bytes().to_vec())),
    };
    Keys::from_json(&text).map_err(|error| ConfigError(format!("{source}: {error}")))
}

/// Reads a file that may hold secrets.
fn read(path: &Path, flag: &str) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let wrong = match fs::metadata(path)
        .and_then(|metadata| if metadata.len() > MAX_FILE_LEN { Ok(None) } else { fs::read(path).map(Some) })
    {
        Ok(Some(text)) => return Ok(Zeroizing::new(text)),
        Ok(None) => {
            format!("{} is longer than {MAX_FILE_LEN} bytes; is it the right file?", cited(path, "it"))
        }
        Err(error) if looks_like_a_name(path) => format!("cannot read {}: {error}", path.display()),
        Err(_) => {
            format!(
                "this is no file's name; if it is the text of a file, give the file's name, or put keys into {KEYS}"
            )
        }
    };
    Err(ConfigError(format!("{flag}: {wrong}")))
}

/// The path, or `instead` where it may be the text of a file.
fn cited(path: &Path, instead: &str) -> String {
    if looks_like_a_name(path) { path.display().to_string() } else { instead.to_owned() }
}

/// False for the text of a key file, a callers file or a PEM file, which somebody gives in place of its name.
fn looks_like_a_name(path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    path.len() <= MAX_CITED_LEN
        && !path.starts_with(b"-----BEGIN")
        && !path.iter().any(|byte| matches!(byte, b'\n' | b'\r' | b'{'))
}

fn within(flag: &str, value: Duration, (least, most): (Duration, Duration)) -> Result<(), ConfigError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(ConfigError(format!("{flag}: expected {least:?} to {}s", most.as_secs())))
    }
}

/// Longest file that the flags may name.
const MAX_FILE_LEN: u64 = 1024 * 1024;
/// Longest path that an error repeats.
const MAX_CITED_LEN: usize = 255;
