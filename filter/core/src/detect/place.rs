//! Ids and names that a path tells: `/hostedzone/Z…`, `/aws/lambda/my-function`; and those that a region
//! tells: `us-east-1_AbCdEf123`, `us-east-1:uuid`.

use super::arn::{Part, Parts, Reader};
use super::resource_id::{self, Seen, UPPER};
use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

/// Lengths of the ids of CloudFront and Route 53, without their first letter.
const ID: core::ops::RangeInclusive<usize> = 6..=31;
/// Longest region.
const MAX_REGION: usize = 24;
/// Characters of a user pool's id.
const POOL: usize = 9;
/// Longest id of a user pool with `EXAMPLE` in it.
const MAX_EXAMPLE: usize = 16;
/// Longest name in a log group: that of the group.
const MAX_NAME: usize = 512;

/// Matches an id in upper case after the anchor, which ends with a slash and the id's first letter.
pub fn upper_id(text: &[u8], anchor: Range<usize>) -> Outcome {
    let start = anchor.end - 1;
    if !text.get(start).is_some_and(u8::is_ascii_uppercase) {
        return Outcome::No;
    }
    let complete = |seen: &Seen| ID.contains(&seen.count) && (seen.digits > 0 || seen.example);
    let end = resource_id::read(text, anchor.end, UPPER, complete);
    end.map_or(Outcome::No, |end| Outcome::One(start..end))
}

/// Matches a user pool: a region, `_` and nine letters and digits. The anchor is the region's digit and `_`.
pub fn user_pool(text: &[u8], anchor: Range<usize>) -> Outcome {
    let Some(start) = region(text, anchor.start) else { return Outcome::No };
    let rest = text.get(anchor.end..).unwrap_or_default();
    let length = rest.iter().take(MAX_EXAMPLE + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let id = rest.get(..length).unwrap_or_default();
    // Names are put after regions too (`us-east-1_snapshots`).
    let random = id.iter().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    let same = id.iter().all(|byte| id.first() == Some(byte));
    let example = length <= MAX_EXAMPLE && id.windows(7).any(|part| part == b"EXAMPLE");
    if (length == POOL && (random || same)) || example {
        Outcome::One(start..anchor.end + length)
    } else {
        Outcome::No
    }
}

/// Matches an identity or identity pool: a region, a colon and a UUID. The anchor is the region's digit and
/// the colon.
pub fn identity(text: &[u8], anchor: Range<usize>) -> Outcome {
    match (region(text, anchor.start), resource_id::uuid(text, anchor.end)) {
        (Some(start), Some(end)) => Outcome::One(start..end),
        _ => Outcome::No,
    }
}

/// Where the region begins whose last digit is at `digit`.
fn region(text: &[u8], digit: usize) -> Option<usize> {
    let before = text.get(..digit)?.strip_suffix(b"-")?;
    let belongs = |byte: &&u8| byte.is_ascii_alphabetic() || **byte == b'-';
    let length = before.iter().rev().take(MAX_REGION).take_while(belongs).count();
    // What stands before may be an escape, whose letters look like the region's.
    (before.len() - length..before.len()).find(|start| {
        let region = before.get(*start..).unwrap_or_default();
        let area = region.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let left = text.get(..*start).unwrap_or_default();
        area == 2 && region.get(2) == Some(&b'-') && region.len() > 3 && boundary::may_start(left)
    })
}

/// Matches the 32 hexadecimal digits of a log stream of Lambda. The anchor is `/[`, the version follows.
pub fn log_stream(text: &[u8], anchor: Range<usize>) -> Outcome {
    const DIGITS: usize = 32;
    const MAX_VERSION: usize = 16;
    let rest = text.get(anchor.end..).unwrap_or_default();
    let version = rest.iter().take(MAX_VERSION).take_while(|byte| **byte != b']').count();
    let start = anchor.end + version + 1;
    let id = text.get(start..start + DIGITS).unwrap_or_default();
    let after = text.get(start + DIGITS..).unwrap_or_default();
    let hex = id.len() == DIGITS && id.iter().all(u8::is_ascii_hexdigit);
    let closed = text.get(start - 1) == Some(&b']');
    // A day stands before: `2024/01/01/[1]`.
    let day = text.get(..anchor.start).unwrap_or_default();
    let day = matches!(day, [.., b'/', a, b] if a.is_ascii_digit() && b.is_ascii_digit());
    if hex && closed && day && boundary::may_end(after) {
        Outcome::One(start..start + DIGITS)
    } else {
        Outcome::No
    }
}

/// Matches the name after the anchor, the root of a log group. A path that goes on to the left is another.
pub fn log_group(text: &[u8], anchor: Range<usize>) -> Outcome {
    let before = text.get(..anchor.start).unwrap_or_default();
    let path = before.last().is_some_and(|byte| b"._-/}~".contains(byte));
    if path || !boundary::may_start(before) {
        return Outcome::No;
    }
    name(text, anchor.end)
}

/// Matches a load balancer or target group as its metrics and logs name it: `app/my-lb/50dc6c495c0c9188`.
pub fn balancer(text: &[u8], anchor: Range<usize>) -> Outcome {
    const NAME: core::ops::RangeInclusive<usize> = 1..=32;
    const DIGITS: usize = 16;
    let mut reader = Reader { text, at: anchor.end };
    let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'-';
    let length = reader.rest().iter().take(NAME.end() + 1).take_while(belongs).count();
    let name = anchor.end..anchor.end + length;
    reader.at = name.end;
    let separated = NAME.contains(&length) && reader.slash();
    let id = reader.at..reader.at + DIGITS;
    let hex = text.get(id.clone()).is_some_and(|id| id.iter().all(u8::is_ascii_hexdigit));
    let before = text.get(..anchor.start).unwrap_or_default();
    let after = text.get(id.end..).unwrap_or_default();
    let file = matches!(after, [b'.' | b'-' | b'_', next, ..] if boundary::binds(*next));
    // A path of the Web has such words too.
    let path = matches!(before.last(), Some(b'/' | b'-' | b'_' | b'.'));
    if !separated || !hex || file || path || !boundary::may_start(before) || !boundary::may_end(after) {
        return Outcome::No;
    }
    let end = id.end;
    let parts = [name, id].map(|range| Part { range, prefix: "AWS_ELB_ARN" }).into();
    Outcome::Parts(Parts { parts, end })
}

/// Matches the API's id in `API-Gateway-Execution-Logs_id/stage`.
pub fn api_logs(text: &[u8], anchor: Range<usize>) -> Outcome {
    const API: usize = 10;
    let rest = text.get(anchor.end..).unwrap_or_default();
    let length = rest.iter().take(API + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let digit = rest.iter().take(length).any(u8::is_ascii_digit);
    if (6..=API).contains(&length) && digit {
        Outcome::One(anchor.end..anchor.end + length)
    } else {
        Outcome::No
    }
}

fn name(text: &[u8], start: usize) -> Outcome {
    let rest = text.get(start..).unwrap_or_default();
    let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.-#".contains(byte);
    let length = rest.iter().take(MAX_NAME).take_while(belongs).count();
    let name = rest.get(..length).unwrap_or_default();
    // A full stop ends the sentence; nothing, or only a sign, is a pattern (`/aws/lambda/*`,
    // `/aws/lambda/...`).
    let length = length - name.iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count();
    let named = name.iter().take(length).any(u8::is_ascii_alphanumeric);
    if named { Outcome::One(start..start + length) } else { Outcome::No }
}
