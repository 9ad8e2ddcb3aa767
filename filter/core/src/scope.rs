//! Whose tokens they are: every scope has mappings of its own in the bridge.
//!
//! | configured | name on the wire |
//! | --- | --- |
//! | `{"static": "payments"}` | `payments` |
//! | `{"header": "x-team"}` | `x-team.` and the SHA-256 of the header's value, in hexadecimal digits |
//! | `"credential"` | `Credential.` and the SHA-256 of the credential's headers |
//!
//! The beginning of the name is for the bridge's scope patterns (`x-team.*`). The hash has no key: the filter's
//! configuration, which Envoy's admin prints, is no place for one, and the call that names the scope carries originals
//! anyway. In the bridge's store the name is hashed with a key.

use crate::exchange::Headers;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use bridge_api::names;
use core::fmt::Write as _;
use sha2::{Digest as _, Sha256};

/// Longest value of a scope header.
pub const MAX_HEADER_LEN: usize = 128;
/// Longest name of a scope header: `.` and 64 digits follow it on the wire.
pub const MAX_HEADER_NAME_LEN: usize = names::MAX_SCOPE_LEN - 65;
/// Headers that carry the caller's credential for a provider.
const CREDENTIALS: [&str; 4] = ["api-key", "authorization", "x-api-key", "x-goog-api-key"];

/// Where a request's scope comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// The credential that the request carries for the provider. A new one is a new scope.
    Credential,
    /// A header that a trusted hop sets, in lower case.
    Header(String),
    /// One scope for all.
    Static(String),
}

impl Scope {
    /// The scope's name on the wire. `None` if the request does not say it, once and in 1 to [`MAX_HEADER_LEN`] bytes.
    pub fn name(&self, headers: Headers<'_>) -> Option<String> {
        match self {
            Self::Static(name) => Some(name.clone()),
            Self::Header(name) => {
                let mut values = headers.all(name);
                let (Some(value), None) = (values.next(), values.next()) else { return None };
                let fit = (1..=MAX_HEADER_LEN).contains(&value.len());
                fit.then(|| hashed(name.to_owned(), Sha256::new_with_prefix(value)))
            }
            Self::Credential => {
                let mut hash = Sha256::new();
                let mut present = false;
                for name in CREDENTIALS {
                    for value in headers.all(name).filter(|value| !value.is_empty()) {
                        present = true;
                        hash.update(format!("{name} {} ", value.len()));
                        hash.update(value);
                    }
                }
                // The capital letter sets it apart from every header's name.
                present.then(|| hashed("Credential".to_owned(), hash))
            }
        }
    }

    /// True if the name on the wire ends with 64 digits of a hash.
    pub fn is_hashed(&self) -> bool {
        !matches!(self, Self::Static(_))
    }

    /// True for the header that says the scope, and is nobody's business behind this hop.
    pub fn is_said_by(&self, header: &str) -> bool {
        matches!(self, Self::Header(name) if name == header)
    }
}

fn hashed(mut name: String, hash: Sha256) -> String {
    name.push('.');
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// `printf payments | sha256sum`, so that an operator finds a scope's name.
    const EXPECTED: &str = "x-team.df384ae97c77ad3001626aab01f2eb2aad176448109165df1d64c57b7091cd1c";

    fn name(scope: &Scope, headers: &[(&str, &[u8])]) -> Option<String> {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).into(), value.to_vec())).collect();
        scope.name(Headers(&headers))
    }

    #[test]
    fn names_are_names_on_the_wire() {
        let long = [0xff; MAX_HEADER_LEN];
        for (scope, headers) in [
            (Scope::Static("payments".into()), &[][..]),
            (Scope::Header("x-team".into()), &[("x-team", b"a/b \xff".as_slice())]),
            (
                Scope::Header("x".repeat(MAX_HEADER_NAME_LEN)),
                &[(&*"x".repeat(MAX_HEADER_NAME_LEN), long.as_slice())],
            ),
            (Scope::Credential, &[("authorization", b"Bearer x".as_slice())]),
        ] {
            let name = name(&scope, headers).unwrap();
            assert!(names::is_scope(&name), "{name}");
        }
    }

    #[test]
    fn a_header_says_it_once_and_shortly() {
        let scope = Scope::Header("x-team".into());
        assert_eq!(name(&scope, &[("x-team", b"payments")]).unwrap(), EXPECTED);
        assert_ne!(name(&scope, &[("x-team", b"Payments")]).unwrap(), EXPECTED);
        let long = [b'a'; MAX_HEADER_LEN + 1];
        assert_eq!(name(&scope, &[]), None);
        assert_eq!(name(&scope, &[("x-team", b"")]), None);
        assert_eq!(name(&scope, &[("x-team", &long)]), None);
        assert_eq!(name(&scope, &[("x-team", b"a"), ("x-team", b"a")]), None);
    }

    #[test]
    fn another_credential_is_another_scope() {
        let of = |headers: &[(&str, &[u8])]| name(&Scope::Credential, headers);
        assert_eq!(of(&[("x-other", b"a")]), None);
        assert_eq!(of(&[("x-api-key", b"")]), None);
        let a = of(&[("x-api-key", b"a")]).unwrap();
        assert_eq!(of(&[("x-other", b"b"), ("x-api-key", b"a")]).unwrap(), a);
        for other in [
            &[("x-api-key", b"b".as_slice())][..],
            &[("authorization", b"a")],
            &[("x-api-key", b"a"), ("authorization", b"a")],
            &[("x-api-key", b"a"), ("x-api-key", b"a")],
        ] {
            assert_ne!(of(other).unwrap(), a);
        }
    }
}
