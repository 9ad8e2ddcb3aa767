//! Grammars of values that stand in a known place: much looser than one without a place could be.
//!
//! Each gets the whole value and says which part of it is masked.

use super::words::{is_no_name, is_stand_in};
use core::ops::Range;

/// A value's grammar.
pub type Value = fn(value: &[u8]) -> Option<Range<usize>>;

/// Longest name of anything that AWS lets people name.
const MAX_NAME: usize = 512;
/// Longest key of an S3 object.
const MAX_KEY: usize = 1024;

fn whole(value: &[u8], is: bool) -> Option<Range<usize>> {
    is.then_some(0..value.len())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn hex(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_hexdigit)
}

/// Twelve digits, also as the console writes them: `1234-5678-9012`; and as a table of floating point does.
pub(super) fn account(value: &[u8]) -> Option<Range<usize>> {
    let digits = |value: &[u8], count| value.len() == count && value.iter().all(u8::is_ascii_digit);
    let console = || value.len() == 14 && value.split(|byte| *byte == b'-').all(|part| digits(part, 4));
    if value.split_at_checked(12).is_some_and(|(whole, fraction)| digits(whole, 12) && fraction == b".0") {
        return Some(0..12);
    }
    whole(value, digits(value, 12) || console())
}

/// A name of letters, digits and `-_.`.
pub(super) fn name(value: &[u8]) -> Option<Range<usize>> {
    let is = (2..=MAX_NAME).contains(&value.len())
        && value.iter().copied().all(is_word)
        && value.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && value.last().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && value.iter().any(u8::is_ascii_alphabetic);
    whole(value, is && !is_no_name(value))
}

/// A name that may also have spaces and signs, as key pairs, sessions and users have.
pub(super) fn loose_name(value: &[u8]) -> Option<Range<usize>> {
    let belongs = |byte: u8| is_word(byte) || matches!(byte, b'+' | b'=' | b',' | b'@');
    let is = (2..=MAX_NAME).contains(&value.len())
        && value.iter().copied().all(belongs)
        && value.first().is_some_and(u8::is_ascii_alphanumeric)
        && value.iter().any(u8::is_ascii_alphabetic);
    whole(value, is && !is_no_name(value))
}

/// The name of a policy: of IAM, or of scaling, which has a path and colons.
pub(super) fn policy(value: &[u8]) -> Option<Range<usize>> {
    let belongs = |byte: u8| is_word(byte) || matches!(byte, b'+' | b'=' | b'@' | b':' | b'/');
    let is = (2..=MAX_NAME).contains(&value.len())
        && value.iter().copied().all(belongs)
        && value.first().is_some_and(u8::is_ascii_alphanumeric)
        && !value.windows(3).any(|window| window == b"://")
        && value.iter().any(u8::is_ascii_alphabetic);
    whole(value, is && !is_no_name(value))
}

/// A name with a path: `/aws/lambda/orders`, `team/app`.
pub(super) fn path(value: &[u8]) -> Option<Range<usize>> {
    let belongs = |byte: u8| is_word(byte) || matches!(byte, b'/' | b'#');
    let is = (2..=MAX_NAME).contains(&value.len())
        && value.iter().copied().all(belongs)
        && !value.starts_with(b"//")
        && value.iter().any(u8::is_ascii_alphabetic);
    whole(value, is && !is_no_name(value))
}

/// A path that says it is one: where other software has parameters too.
pub(super) fn rooted_path(value: &[u8]) -> Option<Range<usize>> {
    // AWS's own public parameters name nobody.
    let own = value.starts_with(b"/aws/");
    path(value).filter(|_| value.starts_with(b"/") && !own)
}

/// 3 to 63 lower-case letters, digits, `-` and `.`; old ones have capitals and `_`.
pub(super) fn bucket(value: &[u8]) -> Option<Range<usize>> {
    let is = (3..=255).contains(&value.len())
        && value.iter().copied().all(is_word)
        && value.first().is_some_and(u8::is_ascii_alphanumeric)
        && value.last().is_some_and(u8::is_ascii_alphanumeric)
        && value.iter().any(u8::is_ascii_alphabetic);
    whole(value, is && !is_no_name(value))
}

/// A bucket at the beginning of a path without scheme: with a hyphen, as other paths might begin with any word.
pub(super) fn bucket_path(value: &[u8]) -> Option<Range<usize>> {
    let first = value.split(|byte| *byte == b'/').next().unwrap_or_default();
    let lower = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    bucket(first).filter(|_| first.contains(&b'-') && first.iter().all(lower))
}

/// A key of an object, or a prefix of keys: anything on one line that is not a placeholder.
pub(super) fn key(value: &[u8]) -> Option<Range<usize>> {
    let is = (3..=MAX_KEY).contains(&value.len())
        && !value.iter().any(|byte| matches!(byte, b'\n' | b'\r' | b'"' | b'\\' | b'<' | b'>'))
        // A name of a file alone says nothing.
        && value.contains(&b'/')
        && !value.starts_with(b"s3://");
    whole(value, is && !is_no_name(value))
}

/// The UUID of a key, a key of several regions, or what follows `alias/`.
pub(super) fn kms_key(value: &[u8]) -> Option<Range<usize>> {
    if let Some(alias) = value.strip_prefix(b"alias/") {
        // AWS's own keys are the same everywhere.
        let own = alias.starts_with(b"aws/");
        return path(alias).filter(|_| !own).map(|range| range.start + 6..range.end + 6);
    }
    let multi = value.strip_prefix(b"mrk-").is_some_and(|id| is_uuid(id) || (id.len() == 32 && hex(id)));
    whole(value, multi || is_uuid(value))
}

/// An alias, which always has its prefix.
pub(super) fn kms_alias(value: &[u8]) -> Option<Range<usize>> {
    kms_key(value).filter(|range| range.start > 0)
}

/// 8-4-4-4-12 hexadecimal digits; documentation has letters beyond `f`.
fn is_uuid(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b'-');
    value.len() == 36
        && [8, 4, 4, 4, 12].iter().all(|length| {
            parts
                .next()
                .is_some_and(|part| part.len() == *length && part.iter().all(u8::is_ascii_alphanumeric))
        })
}

/// About 32 hexadecimal digits; the placeholders of documentation have other letters and lengths.
pub(super) fn hex_32(value: &[u8]) -> Option<Range<usize>> {
    let placeholder = value.len() >= 7
        && value.get(value.len() - 7..).is_some_and(|end| end.eq_ignore_ascii_case(b"example"))
        && value.iter().all(u8::is_ascii_alphanumeric);
    whole(value, (value.len() == 32 && hex(value)) || ((24..=36).contains(&value.len()) && placeholder))
}

/// 64 hexadecimal digits; the placeholders of documentation have other letters.
pub(super) fn hex_64(value: &[u8]) -> Option<Range<usize>> {
    let placeholder = value.ends_with(b"EXAMPLE") && value.iter().all(u8::is_ascii_alphanumeric);
    whole(value, value.len() == 64 && (hex(value) || placeholder))
}

/// `Z` and capitals and digits.
pub(super) fn zone(value: &[u8]) -> Option<Range<usize>> {
    let start = if value.starts_with(b"/hostedzone/") { 12 } else { 0 };
    let id = value.get(start..).unwrap_or_default();
    let is = (10..=32).contains(&id.len())
        && id.starts_with(b"Z")
        && id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is.then_some(start..value.len())
}

/// `E` and capitals and digits.
pub(super) fn distribution(value: &[u8]) -> Option<Range<usize>> {
    let is = (8..=21).contains(&value.len())
        && value.starts_with(b"E")
        && value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    whole(value, is && value.iter().any(u8::is_ascii_digit))
}

/// Ten lower-case letters and digits, as API Gateway has.
pub(super) fn api(value: &[u8]) -> Option<Range<usize>> {
    let belongs = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is = (10..=13).contains(&value.len()) && value.iter().all(belongs);
    whole(value, is && value.iter().any(u8::is_ascii_digit))
}

/// Letters and digits, both.
pub(super) fn opaque(value: &[u8]) -> Option<Range<usize>> {
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
    let is = (8..=128).contains(&value.len())
        && value.iter().copied().all(belongs)
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic);
    whole(value, is && !is_no_name(value))
}

/// Capitals and digits; the placeholders of documentation have other lengths.
pub(super) fn access_key(value: &[u8]) -> Option<Range<usize>> {
    let is = (16..=32).contains(&value.len())
        && value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && value.iter().any(u8::is_ascii_digit);
    whole(value, is)
}

/// A secret access key: base64's alphabet, of any length under a name that says so.
pub(super) fn secret_key(value: &[u8]) -> Option<Range<usize>> {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let is = (16..=128).contains(&value.len()) && value.iter().all(belongs);
    whole(value, is && !is_stand_in(value))
}

/// A session token: long, base64.
pub(super) fn session_token(value: &[u8]) -> Option<Range<usize>> {
    let belongs = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'%' | b'.')
    };
    let is = (16..=8192).contains(&value.len()) && value.iter().all(belongs);
    whole(value, is && !is_stand_in(value))
}

/// A password: anything without white space that does not stand for another value.
pub(crate) fn password(value: &[u8]) -> Option<Range<usize>> {
    let is = (3..=512).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    whole(value, is && !is_stand_in(value) && !refers(value) && !is_asked_for(value))
}

/// True for `YOUR_PASSWORD`, `your-password-here`.
fn is_asked_for(value: &[u8]) -> bool {
    matches!(value, [a, b, c, d, b'-' | b'_', ..] if [*a, *b, *c, *d].eq_ignore_ascii_case(b"your"))
}

/// What is secret in any form: text of a secret, key material.
pub(super) fn secret(value: &[u8]) -> Option<Range<usize>> {
    let is = (3..=65_536).contains(&value.len());
    whole(value, is && !is_stand_in(value) && !refers(value))
}

/// True if a value says where the secret is.
fn refers(value: &[u8]) -> bool {
    [&b"arn:"[..], b"file://", b"fileb://", b"http://", b"https://", b"alias/", b"secretsmanager:"]
        .iter()
        .any(|scheme| value.starts_with(scheme))
}
