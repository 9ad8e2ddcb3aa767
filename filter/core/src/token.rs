//! The token grammar: `<FAMILY>_<KIND>_<NNN>`, for example `AWS_EC2_001`.
//!
//! ```text
//! token   = prefix "_" number            prefix is that of a kind in the catalogue, e.g. AWS_EC2
//! number  = 3 digits, or more without a leading zero; from 1
//! "_"     may be preceded by 1 to MAX_ESCAPES backslashes: Markdown writes AWS\_EC2\_001
//! ```
//!
//! A token begins and ends at a [boundary](crate::boundary). `AWS_EC2_101` is therefore not in
//! `AWS_EC2_1015`, and no token is a prefix of another that stands in the same place.

use crate::boundary;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// Longest token, without backslashes. Bounds what a stream may hold back.
pub const MAX_TOKEN_LEN: usize = 48;
/// Backslashes before an underscore that are still read as an escape.
pub const MAX_ESCAPES: usize = 4;
/// Longest prefix of a kind, so that its tokens stay within [`MAX_TOKEN_LEN`].
pub const MAX_PREFIX_LEN: usize = MAX_TOKEN_LEN - 1 - MAX_DIGITS;
/// What every prefix begins with.
pub const FAMILIES: [&str; 3] = ["AWS", "ORG", "PII"];

const MAX_DIGITS: usize = 10;
const MIN_DIGITS: usize = 3;

/// Writes the token of a kind's `prefix` with this number.
pub fn write(prefix: &str, number: u64) -> String {
    format!("{prefix}_{number:03}")
}

/// A token found in text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// Where it stands, backslashes included.
    pub range: Range<usize>,
    /// The token as it is issued, without backslashes.
    pub token: String,
    /// Which of the [`Recogniser`]'s prefixes it has.
    pub prefix: usize,
}

/// Finds text that reads as a token of a known kind, whether or not it was ever issued.
#[derive(Clone, Debug)]
pub struct Recogniser {
    /// Sorted.
    prefixes: Vec<(String, usize)>,
}

impl Recogniser {
    /// Knows these prefixes; [`Found::prefix`] is the position in this list.
    pub fn new<'a>(prefixes: impl Iterator<Item = &'a str>) -> Self {
        let mut prefixes: Vec<_> = prefixes.enumerate().map(|(at, prefix)| (prefix.into(), at)).collect();
        prefixes.sort_unstable();
        Self { prefixes }
    }

    /// The first token in `text` that begins at `from` or later.
    pub fn find(&self, text: &[u8], from: usize) -> Option<Found> {
        let mut at = from;
        loop {
            at += memchr::memchr3(b'A', b'O', b'P', text.get(at..)?)?;
            if let Some(found) = self.at(text, at) {
                return Some(found);
            }
            at += 1;
        }
    }

    /// The token that begins at `start`, if one does.
    pub fn at(&self, text: &[u8], start: usize) -> Option<Found> {
        let (before, rest) = text.split_at_checked(start)?;
        if !FAMILIES.iter().any(|family| rest.starts_with(family.as_bytes())) || !boundary::may_start(before)
        {
            return None;
        }
        let mut canonical = Canonical::default();
        let mut part_start = 0;
        let mut at = 0;
        loop {
            while let Some(&byte @ (b'A'..=b'Z' | b'0'..=b'9')) = rest.get(at) {
                canonical.push(byte)?;
                at += 1;
            }
            // A part ends here. Is what was read so far a token?
            let (prefix, number) = canonical.as_bytes().split_at_checked(part_start)?;
            let prefix = prefix.strip_suffix(b"_").and_then(|prefix| self.prefix(prefix));
            if let (Some(prefix), true) = (prefix, is_number(number)) {
                // No prefix goes on with a number, so this is the only reading.
                let token = String::from_utf8_lossy(canonical.as_bytes()).into_owned();
                let ends = boundary::may_end(rest.get(at..)?);
                return ends.then_some(Found { range: start..start + at, token, prefix });
            }
            let escapes = rest.get(at..)?.iter().take(MAX_ESCAPES).take_while(|&&byte| byte == b'\\').count();
            if rest.get(at + escapes) != Some(&b'_') || !self.begins(canonical.as_bytes()) {
                return None;
            }
            canonical.push(b'_')?;
            at += escapes + 1;
            part_start = canonical.len;
        }
    }

    /// True if a prefix is, or begins with, these parts.
    fn begins(&self, parts: &[u8]) -> bool {
        let next = self.prefixes.partition_point(|(known, _)| known.as_bytes() < parts);
        self.prefixes.get(next).is_some_and(|(known, _)| known.as_bytes().starts_with(parts))
    }

    fn prefix(&self, prefix: &[u8]) -> Option<usize> {
        let at = self.prefixes.binary_search_by(|(known, _)| known.as_bytes().cmp(prefix)).ok()?;
        self.prefixes.get(at).map(|(_, kind)| *kind)
    }
}

/// A token as it is issued, read character by character.
struct Canonical {
    bytes: [u8; MAX_TOKEN_LEN],
    len: usize,
}

impl Default for Canonical {
    fn default() -> Self {
        Self { bytes: [0; MAX_TOKEN_LEN], len: 0 }
    }
}

impl Canonical {
    /// `None` if it would be longer than any token.
    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.len)? = byte;
        self.len += 1;
        Some(())
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

fn is_number(part: &[u8]) -> bool {
    (MIN_DIGITS..=MAX_DIGITS).contains(&part.len())
        && part.iter().all(u8::is_ascii_digit)
        && (part.len() == MIN_DIGITS || !part.starts_with(b"0"))
        && part != b"000"
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn all(text: &str) -> Vec<(String, String)> {
        let recogniser = Recogniser::new(["AWS_EC2", "AWS_EBS_VOL", "PII_EMAIL", "ORG_X"].into_iter());
        let (mut found, mut from) = (vec![], 0);
        while let Some(one) = recogniser.find(text.as_bytes(), from) {
            from = one.range.end;
            found.push((text[one.range].into(), one.token));
        }
        found
    }

    #[test]
    fn recognises_what_was_or_could_be_issued() {
        let cases: &[(&str, &[&str])] = &[
            ("AWS_EC2_001", &["AWS_EC2_001"]),
            ("인스턴스AWS_EC2_001를", &["AWS_EC2_001"]),
            ("x AWS_EBS_VOL_1234567890.", &["AWS_EBS_VOL_1234567890"]),
            (r"\nAWS_EC2_001\n", &["AWS_EC2_001"]),
            ("%2FAWS_EC2_001%20", &["AWS_EC2_001"]),
            ("AWS_EC2_101 AWS_EC2_1015", &["AWS_EC2_101", "AWS_EC2_1015"]),
            ("AWS_EC2_001_backup, my_AWS_EC2_002", &["AWS_EC2_001", "AWS_EC2_002"]),
            ("AWS_EC2_001_002", &["AWS_EC2_001"]),
            ("AWS_AWS_EC2_001", &["AWS_EC2_001"]),
            ("AWS_EBS_PII_EMAIL_001", &["PII_EMAIL_001"]),
            ("AWS_EC2_01 AWS_EC2_0012 AWS_EC2_000 AWS_EC2_12345678901", &[]),
            ("AWS_EC2_001AWS_EC2_002 xAWS_EC2_001 AWS_EC2_001x aws_ec2_001", &[]),
            ("AWS_NOPE_001 AWS_001 AWS__EC2_001", &[]),
        ];
        for (text, expected) in cases {
            let tokens: Vec<_> = all(text).into_iter().map(|(_, token)| token).collect();
            assert_eq!(tokens, *expected, "{text}");
        }
    }

    #[test]
    fn markdown_escapes_are_part_of_it() {
        assert_eq!(
            all(r"a AWS\_EC2\_001b AWS\_EBS\\_VOL\_007,"),
            [(r"AWS\_EBS\\_VOL\_007".into(), "AWS_EBS_VOL_007".into())]
        );
        assert_eq!(all(r"AWS\\\\\_EC2_001"), []);
    }

    #[test]
    fn writes_what_it_recognises() {
        for number in [1, 12, 999, 1000, 9_999_999_999] {
            let token = write("AWS_EC2", number);
            assert_eq!(all(&token), [(token.clone(), token)]);
        }
    }
}
