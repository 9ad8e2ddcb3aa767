//! JSON pointers (RFC 6901) to places that are known by their offset.

use super::{Documents, Lexer, Piece};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Longest name that is shown.
const MAX_NAME: usize = 40;

/// How the names of members appear in a pointer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Names {
    /// As they are.
    All,
    /// Words of an API only (`tool_use_id`); a name that could say more is shown as `*`.
    Words,
}

/// The pointer to the value or name that holds the byte at `offset`. Reads no further than that.
pub fn pointer(body: &[u8], offset: usize, names: Names) -> String {
    let mut lexer = Lexer::new(Documents::One);
    let mut path: Vec<String> = Vec::new();
    // Of each open container: how many items it had, `None` for objects.
    let mut open: Vec<Option<usize>> = Vec::new();
    let (mut at, mut in_key, mut start) = (0, false, 0);
    while let Some(Ok((length, piece))) = lexer.next(body.get(at..).unwrap_or_default()) {
        let is_value = matches!(piece, Piece::Open { .. } | Piece::Scalar { first: true })
            || piece == Piece::StringStart { key: false };
        if let (true, Some(Some(items))) = (is_value, open.last_mut()) {
            path.pop();
            path.push(items.to_string());
            *items += 1;
        }
        match piece {
            Piece::StringStart { key } => (in_key, start) = (key, at + 1),
            Piece::StringEnd if in_key => {
                in_key = false;
                path.pop();
                path.push(shown(body.get(start..at).unwrap_or_default(), names));
            }
            Piece::Open { object } => {
                open.push((!object).then_some(0));
                path.push(String::new());
            }
            Piece::Close => {
                open.pop();
                path.pop();
            }
            _ => {}
        }
        at += length;
        if at > offset && !in_key {
            break;
        }
    }
    path.iter().filter(|part| !part.is_empty()).map(|part| format!("/{part}")).collect()
}

fn shown(name: &[u8], names: Names) -> String {
    let word = name.len() <= MAX_NAME && name.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_');
    if names == Names::Words && !word {
        return "*".into();
    }
    String::from_utf8_lossy(name).replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn points_at_what_holds_the_offset() {
        let body = r#"{"model":"X","a":{"b":[1,{"c/d":"Y"},["Z"]]},"k1":"W"}"#;
        for (needle, all, words) in [
            ("X", "/model", "/model"),
            ("Y", "/a/b/1/c~1d", "/a/b/1/*"),
            ("Z", "/a/b/2/0", "/a/b/2/0"),
            ("W", "/k1", "/*"),
            ("1,", "/a/b/0", "/a/b/0"),
            ("k1", "/k1", "/*"),
        ] {
            let offset = body.find(needle).unwrap();
            assert_eq!(pointer(body.as_bytes(), offset, Names::All), all, "{needle}");
            assert_eq!(pointer(body.as_bytes(), offset, Names::Words), words, "{needle}");
        }
    }
}
