//! What tells images and documents from text.

use alloc::vec::Vec;

/// Longest media type of a data URL.
const MAX_MEDIA_TYPE: usize = 128;
/// How much of media is read at first, in digits of base64.
const MAX_BEGINNING: usize = 1024;

pub(super) fn is_data_url(text: &[u8]) -> bool {
    const HEAD: &[u8] = b";base64,";
    let Some(rest) = text.strip_prefix(b"data:") else { return false };
    let Some(at) = rest.windows(HEAD.len()).take(MAX_MEDIA_TYPE).position(|window| window == HEAD) else {
        return false;
    };
    rest.get(at + HEAD.len()..).is_some_and(is_base64)
}

/// The text that base64, or a data URL in base64, stands for: APIs take files of text so. `None` for images and other files.
pub(super) fn decoded_text(media: &[u8]) -> Option<Vec<u8>> {
    let digits = media.rsplit(|byte| *byte == b',').next()?;
    // Nearly all media shows in its first bytes that it is no text.
    let beginning = decoded(digits.get(..MAX_BEGINNING).unwrap_or_default());
    if core::str::from_utf8(&beginning).is_err_and(|error| error.error_len().is_some())
        || beginning.contains(&0)
    {
        return None;
    }
    Some(decoded(digits)).filter(|text| core::str::from_utf8(text).is_ok())
}

fn decoded(digits: &[u8]) -> Vec<u8> {
    let value = |digit: u8| match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 3);
    for four in digits.chunks(4) {
        let values = four.iter().map_while(|digit| value(*digit));
        let (bits, count) =
            values.fold((0u32, 0usize), |(bits, count), value| (bits << 6 | u32::from(value), count + 1));
        let [_, decoded @ ..] = (bits << (6 * (4 - count.min(4)))).to_be_bytes();
        bytes.extend(decoded.iter().take(count * 6 / 8));
    }
    bytes
}

/// RFC 4648 §4 or §5, padded or not.
pub(super) fn is_base64(text: &[u8]) -> bool {
    let padding = text.iter().rev().take(2).take_while(|&&byte| byte == b'=').count();
    let digits = text.get(..text.len() - padding).unwrap_or_default();
    digits.len() % 4 != 1
        && (padding == 0 || text.len().is_multiple_of(4))
        && digits
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_'))
}
