use super::*;
use alloc::string::String;
use alloc::vec::Vec;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// One letter a byte: what the lexer says it is.
fn read(documents: Documents, parts: &[&[u8]]) -> Result<String, Malformed> {
    let mut lexer = Lexer::new(documents);
    let mut out = String::new();
    for part in parts {
        let mut rest = *part;
        while let Some(step) = lexer.next(rest) {
            let (length, piece) = step?;
            assert!(length >= 1, "progress");
            let letter = match piece {
                Piece::Close => '>',
                Piece::Escape(_) | Piece::EscapePart => 'e',
                Piece::Open { .. } => '<',
                Piece::Scalar { .. } => '0',
                Piece::Space => ' ',
                Piece::StringEnd => ')',
                Piece::StringStart { key: true } => 'k',
                Piece::StringStart { key: false } => '(',
                Piece::Text => 't',
            };
            out.extend(core::iter::repeat_n(letter, length));
            rest = &rest[length..];
        }
    }
    if lexer.is_complete() { Ok(out) } else { Err(Malformed::Syntax) }
}

#[test]
fn says_what_each_byte_is() {
    let cases = [
        (r#"{"a":[1,-2.5e+7,true],"b\n":"x\u0041y"}"#, "<kt) <0 0000000 0000> ktee) (teeeeeet)>"),
        (" \t[ ] ", "  < > "),
        ("{}", "<>"),
        (r#""a""#, "(t)"),
        ("null", "0000"),
        ("0", "0"),
        (r#"["text longer than one machine word"]"#, "<(ttttttttttttttttttttttttttttttttt)>"),
    ];
    for (json, expected) in cases {
        assert_eq!(read(Documents::One, &[json.as_bytes()]).as_deref(), Ok(expected), "{json}");
    }
}

#[test]
fn refuses_what_is_not_json() {
    let cases = [
        "",
        "{",
        "}",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1 2]",
        "01",
        "1.",
        "-",
        "1e",
        "+1",
        ".5",
        "tru",
        "truex",
        "nulll",
        "True",
        "'a'",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "[}",
        "{]",
        "1 2",
        "{} {}",
        "[1]]",
        "\u{feff}{}",
        "//c\n1",
        "NaN",
        "{1:2}",
        "[\"a\" \"b\"]",
        "[\"a\":1]",
        "{\"a\"1}",
    ];
    for json in cases {
        assert_eq!(read(Documents::One, &[json.as_bytes()]), Err(Malformed::Syntax), "{json}");
        assert!(serde_json::from_str::<serde_json::Value>(json).is_err(), "the oracle agrees on {json}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read(Documents::One, &[nested(usize::from(MAX_DEPTH)).as_bytes()]).is_ok());
    assert_eq!(
        read(Documents::One, &[nested(usize::from(MAX_DEPTH) + 1).as_bytes()]),
        Err(Malformed::TooDeep)
    );
}

#[test]
fn containers_follow_each_other() {
    assert_eq!(read(Documents::Containers, &[b"{} [1]\n{}"]).as_deref(), Ok("<> <0> <>"));
    assert_eq!(read(Documents::Containers, &[b"1"]), Err(Malformed::Syntax));
    assert_eq!(read(Documents::Containers, &[b"{} x"]), Err(Malformed::Syntax));
}

#[test]
fn cuts_do_not_matter() {
    let json = r#" {"k\u00e9":["\ud83d\ude00\\",-0.25E-3,false,{"":null}],"한":"글"} "#.as_bytes();
    let whole = read(Documents::One, &[json]).unwrap();
    for cut in 0..=json.len() {
        assert_eq!(read(Documents::One, &[&json[..cut], &json[cut..]]).as_ref(), Ok(&whole), "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = json.chunks(1).collect();
    assert_eq!(read(Documents::One, &bytes), Ok(whole), "one byte at a time");
}
