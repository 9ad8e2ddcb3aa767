//! JSON Web Tokens (RFC 7519): parts in base64url with dots between, the first a JSON object.

use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

/// What a JSON object begins with, in base64.
const OBJECT: &[u8] = b"eyJ";
/// Shortest header and payload.
const MIN_PART: usize = 8;

/// Matches a signed token (three parts, the last empty if it is not signed) or an encrypted one (five).
pub fn token(text: &[u8], anchor: Range<usize>) -> Outcome {
    let before = text.get(..anchor.start).unwrap_or_default();
    // A run of base64url is read from its beginning only, so that time stays linear.
    let inner = before.last().is_some_and(|byte| matches!(byte, b'_' | b'-' | b'.'));
    if text.get(anchor.clone()) != Some(OBJECT) || inner || !boundary::may_start(before) {
        return Outcome::No;
    }
    let header = part(text, anchor.start);
    let Some(second) = next(text, header.end).filter(|_| header.len() >= MIN_PART) else {
        return Outcome::No;
    };
    let Some(third) = next(text, second.end) else { return Outcome::No };
    let signed = text.get(second.clone()).is_some_and(|payload| payload.starts_with(OBJECT));
    let tag = next(text, third.end).and_then(|fourth| next(text, fourth.end));
    if let Some(tag) = tag.filter(|tag| !tag.is_empty() && !third.is_empty() && !signed) {
        return Outcome::One(anchor.start..tag.end);
    }
    if signed && second.len() >= MIN_PART { Outcome::One(anchor.start..third.end) } else { Outcome::No }
}

fn next(text: &[u8], end: usize) -> Option<Range<usize>> {
    (text.get(end) == Some(&b'.')).then(|| part(text, end + 1))
}

fn part(text: &[u8], start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    start..start + rest.iter().take_while(belongs).count()
}
