//! Access key ids: `AKIA` (long-term) or `ASIA` (temporary) and 16 characters.

use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

const LENGTH: usize = 20;

/// Matches an access key id; upper case only, as AWS writes it.
pub fn access_key_id(text: &[u8], anchor: Range<usize>) -> Outcome {
    let Some((before, rest)) = text.split_at_checked(anchor.start) else { return Outcome::No };
    match rest.split_at_checked(LENGTH) {
        Some((id, after))
            if id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
                && boundary::may_start(before)
                && boundary::may_end(after) =>
        {
            Outcome::One(anchor.start..anchor.start + LENGTH)
        }
        _ => Outcome::No,
    }
}
