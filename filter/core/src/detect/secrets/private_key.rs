//! Private keys in PEM (RFC 7468) and OpenPGP's armour: from the line `BEGIN … PRIVATE KEY` to the line
//! `END`. If that is missing, to the last line that looks like base64.

use crate::boundary;
use crate::catalogue::Outcome;
use core::ops::Range;

const DASHES: &[u8] = b"-----";
const END: &[u8] = b"-----END ";
/// Longest label: `RSA PRIVATE KEY`, `PGP PRIVATE KEY BLOCK`.
const MAX_LABEL: usize = 48;
/// Longest line of a header (`Proc-Type: 4,ENCRYPTED`).
const MAX_HEADER: usize = 256;
/// Most headers.
const MAX_HEADERS: usize = 8;
/// Shortest line that is base64 and not a word.
const MIN_LINE: usize = 20;

/// Matches a private key. The anchor is `-----BEGIN `.
pub fn block(text: &[u8], anchor: Range<usize>) -> Outcome {
    let before = text.get(..anchor.start).unwrap_or_default();
    let Some(begin) = label(text, anchor.end).filter(|_| boundary::may_start(before)) else {
        return Outcome::No;
    };
    let (mut at, mut solid, mut headers) = (begin, begin, 0);
    loop {
        at = skip_breaks(text, at);
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with(END) {
            // With a label of another kind the line is not an end, but the key is over.
            let end = label(text, at + END.len()).unwrap_or(solid);
            return Outcome::One(anchor.start..end.max(solid));
        }
        let line = line(rest);
        let header = rest
            .iter()
            .take(MAX_HEADER)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
            .count();
        if headers < MAX_HEADERS && rest.get(header) == Some(&b':') {
            headers += 1;
            at += rest.iter().take(MAX_HEADER).take_while(|byte| !matches!(byte, b'\n' | b'\\')).count();
        } else if line == 0 {
            return Outcome::One(anchor.start..solid);
        } else {
            at += line;
            if line >= MIN_LINE {
                solid = at;
            }
        }
    }
}

/// How much of a line is base64. What goes on as something else is not a part of the key from its last sign on: the `arn`
/// of `…//arn:aws:…` is needed to find the rest.
fn line(rest: &[u8]) -> usize {
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let line = rest.iter().take_while(|byte| base64(byte)).count();
    match rest.get(line) {
        Some(b':' | b'-' | b'.' | b'_' | b'%') => {
            let word = rest.iter().take(line).rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            line - word
        }
        _ => line,
    }
}

/// Where the label of a private key ends, with its dashes.
fn label(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let belongs = |byte: &&u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b' ';
    let length = rest.iter().take(MAX_LABEL).take_while(belongs).count();
    let label = rest.get(..length)?;
    let private = label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK");
    (private && rest.get(length..)?.starts_with(DASHES)).then_some(from + length + DASHES.len())
}

/// Where the next line begins: behind white space, and line ends that are spelled with escapes.
fn skip_breaks(text: &[u8], mut at: usize) -> usize {
    loop {
        at += match text.get(at..).unwrap_or_default() {
            [byte, ..] if byte.is_ascii_whitespace() => 1,
            [b'\\', b'n' | b'r' | b't', ..] => 2,
            [b'\\', b'\\', b'n' | b'r', ..] => 3,
            _ => return at,
        };
    }
}
