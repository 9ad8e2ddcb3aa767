//! Ids that AWS gives: a literal prefix and a fixed number of characters of one alphabet.
//!
//! Characters that nobody sees (zero-width spaces, soft hyphens) may stand between the characters of an id,
//! as copied text has them. AWS's documentation writes `EXAMPLE` in place of some characters.

use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

/// Alphabet: hexadecimal digits of either case.
pub const HEX: u8 = 0;
/// Alphabet: letters and digits, the letters all of one case.
pub const LOWER: u8 = 1;
/// Alphabet: upper-case letters and digits.
pub const UPPER: u8 = 2;

/// Any characters of the alphabet; for prefixes that are nothing else.
pub const ANY: u8 = 0;
/// At least one digit.
pub const DIGIT: u8 = 1;
/// A letter behind a digit: not a word with a number (`server01`). For prefixes that words have too.
pub const MIXED: u8 = 2;

/// Characters that are not seen: U+200B to U+200D, U+2060, U+FEFF, U+00AD.
const INVISIBLE: [&[u8]; 6] =
    [b"\xe2\x80\x8b", b"\xe2\x80\x8c", b"\xe2\x80\x8d", b"\xe2\x81\xa0", b"\xef\xbb\xbf", b"\xc2\xad"];
/// What AWS's documentation writes in ids.
const EXAMPLE: &[u8] = b"example";
/// Lengths of hexadecimal ids with [`EXAMPLE`] in them.
const EXAMPLE_LENGTHS: core::ops::RangeInclusive<usize> = 13..=20;
/// Longest id that is looked at, without its prefix.
const MAX_LENGTH: usize = 63;
/// Most characters that are not seen, in one id.
const MAX_INVISIBLE: usize = 64;
/// Longest prefix of an id whose prefix is not known.
const MAX_PREFIX: usize = 32;

/// The set of one length.
pub const fn length(length: u32) -> u64 {
    1 << length
}

/// The set of the lengths from `least` to `most`.
pub const fn lengths(least: u32, most: u32) -> u64 {
    (1 << (most + 1)) - (1 << least)
}

/// Lengths of ids of EC2: 8 (old) and 17 (new).
pub const EC2: u64 = length(8) | length(17);

/// Matches the anchor and all hexadecimal digits after it, if they are 8 or 17 and a boundary follows.
pub fn hex_8_or_17(text: &[u8], anchor: Range<usize>) -> Outcome {
    id::<HEX, EC2, ANY>(text, anchor)
}

/// Matches the anchor and all characters of the alphabet after it, if their number is in the set and a
/// boundary follows.
pub fn id<const ALPHABET: u8, const LENGTHS: u64, const CHECK: u8>(
    text: &[u8],
    anchor: Range<usize>,
) -> Outcome {
    if !boundary::may_start(text.get(..anchor.start).unwrap_or_default()) {
        return Outcome::No;
    }
    let complete = |seen: &Seen| seen.fits(LENGTHS, ALPHABET) && seen.passes(CHECK);
    let end = read(text, anchor.end, ALPHABET, complete);
    let end = end.filter(|end| !is_date(text, anchor.end..*end) && !is_pod(text, anchor.end..*end));
    end.map_or(Outcome::No, |end| Outcome::One(anchor.start..end))
}

/// True for digits that begin with a day: people name snapshots and keys so (`snap-20240115`).
fn is_date(text: &[u8], id: Range<usize>) -> bool {
    let digits = text.get(id).unwrap_or_default();
    let number = |range: Range<usize>| core::str::from_utf8(digits.get(range)?).ok()?.parse::<u16>().ok();
    digits.iter().all(u8::is_ascii_digit)
        && number(0..4).is_some_and(|year| (1990..2100).contains(&year))
        && number(4..6).is_some_and(|month| (1..=12).contains(&month))
        && number(6..8).is_some_and(|day| (1..=31).contains(&day))
}

/// True for the end of the name of a pod of Kubernetes: the hash of a template, and five characters more
/// (`chat-ws-7d9f8b6c5-x8h2k`).
fn is_pod(text: &[u8], id: Range<usize>) -> bool {
    const CHARACTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let belongs = |byte: &u8| CHARACTERS.contains(byte);
    let after = text.get(id.end..).unwrap_or_default().strip_prefix(b"-");
    after.and_then(|after| after.split_at_checked(5)).is_some_and(|(pod, after)| {
        pod.iter().all(belongs)
            && boundary::may_end(after)
            && text.get(id).unwrap_or_default().iter().all(belongs)
    })
}

/// Matches the anchor and a UUID.
pub fn with_uuid(text: &[u8], anchor: Range<usize>) -> Outcome {
    if !boundary::may_start(text.get(..anchor.start).unwrap_or_default()) {
        return Outcome::No;
    }
    uuid(text, anchor.end).map_or(Outcome::No, |end| Outcome::One(anchor.start..end))
}

/// Matches the anchor and 64 hexadecimal digits.
pub fn hex_64(text: &[u8], anchor: Range<usize>) -> Outcome {
    const LENGTH: usize = 64;
    let end = anchor.end + LENGTH;
    let hex = text.get(anchor.end..end).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let (before, after) = (text.get(..anchor.start), text.get(end..));
    if hex && before.is_some_and(boundary::may_start) && after.is_some_and(boundary::may_end) {
        Outcome::One(anchor.start..end)
    } else {
        Outcome::No
    }
}

/// Matches an id of a prefix that no rule knows: words of letters and 17 hexadecimal digits, letters and
/// digits among them. The anchor is the last hyphen and the first digit.
pub fn unknown_prefix(text: &[u8], anchor: Range<usize>) -> Outcome {
    let mixed = |seen: &Seen| seen.count == 17 && seen.digits > 0 && seen.digits < 17 && !seen.example;
    let Some(end) = read(text, anchor.start + 1, HEX, mixed) else {
        return Outcome::No;
    };
    let before = text.get(..anchor.start).unwrap_or_default();
    let letters = |byte: &&u8| byte.is_ascii_alphabetic() || **byte == b'-';
    let length = before.iter().rev().take(MAX_PREFIX).take_while(letters).count();
    match word_start(text, before.len() - length..before.len()) {
        Some(start) if text.get(start).is_some_and(u8::is_ascii_alphabetic) => Outcome::One(start..end),
        _ => Outcome::No,
    }
}

/// Where what ends with `run` begins: behind the last escape, whose letters look like those of a word, or
/// at the first boundary that a letter or digit follows.
pub(super) fn word_start(text: &[u8], run: Range<usize>) -> Option<usize> {
    let before = |at: usize| text.get(..at).unwrap_or_default();
    let starts = |at: &usize| {
        boundary::may_start(before(*at)) && text.get(*at).is_some_and(|byte| boundary::binds(*byte))
    };
    let escaped = |at: &usize| before(*at).last().is_some_and(|byte| boundary::binds(*byte));
    run.clone().rev().find(|at| escaped(at) && starts(at)).or_else(|| run.clone().find(starts))
}

/// Matches ten hexadecimal digits and a UUID: who is in an identity store. The anchor is the hyphen between
/// and the first digit behind it.
pub fn in_identity_store(text: &[u8], anchor: Range<usize>) -> Outcome {
    const STORE: usize = 10;
    let (Some(start), Some(end)) = (anchor.start.checked_sub(STORE), uuid(text, anchor.start + 1)) else {
        return Outcome::No;
    };
    let hex = text.get(start..anchor.start).is_some_and(|store| store.iter().all(u8::is_ascii_hexdigit));
    if hex && boundary::may_start(text.get(..start).unwrap_or_default()) {
        Outcome::One(start..end)
    } else {
        Outcome::No
    }
}

/// Where the UUID ends that begins at `from`.
pub fn uuid(text: &[u8], from: usize) -> Option<usize> {
    const LENGTH: usize = 36;
    let uuid = text.get(from..from + LENGTH)?;
    let shape = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_alphanumeric(),
    };
    let hex = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
    let example = || uuid.windows(EXAMPLE.len()).any(|part| part.eq_ignore_ascii_case(EXAMPLE));
    let whole = uuid.iter().enumerate().all(shape) && (uuid.iter().all(hex) || example());
    (whole && boundary::may_end(text.get(from + LENGTH..)?)).then_some(from + LENGTH)
}

/// What was read of an id.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Characters.
    pub(super) count: usize,
    /// Digits among them.
    pub(super) digits: usize,
    /// One is a letter behind a digit.
    mixed: bool,
    lower: bool,
    upper: bool,
    /// [`EXAMPLE`] is among them.
    pub(super) example: bool,
}

impl Seen {
    fn add(&mut self, byte: u8) {
        self.count += 1;
        self.digits += usize::from(byte.is_ascii_digit());
        self.mixed |= self.digits > 0 && byte.is_ascii_alphabetic();
        self.lower |= byte.is_ascii_lowercase();
        self.upper |= byte.is_ascii_uppercase();
    }

    fn fits(&self, lengths: u64, alphabet: u8) -> bool {
        let exact = lengths & (1 << self.count) != 0;
        match alphabet {
            HEX if self.example => self.digits > 0 && EXAMPLE_LENGTHS.contains(&self.count),
            HEX => exact,
            _ => exact && !(self.lower && self.upper),
        }
    }

    fn passes(&self, check: u8) -> bool {
        match check {
            ANY => true,
            DIGIT => self.digits > 0 || self.example,
            _ => self.mixed || self.example,
        }
    }
}

fn belongs(byte: u8, alphabet: u8) -> bool {
    match alphabet {
        HEX => byte.is_ascii_hexdigit(),
        UPPER => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        _ => byte.is_ascii_alphanumeric(),
    }
}

/// Reads characters of the alphabet from `from` on, and says where the longest part ends that is complete.
pub(super) fn read(
    text: &[u8],
    from: usize,
    alphabet: u8,
    complete: impl Fn(&Seen) -> bool,
) -> Option<usize> {
    let (mut at, mut visible, mut best) = (from, from, None);
    let (mut seen, mut invisible) = (Seen::default(), 0);
    while seen.count <= MAX_LENGTH && invisible <= MAX_INVISIBLE {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(word) = example(rest, alphabet) {
            word.iter().for_each(|byte| seen.add(*byte));
            seen.example = true;
            at += word.len();
            visible = at;
            continue;
        }
        if let Some(byte) = rest.first().filter(|byte| belongs(**byte, alphabet)) {
            seen.add(*byte);
            at += 1;
            visible = at;
            continue;
        }
        // What is not seen at the end of an id is not a part of it.
        if visible == at && seen.count <= MAX_LENGTH && complete(&seen) && boundary::may_end(rest) {
            best = Some(at);
        }
        let Some(hidden) = INVISIBLE.iter().find(|hidden| rest.starts_with(hidden)) else { break };
        at += hidden.len();
        invisible += 1;
    }
    best
}

fn example(rest: &[u8], alphabet: u8) -> Option<&[u8]> {
    let word = rest.get(..EXAMPLE.len()).filter(|word| word.eq_ignore_ascii_case(EXAMPLE))?;
    (alphabet == HEX || word.iter().all(|byte| belongs(*byte, alphabet))).then_some(word)
}
