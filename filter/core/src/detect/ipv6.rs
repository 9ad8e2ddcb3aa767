//! IPv6 addresses, told apart from times, hardware addresses and paths of code.
//!
//! One with all of its eight groups is an address whatever it begins with, unless it is a dump of bytes. One that is
//! compressed (`::`) must begin as addresses that are in use do: `a::b` is code.

use crate::boundary;
use crate::catalogue::Outcome;
use crate::detect::ipv4;
use core::ops::Range;

/// Every address that names somebody has a group and a colon.
pub const ANCHORS: &[&str] =
    &["0:", "1:", "2:", "3:", "4:", "5:", "6:", "7:", "8:", "9:", "a:", "b:", "c:", "d:", "e:", "f:"];

const GROUPS: usize = 8;
/// Longest group.
const MAX_GROUP: usize = 4;

/// An address as it is read.
#[derive(Default)]
struct Groups {
    values: [u16; GROUPS],
    count: usize,
    /// How many groups stand before the `::`.
    gap: Option<usize>,
    longest: usize,
    digit: bool,
}

/// Matches an address whose first colon is the anchor's.
pub fn address(text: &[u8], anchor: Range<usize>) -> Outcome {
    let Some(start) = start(text, anchor.start) else { return Outcome::No };
    match read(text, start) {
        Some((groups, end)) if groups.is_address() && !is_slice(text, start..end) => Outcome::One(start..end),
        _ => Outcome::No,
    }
}

/// Where the first group begins, or the `::` before it.
fn start(text: &[u8], last: usize) -> Option<usize> {
    let before = |at: usize| text.get(..at).unwrap_or_default();
    let group = |length: &usize| {
        let Some(start) = (last + 1).checked_sub(*length) else { return false };
        text.get(start..=last).unwrap_or_default().iter().all(u8::is_ascii_hexdigit)
            && boundary::may_start(before(start))
            && !before(start).ends_with(b"%")
    };
    let start = (1..=MAX_GROUP).rev().find(group).map(|length| last + 1 - length)?;
    match before(start) {
        [rest @ .., b':', b':'] if boundary::may_start(rest) && !rest.ends_with(b":") => Some(start - 2),
        // It goes on to the left: what it is was decided there.
        [.., b':', b':'] => None,
        [rest @ .., b':'] if ends_in_group(rest) => None,
        _ => Some(start),
    }
}

/// True for a part of a list in a program: `rows[2000::2]`.
fn is_slice(text: &[u8], address: Range<usize>) -> bool {
    let numbers = |byte: &u8| byte.is_ascii_digit() || *byte == b':';
    let before = text.get(..address.start).and_then(|before| before.strip_suffix(b"["));
    before.and_then(<[u8]>::last).is_some_and(|byte| boundary::binds(*byte) || b"_])".contains(byte))
        && text.get(address.end) == Some(&b']')
        && text.get(address).unwrap_or_default().iter().all(numbers)
}

fn ends_in_group(text: &[u8]) -> bool {
    let length = text.iter().rev().take(MAX_GROUP + 1).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let before = text.get(..text.len() - length).unwrap_or_default();
    (1..=MAX_GROUP).contains(&length) && boundary::may_start(before)
}

/// Reads groups as far as they go.
fn read(text: &[u8], start: usize) -> Option<(Groups, usize)> {
    let mut groups = Groups::default();
    let mut at = start;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with(b"::") {
            if groups.gap.replace(groups.count).is_some() {
                return None;
            }
            at += 2;
        } else if groups.count > 0 {
            match rest {
                [b':', next, ..] if next.is_ascii_hexdigit() => at += 1,
                _ => break,
            }
        }
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.iter().take(MAX_GROUP + 1).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let digits = rest.get(..length).unwrap_or_default();
        if length == 0 {
            // Nothing follows the `::`.
            break;
        }
        if rest.get(length) == Some(&b'.')
            && let Some((octets, length)) = ipv4::octets(rest)
        {
            // The last 32 bits may be spelled as an IPv4 address.
            let [a, b, c, d] = octets;
            groups.push(u16::from_be_bytes([a, b]))?;
            groups.push(u16::from_be_bytes([c, d]))?;
            groups.digit = true;
            at += length;
            break;
        }
        let value = core::str::from_utf8(digits).ok().and_then(|digits| u16::from_str_radix(digits, 16).ok());
        groups.push(value.filter(|_| length <= MAX_GROUP)?)?;
        groups.longest = groups.longest.max(length);
        groups.digit |= digits.iter().any(u8::is_ascii_digit);
        at += length;
    }
    let after = text.get(at..).unwrap_or_default();
    let goes_on = matches!(after, [b':', next, ..] if next.is_ascii_hexdigit() || *next == b':');
    (boundary::may_end(after) && !goes_on).then_some((groups, at))
}

impl Groups {
    fn push(&mut self, value: u16) -> Option<()> {
        *self.values.get_mut(self.count)? = value;
        self.count += 1;
        Some(())
    }

    fn is_address(&self) -> bool {
        let Some(gap) = self.gap else {
            // Eight bytes of two digits are a dump, or a name of a storage network.
            return self.count == GROUPS && self.longest > 2 && self.digit && !self.is_nobody(self.values);
        };
        if self.count >= GROUPS || !self.digit {
            return false;
        }
        let mut full = [0; GROUPS];
        let tail = self.count - gap;
        for (index, value) in self.values.iter().take(self.count).enumerate() {
            let to = if index < gap { index } else { GROUPS - tail + index - gap };
            if let Some(group) = full.get_mut(to) {
                *group = *value;
            }
        }
        let in_use = match full {
            [0x2000..=0x3fff | 0xfc00..=0xfdff | 0xfe80..=0xfebf, ..] => true,
            // Translated addresses.
            [0x64, 0xff9b, ..] => true,
            // Mapped ones.
            [0, 0, 0, 0, 0, 0xffff, high, low] => {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                ipv4::class([a, b, c, d]) != ipv4::Class::Nobody
            }
            _ => false,
        };
        in_use && !self.is_nobody(full)
    }

    /// Loopback, unspecified, multicast, whole blocks by their first address, and AWS's own services in a VPC.
    fn is_nobody(&self, full: [u16; GROUPS]) -> bool {
        match full {
            [0xfd00, 0xec2, ..] => true,
            [0xff00..=0xffff, ..] | [0, 0, 0, 0, 0, 0, 0, 0 | 1] => true,
            [0x2000 | 0xfc00 | 0xfd00 | 0xfe80, rest @ ..] => rest.iter().all(|group| *group == 0),
            _ => false,
        }
    }
}
