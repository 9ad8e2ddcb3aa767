//! Telephone numbers: international ones with `+` (E.164), Korean ones with their area or network and
//! separators, and those of North America. Digits without any separator are not one, unless `+` stands
//! before them.

use super::{Digits, digits};
use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

/// Most digits of a number, its country included.
const MAX_DIGITS: usize = 15;
/// Fewest digits behind `+`, with separators and without.
const MIN_DIGITS: (usize, usize) = (8, 10);
/// Digits of the last group.
const LAST: usize = 4;

/// Matches `+82-10-1234-5678`, `+1 (555) 123-4567`, `+821012345678`. The anchor is the plus sign and a digit.
pub fn international(text: &[u8], anchor: Range<usize>) -> Outcome {
    let before = text.get(..anchor.start).unwrap_or_default();
    if !boundary::may_start(before) || matches!(before.last(), Some(b')' | b']' | b'+' | b'.')) {
        return Outcome::No;
    }
    let first = digits(text, anchor.start + 1, b"", MAX_DIGITS);
    let plain = (MIN_DIGITS.1..=MAX_DIGITS).contains(&first.values.len());
    if plain && ends(text, first.end) {
        return Outcome::One(anchor.start..first.end);
    }
    if first.values.len() > 3 {
        return Outcome::No;
    }
    // An area in brackets may follow.
    let (area, at) = match bracketed(text, first.end + 1) {
        Some((area, at)) if matches!(text.get(first.end), Some(b' ' | b'-')) => (area, at),
        _ => (0, first.end + 1),
    };
    let rest = separated(text, at);
    let count = first.values.len() + area + rest.values.len();
    let grouped = rest.groups.len() >= 2 && rest.groups.iter().all(|length| (2..=LAST).contains(length));
    let separator = text.get(first.end).is_some_and(|byte| b" -.".contains(byte));
    // Addresses and sums have groups too; the last group of a number with dots has four digits.
    let last = text.get(first.end) != Some(&b'.') || rest.groups.last() == Some(&LAST);
    if separator && grouped && last && (MIN_DIGITS.0..=MAX_DIGITS).contains(&count) && ends(text, rest.end) {
        Outcome::One(anchor.start..rest.end)
    } else {
        Outcome::No
    }
}

/// Matches `010-1234-5678`, `02-123-4567`, `02) 123-4567`. The anchor is the area or network.
pub fn korean(text: &[u8], anchor: Range<usize>) -> Outcome {
    let area = digits(text, anchor.start, b"", 4);
    let expected = if text.get(anchor.start + 1) == Some(&b'2') { 2..=2 } else { 3..=4 };
    let at = match text.get(area.end..).unwrap_or_default() {
        [b')', b' ', ..] => area.end + 2,
        [b'-' | b'.' | b' ' | b')', ..] => area.end + 1,
        _ => return Outcome::No,
    };
    let rest = separated(text, at);
    let grouped = matches!(rest.groups.as_slice(), [3 | 4, LAST]);
    if grouped && expected.contains(&area.values.len()) && begins(text, anchor.start) && ends(text, rest.end)
    {
        Outcome::One(anchor.start..rest.end)
    } else {
        Outcome::No
    }
}

/// Matches `(555) 123-4567`. The anchor is the bracket and a digit.
pub fn american(text: &[u8], anchor: Range<usize>) -> Outcome {
    let Some((_, at)) = bracketed(text, anchor.start) else { return Outcome::No };
    let rest = separated(text, at);
    let before = text.get(..anchor.start).unwrap_or_default();
    // Directly behind a word it is a call.
    if matches!(rest.groups.as_slice(), [3, LAST]) && boundary::may_start(before) && ends(text, rest.end) {
        Outcome::One(anchor.start..rest.end)
    } else {
        Outcome::No
    }
}

/// Matches `555-234-5678`. The anchor is the area's last digit and the hyphen.
pub fn american_plain(text: &[u8], anchor: Range<usize>) -> Outcome {
    let Some(start) = anchor.start.checked_sub(2) else { return Outcome::No };
    let read = digits(text, start, b"-", MAX_DIGITS);
    let valid = |at: usize| read.values.get(at).is_some_and(|digit| *digit >= 2);
    let grouped = matches!(read.groups.as_slice(), [3, 3, LAST]);
    if grouped && valid(0) && valid(3) && begins(text, start) && ends(text, read.end) {
        Outcome::One(start..read.end)
    } else {
        Outcome::No
    }
}

/// Three digits in brackets: how many, and where what follows begins.
fn bracketed(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let area = digits(text, at + 1, b"", 4);
    if text.get(at) != Some(&b'(') || !(2..=3).contains(&area.values.len()) {
        return None;
    }
    match text.get(area.end..)? {
        [b')', b' ' | b'-', ..] => Some((area.values.len(), area.end + 2)),
        [b')', ..] => Some((area.values.len(), area.end + 1)),
        _ => None,
    }
}

/// Groups with one kind of separator.
fn separated(text: &[u8], at: usize) -> Digits {
    let first = digits(text, at, b"", MAX_DIGITS);
    let separator = text.get(first.end).copied().filter(|byte| b" -.".contains(byte));
    match separator {
        Some(separator) => digits(text, at, &[separator], MAX_DIGITS),
        None => first,
    }
}

fn begins(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let inner = matches!(before, [.., digit, b'-' | b'.' | b':'] if digit.is_ascii_digit());
    !inner && boundary::may_start(before) && !matches!(before.last(), Some(b'-' | b'.'))
}

fn ends(text: &[u8], at: usize) -> bool {
    let after = text.get(at..).unwrap_or_default();
    let more = matches!(after, [b'-' | b'.' | b':', digit, ..] if digit.is_ascii_digit());
    !more && boundary::may_end(after)
}
