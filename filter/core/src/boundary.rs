//! Where an identifier or a token may begin and end: one rule for detectors and for the token recogniser.
//!
//! ASCII letters and digits bind; everything else, Korean particles included, does not. Text often carries
//! the escapes of the format that it was pasted from, and the last letter of an escape is not a letter of a
//! word: in `\ni-0abc…` (backslash, n) the `n` does not bind, nor do the digits of `%2F`, `%252F`, `\u003a`, `\x0a` and
//! `\033`, nor the final `m` of a terminal colour, whose escape character may itself be spelled in these ways.

/// How many bytes before a position decide whether it is a boundary: a terminal colour with three numbers
/// (`\u001b[38;2;255;255;255m`) is the longest escape.
pub const LEFT_CONTEXT: usize = 25;

/// The escape character, and how text spells it.
const ESCAPES: [&[u8]; 7] = [b"\x1b", b"\\u001b", b"\\u001B", b"\\x1b", b"\\x1B", b"\\033", b"\\e"];

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

/// True if something may begin behind `byte`, depending on what stands before it: it binds in no text, or not as the last
/// letter of an escape.
pub fn may_end_escape(byte: u8) -> bool {
    !binds(byte) || byte.is_ascii_hexdigit() || matches!(byte, b'n' | b't' | b'r' | b'v' | b'm')
}

fn ends_in_escape(before: &[u8]) -> bool {
    let from = before.len().saturating_sub(LEFT_CONTEXT);
    let before = before.get(from..).unwrap_or_default();
    match before {
        [.., b'\\', b'n' | b't' | b'r' | b'b' | b'f' | b'v' | b'a' | b'e' | b'0'] => true,
        [.., b'%', a, b] | [.., b'\\', b'x', a, b] if hex(&[*a, *b]) => true,
        // Percent signs that are encoded in turn; AWS's console writes `$` for them.
        [.., b'%' | b'$', b'2', b'5', a, b] | [.., b'%' | b'$', b'2', b'5', b'2', b'5', a, b]
            if hex(&[*a, *b]) =>
        {
            true
        }
        [.., b'\\', b'u', a, b, c, d] if hex(&[*a, *b, *c, *d]) => true,
        [.., b'\\', a, b, c] if [a, b, c].iter().all(|digit| (b'0'..=b'7').contains(digit)) => true,
        [rest @ .., b'm'] => {
            let parameters = |byte: &&u8| byte.is_ascii_digit() || **byte == b';';
            let count = rest.iter().rev().take_while(parameters).count();
            let escape = rest.get(..rest.len() - count).and_then(|rest| rest.strip_suffix(b"["));
            escape.is_some_and(|text| ESCAPES.iter().any(|escape| text.ends_with(escape)))
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
            ("%252F", true),
            ("$252F", true),
            ("%25253D", true),
            ("$2F", false),
            ("252F", false),
            ("2F", false),
            (r"\u003a", true),
            (r"\u03a", false),
            ("\x1b[32m", true),
            ("\x1b[m", true),
            ("\x1b[38;2;255;255;255m", true),
            ("[32m", false),
            (r"\u001b[32m", true),
            (r"\x1b[38;2;255;255;255m", true),
            (r"\033[1m", true),
            (r"\e[0m", true),
            (r"\x0a", true),
            (r"\x0g", false),
            (r"\012", true),
            (r"\089", false),
        ];
        for (before, expected) in starts {
            assert_eq!(may_start(before.as_bytes()), expected, "after {before:?}");
            assert!(!expected || before.bytes().last().is_none_or(may_end_escape), "after {before:?}");
        }
        for (after, expected) in
            [("", true), ("a", false), ("0", false), ("를", true), ("%20", true), (r"\n", true)]
        {
            assert_eq!(may_end(after.as_bytes()), expected, "before {after:?}");
        }
    }
}
