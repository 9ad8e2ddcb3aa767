//! IPv4 addresses in dotted decimal, told apart from version numbers.

use crate::boundary;
use crate::catalogue::Outcome;
use crate::detect::version;
use core::ops::Range;

/// An address contains a digit and a dot.
pub const ANCHORS: &[&str] = &["0.", "1.", "2.", "3.", "4.", "5.", "6.", "7.", "8.", "9."];

/// Longest number that is looked at.
const MAX_NUMBER: usize = 10;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    Nobody,
    Private,
    Public,
}

/// Matches addresses of private networks.
pub fn private(text: &[u8], anchor: Range<usize>) -> Outcome {
    of_class(text, anchor.start, Class::Private)
}

/// Matches addresses of the public Internet.
pub fn public(text: &[u8], anchor: Range<usize>) -> Outcome {
    of_class(text, anchor.start, Class::Public)
}

fn of_class(text: &[u8], anchor: usize, wanted: Class) -> Outcome {
    match address(text, anchor) {
        Ok((range, octets)) => {
            let before = text.get(..range.start).unwrap_or_default();
            let surely = version::precedes_address(text.get(range.end..).unwrap_or_default());
            match class(octets) {
                Class::Public if !surely && version::is_likely(before, octets[0]) => {
                    Outcome::SkipTo(range.end)
                }
                Class::Private if !surely && version::follows_name(before) => Outcome::SkipTo(range.end),
                class if class == wanted => Outcome::One(range),
                _ => Outcome::No,
            }
        }
        Err(outcome) => outcome,
    }
}

/// Reads all of the digits and dots around the anchor's digit.
fn address(text: &[u8], anchor: usize) -> Result<(Range<usize>, [u8; 4]), Outcome> {
    let Some(start) = start(text, anchor) else { return Err(Outcome::No) };
    let Some((octets, length)) = octets(text.get(start..).unwrap_or_default()) else {
        return Err(Outcome::No);
    };
    let at = start + length;
    match text.get(at..).unwrap_or_default() {
        // A fifth number: a private address and its port, as tcpdump writes them, or no address at all.
        [b'.', b'0'..=b'9', ..] if class(octets) != Class::Private => {
            let more =
                text.iter().skip(at).take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
            Err(Outcome::SkipTo(at + more))
        }
        after if boundary::may_end(after) => Ok((start..at, octets)),
        _ => Err(Outcome::No),
    }
}

/// Four numbers without leading zeros, with dots between; and how long they are.
pub(super) fn octets(text: &[u8]) -> Option<([u8; 4], usize)> {
    let mut octets = [0; 4];
    let mut at = 0;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let digits = rest.get(..length).and_then(|digits| core::str::from_utf8(digits).ok())?;
        let canonical = length == 1 || !digits.starts_with('0');
        *octet = digits.parse().ok().filter(|_| canonical)?;
        at += length;
    }
    Some((octets, at))
}

/// Where the number begins whose last digit is the anchor: at a boundary, and not behind another number and a dot.
fn start(text: &[u8], anchor: usize) -> Option<usize> {
    let mut length = 3;
    // The digits of an escape (`%20`) stand right before, so the longest run of digits need not be the number.
    while length > 0 {
        let start = (anchor + 1).checked_sub(length);
        let digits = start.and_then(|start| text.get(start..=anchor)).unwrap_or_default();
        let before = start.and_then(|start| text.get(..start)).unwrap_or_default();
        if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && boundary::may_start(before) {
            return start.filter(|_| !follows_number(before));
        }
        length -= 1;
    }
    None
}

/// True if `before` ends with a number of its own and a dot.
fn follows_number(before: &[u8]) -> bool {
    let Some(rest) = before.strip_suffix(b".") else { return false };
    let digits = rest.iter().rev().take(MAX_NUMBER).take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && boundary::may_start(rest.get(..rest.len() - digits).unwrap_or_default())
}

pub(super) fn class(octets: [u8; 4]) -> Class {
    match octets {
        // This host, loopback, AWS's own link-local services, multicast, reserved and netmasks name nobody.
        [0 | 127 | 224..=255, ..] | [169, 254, 169, 123 | 249..=254] | [169, 254, 170, 2 | 23] => {
            Class::Nobody
        }
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [169, 254, ..] => {
            Class::Private
        }
        _ => Class::Public,
    }
}
