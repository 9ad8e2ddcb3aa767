//! Numbers of payment cards: 13 to 19 digits of a known issuer whose check digit (Luhn) is right, with one
//! separator between groups or none.

use super::{Digits, digits};
use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

const MAX_DIGITS: usize = 19;
const MIN_GROUP: usize = 4;

/// First digits of issuers, and the lengths of their numbers.
const ISSUERS: &[(u32, u32, &[usize])] = &[
    (300_000, 305_999, &[14, 16, 17, 18, 19]),
    (340_000, 349_999, &[15]),
    (352_800, 358_999, &[16, 17, 18, 19]),
    (360_000, 369_999, &[14, 15, 16, 17, 18, 19]),
    (370_000, 379_999, &[15]),
    (380_000, 399_999, &[16, 17, 18, 19]),
    (400_000, 499_999, &[13, 16, 19]),
    (510_000, 559_999, &[16]),
    (222_100, 272_099, &[16]),
    (500_000, 509_999, &[16, 19]),
    (560_000, 589_999, &[16, 19]),
    (601_100, 601_199, &[16, 19]),
    (620_000, 629_999, &[16, 17, 18, 19]),
    (639_000, 639_099, &[16, 19]),
    (644_000, 659_999, &[16, 19]),
    (670_000, 679_999, &[16, 19]),
    (810_000, 819_999, &[16, 17, 18, 19]),
    (940_000, 949_999, &[16]),
];

/// Matches a card's number. The anchor is its first digits.
pub fn number(text: &[u8], anchor: Range<usize>) -> Outcome {
    let before = text.get(..anchor.start).unwrap_or_default();
    // Behind a digit and a separator it is a part of a longer number.
    let inner = matches!(before, [.., digit, b'-' | b'.'] if digit.is_ascii_digit());
    if inner || !boundary::may_start(before) {
        return Outcome::No;
    }
    for separator in [b' ', b'-'] {
        let read = digits(text, anchor.start, &[separator], MAX_DIGITS);
        let after = text.get(read.end..).unwrap_or_default();
        let fraction = matches!(after, [b'.' | b'-', digit, ..] if digit.is_ascii_digit());
        if is_card(&read) && !fraction && boundary::may_end(after) {
            return Outcome::One(anchor.start..read.end);
        }
    }
    Outcome::No
}

fn is_card(read: &Digits) -> bool {
    let first = read.values.iter().take(6).fold(0, |number, digit| number * 10 + u32::from(*digit));
    let length = read.values.len();
    let issued =
        ISSUERS.iter().any(|(from, to, lengths)| (*from..=*to).contains(&first) && lengths.contains(&length));
    // Cards show four groups of four, or as American Express and Diners do.
    let grouped = match read.groups.as_slice() {
        [_] => true,
        [4, 6, 4 | 5] => true,
        [groups @ .., last] => groups.iter().all(|length| *length == MIN_GROUP) && *last <= MIN_GROUP,
        [] => false,
    };
    issued && grouped && luhn(&read.values)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match u32::from(*digit) {
            digit if at % 2 == 0 => digit,
            digit if digit > 4 => digit * 2 - 9,
            digit => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}
