//! Passwords in URLs: `postgres://user:password@host/db` (RFC 3986 §3.2.1, libpq's connection URIs, AMQP, Redis).

use crate::catalogue::Outcome;
use crate::context::password;
use core::ops::Range;

/// What every URL with an authority has.
pub const ANCHORS: &[&str] = &["://", ":\\/\\/"];

/// Longest user and password that are looked at.
const MAX_USERINFO: usize = 512;

/// Matches the password between the first colon behind the scheme and the last `@` of the authority.
pub fn password_in_url(text: &[u8], anchor: Range<usize>) -> Outcome {
    let before = text.get(..anchor.start).unwrap_or_default();
    if !before.last().is_some_and(u8::is_ascii_alphanumeric) {
        return Outcome::No;
    }
    let rest = text.get(anchor.end..).unwrap_or_default();
    let rest = rest.get(..MAX_USERINFO.min(rest.len())).unwrap_or_default();
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
    };
    let authority = rest.split(ends).next().unwrap_or_default();
    let Some(at) = memchr::memrchr(b'@', authority) else { return Outcome::No };
    let userinfo = authority.get(..at).unwrap_or_default();
    let Some(colon) = memchr::memchr(b':', userinfo) else { return Outcome::No };
    let start = anchor.end + colon + 1;
    match password(userinfo.get(colon + 1..).unwrap_or_default()) {
        Some(_) => Outcome::One(start..anchor.end + at),
        None => Outcome::No,
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::tests::values;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn passwords_stand_before_the_host() {
        for (text, expected) in [
            ("postgres://admin:S3cret-pw@db.example.com:5432/db", &["S3cret-pw"][..]),
            ("redis://:hunter2x@cache.example.com", &["hunter2x"]),
            ("amqp://u:a@b:c@mq.example.com", &["a@b:c"]),
            (r"amqps:\/\/u:p4ssw0rd@mq.example.com", &["p4ssw0rd"]),
            ("mysql://u:p%40ss@db", &["p%40ss"]),
            ("https://user@example.com/a:b@c", &[]),
            ("https://example.com:8443/a@b", &[]),
            ("postgres://user:${PASSWORD}@host", &[]),
            ("postgres://user:<password>@host", &[]),
            ("postgres://user:****@host", &[]),
            ("ssh://git@example.com:22/x", &[]),
            ("a://b c:d@e", &[]),
        ] {
            assert_eq!(values(text), expected, "{text}");
        }
    }
}
