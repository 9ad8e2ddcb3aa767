//! E-mail addresses: the dot-atoms of RFC 5321, with a domain that has a dot and ends in letters.
//!
//! `user@host` of a URL or of `scp` is not one: what stands right behind `//`, or is followed by a colon
//! and a path. Neither are file names of images (`icon@2x.png`) and packages with a version (`pkg@1.2.3`).

use crate::boundary;
use crate::catalogue::Outcome;
use crate::detect::resource_id::word_start;
use core::ops::Range;

/// Longest local part.
const MAX_LOCAL: usize = 64;
/// Longest domain.
const MAX_DOMAIN: usize = 253;
/// Longest part of a domain.
const MAX_LABEL: usize = 63;

/// Matches an e-mail address around `@`.
pub fn address(text: &[u8], anchor: Range<usize>) -> Outcome {
    let (Some(start), Some(end)) = (local(text, anchor.start), domain(text, anchor.end)) else {
        return Outcome::No;
    };
    let before = text.get(..start).unwrap_or_default();
    let remote = match text.get(end..).unwrap_or_default() {
        [b':', next, ..] => next.is_ascii_alphanumeric() || matches!(next, b'/' | b'~' | b'.'),
        _ => false,
    };
    if before.ends_with(b"//") || remote { Outcome::No } else { Outcome::One(start..end) }
}

fn local(text: &[u8], end: usize) -> Option<usize> {
    let before = text.get(..end)?;
    let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || b"._+-'".contains(byte);
    let length = before.iter().rev().take(MAX_LOCAL + 1).take_while(belongs).count();
    // Dots and signs before the name belong to the sentence.
    let start = word_start(text, end - length..end)?;
    let name = text.get(start..end)?;
    let atoms = !name.ends_with(b".") && !name.windows(2).any(|pair| pair == b"..");
    (length <= MAX_LOCAL && atoms).then_some(start)
}

fn domain(text: &[u8], start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let length = rest.iter().take(MAX_DOMAIN + 1).take_while(belongs).count();
    let domain = rest.get(..length).filter(|_| length <= MAX_DOMAIN)?;
    let trailing = domain.iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count();
    let domain = domain.get(..length - trailing)?;
    let mut labels = domain.split(|byte| *byte == b'.');
    let label = |label: &[u8]| {
        !label.is_empty() && label.len() <= MAX_LABEL && !label.starts_with(b"-") && !label.ends_with(b"-")
    };
    let last = domain.rsplit(|byte| *byte == b'.').next()?;
    let first = domain.split(|byte| *byte == b'.').next()?;
    let image = matches!(first, [digit, b'x'] if digit.is_ascii_digit());
    let whole = labels.all(label)
        && first.len() < domain.len()
        && last.len() >= 2
        && last.iter().all(u8::is_ascii_alphabetic)
        && !image;
    let end = start + domain.len();
    (whole && boundary::may_end(text.get(end..)?)).then_some(end)
}
