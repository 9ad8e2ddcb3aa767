//! Signatures and session tokens of signed URLs and headers: whoever has them may use the URL.

use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

/// Hexadecimal digits of a signature of version 4.
const V4: usize = 64;
/// Characters of a signature of version 2, in Base64 without its padding.
const V2: usize = 27;
/// Longest signature (RSA, of a signed URL or cookie) and token; a longer one is masked up to here.
const MAX_VALUE: usize = 8192;
/// Shortest signature with RSA, and shortest token.
const MIN_RSA: usize = 160;
const MIN_TOKEN: usize = 16;
/// Most characters of padding.
const MAX_PADDING: usize = 2;

/// Matches the value of `Signature=`, as a query, a form or an `Authorization` header has it.
pub fn signature(text: &[u8], anchor: Range<usize>) -> Outcome {
    let Some(start) = value(text, anchor.end) else { return Outcome::No };
    let (length, characters, hex) = base64(text, start);
    let sized = hex && characters == V4 || characters == V2 || !hex && characters >= MIN_RSA;
    one(text, start..start + length, sized)
}

/// Matches the value of `X-Amz-Security-Token=`.
pub fn security_token(text: &[u8], anchor: Range<usize>) -> Outcome {
    let Some(start) = value(text, anchor.end) else { return Outcome::No };
    let (length, characters, _) = base64(text, start);
    one(text, start..start + length, characters >= MIN_TOKEN)
}

fn one(text: &[u8], range: Range<usize>, sized: bool) -> Outcome {
    let after = text.get(range.end..).unwrap_or_default();
    if sized && boundary::may_end(after) { Outcome::One(range) } else { Outcome::No }
}

/// Where the value begins: after an equals sign, a colon, or their spellings.
fn value(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let spellings: [&[u8]; 12] = [
        b"=",
        b"%3D",
        b"%3d",
        b"%253D",
        b"\\u003d",
        b"\\u003D",
        b"\":\"",
        b"\": \"",
        b"\\\":\\\"",
        b"\\\": \\\"",
        b": ",
        b":",
    ];
    spellings.iter().find(|spelling| rest.starts_with(spelling)).map(|spelling| at + spelling.len())
}

/// How many bytes of Base64 stand there, how many characters they are without padding, and if all are hexadecimal.
fn base64(text: &[u8], start: usize) -> (usize, usize, bool) {
    let (mut length, mut characters, mut hex) = (0, 0, true);
    let mut padding = 0;
    while length < MAX_VALUE && padding < MAX_PADDING {
        match text.get(start + length..).unwrap_or_default() {
            [b'%', b'3', b'D' | b'd', ..] => (length, padding) = (length + 3, padding + 1),
            // Nothing follows the padding.
            _ if padding > 0 => break,
            [b'%', b'2', b'B' | b'b' | b'F' | b'f', ..] => {
                (length, characters, hex) = (length + 3, characters + 1, false)
            }
            [b'=', ..] => (length, padding) = (length + 1, padding + 1),
            [byte, ..] if byte.is_ascii_alphanumeric() || b"+/-_~".contains(byte) => {
                hex &= byte.is_ascii_hexdigit();
                (length, characters) = (length + 1, characters + 1);
            }
            _ => break,
        }
    }
    (length, characters, hex)
}
