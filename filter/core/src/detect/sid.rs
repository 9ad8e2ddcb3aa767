//! Security identifiers: `S-1-5-21-1004336348-1177238915-682003330-512`. Directories give them, and
//! WorkDocs and WorkMail name users by them; those that name everybody's groups have few or short numbers.

use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

/// Most numbers after `S-1-`.
const MAX_NUMBERS: usize = 16;
/// Longest number.
const MAX_DIGITS: usize = 15;
/// Digits of a number that tells of a directory, and how many such numbers there are at least.
const LONG: (usize, usize) = (5, 2);
/// Characters of a directory's id.
const DIRECTORY: usize = 10;

/// Matches a security identifier, and the directory that WorkDocs writes after it (`&d-926726012c`).
pub fn security_identifier(text: &[u8], anchor: Range<usize>) -> Outcome {
    if !boundary::may_start(text.get(..anchor.start).unwrap_or_default()) {
        return Outcome::No;
    }
    let (mut at, mut end, mut long) = (anchor.end, anchor.end, 0);
    for _ in 0..MAX_NUMBERS {
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.iter().take(MAX_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 || length > MAX_DIGITS {
            break;
        }
        long += usize::from(length >= LONG.0);
        end = at + length;
        if text.get(end) != Some(&b'-') {
            break;
        }
        at = end + 1;
    }
    let rest = text.get(end..).unwrap_or_default();
    if long < LONG.1 || !boundary::may_end(rest) {
        return Outcome::No;
    }
    let directory = rest.strip_prefix(b"&d-").and_then(|rest| rest.get(..DIRECTORY));
    match directory {
        Some(id) if id.iter().all(u8::is_ascii_hexdigit) => {
            let after = end + b"&d-".len() + DIRECTORY;
            let whole = boundary::may_end(text.get(after..).unwrap_or_default());
            Outcome::One(anchor.start..if whole { after } else { end })
        }
        _ => Outcome::One(anchor.start..end),
    }
}
