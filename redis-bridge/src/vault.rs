//! What makes secrets of values: sealed bytes, look-up keys and tags, and values of sealed bytes.
//!
//! ```text
//! sealed = 1 ‖ length of id ‖ id ‖ nonce (24) ‖ XChaCha20-Poly1305(value)     authenticated: scope, kind, number
//! index  = HMAC-SHA-256(index key, scope ‖ kind ‖ 0 ‖ value), 16 bytes
//! tag    = HMAC-SHA-256(scope key, name), 12 bytes
//! ```
//!
//! Nonces are random; with 24 bytes no two will ever be the same. Whoever has the store's files can neither read a value nor
//! test a guess, and one who writes to it cannot put a value under another token.

use std::fmt;

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    keys::{Key, Keys},
    store::{Index, KeyCheck, ScopeTag, Space},
};

const VERSION: u8 = 1;
const NONCE_LEN: usize = 24;

/// The keys, ready for use.
pub struct Vault {
    scope: Keyed,
    index: Vec<Keyed>,
    seal: Vec<Sealing>,
    checks: Vec<KeyCheck>,
}

type Keyed = Hmac<Sha256>;

struct Sealing {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl Vault {
    /// Prepares these keys.
    pub fn new(keys: &Keys) -> Self {
        let of = |purpose: &str, keys: &[Key]| -> Vec<KeyCheck> {
            keys.iter().map(|key| check(purpose, key)).collect()
        };
        Self {
            scope: keyed(&keys.scope),
            index: keys.index.iter().map(keyed).collect(),
            seal: keys.seal.iter().map(Sealing::new).collect(),
            checks: [
                of("scope", std::slice::from_ref(&keys.scope)),
                of("seal", &keys.seal),
                of("index", &keys.index),
            ]
            .concat(),
        }
    }

    /// What a store compares with the keys it was written with.
    pub fn checks(&self) -> &[KeyCheck] {
        &self.checks
    }

    /// How bytes begin that the active key sealed. Empty when there is no other key, so that nobody needs to look.
    pub fn seal_mark(&self) -> Vec<u8> {
        match self.seal.as_slice() {
            [active, _, ..] => mark(&active.id).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// Where the mappings of the scope of this name are.
    pub fn scope(&self, name: &str) -> ScopeTag {
        ScopeTag(mac(&self.scope, &[b"scope", name.as_bytes()]))
    }

    /// The look-up keys of a value: under the active key first, then under the others.
    pub fn indexes(&self, space: &Space, value: &str) -> Vec<Index> {
        let parts: [&[u8]; 4] = [&space.scope.0, space.kind.as_bytes(), &[0], value.as_bytes()];
        self.index.iter().map(|key| Index(mac(key, &parts))).collect()
    }

    /// Seals a value for this number. `None` only when the operating system has no random numbers.
    pub fn seal(&self, space: &Space, number: u64, value: &str) -> Option<Vec<u8>> {
        let Sealing { id, cipher } = self.seal.first()?;
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).ok()?;
        let payload = Payload { msg: value.as_bytes(), aad: &associated(space, number) };
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some([mark(id)?.as_slice(), &nonce, &sealed].concat())
    }

    /// The value that was sealed for this number; `None` if it was not, or by a key that is not ours.
    pub fn open(&self, space: &Space, number: u64, sealed: &[u8]) -> Option<Zeroizing<String>> {
        let rest = sealed.strip_prefix(&[VERSION])?;
        let (length, rest) = rest.split_first()?;
        let (id, rest) = rest.split_at_checked(usize::from(*length))?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>()?;
        let Sealing { cipher, .. } = self.seal.iter().find(|sealing| sealing.id.as_bytes() == id)?;
        let payload = Payload { msg: ciphertext, aad: &associated(space, number) };
        let value = Zeroizing::new(cipher.decrypt(&XNonce::from(*nonce), payload).ok()?);
        Some(Zeroizing::new(str::from_utf8(&value).ok()?.to_owned()))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

impl Sealing {
    fn new(key: &Key) -> Self {
        Self { id: key.id.clone(), cipher: chacha20poly1305::KeyInit::new((&*key.bytes).into()) }
    }
}

/// What tells the version and the key.
fn mark(id: &str) -> Option<Vec<u8>> {
    Some([&[VERSION, u8::try_from(id.len()).ok()?], id.as_bytes()].concat())
}

fn associated(space: &Space, number: u64) -> Vec<u8> {
    [&space.scope.0, space.kind.as_bytes(), &[0], &number.to_be_bytes()].concat()
}

fn keyed(key: &Key) -> Keyed {
    let mut block = Zeroizing::new([0; 64]);
    // A key shorter than a block is filled up with zeros (RFC 2104).
    for (to, from) in block.iter_mut().zip(key.bytes.iter()) {
        *to = *from;
    }
    Keyed::new((&*block).into())
}

fn check(purpose: &str, key: &Key) -> KeyCheck {
    let id = format!("{purpose}:{}", key.id);
    KeyCheck { mac: mac(&keyed(key), &[b"check", id.as_bytes()]), id }
}

/// The first bytes of the parts' MAC.
fn mac<const N: usize>(key: &Keyed, parts: &[&[u8]]) -> [u8; N] {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part);
    }
    let whole = mac.finalize().into_bytes();
    let mut first = [0; N];
    for (to, from) in first.iter_mut().zip(whole) {
        *to = from;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::generate;

    fn new_vault() -> Vault {
        Vault::new(&Keys::from_json(generate().unwrap().as_bytes()).unwrap())
    }

    fn space(vault: &Vault, scope: &str, kind: &str) -> Space {
        Space { scope: vault.scope(scope), kind: kind.to_owned() }
    }

    #[test]
    fn opens_what_it_sealed_and_only_in_its_place() {
        let vault = new_vault();
        let here = space(&vault, "a", "EC2");
        let sealed = vault.seal(&here, 7, "i-12345678").unwrap();
        assert_eq!(vault.open(&here, 7, &sealed).unwrap().as_str(), "i-12345678");
        assert!(vault.open(&here, 8, &sealed).is_none(), "another number");
        assert!(vault.open(&space(&vault, "a", "VPC"), 7, &sealed).is_none(), "another kind");
        assert!(vault.open(&space(&vault, "b", "EC2"), 7, &sealed).is_none(), "another scope");
        assert_ne!(sealed, vault.seal(&here, 7, "i-12345678").unwrap(), "never the same nonce");
        for at in 0..sealed.len() {
            assert!(vault.open(&here, 7, &sealed[..at]).is_none(), "cut at {at}");
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.open(&here, 7, &changed).is_none(), "changed at {at}");
        }
        assert!(vault.open(&here, 7, &new_vault().seal(&here, 7, "x").unwrap()).is_none(), "other keys");
    }

    #[test]
    fn indexes_tell_scope_kind_and_value_apart() {
        let vault = new_vault();
        let (a, b) = (space(&vault, "a", "EC2"), space(&vault, "b", "EC2"));
        let index = |space: &Space, value: &str| vault.indexes(space, value)[0];
        assert_eq!(index(&a, "x"), index(&a, "x"));
        assert_ne!(index(&a, "x"), index(&a, "y"));
        assert_ne!(index(&a, "x"), index(&b, "x"));
        assert_ne!(index(&a, "x"), index(&space(&vault, "a", "EC"), "2\0x"));
        assert_ne!(vault.scope("a"), vault.scope("b"));
        assert_ne!(vault.scope("a"), new_vault().scope("a"));
    }

    /// Two bridges, the second a step ahead in a rotation.
    #[test]
    fn rotated_keys_read_what_the_old_ones_wrote() {
        let (old, new) = (generate().unwrap(), generate().unwrap());
        let (mut both, new): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&old).unwrap(), serde_json::from_str(&new).unwrap());
        for purpose in ["seal", "index"] {
            both[purpose].as_array_mut().unwrap().insert(0, new[purpose][0].clone());
        }
        let before = Vault::new(&Keys::from_json(old.as_bytes()).unwrap());
        let after = Vault::new(&Keys::from_json(both.to_string().as_bytes()).unwrap());
        let here = space(&before, "a", "EC2");
        assert_eq!(here, space(&after, "a", "EC2"), "scopes stay where they are");
        assert_eq!(after.indexes(&here, "x")[1..], before.indexes(&here, "x"));
        let sealed = before.seal(&here, 1, "x").unwrap();
        assert_eq!(after.open(&here, 1, &sealed).unwrap().as_str(), "x");
        assert!(before.open(&here, 1, &after.seal(&here, 1, "x").unwrap()).is_none());
        assert!(after.seal(&here, 1, "x").unwrap().starts_with(&after.seal_mark()));
        assert!(!sealed.starts_with(&after.seal_mark()), "the old key's bytes are told apart");
        assert!(before.seal_mark().is_empty(), "one key needs no mark");
        let ids: Vec<&str> = after.checks().iter().map(|check| check.id.split(':').next().unwrap()).collect();
        assert_eq!(ids, ["scope", "seal", "seal", "index", "index"]);
    }
}
