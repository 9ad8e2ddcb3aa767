//! The token grammar: `<FAMILY>_<KIND>_<NNN>`, for example `AWS_EC2_001`.
//!
//! ```text
//! token   = prefix "_" number            prefix is that of a kind in the catalogue, e.g. AWS_EC2
//! number  = 3 digits, or more without a leading zero; from 1
//! "_"     may be preceded by 1 to MAX_ESCAPES backslashes: Markdown writes AWS\_EC2\_001
//! ```
//!
//! A token begins and ends at a [boundary]. `AWS_EC2_101` is therefore not in
//! `AWS_EC2_1015`, and no token is a prefix of another that stands in the same place.

use crate::boundary;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// Longest token, without backslashes. Bounds what a stream may hold back.
pub const MAX_TOKEN_LEN: usize = 48;
/// Backslashes before an underscore that are still read as an escape.
pub const MAX_ESCAPES: usize = 4;
/// Longest prefix of a kind, so that its tokens stay within [`MAX_TOKEN_LEN`].
pub const MAX_PREFIX_LEN: usize = MAX_TOKEN_LEN - 1 - MAX_DIGITS;
/// What every prefix begins with. [`next_start`] knows their first letters.
pub const FAMILIES: [&str; 3] = ["AWS", "ORG", "PII"];

/// Most digits of a number.
pub const MAX_DIGITS: usize = 10;
const MIN_DIGITS: usize = 3;

/// Where in `text`, behind the character `before`, a token may begin next, at the earliest: at the first letter of a family
/// that is not inside of a word. Whether what looks like a word's letter is the end of an escape, more of the text tells.
pub fn next_start(before: Option<u8>, text: &[u8]) -> Option<usize> {
    let starts = memchr::memchr3_iter(b'A', b'O', b'P', text);
    let before = |at: usize| at.checked_sub(1).map_or(before, |at| text.get(at).copied());
    starts.into_iter().find(|at| before(*at).is_none_or(boundary::may_end_escape))
}

/// True for what [`next_start`] stops at.
pub fn is_start(byte: u8) -> bool {
    matches!(byte, b'A' | b'O' | b'P')
}

/// Writes the token of a kind's `prefix` with this number.
pub fn write(prefix: &str, number: u64) -> String {
    let mut token = String::with_capacity(prefix.len() + 1 + MAX_DIGITS);
    token.push_str(prefix);
    token.push('_');
    // Formatting is slower than all else that is done for a value.
    let mut unit: u64 = 100;
    while number / unit >= 10 {
        unit *= 10;
    }
    while unit > 0 {
        let digit = u32::try_from(number / unit % 10).ok().and_then(|digit| char::from_digit(digit, 10));
        token.extend(digit);
        unit /= 10;
    }
    token
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
            let before = at.checked_sub(1).and_then(|at| text.get(at).copied());
            at += next_start(before, text.get(at..)?)?;
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
        // The prefix without backslashes, as far as it is read.
        let mut prefix = [0; MAX_PREFIX_LEN];
        let (mut at, mut length) = (0, 0);
        loop {
            let byte = *rest.get(at)?;
            let escapes = rest.get(at..)?.iter().take(MAX_ESCAPES).take_while(|&&byte| byte == b'\\').count();
            let separator = rest.get(at + escapes) == Some(&b'_');
            if separator {
                let number = digits(rest.get(at + escapes + 1..)?);
                if number.len() >= MIN_DIGITS {
                    // No part of a prefix is a number, so this is the only reading.
                    let end = at + escapes + 1 + number.len();
                    let (prefix, kind) = self.known(prefix.get(..length)?).filter(|_| is_number(number))?;
                    let number = core::str::from_utf8(number).ok()?;
                    let token = [prefix, number].join("_");
                    let found = Found { range: start..start + end, token, prefix: kind };
                    return boundary::may_end(rest.get(end..)?).then_some(found);
                }
            } else if !(byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
                return None;
            }
            *prefix.get_mut(length)? = if separator { b'_' } else { byte };
            length += 1;
            at += if separator { escapes + 1 } else { 1 };
        }
    }

    fn known(&self, prefix: &[u8]) -> Option<(&str, usize)> {
        let at = self.prefixes.binary_search_by(|(known, _)| known.as_bytes().cmp(prefix)).ok()?;
        self.prefixes.get(at).map(|(known, kind)| (known.as_str(), *kind))
    }
}

fn digits(text: &[u8]) -> &[u8] {
    let count = text.iter().take(MAX_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
    text.get(..count).unwrap_or_default()
}

/// True for the number of a token.
pub fn is_number(part: &[u8]) -> bool {
    (MIN_DIGITS..=MAX_DIGITS).contains(&part.len())
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
    fn has_three_digits_and_more_when_needed() {
        for number in [0, 1, 9, 10, 99, 100, 999, 1000, 1_234_567_890, u64::MAX] {
            assert_eq!(write("AWS_EC2", number), alloc::format!("AWS_EC2_{number:03}"));
        }
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
    fn every_family_has_a_start() {
        for family in FAMILIES {
            assert_eq!(next_start(None, family.as_bytes()), Some(0));
        }
    }

    #[test]
    fn writes_what_it_recognises() {
        for number in [1, 12, 999, 1000, 9_999_999_999] {
            let token = write("AWS_EC2", number);
            assert_eq!(all(&token), [(token.clone(), token)]);
        }
    }
}
