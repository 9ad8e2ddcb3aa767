//! What the configuration changes.

use super::tests::{detector, found_by};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const TEXT: &str = "i-12345678 8.8.8.8 10.0.0.1 AKIAIOSFODNN7EXAMPLE arn:aws:iam::123456789012:role/Admin";

fn values(detect: &str, text: &str) -> Vec<String> {
    found_by(&detector(detect), text).into_iter().map(|(_, value)| value).collect()
}

#[test]
fn groups_and_kinds_are_turned_off_and_on() {
    let all = ["i-12345678", "8.8.8.8", "10.0.0.1", "AKIAIOSFODNN7EXAMPLE", "123456789012", "Admin"];
    let cases: &[(&str, &[&str])] = &[
        ("{}", &[]),
        (r#"{"kinds":{"AWS_PUBLIC_IP":false}}"#, &["8.8.8.8"]),
        (r#"{"kinds":{"addresses":false}}"#, &["8.8.8.8", "10.0.0.1"]),
        (r#"{"kinds":{"addresses":false,"AWS_PRIVATE_IP":true}}"#, &["8.8.8.8"]),
        (r#"{"kinds":{"accounts":false}}"#, &["123456789012"]),
        (r#"{"kinds":{"AWS_ACCOUNT":false,"names":false}}"#, &["123456789012", "Admin"]),
        (r#"{"kinds":{"ids":false,"credentials":false}}"#, &["i-12345678", "AKIAIOSFODNN7EXAMPLE"]),
    ];
    for (detect, stay) in cases {
        let expected: Vec<_> = all.into_iter().filter(|value| !stay.contains(value)).collect();
        assert_eq!(values(detect, TEXT), expected, "{detect}");
    }
    // What is off in an ARN does not become something else there.
    let arn = "arn:aws:ec2:us-east-1:123456789012:instance/i-12345678";
    assert_eq!(values(r#"{"kinds":{"AWS_EC2":false}}"#, arn), ["123456789012"]);
}

#[test]
fn tokens_of_kinds_that_are_off_are_literals_all_the_same() {
    let off = detector(r#"{"kinds":{"ids":false}}"#);
    assert_eq!(found_by(&off, "AWS_EC2_001"), [("AWS_LITERAL", "AWS_EC2_001".into())]);
}

#[test]
fn listed_values_are_never_masked() {
    let detect = r#"{"never_mask":["123456789012","I-12345678","8.8.8.8","AWS_EC2_001"]}"#;
    assert_eq!(values(detect, TEXT), ["10.0.0.1", "AKIAIOSFODNN7EXAMPLE", "Admin"]);
    assert_eq!(
        values(detect, "8.8.8.80 i-123456789 AWS_EC2_001"),
        ["8.8.8.80", "AWS_EC2_001"],
        "whole values only"
    );
}

#[test]
fn whole_arns_are_one_value() {
    let whole = detector(r#"{"arns":"whole"}"#);
    for (text, arns) in [
        (
            "see arn:aws:iam::123456789012:role/team/Admin.",
            &["arn:aws:iam::123456789012:role/team/Admin"][..],
        ),
        (
            "arn:aws:s3:::b/arn:aws:iam::123456789012:role/R",
            &["arn:aws:s3:::b", "arn:aws:iam::123456789012:role/R"],
        ),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", &[]),
        (
            "arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3Atopic%20",
            &["arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3Atopic"],
        ),
    ] {
        let expected: Vec<_> = arns.iter().map(|arn| ("AWS_ARN", String::from(*arn))).collect();
        assert_eq!(found_by(&whole, text), expected, "{text}");
    }
    // What is off as a whole is not off in its parts.
    let arn = "arn:aws:ec2:us-east-1:123456789012:instance/i-12345678";
    for detect in
        [r#"{"arns":"whole","kinds":{"AWS_ARN":false}}"#, r#"{"arns":"whole","kinds":{"names":false}}"#]
    {
        assert_eq!(values(detect, arn), ["123456789012", "i-12345678"], "{detect}");
    }
}

#[test]
fn what_a_whole_arn_names_is_known() {
    let whole = detector(r#"{"arns":"whole","kinds":{"AWS_ARN":true}}"#);
    let text = "arn:aws:iam::123456789012:role/Admin";
    let (mut findings, mut within) = (Vec::new(), Vec::new());
    whole.find(text.as_bytes(), 0, &mut findings);
    whole.within(text.as_bytes(), &findings[0], &mut within);
    let within: Vec<_> = within.into_iter().map(|finding| &text[finding.range]).collect();
    assert_eq!(within, ["123456789012", "Admin"]);
}

#[test]
fn own_kinds_are_found_beside_those_of_the_catalogue() {
    let detect = r#"{"own_kinds":[{"token":"ORG_PROJECT","regex":"PRJ-\\d+"},{"token":"ORG_NAME","words":["Admin","blue"]}]}"#;
    let own = detector(detect);
    assert_eq!(
        found_by(&own, "PRJ-7 on i-12345678 blue"),
        [("ORG", "PRJ-7".into()), ("AWS_EC2", "i-12345678".into()), ("ORG", "blue".into())]
    );
    // Of one place the operator's kind; a longer value of the catalogue stays whole.
    let arn = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    assert_eq!(found_by(&own, &arn("Admin"))[1], ("ORG", "Admin".into()));
    assert_eq!(found_by(&own, &arn("PRJ-7-x"))[1..], [("AWS_IAM_ROLE", "PRJ-7-x".into())]);
    // Of two that overlap in part, nothing goes out.
    let overlapping = detector(r#"{"own_kinds":[{"token":"ORG_P","regex":"on i-1234"}]}"#);
    assert_eq!(values_of(&overlapping, "on i-12345678"), ["on i-1234", "5678"]);
    assert_eq!(values_of(&own, "ORG_PROJECT_001 ORG_NOPE_001"), ["ORG_PROJECT_001"]);
}

fn values_of(detector: &super::Detector, text: &str) -> Vec<String> {
    found_by(detector, text).into_iter().map(|(_, value)| value).collect()
}

/// A key without an end does not take in the beginning of what stands right behind it.
#[test]
fn what_follows_a_private_key_is_found() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC";
    for (rest, expected) in [
        ("/arn:aws:iam::123456789012:role/a-7", &["123456789012", "a-7"][..]),
        ("//vpc-12345678", &["vpc-12345678"]),
        ("+/10.0.0.7", &["10.0.0.7"]),
    ] {
        let found = values(r#"{"kinds":{"secrets":true}}"#, &format!("{key}{rest}"));
        assert_eq!(found[1..], *expected, "{rest}");
        assert!(found[0].starts_with("-----BEGIN"));
    }
}

/// Nor does any other secret: the `arn` belongs to the ARN.
#[test]
fn what_follows_a_web_token_is_found() {
    for text in [
        "eyJSS9S9..Y..arn:aws:iam::123456789012:role/a-7",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.arn:aws:iam::123456789012:role/a-7",
    ] {
        let found = values(r#"{"kinds":{"secrets":true}}"#, text);
        assert_eq!(found[1..], ["123456789012", "a-7"], "{text}");
    }
}
