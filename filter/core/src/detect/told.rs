//! What has no shape of its own and is told by a word near it, in sentences, code and transcripts: an account after
//! `account`, a secret access key after `secret` or after its access key's id.
//!
//! ```text
//! AWS 계정 ID는 123456789012입니다     .secretAccessKey("wJalrX…")     AWS Secret Access Key [None]: wJalrX…
//! ```

use super::access_key;
use super::arn::{Part, Parts};
use crate::boundary;
use crate::catalogue::Outcome;
use alloc::vec::Vec;
use core::ops::Range;

/// Most bytes between a word and its account.
const MAX_GLUE: usize = 64;
/// Most bytes of a remark in parentheses: `Account ID (prod): …`.
const MAX_REMARK: usize = 24;
/// Most accounts of one list.
const MAX_ACCOUNTS: usize = 1000;
/// How far behind its word a secret may begin: what a transcript or a call has between.
const MAX_DISTANCE: usize = 80;
/// Characters of a secret access key.
const SECRET: usize = 40;
/// Fewest capitals and small letters of one.
const MIN_LETTERS: usize = 2;

/// Words between `account` and its number, in lower case.
const GLUE: &[&[u8]] = &[
    b"are",
    b"aws",
    b"default",
    b"id",
    b"identifier",
    b"identifiers",
    b"ids",
    b"int",
    b"is",
    b"l",
    b"long",
    b"n",
    b"no",
    b"number",
    b"numbers",
    b"of",
    b"s",
    b"ss",
    b"str",
    b"string",
    b"was",
];
/// The same in Korean, and other signs.
const SIGNS: &[&str] =
    &["번호", "아이디", "는", "은", "이", "가", "의", "을", "를", "인", "에", "와", "：", "→", "“", "‘"];
/// Words between accounts of a list.
const BETWEEN: &[&str] = &["and ", "or ", "및 ", "와 ", "과 ", "또는 "];
/// Words before `account` that say that it is not AWS's.
const OTHERS: &[&[u8]] = &[b"bank", b"checking", b"deposit", b"savings"];

/// Matches accounts near the word: behind it, or right before it.
pub fn account(text: &[u8], anchor: Range<usize>) -> Outcome {
    let before = text.get(..anchor.start).unwrap_or_default();
    if OTHERS.iter().any(|other| ends_in_word(before, other)) {
        return Outcome::No;
    }
    let mut parts = Vec::new();
    let Some(mut at) = glue(text, anchor.end) else { return account_before(text, &anchor) };
    while let (Some(range), true) = (number(text, at), parts.len() < MAX_ACCOUNTS) {
        at = next_of_list(text, range.end);
        parts.push(Part { range, prefix: "AWS_ACCOUNT" });
    }
    match parts.last() {
        Some(last) => {
            let end = last.range.end;
            Outcome::Parts(Parts { parts, end })
        }
        None => account_before(text, &anchor),
    }
}

/// `123456789012 account`, `123456789012 계정`.
fn account_before(text: &[u8], anchor: &Range<usize>) -> Outcome {
    let before = text.get(..anchor.start).unwrap_or_default();
    let after = text.get(anchor.end..).unwrap_or_default();
    let before = before.strip_suffix(b"AWS ").unwrap_or(before);
    let Some(rest) = before.strip_suffix(b" ") else { return Outcome::No };
    let rest = rest.strip_suffix(b"`").unwrap_or(rest);
    let Some(start) = rest.len().checked_sub(12) else { return Outcome::No };
    let assigned = |text: &[u8]| matches!(text.trim_ascii_end().last(), Some(b'=' | b':'));
    // A field of a log line may be called so.
    if !boundary::may_end(after) || assigned(rest.get(..start).unwrap_or_default()) {
        return Outcome::No;
    }
    if matches!(after, [b'=' | b':' | b'_' | b'-', ..]) {
        return Outcome::No;
    }
    match number(text, start) {
        Some(range) if range.end == rest.len() && !is_time(text.get(range.clone()).unwrap_or_default()) => {
            let parts = Vec::from([Part { range, prefix: "AWS_ACCOUNT" }]);
            Outcome::Parts(Parts { parts, end: anchor.end })
        }
        _ => Outcome::No,
    }
}

/// Matches the account of `aws://123456789012/us-east-1`.
pub fn environment(text: &[u8], anchor: Range<usize>) -> Outcome {
    number(text, anchor.end).map_or(Outcome::No, Outcome::One)
}

/// Matches a secret access key behind a word that says `secret`.
pub fn secret(text: &[u8], anchor: Range<usize>) -> Outcome {
    let Some(range) = secret_behind(text, anchor.end) else { return Outcome::No };
    let end = range.end;
    Outcome::Parts(Parts { parts: Vec::from([Part { range, prefix: "AWS_SECRET_KEY" }]), end })
}

/// Matches an access key's id and the secret behind it.
pub fn key_pair(text: &[u8], anchor: Range<usize>) -> Outcome {
    let Outcome::One(id) = access_key::access_key_id(text, anchor) else { return Outcome::No };
    let Some(secret) = secret_behind(text, id.end) else { return Outcome::No };
    let end = secret.end;
    let parts =
        [Part { range: id, prefix: "AWS_ACCESS_KEY" }, Part { range: secret, prefix: "AWS_SECRET_KEY" }];
    Outcome::Parts(Parts { parts: Vec::from(parts), end })
}

fn ends_in_word(before: &[u8], word: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let start = before.len().saturating_sub(word.len());
    before.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// Where the number begins that the word is about.
fn glue(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // What stands before a line's end must say that more follows.
    let mut open = false;
    while at - from <= MAX_GLUE {
        let rest = text.get(at..)?;
        let word = rest.iter().take(MAX_REMARK).take_while(|byte| byte.is_ascii_alphabetic()).count();
        at += match rest {
            [b'0'..=b'9', ..] => return Some(at),
            [b'\n', ..] if !open => return None,
            [b'\n' | b'\r' | b' ' | b'\t', ..] => 1,
            [b'(', inner @ ..] if inner.first().is_some_and(u8::is_ascii_alphabetic) => {
                inner.iter().take(MAX_REMARK).position(|byte| *byte == b')')? + 2
            }
            [b':' | b'=' | b'>' | b'[' | b'{' | b'(', ..] => {
                open = true;
                1
            }
            [b'"' | b'\'' | b'`' | b'*' | b'#' | b'-' | b'_' | b'/' | b'\\' | b'?' | b'.', ..] => 1,
            _ if word > 0 => {
                let word = rest.get(..word)?;
                GLUE.iter().find(|known| known.eq_ignore_ascii_case(word))?;
                open = false;
                word.len()
            }
            _ => SIGNS.iter().find(|sign| rest.starts_with(sign.as_bytes()))?.len(),
        };
    }
    None
}

/// Twelve digits, or three groups of four.
fn number(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..)?;
    let digits = |from: usize, count: usize| {
        rest.get(from..from + count).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
    };
    let hyphen = |at: usize| rest.get(at) == Some(&b'-');
    let length = match () {
        () if digits(0, 12) => 12,
        () if digits(0, 4) && hyphen(4) && digits(5, 4) && hyphen(9) && digits(10, 4) => 14,
        () => return None,
    };
    let after = rest.get(length..)?;
    // A sum, a part of a longer number.
    let goes_on = matches!(after, [b'.' | b',' | b'-' | b':', b'0'..=b'9', ..]);
    let starts = boundary::may_start(text.get(..at).unwrap_or_default());
    (starts && boundary::may_end(after) && !goes_on).then_some(at..at + length)
}

/// Where the next account of a list begins, if there is one.
fn next_of_list(text: &[u8], end: usize) -> usize {
    let marks = |at: usize| {
        let rest = text.get(at..).unwrap_or_default().iter().take(MAX_GLUE);
        at + rest.take_while(|byte| byte.is_ascii_whitespace() || b",&\"'`\\".contains(byte)).count()
    };
    let at = marks(end);
    let rest = text.get(at..).unwrap_or_default();
    let word = BETWEEN.iter().find(|word| rest.starts_with(word.as_bytes())).map_or(0, |word| word.len());
    marks(at + word)
}

/// `202401311200`: a year, a month, a day and a time.
fn is_time(digits: &[u8]) -> bool {
    let pair = |at: usize| match digits.get(at..at + 2) {
        Some([a, b]) => u32::from(a.wrapping_sub(b'0')) * 10 + u32::from(b.wrapping_sub(b'0')),
        _ => u32::MAX,
    };
    matches!(pair(0), 19 | 20)
        && (1..=12).contains(&pair(4))
        && (1..=31).contains(&pair(6))
        && pair(8) < 24
        && pair(10) < 60
}

/// The first run of as many characters as a secret has, with letters of both cases and digits.
fn secret_behind(text: &[u8], from: usize) -> Option<Range<usize>> {
    let mut at = from;
    // What the word itself is a part of.
    at += run(text, at).0.min(MAX_DISTANCE);
    while at - from <= MAX_DISTANCE {
        let (length, characters) = run(text, at);
        let value = text.get(at..at + length)?;
        let count = |is: fn(&u8) -> bool| value.iter().filter(|byte| is(byte)).count();
        if characters == SECRET
            && stands_apart(text, at..at + length)
            && count(u8::is_ascii_digit) > 0
            && count(u8::is_ascii_uppercase) >= MIN_LETTERS
            && count(u8::is_ascii_lowercase) >= MIN_LETTERS
        {
            let between = text.get(from..at)?;
            // An ARN, a URL: what they have in them must be found, too.
            let other = between.windows(4).any(|window| window == b"arn:" || window.starts_with(b"://"));
            return (!other).then_some(at..at + length);
        }
        at += length.max(1);
    }
    None
}

/// True if a run is not a part of a longer word, token or path.
fn stands_apart(text: &[u8], range: Range<usize>) -> bool {
    let joins = |byte: u8| matches!(byte, b'-' | b'_' | b'.' | b'~');
    let before = text.get(..range.start).and_then(<[u8]>::last);
    let left = before.is_some_and(|byte| joins(*byte) || belongs(*byte));
    let right = match text.get(range.end..).unwrap_or_default() {
        [a, b, ..] => joins(*a) && b.is_ascii_alphanumeric(),
        _ => false,
    };
    !left && !right
}

fn belongs(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// How many bytes of Base64 stand there, up to more than a secret has, and how many characters they are.
fn run(text: &[u8], at: usize) -> (usize, usize) {
    let (mut length, mut characters) = (0, 0);
    while characters <= SECRET {
        length += match text.get(at + length..).unwrap_or_default() {
            [b'\\', b'/', ..] => 2,
            [b'%', b'2', b'F' | b'f' | b'B' | b'b', ..] => 3,
            [byte, ..] if belongs(*byte) => 1,
            _ => break,
        };
        characters += 1;
    }
    (length, characters)
}

#[cfg(test)]
mod tests;
