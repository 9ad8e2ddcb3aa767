//! `unmask`: the way back, with the list that `mask` wrote.

use crate::support::{BODY, cloakroom, file, stdout};
use tempfile::TempDir;

/// Masks, restores, and returns what came between and what came back.
fn there_and_back(body: &str) -> (String, String) {
    let folder = TempDir::new().unwrap();
    let tokens = folder.path().join("tokens.json");
    let masked = stdout(&format!("mask --tokens {}", tokens.display()), body.as_bytes());
    let restored = stdout(&format!("unmask --tokens {}", tokens.display()), masked.as_bytes());
    (masked, restored)
}

#[test]
fn what_was_masked_comes_back() {
    for body in [
        BODY,
        "{}",
        r#"["인스턴스i-0abc1234def567890를","arn%3Aaws%3Aec2%3Aus-east-1%3A123456789012%3Avpc%2Fvpc-12345678"]"#,
        r#"["AWS_EC2_001","AWS\\_EC2\\_001","i-12345678 AWS_EC2_101 AWS_EC2_1015"]"#,
        r#"{"Arn":"arn:aws:iam::123456789012:role/r","o":123456789012,"s":"{\"o\":123456789012}"}"#,
    ] {
        let (masked, restored) = there_and_back(body);
        assert_eq!(restored, body, "{masked}");
    }
    // Credentials stay tokens.
    let (masked, restored) = there_and_back(r#"["AKIAIOSFODNN7EXAMPLE"]"#);
    assert_eq!(
        (masked.as_str(), restored.as_str()),
        (r#"["AWS_ACCESS_KEY_001"]"#, r#"["AWS_ACCESS_KEY_001"]"#)
    );
}

/// Kinds of the operator's own, in a configuration that only observes: the command line shows what masking would do.
#[test]
fn own_kinds_make_the_round_trip() {
    let (_folder, config) = file(
        r#"{"hosts":["api.anthropic.com"],"mode":"observe","detect":{"arns":"whole",
            "own_kinds":[{"token":"ORG_PROJECT","words":["blue harbour"]}]}}"#,
    );
    let folder = TempDir::new().unwrap();
    let tokens = folder.path().join("tokens.json");
    let options = format!("--tokens {} --config {}", tokens.display(), config.display());
    let body = r#"["blue harbour","arn:aws:iam::123456789012:role/R","of 123456789012"]"#;
    let masked = stdout(&format!("mask {options}"), body.as_bytes());
    assert_eq!(masked, r#"["ORG_PROJECT_001","AWS_ARN_001","of AWS_ACCOUNT_001"]"#);
    assert_eq!(stdout(&format!("unmask {options}"), masked.as_bytes()), body);
    let without = cloakroom(&format!("unmask --tokens {}", tokens.display()), masked.as_bytes());
    assert!(without.stderr.contains("ORG_PROJECT"), "{}", without.stderr);
}

#[test]
fn answers_are_restored_by_their_content_type() {
    let (_folder, path) = file(r#"[{"token":"AWS_EC2_001","kind":"EC2","value":"i-1234567890abcdef0"}]"#);
    let event = |text: &str| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":\
             {{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        )
    };
    for (content_type, answer, expected) in [
        ("text/plain", "see AWS_EC2_001".to_owned(), "see i-1234567890abcdef0".to_owned()),
        ("text/event-stream", event("AWS_EC2_001."), event("i-1234567890abcdef0.")),
        ("image/png", "AWS_EC2_001".to_owned(), "AWS_EC2_001".to_owned()),
    ] {
        let arguments = format!("unmask --tokens {} --content-type {content_type}", path.display());
        assert_eq!(stdout(&arguments, answer.as_bytes()), expected, "{content_type}");
    }
}

#[test]
fn a_list_that_is_none_is_refused_without_its_values() {
    for (list, expected) in [
        ("{}", "expected a list of {\"token\", \"kind\", \"value\"}, wrong at line 1 column 0"),
        (
            r#"[{"token":"AWS_EC2_001","kind":"EC2","value":["i-12345678"]}]"#,
            "expected a list of {\"token\", \"kind\", \"value\"}, wrong at line 1 column 45",
        ),
        (
            r#"[{"token":"AWS_EC2_001","kind":"E2","value":"i-12345678"}]"#,
            "tokens[0].kind: `E2` is not a kind",
        ),
        (
            r#"[{"token":"AWS_VPC_001","kind":"EC2","value":"i-12345678"}]"#,
            "tokens[0].token: expected a token of the kind EC2",
        ),
        (
            r#"[{"token":"AWS_EC2_001","kind":"EC2","value":"a"},{"token":"AWS_EC2_001","kind":"EC2","value":"b"}]"#,
            "tokens[1].token: stands twice",
        ),
    ] {
        let (_folder, path) = file(list);
        let run = cloakroom(&format!("unmask --tokens {}", path.display()), b"{}");
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{list}");
        assert_eq!(run.stderr, format!("cloakroom: {}: {expected}\n", path.display()));
    }
}

#[cfg(unix)]
#[test]
fn the_list_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let tokens = folder.path().join("tokens.json");
    stdout(&format!("mask --tokens {}", tokens.display()), BODY.as_bytes());
    assert_eq!(std::fs::metadata(&tokens).unwrap().permissions().mode() & 0o777, 0o600);
}
