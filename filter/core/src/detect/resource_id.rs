//! EC2 and VPC resource ids: a literal prefix and 8 (old) or 17 (new) hexadecimal digits.

use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

const LENGTHS: [usize; 2] = [8, 17];

/// Matches the anchor and all hexadecimal digits after it, if they are 8 or 17 and a boundary follows.
pub fn hex_8_or_17(text: &[u8], anchor: Range<usize>) -> Outcome {
    let (before, after) =
        (text.get(..anchor.start).unwrap_or_default(), text.get(anchor.end..).unwrap_or_default());
    let longest = LENGTHS.into_iter().max().unwrap_or_default();
    let digits = after.iter().take(longest + 1).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let whole = LENGTHS.contains(&digits) && boundary::may_end(after.get(digits..).unwrap_or_default());
    if whole && boundary::may_start(before) {
        Outcome::One(anchor.start..anchor.end + digits)
    } else {
        Outcome::No
    }
}
