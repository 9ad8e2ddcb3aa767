//! `mask`: bodies, refusals, tables.

use crate::support::{BODY, cloakroom, file, stdout};
use std::process::{Command, Stdio};

#[test]
fn bodies() {
    for (body, expected) in [
        (BODY, r#"{"messages":[{"content":"Analyze EC2 AWS_EC2_001"}]}"#),
        // Untouched bytes stay as they are, odd ones too.
        ("{ \"messages\" : [ ],\n \"a\":1.50e1 }\n", "{ \"messages\" : [ ],\n \"a\":1.50e1 }\n"),
        ("", ""),
        // An access key gets a token, though it never comes back.
        (r#"["AKIAIOSFODNN7EXAMPLE"]"#, r#"["AWS_ACCESS_KEY_001"]"#),
        // Text that reads as a token.
        (r#"["AWS_EC2_001 i-12345678"]"#, r#"["AWS_LITERAL_001 AWS_EC2_001"]"#),
    ] {
        assert_eq!(stdout("mask", body.as_bytes()), expected);
    }
}

#[test]
fn a_refusal_is_on_stderr_and_nothing_on_stdout() {
    let (_folder, config) = file(r#"{"hosts":["api.openai.com"],"max_body_bytes":40}"#);
    let config = format!("--config {}", config.display());
    for (arguments, body, expected) in [
        ("", "{", "400 body_unreadable: The body is not valid JSON at byte 1."),
        (
            "",
            r#"{"model":"i-1234567890abcdef0"}"#,
            "422 identifier_in_field: There is an identifier at /model, a field that cannot be masked; take it out.",
        ),
        (
            "--url https://api.anthropic.com/v1/files/i-1234567890abcdef0",
            "{}",
            "422 identifier_in_target: There is an identifier in the request's path; take it out.",
        ),
        (
            "--content-type text/html",
            "i-1234567890abcdef0",
            "415 content_type_unsupported: Only JSON, NDJSON and plain text can be masked; send the body with a content-type that says so.",
        ),
        (
            config.as_str(),
            "{}",
            "403 host_not_allowed: The host api.anthropic.com is not in `hosts`, the list of hosts that may be called.",
        ),
        (
            &format!("{config} --url https://api.openai.com/v1/chat/completions"),
            BODY,
            "413 body_too_large: The body, before or after masking, is larger than `max_body_bytes` (40 bytes).",
        ),
        ("--url https://a..b/", "{}", "400 host_missing: The request names no host that can be read."),
    ] {
        let run = cloakroom(&format!("mask {arguments}"), body.as_bytes());
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{arguments} {body}");
        assert_eq!(run.stderr, format!("cloakroom: refused: {expected}\n"));
    }
}

#[test]
fn without_a_configuration_the_host_of_the_url_counts_as_allowed() {
    for url in
        ["https://generativelanguage.googleapis.com/v1beta/models/m:generateContent", "http://[::1]:8080/x"]
    {
        assert_eq!(stdout(&format!("mask --url {url}"), br#"["i-12345678"]"#), r#"["AWS_EC2_001"]"#);
    }
}

#[test]
fn there_is_no_bridge_to_ask() {
    let (_folder, path) =
        file(r#"{"hosts":["api.anthropic.com"],"mapping":{"store":"bridge","bridge":{"cluster":"b"}}}"#);
    let masked = stdout(&format!("mask --config {}", path.display()), br#"["i-12345678"]"#);
    assert_eq!(masked, r#"["AWS_EC2_001"]"#);
}

/// Escapes around it, JSON in a string, a number, a name of a member, a credential and its token from the history.
const EXPLAINED: &str = r#"{"messages":[{"content":"é\ni-1234567890abcdef0 in arn:aws:iam::123456789012:role/admin"},
    {"i-1234567890abcdef0":[{"OwnerId":123456789012}],"input":"{\"id\":123456789012,\"ip\":\"10.0.0.1\"}"},
    {"content":["AWS_ACCESS_KEY_001","AKIAIOSFODNN7EXAMPLE"]}]}"#;

#[test]
fn explain_shows_what_stands_where_and_why() {
    let table = "\
kind       | rule             | where                             | token              | value
EC2        | ec2-instance     | /messages/0/content               | AWS_EC2_001        | i-12…
ACCOUNT    | arn              | /messages/0/content               | AWS_ACCOUNT_001    | 1234…
IAM_ROLE   | arn              | /messages/0/content               | AWS_IAM_ROLE_001   | a…
EC2        | ec2-instance     | /messages/1/AWS_EC2_001           | AWS_EC2_001        | i-12…
ACCOUNT    | account-field    | /messages/1/AWS_EC2_001/0/OwnerId | AWS_ACCOUNT_002    | 1234…
ACCOUNT    | propagated       | /messages/1/input                 | AWS_ACCOUNT_002    | 1234…
PRIVATE_IP | private-ip       | /messages/1/input                 | AWS_PRIVATE_IP_001 | 10…
LITERAL    | token-look-alike | /messages/2/content/0             | AWS_ACCESS_KEY_001 | AWS_…
ACCESS_KEY | access-key-id    | /messages/2/content/1             | AWS_ACCESS_KEY_001 | AKIA…
";
    assert_eq!(stdout("mask --explain", EXPLAINED.as_bytes()), table);

    let whole = stdout("mask --explain --values", EXPLAINED.as_bytes());
    let values: Vec<_> = whole.lines().skip(1).map(|line| line.rsplit(" | ").next().unwrap()).collect();
    let expected = [
        "i-1234567890abcdef0",
        "123456789012",
        "admin",
        "i-1234567890abcdef0",
        "123456789012",
        "123456789012",
        "10.0.0.1",
        "AWS_ACCESS_KEY_001",
        "AKIAIOSFODNN7EXAMPLE",
    ];
    assert_eq!(values, expected);

    assert_eq!(stdout("mask --explain", b"{}"), "kind | rule | where | token | value\n");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (_folder, body) = file(&format!("[\"{}\"]", "x".repeat(4 << 20)));
    let mut child = Command::new(env!("CARGO_BIN_EXE_cloakroom"))
        .arg("mask")
        .stdin(std::fs::File::open(body).unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}
