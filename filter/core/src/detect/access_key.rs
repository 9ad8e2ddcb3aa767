//! Unique ids of IAM: four letters that say what it is, and upper-case letters and digits. Access keys,
//! whose ids are of this form too, and session tokens.

use super::arn::{Part, Parts};
use super::resource_id::{self, Seen, UPPER};
use crate::boundary;
use crate::catalogue::Outcome;
use alloc::vec;
use core::ops::Range;

/// Characters after the four letters of an access key id.
const ACCESS_KEY: usize = 16;
/// Characters after the four letters of another id.
const GIVEN: usize = 17;
/// Fewer and more, as AWS's documentation has them.
const UNIQUE_ID: core::ops::RangeInclusive<usize> = 12..=28;
/// Lengths of names of sessions.
const SESSION: core::ops::RangeInclusive<usize> = 2..=64;
/// Shortest session token.
const MIN_TOKEN: usize = 100;

/// Matches an access key id; upper case only, as AWS writes it.
pub fn access_key_id(text: &[u8], anchor: Range<usize>) -> Outcome {
    whole(text, anchor, |seen| seen.count == ACCESS_KEY)
}

/// Matches the id of a user, role, group, policy and so on; upper case only.
pub fn unique_id(text: &[u8], anchor: Range<usize>) -> Outcome {
    whole(text, anchor, |seen| {
        // Of another length than AWS gives, it could be a word.
        let sure = seen.digits > 0 || seen.example || seen.count == GIVEN;
        UNIQUE_ID.contains(&seen.count) && sure
    })
}

fn whole(text: &[u8], anchor: Range<usize>, complete: impl Fn(&Seen) -> bool) -> Outcome {
    let upper = text.get(anchor.clone()).is_some_and(|letters| letters.iter().all(u8::is_ascii_uppercase));
    if !upper || !boundary::may_start(text.get(..anchor.start).unwrap_or_default()) {
        return Outcome::No;
    }
    let end = resource_id::read(text, anchor.end, UPPER, complete);
    end.map_or(Outcome::No, |end| Outcome::One(anchor.start..end))
}

/// Matches the id of a role and the name of a session: `AROA…:session`.
pub fn assumed_role(text: &[u8], anchor: Range<usize>) -> Outcome {
    let Outcome::One(id) = unique_id(text, anchor) else { return Outcome::No };
    let rest = text.get(id.end..).unwrap_or_default();
    let colon = match rest {
        [b':', ..] => 1,
        [b'%', b'3', b'A' | b'a', ..] => 3,
        _ => return Outcome::No,
    };
    let name = rest.get(colon..).unwrap_or_default();
    let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(byte);
    let length = name.iter().take(SESSION.end() + 1).take_while(belongs).count();
    let trailing = |byte: &&u8| matches!(byte, b'.' | b',' | b'=');
    let name = name.get(..length).unwrap_or_default();
    let length = length - name.iter().rev().take_while(trailing).count();
    if !SESSION.contains(&length) {
        return Outcome::No;
    }
    let session = id.end + colon..id.end + colon + length;
    let end = session.end;
    let parts = vec![Part { range: id, prefix: "AWS_IAM_ID" }, Part { range: session, prefix: "AWS_STS" }];
    Outcome::Parts(Parts { parts, end })
}

/// Matches a session token: base64 that begins as the tokens of AWS do. It may be escaped for a URL.
pub fn session_token(text: &[u8], anchor: Range<usize>) -> Outcome {
    let begins = text.get(anchor.clone()).unwrap_or_default();
    let known = SESSION_TOKENS.iter().any(|known| known.as_bytes() == begins);
    if !known || !boundary::may_start(text.get(..anchor.start).unwrap_or_default()) {
        return Outcome::No;
    }
    let mut at = anchor.end;
    loop {
        at += match text.get(at..).unwrap_or_default() {
            [b'%', b'2', b'F' | b'f' | b'B' | b'b', ..] | [b'%', b'3', b'D' | b'd', ..] => 3,
            [b'\\', b'/', ..] => 2,
            [byte, ..] if byte.is_ascii_alphanumeric() || b"+/=".contains(byte) => 1,
            _ => break,
        };
    }
    if at - anchor.start >= MIN_TOKEN { Outcome::One(anchor.start..at) } else { Outcome::No }
}

/// How session tokens begin: base64 of a length and a word that says where they are from.
const SESSION_TOKENS: &[&str] =
    &["AQoDYXdz", "AQoEXAMPLE", "AQoXdzEL", "FQoDYXdz", "FQoGZXIvYXdz", "FwoGZXIvYXdz", "IQoJb3JpZ2lu"];
