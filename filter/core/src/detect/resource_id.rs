//! EC2 and VPC resource ids: a literal prefix and 8 (old) or 17 (new) hexadecimal digits.

use crate::boundary;
use crate::catalogue::Outcome;

const LENGTHS: [usize; 2] = [8, 17];
/// The longest anchor is `tgw-attach-`; the hyphen before the digits is looked for no further than this.
const LONGEST_ANCHOR: usize = 16;

/// Matches the anchor and all hexadecimal digits after it, if they are 8 or 17 and a boundary follows.
pub fn hex_8_or_17(text: &[u8], anchor: usize) -> Outcome {
    let Some((before, rest)) = text.split_at_checked(anchor) else { return Outcome::No };
    if !boundary::may_start(before) {
        return Outcome::No;
    }
    // The anchor ends with the last hyphen that letters and hyphens lead up to.
    let name =
        rest.iter().take(LONGEST_ANCHOR).take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'-');
    let Some(hyphen) = name.enumerate().filter(|(_, byte)| **byte == b'-').last().map(|(at, _)| at) else {
        return Outcome::No;
    };
    let after = rest.get(hyphen + 1..).unwrap_or_default();
    let longest = LENGTHS.into_iter().max().unwrap_or_default();
    let digits = after.iter().take(longest + 1).take_while(|byte| byte.is_ascii_hexdigit()).count();
    if LENGTHS.contains(&digits) && boundary::may_end(after.get(digits..).unwrap_or_default()) {
        Outcome::One(anchor..anchor + hyphen + 1 + digits)
    } else {
        Outcome::No
    }
}
