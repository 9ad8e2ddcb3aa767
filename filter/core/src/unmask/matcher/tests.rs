use super::*;
use crate::secret::Secret;
use crate::unmask::mapping::Entry;
use alloc::string::String;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn mapping() -> Mapping {
    let entry = |(token, value): (&str, &str)| Entry {
        token: token.into(),
        value: Secret::new(value.as_bytes()),
        form: Form::Text,
    };
    let tokens = [
        ("AWS_EC2_001", "i-0abcdef0123456789"),
        ("AWS_EC2_101", "i-101"),
        ("AWS_EC2_1015", "i-1015"),
        ("AWS_ACCOUNT_001", "123456789012"),
        ("AWS_LITERAL_001", r"AWS\_EC2\_001"),
    ];
    Mapping::new(tokens.map(entry).into())
}

/// Restores text that arrives in these parts; also tells the most that was withheld.
fn restore<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (String, usize) {
    let (mapping, mut out, mut tally) = (mapping(), Vec::new(), Tally::default());
    let mut to = Context { mapping: &mapping, out: &mut out, tally: &mut tally };
    let mut matcher = Matcher::default();
    let mut held = 0;
    for part in parts {
        matcher.run(part, 1, &mut to);
        held = held.max(matcher.held());
    }
    matcher.finish(1, &mut to);
    (String::from_utf8(out).unwrap(), held)
}

/// How many texts read like a token and are none of this exchange, at every cut.
#[test]
fn what_reads_like_a_token_and_is_not_restored_is_counted() {
    let count = |parts: &[&[u8]]| {
        let (mapping, mut out, mut tally) = (mapping(), Vec::new(), Tally::default());
        let mut matcher = Matcher::default();
        for part in parts {
            matcher.run(part, 1, &mut Context { mapping: &mapping, out: &mut out, tally: &mut tally });
        }
        matcher.finish(1, &mut Context { mapping: &mapping, out: &mut out, tally: &mut tally });
        tally.unrestored
    };
    for (text, expected) in [
        ("AWS_EC2_001 and AWS_LITERAL_001", 0),
        ("AWS_EC2_002", 1),
        ("AWS_EC2_002, AWS_VPC_001; ORG_PROJECT_X_1234. PII_EMAIL_001", 4),
        (r"AWS\_EC2\_002, **AWS_EC2_003**", 2),
        ("AWS_EC2_002_backup AWS_EC2_003_004 인스턴스AWS_EC2_005를", 3),
        ("AWS_EC2_001AWS_EC2_001", 1),
        ("AWS_EC2_02 AWS_EC2 AWS_001 AWS__EC2_001 xAWS_EC2_002 AWS_EC2_002x AWS_EC2_12345678901", 0),
        ("As An Order: POST AND OR PI AWSX_EC2_001 A", 0),
    ] {
        let text = text.as_bytes();
        for i in 0..=text.len() {
            for j in i..=text.len() {
                let (cut, shown) = ([&text[..i], &text[i..j], &text[j..]], String::from_utf8_lossy(text));
                assert_eq!(count(&cut), expected, "{shown} cut at {i}, {j}");
            }
        }
    }
}

#[test]
fn restores_tokens_and_nothing_else_at_every_cut() {
    let cases = [
        ("Analysis for AWS_EC2_001...", "Analysis for i-0abcdef0123456789..."),
        ("인스턴스AWS_EC2_001를", "인스턴스i-0abcdef0123456789를"),
        (r"AWS\_EC2\_001 AWS\\_EC2_001", "i-0abcdef0123456789 i-0abcdef0123456789"),
        ("AWS_EC2_101 AWS_EC2_1015 AWS_EC2_10155", "i-101 i-1015 AWS_EC2_10155"),
        (r"\nAWS_EC2_001\n%2FAWS_EC2_001%20", r"\ni-0abcdef0123456789\n%2Fi-0abcdef0123456789%20"),
        (
            "AWS_EC2_001AWS_EC2_001 xAWS_EC2_001 AWS_EC2_001x",
            "AWS_EC2_001AWS_EC2_001 xAWS_EC2_001 AWS_EC2_001x",
        ),
        (
            "AWS_AWS_EC2_001 AWS_A_AWS_EC2_001_AWS_EC2_002",
            "AWS_i-0abcdef0123456789 AWS_A_i-0abcdef0123456789_AWS_EC2_002",
        ),
        ("AWS_AAWS_AWS_AAWS_ACCOUNT_001", "AWS_AAWS_AWS_AAWS_ACCOUNT_001"),
        ("AWS_LITERAL_001", r"AWS\\_EC2\\_001"),
        ("AWS_EC2_0", "AWS_EC2_0"),
        (r"AWS\_EC2\", r"AWS\_EC2\"),
        (r"AWS_EC2_001\", r"i-0abcdef0123456789\"),
        (r"AWS\\\\\_EC2_001", r"AWS\\\\\_EC2_001"),
        ("aws_ec2_001 AWS-EC2-001 PII_EMAIL_001", "aws_ec2_001 AWS-EC2-001 PII_EMAIL_001"),
        ("\x1b[1mAWS_EC2_001\x1b[0m", "\x1b[1mi-0abcdef0123456789\x1b[0m"),
    ];
    for (text, expected) in cases {
        let text = text.as_bytes();
        assert_eq!(restore([text]).0, expected);
        for i in 0..=text.len() {
            for j in i..=text.len() {
                assert_eq!(restore([&text[..i], &text[i..j], &text[j..]]).0, expected, "cut at {i}, {j}");
            }
        }
        assert_eq!(restore(text.chunks(1)).0, expected, "one byte at a time");
    }
}

#[test]
fn withholds_no_more_than_may_be_a_token() {
    for (text, held) in [
        ("ordinary text. And All AWS Accounts are API Objects P", 0),
        ("ends in AWS_EC2", 7),
        ("ends in AWS_EC2_101", 11),
        ("ends in AWS_EC2_1015", 12),
        ("ends in A", 1),
        ("ends in xA", 0),
        ("ends in AWS_NOPE", 0),
    ] {
        let (mapping, mut out, mut tally) = (mapping(), Vec::new(), Tally::default());
        let mut to = Context { mapping: &mapping, out: &mut out, tally: &mut tally };
        let mut matcher = Matcher::default();
        matcher.run(text.as_bytes(), 1, &mut to);
        assert_eq!(matcher.held(), held, "{text}");
    }
    let many = "AWS_EC2_1015 ".repeat(100);
    assert!(restore(many.as_bytes().chunks(1)).1 <= token::MAX_TOKEN_LEN);
}
