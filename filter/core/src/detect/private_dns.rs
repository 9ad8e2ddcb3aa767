//! The names that EC2 gives to addresses: `ip-10-0-1-5.ec2.internal`, `ec2-54-239-28-85.compute-1.amazonaws.com`.
//!
//! The first label is what is found; region and domain stay.

use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

/// Matches `ip-` or `ec2-` and four numbers with hyphens between.
pub fn dashed_address(text: &[u8], anchor: Range<usize>) -> Outcome {
    if !boundary::may_start(text.get(..anchor.start).unwrap_or_default()) {
        return Outcome::No;
    }
    let mut at = anchor.end;
    for index in 0..4 {
        if index > 0 {
            if text.get(at) != Some(&b'-') {
                return Outcome::No;
            }
            at += 1;
        }
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let digits = rest.get(..length).and_then(|digits| core::str::from_utf8(digits).ok());
        if digits.is_none_or(|digits| digits.parse::<u8>().is_err()) {
            return Outcome::No;
        }
        at += length;
    }
    match text.get(at..).unwrap_or_default() {
        [b'-', b'0'..=b'9', ..] => Outcome::No,
        after if boundary::may_end(after) => Outcome::One(anchor.start..at),
        _ => Outcome::No,
    }
}
