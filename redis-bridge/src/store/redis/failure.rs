//! What Redis's and the client's errors mean to a caller, and to the connection.

use redis::RedisError;

use crate::store::{ErrorKind, StoreError};

/// Why something did not work.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Failure {
    /// What the caller is told.
    pub(super) error: StoreError,
    /// Whether the connection must not be used any more.
    pub(super) lost: bool,
    /// Whether to look at once if the connection can still be used.
    pub(super) late: bool,
}

impl Failure {
    /// No answer within the time limit. It may come later, and is thrown away then: others' calls go on.
    pub(super) fn late() -> Self {
        Self { late: true, ..unavailable("Redis does not answer in time", false) }
    }

    /// An answer that no Redis gives.
    pub(super) fn nonsense() -> Self {
        unavailable("what answers does not answer as Redis does; check the URL", true)
    }

    /// The server must not be used as it is.
    pub(super) fn unsound(message: String) -> Self {
        Self { error: StoreError { kind: ErrorKind::Unsound, message }, lost: true, late: false }
    }

    /// The server cannot be used for now.
    pub(super) fn down(message: &str) -> Self {
        unavailable(message, true)
    }
}

impl From<StoreError> for Failure {
    /// An error that is not one of a single call.
    fn from(error: StoreError) -> Self {
        Self { error, lost: true, late: false }
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            // The operating system's or the TLS library's words; they know no values.
            redis::ErrorKind::Io => unavailable(&format!("Redis cannot be reached: {error}"), true),
            redis::ErrorKind::AuthenticationFailed => from_code("WRONGPASS"),
            redis::ErrorKind::Server(_) | redis::ErrorKind::Extension => from_code(code(&error)),
            redis::ErrorKind::InvalidClientConfig => {
                Self::unsound("the bridge's certificate and key for Redis do not fit together".to_owned())
            }
            _ => Self::nonsense(),
        }
    }
}

/// The code of the error, a word in capitals.
///
/// Until 7.0 Redis wraps what fails within a script: `ERR Error running script …: -OOM command not allowed …`.
fn code(error: &RedisError) -> &str {
    let is_code = |word: &&str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let inner = || error.detail()?.split(' ').filter_map(|word| word.strip_prefix('-')).find(is_code);
    match error.code().filter(is_code).unwrap_or("ERR") {
        "ERR" => inner().unwrap_or("ERR"),
        code => code,
    }
}

fn from_code(code: &str) -> Failure {
    match code {
        "OOM" => Failure {
            error: StoreError {
                kind: ErrorKind::Full,
                message: "Redis has no memory left for new values; raise `maxmemory`".to_owned(),
            },
            lost: false,
            late: false,
        },
        "READONLY" => unavailable("Redis is a read-only replica; the bridge needs the primary", true),
        "LOADING" => unavailable("Redis is still loading its data", true),
        "NOAUTH" | "WRONGPASS" => unavailable("Redis refuses the user or the password of its URL", true),
        "NOPERM" => {
            unavailable("Redis does not permit its user what the bridge needs; see the ACL rule", false)
        }
        // Whatever is wrong with the server passes with another server, or later.
        "BUSY" | "CLUSTERDOWN" | "MASTERDOWN" | "TRYAGAIN" | "UNKILLABLE" => {
            unavailable(&format!("Redis cannot answer now ({code})"), true)
        }
        // Never its text, which may cite a key.
        _ => unavailable(&format!("Redis answered with an error ({code})"), false),
    }
}

fn unavailable(message: &str, lost: bool) -> Failure {
    Failure {
        error: StoreError { kind: ErrorKind::Unavailable, message: message.to_owned() },
        lost,
        late: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reply: &str) -> Failure {
        let value = redis::parse_redis_value(format!("-{reply}\r\n").as_bytes()).unwrap();
        value.extract_error().unwrap_err().into()
    }

    #[test]
    fn a_code_decides_and_the_text_is_never_told() {
        for (reply, kind, lost) in [
            ("OOM command not allowed", ErrorKind::Full, false),
            (
                "ERR Error running script (call to f_0a): @user_script:1: -OOM command not allowed when used",
                ErrorKind::Full,
                false,
            ),
            ("READONLY You can't write", ErrorKind::Unavailable, true),
            ("ERR Error running script: @user_script:1: -READONLY You can't", ErrorKind::Unavailable, true),
            ("LOADING Redis is loading", ErrorKind::Unavailable, true),
            ("MASTERDOWN Link with MASTER is down", ErrorKind::Unavailable, true),
            ("BUSY Redis is busy running a script", ErrorKind::Unavailable, true),
            ("NOAUTH Authentication required", ErrorKind::Unavailable, true),
            ("MISCONF Redis is configured to save", ErrorKind::Unavailable, false),
            ("NOPERM this user has no permissions", ErrorKind::Unavailable, false),
            ("ERR something with secret in it", ErrorKind::Unavailable, false),
            ("secret not even a code", ErrorKind::Unavailable, false),
            ("SECRETsecret", ErrorKind::Unavailable, false),
        ] {
            let failure = of(reply);
            assert_eq!((failure.error.kind, failure.lost), (kind, lost), "{reply}");
            assert!(!failure.error.message.to_lowercase().contains("secret"), "{failure:?}");
        }
        assert!(of("MISCONF Redis is").error.message.contains("MISCONF"));
    }
}
