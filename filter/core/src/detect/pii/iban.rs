//! Account numbers (ISO 13616): a country, two check digits (mod 97), and as many characters as the country
//! has; in one piece, or in groups of four.

use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

/// Lengths by country, from the SWIFT registry.
#[rustfmt::skip]
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22),
    (b"BH", 22), (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24),
    (b"DE", 22), (b"DJ", 27), (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18),
    (b"FK", 18), (b"FO", 18), (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27),
    (b"GT", 28), (b"HN", 28), (b"HR", 21), (b"HU", 28), (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26),
    (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28), (b"LC", 32), (b"LI", 21), (b"LT", 20),
    (b"LU", 20), (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24), (b"ME", 22), (b"MK", 19), (b"MN", 20),
    (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23), (b"PK", 24),
    (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24),
    (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25),
    (b"SV", 28), (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20),
    (b"YE", 30),
];
/// Characters of a group.
const GROUP: usize = 4;

/// Matches an account number. The anchor is the country and the first check digit.
pub fn number(text: &[u8], anchor: Range<usize>) -> Outcome {
    let country = text.get(anchor.start..anchor.start + 2).unwrap_or_default();
    let country = country.to_ascii_uppercase();
    let known = LENGTHS.iter().find(|(known, _)| known.as_slice() == country);
    let Some((_, length)) = known.filter(|_| starts(text, anchor.start)) else { return Outcome::No };
    match read(text, anchor.start, *length) {
        Some(end) => Outcome::One(anchor.start..end),
        None => Outcome::No,
    }
}

fn starts(text: &[u8], at: usize) -> bool {
    boundary::may_start(text.get(..at).unwrap_or_default())
}

/// Reads `length` characters, and says where they end if the check digits are right.
fn read(text: &[u8], start: usize, length: usize) -> Option<usize> {
    let grouped = text.get(start + GROUP) == Some(&b' ');
    let (mut at, mut remainder, mut head) = (start, 0, 0);
    for index in 0..length {
        if grouped && index > 0 && index % GROUP == 0 {
            if text.get(at) != Some(&b' ') {
                return None;
            }
            at += 1;
        }
        let value = match text.get(at)?.to_ascii_uppercase() {
            byte @ b'0'..=b'9' if index >= 2 => u32::from(byte - b'0'),
            byte @ b'A'..=b'Z' if !(2..GROUP).contains(&index) => u32::from(byte - b'A') + 10,
            _ => return None,
        };
        let shift = if value > 9 { 100 } else { 10 };
        // The country and the check digits, six digits as numbers, are counted last.
        if index < GROUP {
            head = head * shift + value;
        } else {
            remainder = (remainder * shift + value) % 97;
        }
        at += 1;
    }
    let remainder = (remainder * 1_000_000 + head) % 97;
    (remainder == 1 && boundary::may_end(text.get(at..)?)).then_some(at)
}
