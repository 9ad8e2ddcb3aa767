//! Escaping of what is put into a JSON string.

use alloc::vec::Vec;

/// Appends `value` to `out` as content of a JSON string inside `levels - 1` further JSON strings.
///
/// `levels` 0 appends it as it is. Identifiers hardly ever need an escape, whatever the level.
pub fn append(value: &[u8], levels: usize, out: &mut Vec<u8>) {
    let special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    if levels == 0 || !value.iter().any(special) {
        out.extend_from_slice(value);
        return;
    }
    let mut escaped = Vec::with_capacity(value.len() + 8);
    for &byte in value {
        match byte {
            b'"' | b'\\' => escaped.extend_from_slice(&[b'\\', byte]),
            b'\n' => escaped.extend_from_slice(b"\\n"),
            b'\r' => escaped.extend_from_slice(b"\\r"),
            b'\t' => escaped.extend_from_slice(b"\\t"),
            0..0x20 => {
                let digit =
                    |nibble: u8| b"0123456789abcdef".get(usize::from(nibble)).copied().unwrap_or(b'0');
                escaped.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            }
            _ => escaped.push(byte),
        }
    }
    append(&escaped, levels - 1, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn each_level_is_undone_by_one_parse() {
        let value = "a\"b\\c\nd\u{1}é/";
        for levels in 0..4 {
            let mut text = Vec::new();
            append(value.as_bytes(), levels, &mut text);
            let mut text = alloc::string::String::from_utf8(text).unwrap();
            for _ in 0..levels {
                text = serde_json::from_str(&alloc::format!("\"{text}\"")).unwrap();
            }
            assert_eq!(text, value, "{levels} levels");
        }
    }
}
