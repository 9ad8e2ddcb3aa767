//! Keys of providers' interfaces, known by the prefix that the provider gives them.

use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

/// What a key looks like behind its prefix.
struct Shape {
    prefix: &'static str,
    /// Characters besides letters and digits.
    signs: &'static [u8],
    least: usize,
    most: usize,
}

const fn shape(prefix: &'static str, signs: &'static [u8], least: usize, most: usize) -> Shape {
    Shape { prefix, signs, least, most }
}

/// Longest key that is read.
const ANY: usize = 1024;

/// Longer prefixes come before shorter ones that they begin with.
const SHAPES: &[Shape] = &[
    shape("AIza", b"_-", 35, 35),
    shape("AccountKey=", b"+/=", 44, 88),
    shape("SG.", b"_-.", 40, 90),
    shape("dop_v1_", b"", 64, 64),
    shape("gho_", b"", 36, 36),
    shape("ghp_", b"", 36, 36),
    shape("ghr_", b"", 36, 76),
    shape("ghs_", b"", 36, 36),
    shape("ghu_", b"", 36, 36),
    shape("github_pat_", b"_", 59, 82),
    shape("glpat-", b"_-.", 20, 100),
    shape("gsk_", b"", 40, 64),
    shape("hf_", b"", 30, 40),
    shape("npm_", b"", 36, 36),
    shape("nvapi-", b"_-", 40, 80),
    shape("pypi-AgE", b"_-", 50, ANY),
    shape("rk_live_", b"", 16, 128),
    shape("rk_test_", b"", 16, 128),
    shape("shpat_", b"", 32, 32),
    shape("sk-admin-", b"_-", 20, ANY),
    shape("sk-ant-", b"_-", 20, ANY),
    shape("sk-proj-", b"_-", 20, ANY),
    shape("sk-svcacct-", b"_-", 20, ANY),
    shape("sk-", b"", 20, 128),
    shape("sk_live_", b"", 16, 128),
    shape("sk_test_", b"", 16, 128),
    shape("xapp-", b"-", 20, 256),
    shape("xoxa-", b"-", 20, 256),
    shape("xoxb-", b"-", 20, 256),
    shape("xoxp-", b"-", 20, 256),
    shape("xoxr-", b"-", 20, 256),
    shape("xoxs-", b"-", 20, 256),
];

/// Matches a key at its prefix; of `AccountKey=…` what stands behind the sign.
pub fn key(text: &[u8], anchor: Range<usize>) -> Outcome {
    let (before, rest) = (text.get(..anchor.start), text.get(anchor.start..).unwrap_or_default());
    let shape = SHAPES.iter().find(|shape| rest.starts_with(shape.prefix.as_bytes()));
    let Some(shape) = shape.filter(|_| before.is_some_and(boundary::may_start)) else { return Outcome::No };
    let start = anchor.start + shape.prefix.len();
    let rest = text.get(start..).unwrap_or_default();
    let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || shape.signs.contains(byte);
    let length = rest.iter().take(shape.most + 1).take_while(belongs).count();
    let key = rest.get(..length).unwrap_or_default();
    // A full stop or a hyphen ends the sentence.
    let length = length - key.iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count();
    let key = key.get(..length).unwrap_or_default();
    let random = key.iter().any(u8::is_ascii_digit) && key.iter().any(u8::is_ascii_alphabetic);
    let after = rest.get(length..).unwrap_or_default();
    if !(shape.least..=shape.most).contains(&length) || !random || !boundary::may_end(after) {
        return Outcome::No;
    }
    let from = if shape.prefix.ends_with('=') { start } else { anchor.start };
    Outcome::One(from..start + length)
}
