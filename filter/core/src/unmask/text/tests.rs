use super::*;
use crate::mask::Form;
use crate::secret::Secret;
use crate::unmask::Tally;
use crate::unmask::mapping::{Entry, Mapping};
use alloc::string::String;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn restore<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let entry = |(token, value, form): (&str, &str, Form)| Entry {
        token: token.into(),
        value: Secret::new(value.as_bytes()),
        form,
    };
    let mapping = Mapping::new(
        [
            ("AWS_EC2_001", "i-0abc", Form::Text),
            ("AWS_ACCOUNT_001", "123456789012", Form::Number),
            ("ORG_X_001", "a\"b\\c", Form::Text),
        ]
        .map(entry)
        .into(),
    );
    let (mut out, mut tally) = (Vec::new(), Tally::default());
    let mut to = Context { mapping: &mapping, out: &mut out, tally: &mut tally };
    let mut text = TextStream::new(0);
    for part in parts {
        text.push(part, &mut to);
    }
    text.finish(&mut to);
    String::from_utf8(out).unwrap()
}

#[test]
fn follows_json_and_escapes_for_its_depth_at_every_cut() {
    let cases = [
        ("plain ORG_X_001 AWS_EC2_001", "plain a\"b\\c i-0abc"),
        (r#" {"a":"ORG_X_001","ORG_X_001":[]}"#, r#" {"a":"a\"b\\c","a\"b\\c":[]}"#),
        (r#"["{\"x\":\"ORG_X_001\"}"]"#, r#"["{\"x\":\"a\\\"b\\\\c\"}"]"#),
        // A token that is spelled with escapes is a token; other escapes stay as they are.
        (r#"["\u0041WS_EC2_00\u0031","\u00e9\n\ud83d\ude00"]"#, r#"["i-0abc","\u00e9\n\ud83d\ude00"]"#),
        (r#"["\nAWS_EC2_001\t"]"#, r#"["\ni-0abc\t"]"#),
        // A number's token stands for the number if it is the whole string.
        (r#"{"a":"AWS_ACCOUNT_001","b":"x AWS_ACCOUNT_001"}"#, r#"{"a":123456789012,"b":"x 123456789012"}"#),
        (r#"["{\"a\":\"AWS_ACCOUNT_001\"}"]"#, r#"["{\"a\":123456789012}"]"#),
        (r#"{"AWS_ACCOUNT_001":""}"#, r#"{"123456789012":""}"#),
        // No longer JSON: text from there on, nothing lost.
        (r#"[1] then "ORG_X_001""#, "[1] then \"a\"b\\c\""),
        (r#"["a\x AWS_EC2_001"#, r#"["a\x i-0abc"#),
        (r#"["\u00 AWS_EC2_001"#, r#"["\u00 i-0abc"#),
        (r#"["{\"a\":\"\\"#, r#"["{\"a\":\"\\"#),
        (r#"["{\"a\":\"\u00"#, r#"["{\"a\":\"\u00"#),
        ("[\"AWS_EC2_001\nAWS_EC2_001", "[\"i-0abc\ni-0abc"),
        ("[12AWS_EC2_001]", "[12AWS_EC2_001]"),
        ("{} {}\nAWS_EC2_001", "{} {}\ni-0abc"),
        (r#"["AWS_EC2_00"#, r#"["AWS_EC2_00"#),
    ];
    for (text, expected) in cases {
        let text = text.as_bytes();
        assert_eq!(restore([text]), expected);
        for i in 0..=text.len() {
            for j in i..=text.len() {
                assert_eq!(restore([&text[..i], &text[i..j], &text[j..]]), expected, "cut at {i}, {j}");
            }
        }
        assert_eq!(restore(text.chunks(1)), expected, "one byte at a time");
    }
}
