//! The names of keys. All of a scope have one hash tag, so that a call touches one slot.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::store::ScopeTag;

/// A hash of what the bridges' keys make of a constant.
pub(super) const KNOWN_KEYS: &str = "cr:keys";

/// The run of the server that was used last.
pub(super) const RUN: &str = "cr:{run}";
/// Exists for one TTL after the run became another.
pub(super) const RUN_CHANGED: &str = "cr:{run}:changed";

/// The beginning of all keys of a scope.
///
/// It stands for itself in a pattern of `SCAN`, in which braces, `-` and `_` have no meaning.
pub(super) struct Scope(String);

impl Scope {
    pub(super) fn new(tag: ScopeTag) -> Self {
        Self(format!("cr:{{{}}}:", URL_SAFE_NO_PAD.encode(tag.0)))
    }

    /// The hash of counters. The scripts cut off its last byte to get the beginning of all others.
    pub(super) fn counters(&self) -> String {
        format!("{}c", self.0)
    }

    /// The key of a number's sealed bytes.
    pub(super) fn sealed(&self, kind: &str, number: u64) -> String {
        format!("{}t:{kind}:{number}", self.0)
    }

    /// Every index key.
    pub(super) fn index_pattern(&self) -> String {
        format!("{}i:*", self.0)
    }

    /// Every key of sealed bytes.
    pub(super) fn sealed_pattern(&self) -> String {
        format!("{}t:*", self.0)
    }

    /// The kind in an index key, or the kind in a key of sealed bytes, and what follows it.
    pub(super) fn kind_and_rest<'a>(&self, key: &'a [u8]) -> Option<(&'a str, &'a [u8])> {
        // After `i:` or `t:`.
        let key = key.get(self.0.len() + 2..)?;
        let colon = key.iter().position(|&byte| byte == b':')?;
        let (kind, rest) = key.split_at_checked(colon)?;
        Some((std::str::from_utf8(kind).ok()?, rest.get(1..)?))
    }
}

/// The field of a kind's last number in the hash of counters. `r:` and the kind is the field of the server's run.
pub(super) const LAST_NUMBER: &str = "n:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_of_one_slot_and_tell_their_kind() {
        let scope = Scope::new(ScopeTag([0xFB; 12]));
        assert_eq!(scope.counters(), "cr:{-_v7-_v7-_v7-_v7}:c");
        assert_eq!(scope.sealed("EC2", 7), "cr:{-_v7-_v7-_v7-_v7}:t:EC2:7");
        let sealed = scope.sealed("S3_BUCKET", 12);
        assert_eq!(scope.kind_and_rest(sealed.as_bytes()), Some(("S3_BUCKET", &b"12"[..])));
        assert_eq!(scope.kind_and_rest(b"cr:{-_v7-_v7-_v7-_v7}:i:A::\xFF"), Some(("A", &b":\xFF"[..])));
        assert_eq!(scope.kind_and_rest(scope.counters().as_bytes()), None);
    }
}
