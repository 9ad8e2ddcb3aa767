//! The keys: what seals values, what makes look-up keys, and what hides the names of scopes.
//!
//! ```json
//! {"scope": {"id": "k1", "key": "…"}, "seal": [{"id": "k1", "key": "…"}], "index": [{"id": "k1", "key": "…"}]}
//! ```
//!
//! A key is 32 bytes in base64. The first of a list is the active one: it writes. All of a list read. Keys rotate in
//! two steps without downtime: the new key goes behind the old one in every bridge, then before it in every bridge. The
//! old one may go when the last mapping that it wrote has expired. The scope's key does not rotate: it says where a scope's
//! mappings are, and with another one they are all new.

use std::{collections::BTreeSet, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::json;

/// Bytes of a key.
pub const KEY_LEN: usize = 32;
/// Longest id of a key; it stands beside every value that the key sealed.
pub const MAX_ID_LEN: usize = 16;
/// Most keys of one purpose: two while they rotate, and some that have not expired.
pub const MAX_KEYS: usize = 8;

/// All keys of a bridge.
#[derive(Clone)]
pub struct Keys {
    pub(crate) scope: Key,
    pub(crate) seal: Vec<Key>,
    pub(crate) index: Vec<Key>,
}

/// One key.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) bytes: Zeroizing<[u8; KEY_LEN]>,
}

/// Why there are no keys. Never holds a part of one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeysError(String);

impl Keys {
    /// Reads the text of a key file.
    ///
    /// # Errors
    /// [`KeysError`] names the place that is wrong and what was expected there.
    pub fn from_json(json: &[u8]) -> Result<Self, KeysError> {
        let file: File = json::read(json).map_err(|wrong| {
            KeysError(format!("the keys are not the JSON that `redis-bridge keygen` writes: {wrong}"))
        })?;
        let keys = Self {
            scope: file.scope.parse("scope")?,
            seal: list("seal", &file.seal)?,
            index: list("index", &file.index)?,
        };
        let all = || std::iter::once(&keys.scope).chain(&keys.seal).chain(&keys.index);
        let different: BTreeSet<&[u8]> = all().map(|key| key.bytes.as_slice()).collect();
        if different.len() != all().count() {
            return Err(KeysError(
                "the same key stands in two places; each must be a key of its own".to_owned(),
            ));
        }
        Ok(keys)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for KeysError {}

/// The text of a new key file: one key of each purpose, from the operating system's random numbers.
///
/// # Errors
/// When the operating system has none.
pub fn generate() -> Result<Zeroizing<String>, getrandom::Error> {
    // The same id for what was made together, and most likely another one than any key that was made before.
    let mut id = [0; 4];
    getrandom::fill(&mut id)?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = || {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        getrandom::fill(bytes.as_mut_slice())?;
        Ok(FileKey { id: id.clone(), key: Zeroizing::new(STANDARD.encode(bytes.as_slice())) })
    };
    let file = File { scope: key()?, seal: vec![key()?], index: vec![key()?] };
    let mut text = Zeroizing::new(serde_json::to_string_pretty(&file).unwrap_or_default());
    text.push('\n');
    Ok(text)
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    scope: FileKey,
    seal: Vec<FileKey>,
    index: Vec<FileKey>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct FileKey {
    id: String,
    key: Zeroizing<String>,
}

impl FileKey {
    fn parse(&self, place: &str) -> Result<Key, KeysError> {
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=MAX_ID_LEN).contains(&self.id.len()) || !self.id.bytes().all(valid) {
            return Err(KeysError(format!(
                "`{place}.id`: expected 1 to {MAX_ID_LEN} letters, digits, `-` or `_`"
            )));
        }
        let wrong = || KeysError(format!("`{place}.key`: expected {KEY_LEN} bytes in base64"));
        let decoded = Zeroizing::new(STANDARD.decode(self.key.as_bytes()).map_err(|_| wrong())?);
        let bytes = decoded.as_slice().try_into().map_err(|_| wrong())?;
        Ok(Key { id: self.id.clone(), bytes: Zeroizing::new(bytes) })
    }
}

fn list(purpose: &str, file: &[FileKey]) -> Result<Vec<Key>, KeysError> {
    if !(1..=MAX_KEYS).contains(&file.len()) {
        return Err(KeysError(format!("`{purpose}`: expected 1 to {MAX_KEYS} keys, the active one first")));
    }
    let keys: Vec<Key> = file
        .iter()
        .enumerate()
        .map(|(at, key)| key.parse(&format!("{purpose}[{at}]")))
        .collect::<Result<_, _>>()?;
    let ids: BTreeSet<&str> = keys.iter().map(|key| key.id.as_str()).collect();
    if ids.len() != keys.len() {
        return Err(KeysError(format!("`{purpose}`: two keys have the same id; give each its own")));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        STANDARD.encode([byte; KEY_LEN])
    }

    fn file(scope: &str, seal: &str, index: &str) -> String {
        format!(r#"{{"scope":{scope},"seal":[{seal}],"index":[{index}]}}"#)
    }

    fn one(id: &str, key: &str) -> String {
        format!(r#"{{"id":"{id}","key":"{key}"}}"#)
    }

    #[test]
    fn what_is_generated_is_read_and_differs_each_time() {
        let (a, b) = (generate().unwrap(), generate().unwrap());
        let (first, second) =
            (Keys::from_json(a.as_bytes()).unwrap(), Keys::from_json(b.as_bytes()).unwrap());
        assert_ne!(first.scope.bytes, second.scope.bytes);
        assert_ne!(first.seal[0].bytes, first.index[0].bytes);
        assert!(!format!("{first:?}").contains(&*first.seal[0].id));
    }

    #[test]
    fn errors_name_the_place_and_never_the_key() {
        let good = one("a", &key(1));
        let secret = "c2VjcmV0";
        for (text, place) in [
            ("{".to_owned(), "line 1"),
            (format!("\"{secret}\""), "line 1"),
            (format!(r#"{{"{secret}":1}}"#), "line 1"),
            (file(&good, &format!("\"{secret}\""), &good), "line 1"),
            (file(&one("a", secret), &good, &good), "`scope.key`"),
            (file(&good, &one("a", "not base64 c2VjcmV0"), &good), "`seal[0].key`"),
            (file(&good, &format!("{},{}", one("a", &key(2)), one("b", secret)), &good), "`seal[1].key`"),
            (file(&good, &one("", &key(2)), &good), "`seal[0].id`"),
            (file(&good, &one("12345678901234567", &key(2)), &good), "`seal[0].id`"),
            (file(&good, "", &good), "`seal`: expected 1 to 8 keys"),
            (
                file(&good, &format!("{},{}", one("a", &key(2)), one("a", &key(3))), &one("a", &key(4))),
                "same id",
            ),
            (file(&good, &one("b", &key(1)), &one("a", &key(4))), "same key"),
        ] {
            let error = Keys::from_json(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(place), "{text}: {error}");
            assert!(!error.contains(secret), "{error}");
        }
    }
}
