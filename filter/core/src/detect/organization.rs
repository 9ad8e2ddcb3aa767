//! Ids with more than one part: of Organizations, Route 53 Resolver and Support.

use super::resource_id::{self, HEX, LOWER, Seen};
use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

/// Lengths of the part of a unit's id that names the root.
const ROOT: core::ops::RangeInclusive<usize> = 4..=32;
/// Lengths of the part that names the unit.
const UNIT: core::ops::RangeInclusive<usize> = 8..=32;
/// Lengths of an organization's id, without `o-`.
const ORGANIZATION: core::ops::RangeInclusive<usize> = 10..=32;
/// Lengths of the word that says what a resolver's id names.
const RESOLVER_WORD: core::ops::RangeInclusive<usize> = 2..=12;
/// Lengths of the digits of a resolver's id.
const RESOLVER: core::ops::RangeInclusive<usize> = 14..=20;

/// Matches `ou-`, the root's characters, a hyphen and the unit's.
pub fn unit(text: &[u8], anchor: Range<usize>) -> Outcome {
    let root = run(text, anchor.end, *ROOT.end(), u8::is_ascii_alphanumeric);
    let hyphen = anchor.end + root.len();
    if !starts(text, &anchor) || !ROOT.contains(&root.len()) || text.get(hyphen) != Some(&b'-') {
        return Outcome::No;
    }
    // Words have no digits.
    let numbered = root.iter().any(u8::is_ascii_digit);
    let complete = |seen: &Seen| UNIT.contains(&seen.count) && (numbered || seen.digits > 0 || seen.example);
    let end = resource_id::read(text, hyphen + 1, LOWER, complete);
    end.map_or(Outcome::No, |end| Outcome::One(anchor.start..end))
}

/// Matches the root in the path of an organization, `o-a1b2c3d4e5/r-ab12/`. The anchor is the slash and `r-`.
pub fn root(text: &[u8], anchor: Range<usize>) -> Outcome {
    let before = text.get(..anchor.start).unwrap_or_default();
    let length = before
        .iter()
        .rev()
        .take(ORGANIZATION.end() + 1)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let organization = before.get(..before.len() - length).is_some_and(|rest| rest.ends_with(b"o-"));
    let root = run(text, anchor.end, ROOT.end() + 1, u8::is_ascii_alphanumeric);
    let end = anchor.end + root.len();
    if organization && ORGANIZATION.contains(&length) && ROOT.contains(&root.len()) {
        Outcome::One(anchor.start + 1..end)
    } else {
        Outcome::No
    }
}

/// Matches `rslvr-`, a word that says what it is, and hexadecimal digits.
pub fn resolver(text: &[u8], anchor: Range<usize>) -> Outcome {
    let word = run(text, anchor.end, RESOLVER_WORD.end() + 1, u8::is_ascii_alphabetic);
    let hyphen = anchor.end + word.len();
    if !starts(text, &anchor) || !RESOLVER_WORD.contains(&word.len()) || text.get(hyphen) != Some(&b'-') {
        return Outcome::No;
    }
    let end = resource_id::read(text, hyphen + 1, HEX, |seen| RESOLVER.contains(&seen.count));
    end.map_or(Outcome::No, |end| Outcome::One(anchor.start..end))
}

/// Matches `case-`, an account, a language, a year and sixteen hexadecimal digits; the language may be
/// missing.
pub fn support_case(text: &[u8], anchor: Range<usize>) -> Outcome {
    const ACCOUNT: core::ops::RangeInclusive<usize> = 9..=12;
    const MAX_LANGUAGE: usize = 8;
    const HEX_DIGITS: usize = 16;
    let mut at = anchor.end;
    let mut part = |most: usize, belongs: fn(&u8) -> bool| {
        let part = run(text, at, most, belongs);
        let hyphen = text.get(at + part.len()) == Some(&b'-');
        at += part.len() + usize::from(hyphen);
        (part, hyphen)
    };
    let account = part(ACCOUNT.end() + 1, u8::is_ascii_digit);
    let language = part(MAX_LANGUAGE, u8::is_ascii_alphabetic);
    let year = part(5, u8::is_ascii_digit);
    let (code, _) = part(HEX_DIGITS + 1, u8::is_ascii_hexdigit);
    let shape = account.1
        && ACCOUNT.contains(&account.0.len())
        && language.1 != language.0.is_empty()
        && year.1
        && year.0.len() == 4
        && code.len() == HEX_DIGITS;
    let end = if text.get(at - 1) == Some(&b'-') { at - 1 } else { at };
    if shape && starts(text, &anchor) && boundary::may_end(text.get(end..).unwrap_or_default()) {
        Outcome::One(anchor.start..end)
    } else {
        Outcome::No
    }
}

fn starts(text: &[u8], anchor: &Range<usize>) -> bool {
    boundary::may_start(text.get(..anchor.start).unwrap_or_default())
}

/// At most `most` bytes from `from` on that belong.
fn run(text: &[u8], from: usize, most: usize, belongs: fn(&u8) -> bool) -> &[u8] {
    let rest = text.get(from..).unwrap_or_default();
    rest.get(..rest.iter().take(most).take_while(|byte| belongs(byte)).count()).unwrap_or_default()
}
