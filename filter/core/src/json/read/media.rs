//! What tells images and documents from text.

/// Longest media type of a data URL.
const MAX_MEDIA_TYPE: usize = 128;

pub(super) fn is_data_url(text: &[u8]) -> bool {
    const HEAD: &[u8] = b";base64,";
    let Some(rest) = text.strip_prefix(b"data:") else { return false };
    let Some(at) = rest.windows(HEAD.len()).take(MAX_MEDIA_TYPE).position(|window| window == HEAD) else {
        return false;
    };
    rest.get(at + HEAD.len()..).is_some_and(is_base64)
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
