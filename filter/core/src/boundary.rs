//! Where an identifier or a token may begin and end: one rule for detectors and for the token recogniser.
//!
//! ASCII letters and digits bind; everything else, Korean particles included, does not. Text often carries
//! the escapes of the format that it was pasted from, and the last letter of an escape is not a letter of a
//! word: in `\ni-0abc…` (backslash, n) the `n` does not bind, nor do the hex digits of `%2F` and `\u003a`,
//! nor the final `m` of a terminal colour.

/// How many bytes before a position decide whether it is a boundary: a terminal colour with three numbers
/// (`ESC[38;2;255;255;255m`) is the longest escape.
pub const LEFT_CONTEXT: usize = 20;

/// True if `byte` would continue a word.
pub fn binds(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// True if something may begin right after `before`. Only its last [`LEFT_CONTEXT`] bytes are looked at.
pub fn may_start(before: &[u8]) -> bool {
    let Some((last, _)) = before.split_last() else { return true };
    !binds(*last) || ends_in_escape(before)
}

/// True if something may end right before `after`, the text that follows.
pub fn may_end(after: &[u8]) -> bool {
    !after.first().is_some_and(|&byte| binds(byte))
}

fn ends_in_escape(before: &[u8]) -> bool {
    let from = before.len().saturating_sub(LEFT_CONTEXT);
    let before = before.get(from..).unwrap_or_default();
    match before {
        [.., b'\\', b'n' | b't' | b'r' | b'b' | b'f'] => true,
        [.., b'%', a, b] if hex(&[*a, *b]) => true,
        [.., b'\\', b'u', a, b, c, d] if hex(&[*a, *b, *c, *d]) => true,
        [rest @ .., b'm'] => {
            let parameters = |byte: &&u8| byte.is_ascii_digit() || **byte == b';';
            let count = rest.iter().rev().take_while(parameters).count();
            matches!(rest.get(..rest.len() - count), Some([.., 0x1b, b'[']))
        }
        _ => false,
    }
}

fn hex(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn table() {
        let starts = [
            ("", true),
            ("a", false),
            ("7", false),
            ("-", true),
            ("_", true),
            ("스", true),
            (r"\n", true),
            (r"x\t", true),
            (r"\x", false),
            ("%2F", true),
            ("%2G", false),
            ("2F", false),
            (r"\u003a", true),
            (r"\u03a", false),
            ("\x1b[32m", true),
            ("\x1b[m", true),
            ("\x1b[38;2;255;255;255m", true),
            ("[32m", false),
        ];
        for (before, expected) in starts {
            assert_eq!(may_start(before.as_bytes()), expected, "after {before:?}");
        }
        for (after, expected) in
            [("", true), ("a", false), ("0", false), ("를", true), ("%20", true), (r"\n", true)]
        {
            assert_eq!(may_end(after.as_bytes()), expected, "before {after:?}");
        }
    }
}
