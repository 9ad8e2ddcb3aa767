//! Korean resident registration numbers: a day of birth, a hyphen, and seven digits of which the first
//! tells the century. Numbers given since October 2020 have no check digit: who is born since needs a valid
//! day only. Of those born before, the few whose number was changed since are not found.

use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

/// Weights of the digits before the check digit.
const WEIGHTS: [u32; 12] = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];
/// The year and month since which numbers have no check digit.
const WITHOUT_CHECK: (u32, u32) = (2020, 10);
/// Digits before the hyphen.
const BIRTH: usize = 6;
/// Digits behind it.
const REST: usize = 7;

/// Matches a resident registration number around its hyphen. The anchor is the hyphen and the digit behind
/// it.
pub fn number(text: &[u8], anchor: Range<usize>) -> Outcome {
    let hyphen = anchor.start;
    let (Some(start), end) = (hyphen.checked_sub(BIRTH), hyphen + 1 + REST) else { return Outcome::No };
    let (Some(birth), Some(rest)) = (text.get(start..hyphen), text.get(hyphen + 1..end)) else {
        return Outcome::No;
    };
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    let inner = matches!(before, [.., digit, b'-' | b'.'] if digit.is_ascii_digit())
        || matches!(after, [b'-' | b'.', digit, ..] if digit.is_ascii_digit());
    let digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    if digits(birth)
        && digits(rest)
        && !inner
        && is_valid(birth, rest)
        && boundary::may_start(before)
        && boundary::may_end(after)
    {
        Outcome::One(start..end)
    } else {
        Outcome::No
    }
}

fn is_valid(birth: &[u8], rest: &[u8]) -> bool {
    let two = |at: usize| {
        birth
            .get(at..at + 2)
            .unwrap_or_default()
            .iter()
            .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    };
    let century = match rest.first() {
        // The second half of each is for foreigners.
        Some(b'1' | b'2' | b'5' | b'6') => 1900,
        Some(b'3' | b'4' | b'7' | b'8') => 2000,
        _ => return false,
    };
    let (year, month, day) = (century + two(0), two(2), two(4));
    let days = match month {
        2 if year % 4 == 0 && year != 1900 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day) && ((year, month) >= WITHOUT_CHECK || is_checked(birth, rest))
}

fn is_checked(birth: &[u8], rest: &[u8]) -> bool {
    let digits = || birth.iter().chain(rest).map(|digit| u32::from(digit - b'0'));
    let sum: u32 = digits().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    // Those of foreigners have two more.
    let foreign = if matches!(rest.first(), Some(b'5'..=b'8')) { 13 } else { 11 };
    rest.last().map(|digit| u32::from(digit - b'0')) == Some((foreign - sum % 11) % 10)
}
