//! The names on the wire: scopes, kinds and tokens.

use alloc::format;
use alloc::string::String;

/// Longest name of a scope.
pub const MAX_SCOPE_LEN: usize = 128;
/// Longest name of a kind, so that its tokens stay within [`MAX_TOKEN_LEN`].
pub const MAX_KIND_LEN: usize = MAX_TOKEN_LEN - FAMILY.len() - 1 - MAX_DIGITS;
/// Longest token.
pub const MAX_TOKEN_LEN: usize = 48;
/// Largest number of a token: ten digits.
pub const MAX_NUMBER: u64 = 9_999_999_999;

/// The family that a kind belongs to unless it names another.
const FAMILY: &str = "AWS_";
/// Families that stand in the name of a kind.
const OTHER_FAMILIES: [&str; 2] = ["ORG_", "PII_"];
const MAX_DIGITS: usize = 10;

/// True for the name of a scope: letters, digits, `.`, `_` and `-`, at most [`MAX_SCOPE_LEN`] of them.
///
/// Such a name stands in a path as it is.
pub fn is_scope(name: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    // A path of dots means something else.
    (1..=MAX_SCOPE_LEN).contains(&name.len())
        && name.bytes().all(valid)
        && name.bytes().any(|byte| byte != b'.')
}

/// True for the name of a kind: capital letters and digits in parts joined by `_`, a letter in every part.
///
/// A part of digits alone would make tokens ambiguous: `AWS_X_001_002`.
pub fn is_kind(name: &str) -> bool {
    let part = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && part.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    name.len() <= MAX_KIND_LEN && !name.starts_with(FAMILY) && name.split('_').all(part)
}

/// The token of `kind` with this number: `AWS_EC2_001`.
pub fn token(kind: &str, number: u64) -> String {
    let family = if OTHER_FAMILIES.iter().any(|other| kind.starts_with(other)) { "" } else { FAMILY };
    format!("{family}{kind}_{number:03}")
}

/// The kind and the number of a token that [`token`] wrote.
pub fn parse_token(token: &str) -> Option<(&str, u64)> {
    let (prefix, digits) = token.rsplit_once('_')?;
    let kind = prefix.strip_prefix(FAMILY).unwrap_or(prefix);
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    let issued = is_kind(kind) && (1..=MAX_NUMBER).contains(&number) && self::token(kind, number) == token;
    issued.then_some((kind, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes() {
        for name in ["default", "team-1", "x-team.0a1b", "A_b", ".a"] {
            assert!(is_scope(name), "{name}");
        }
        for name in ["", ".", "..", "a/b", "a b", "a%20", "é", &"a".repeat(MAX_SCOPE_LEN + 1)] {
            assert!(!is_scope(name), "{name}");
        }
    }

    #[test]
    fn kinds() {
        for name in ["EC2", "S3_BUCKET", "PII_EMAIL", "ORG_X1", "LITERAL", &"A".repeat(MAX_KIND_LEN)] {
            assert!(is_kind(name), "{name}");
        }
        for name in [
            "",
            "ec2",
            "EC2_",
            "_EC2",
            "A__B",
            "X_001",
            "2",
            "AWS_EC2",
            "A-B",
            "é",
            &"A".repeat(MAX_KIND_LEN + 1),
        ] {
            assert!(!is_kind(name), "{name}");
        }
    }

    #[test]
    fn tokens() {
        for (kind, number, text) in [
            ("EC2", 1, "AWS_EC2_001"),
            ("S3_BUCKET", 1234, "AWS_S3_BUCKET_1234"),
            ("PII_EMAIL", 12, "PII_EMAIL_012"),
            ("ORG_X", MAX_NUMBER, "ORG_X_9999999999"),
        ] {
            assert_eq!(token(kind, number), text);
            assert_eq!(parse_token(text), Some((kind, number)));
        }
        let longest = token(&"A".repeat(MAX_KIND_LEN), MAX_NUMBER);
        assert_eq!(longest.len(), MAX_TOKEN_LEN);
    }

    #[test]
    fn what_was_never_issued_is_no_token() {
        for text in [
            "",
            "_",
            "AWS_",
            "AWS_EC2",
            "AWS_EC2_",
            "AWS_EC2_01",
            "AWS_EC2_000",
            "AWS_EC2_0001",
            "AWS_EC2_+01",
            "AWS_EC2_10000000000",
            "EC2_001",
            "aws_ec2_001",
            "AWS_PII_EMAIL_001",
            "AWS_AWS_EC2_001",
            " AWS_EC2_001",
        ] {
            assert_eq!(parse_token(text), None, "{text}");
        }
    }
}
