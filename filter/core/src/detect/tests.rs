extern crate std;

use super::*;
use crate::Config;
use crate::config::detection::Detection;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

std::thread_local! {
    /// With every row on.
    static EVERYTHING: Detector = detector(r#"{"kinds":{"pii":true,"secrets":true}}"#);
    static DEFAULT: Detector = detector("{}");
}

mod kinds;

/// What is found in a text with every row on: prefix and value of each place.
pub(super) fn found(text: &str) -> Vec<(&'static str, String)> {
    EVERYTHING.with(|detector| found_by(detector, text))
}

/// What is found with the rows that nobody turned on or off.
fn found_by_default(text: &str) -> Vec<(&'static str, String)> {
    DEFAULT.with(|detector| found_by(detector, text))
}

pub(super) fn detector(detect: &str) -> Detector {
    let json = format!(r#"{{"hosts":["api.anthropic.com"],"detect":{detect}}}"#);
    Detector::new(&Config::from_json(json.as_bytes()).unwrap().detection).unwrap()
}

pub(super) fn found_by(detector: &Detector, text: &str) -> Vec<(&'static str, String)> {
    let mut findings = vec![];
    detector.find(text.as_bytes(), 0, &mut findings);
    let prefix = |kind| match detector.kind(kind).prefix {
        Cow::Borrowed(prefix) => prefix,
        Cow::Owned(_) => "ORG",
    };
    findings.into_iter().map(|finding| (prefix(finding.kind), text[finding.range].into())).collect()
}

pub(super) fn values(text: &str) -> Vec<String> {
    found(text).into_iter().map(|(_, value)| value).collect()
}

#[test]
fn every_row_finds_its_examples_in_every_surrounding() {
    for row in catalogue::rows() {
        for example in row.examples {
            for (before, after) in [
                ("", ""),
                ("인스턴스", "를 분석"),
                (" ", "."),
                ("\"", "\","),
                (r"\n", r"\n"),
                (r"a\t", r"\u0020b"),
                ("%2F", "%20"),
                ("id=", "&"),
                ("\x1b[32m", "\x1b[0m"),
                ("x_", "_y"),
                ("(", ")"),
                ("é", "é"),
            ] {
                let signs = matches!(row.kind.group, catalogue::Group::Pii | catalogue::Group::Secrets);
                if signs && before == "x_" {
                    // There the underscore belongs to what is found.
                    continue;
                }
                let text = format!("{before}{example}{after}");
                assert_eq!(found(&text), [(row.kind.prefix, (*example).into())], "{} in {text:?}", row.rule);
            }
            for text in [format!("x{example}"), format!("{example}x"), format!("{example}0000")] {
                assert!(!values(&text).iter().any(|value| value == example), "{} in {text:?}", row.rule);
            }
        }
    }
}

#[test]
fn no_row_finds_its_counter_examples() {
    for row in catalogue::rows() {
        for example in row.counter_examples {
            for text in [String::from(*example), format!(" {example} "), format!("\"{example}\"")] {
                let hits: Vec<_> =
                    found(&text).into_iter().filter(|(prefix, _)| *prefix == row.kind.prefix).collect();
                assert_eq!(hits, [], "{} in {text:?}", row.rule);
            }
        }
    }
}

#[test]
fn rows_are_well_formed() {
    let detector = Detector::new(&Detection::default()).unwrap();
    let mut prefixes: Vec<_> = detector.kinds.prefixes().collect();
    prefixes.sort_unstable();
    assert!(prefixes.is_sorted_by(|a, b| a < b), "each prefix once");
    for prefix in prefixes {
        let (family, kind) = prefix.split_once('_').unwrap();
        assert!(FAMILIES.contains(&family), "{prefix}");
        assert!(prefix.len() <= crate::token::MAX_PREFIX_LEN, "{prefix}");
        for part in kind.split('_') {
            // Otherwise two readings of one text would be possible.
            assert!(!FAMILIES.contains(&part), "{prefix}");
            assert!(part.len() < 3 || !part.bytes().all(|byte| byte.is_ascii_digit()), "{prefix}");
            assert!(part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()), "{prefix}");
        }
    }
    for row in catalogue::rows() {
        assert!(
            !row.anchors.is_empty()
                && row.anchors.iter().all(|anchor| *anchor == anchor.to_ascii_lowercase())
        );
        assert!(!row.source.is_empty() && !row.counter_examples.is_empty(), "{}", row.rule);
    }
}

#[test]
fn ordinary_text_stays() {
    for text in [
        "feedback sandbox handbook standby goodbye blogs catalogs changelogs multi-cluster redis-cluster",
        "06:54:10 12:30 00:1b:44:11:3a:b7 a::b std::vector 1753599250791 docs.example.com/aws/intro",
        "s3.amazonaws.com us-east-1 127.0.0.1 0.0.0.0 0.0.0.0/0 da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "123e4567-e89b-12d3-a456-426614174000 +82-10-1234-5678 gpt-4o-logs query_db v1.2.3.4 wifi-12345678",
        "123456789012 i- i-xyz vpc-main subnet-a arn:aws AKIA i-1234567890abcdef0123456789",
    ] {
        assert_eq!(found_by_default(text), [], "{text}");
    }
}

#[test]
fn arns_keep_their_structure() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        (
            "arn:aws:ec2:us-east-1:123456789012:instance/i-0abcdef0123456789",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_EC2", "i-0abcdef0123456789")],
        ),
        (
            "arn:aws-us-gov:iam::123456789012:role/service-role/MyRole.",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_IAM_ROLE", "MyRole")],
        ),
        ("arn:aws-cn:s3:::my-bucket/key", &[("AWS_S3_BUCKET", "my-bucket"), ("AWS_S3_KEY", "key")]),
        (
            "arn:aws:sns:us-east-1:123456789012:orders.fifo,",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_SNS_TOPIC", "orders.fifo")],
        ),
        (
            "arn:aws:lambda:eu-west-1:123456789012:function:Fn:$LATEST",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_LAMBDA_ARN", "Fn")],
        ),
        (
            "arn%3Aaws%3Aec2%3Aus-east-1%3A123456789012%3Avpc%2Fvpc-12345678",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_VPC", "vpc-12345678")],
        ),
        (
            "arn%253Aaws%253Aiam%253A%253A123456789012%253Arole%252Fteam%252FMy%2540Role%2522",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_IAM_ROLE", "team"), ("AWS_IAM_ROLE", "My%2540Role")],
        ),
        (
            r"arn:aws:iam::123456789012:role\/MyRole",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_IAM_ROLE", "MyRole")],
        ),
        ("ARN:AWS:IAM::123456789012:USER/Bob", &[("AWS_ACCOUNT", "123456789012"), ("AWS_ARN", "Bob")]),
        ("arn:aws:iam::123456789012:root", &[("AWS_ACCOUNT", "123456789012")]),
        ("arn:aws:s3:::*", &[]),
        // Wildcards and variables, as policies and templates have them.
        (
            "arn:aws:dynamodb:*:123456789012:table/secret-table",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_DYNAMODB_TABLE", "secret-table")],
        ),
        ("arn:*:iam::*:role/admin", &[("AWS_IAM_ROLE", "admin")]),
        ("arn:aws:iam::${AWS::AccountId}:role/admin", &[("AWS_IAM_ROLE", "admin")]),
        ("arn:${AWS::Partition}:s3:::b/${aws:username}/x", &[("AWS_S3_BUCKET", "b"), ("AWS_S3_KEY", "x")]),
        (
            "arn:aws:execute-api:us-east-1:123456789012:abc123/prod/GET/pets",
            &[
                ("AWS_ACCOUNT", "123456789012"),
                ("AWS_API_GW", "abc123"),
                ("AWS_API_GW", "prod"),
                ("AWS_API_GW", "pets"),
            ],
        ),
        (
            "arn:aws:ec2:{region}:123456789012:vpc/vpc-12345678",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_VPC", "vpc-12345678")],
        ),
        (
            "arn:aws:sqs:$REGION:123456789012:payments",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_SQS_QUEUE", "payments")],
        ),
        ("arn:aws:iam::<acct>:role/Secret", &[("AWS_IAM_ROLE", "Secret")]),
        ("arn:aws:iam::${local.a[0]}:role/Secret", &[("AWS_IAM_ROLE", "Secret")]),
        ("arn:aws:iam::12345678901?:role/Secret", &[("AWS_IAM_ROLE", "Secret")]),
        // Identifiers in its other places, and names that look like structure.
        (
            "arn:aws:ec2:us-east-1:123456789012:i-1234567890abcdef0/x",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_EC2", "i-1234567890abcdef0"), ("AWS_ARN", "x")],
        ),
        ("arn:aws:ec2:us-east-1:aws:instance/i-12345678", &[("AWS_EC2", "i-12345678")]),
        (
            "arn:aws:ec2:AKIAIOSFODNN7EXAMPLE:123456789012:x",
            &[("AWS_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE"), ("AWS_ACCOUNT", "123456789012"), ("AWS_ARN", "x")],
        ),
        ("arn:aws:s3:::app/한글.csv 를", &[("AWS_S3_BUCKET", "app"), ("AWS_S3_KEY", "한글.csv")]),
        (r"arn:aws:iam::*:role/My\_Role", &[("AWS_IAM_ROLE", r"My\_Role")]),
        ("arn:aws:iam::*:user/john%40corp%22", &[("AWS_IAM_USER", "john%40corp")]),
        ("arn:aws:iam::cloudfront:user/Identity", &[("AWS_IAM_USER", "Identity")]),
        // What AWS itself has.
        ("arn:aws:states:::lambda:invoke.waitForTaskToken", &[]),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2:1", &[]),
        ("arn:aws:ssm:us-east-1::parameter/aws/service/ecs/optimized-ami", &[]),
        ("arn:aws:apigateway:us-east-1::/restapis/a1b2c3", &[("AWS_API_GW", "a1b2c3")]),
        (
            "arn:aws:states:us-east-1:123456789012:activity:a",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_STEP_FN", "a")],
        ),
        // Resources that begin with a name, and their types.
        (
            "arn:aws:codepipeline:us-east-1:123456789012:orders/Source/Git",
            &[
                ("AWS_ACCOUNT", "123456789012"),
                ("AWS_CODEBUILD", "orders"),
                ("AWS_CODEBUILD", "Source"),
                ("AWS_CODEBUILD", "Git"),
            ],
        ),
        (
            "arn:aws:s3:us-west-2:123456789012:accesspoint/finance/object/a.csv",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_S3_BUCKET", "finance"), ("AWS_S3_KEY", "a.csv")],
        ),
        ("arn:aws:s3:::job/a", &[("AWS_S3_BUCKET", "job"), ("AWS_S3_KEY", "a")]),
        // An ARN within an ARN is one of its own.
        (
            "arn:aws:s3:::b/arn:aws:iam::123456789012:role/R",
            &[("AWS_S3_BUCKET", "b"), ("AWS_ACCOUNT", "123456789012"), ("AWS_IAM_ROLE", "R")],
        ),
        (
            "arn:aws:s3:::b/k*arn:aws:iam::123456789012:role/R",
            &[
                ("AWS_S3_BUCKET", "b"),
                ("AWS_S3_KEY", "k"),
                ("AWS_ACCOUNT", "123456789012"),
                ("AWS_IAM_ROLE", "R"),
            ],
        ),
        ("arn:aws:iam::*:role/A%2Barn:aws:iam::*:role/B", &[("AWS_IAM_ROLE", "A"), ("AWS_IAM_ROLE", "B")]),
        ("arn:aws:iam::*:role/A-arn:aws:iam::*:role/B", &[("AWS_IAM_ROLE", "A"), ("AWS_IAM_ROLE", "B")]),
        (
            "arn:aws:ec2:x-[arn:aws:iam::123456789012:role/R",
            &[("AWS_ACCOUNT", "123456789012"), ("AWS_IAM_ROLE", "R")],
        ),
        ("역할arn:aws:iam::123456789012:role/R을", &[("AWS_ACCOUNT", "123456789012"), ("AWS_IAM_ROLE", "R")]),
    ];
    for (text, expected) in cases {
        let found = found(text);
        let found: Vec<_> = found.iter().map(|(prefix, value)| (*prefix, value.as_str())).collect();
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn neighbours_do_not_hide_each_other() {
    assert_eq!(values("54.239.28.8 54.239.28.85"), ["54.239.28.8", "54.239.28.85"]);
    assert_eq!(values("i-i-12345678/i-12345678"), ["i-12345678", "i-12345678"]);
    assert_eq!(
        values("10.0.1.5,10.0.1.6;vpc-12345678:sg-12345678"),
        ["10.0.1.5", "10.0.1.6", "vpc-12345678", "sg-12345678"]
    );
    assert_eq!(found("I-0ABCDEF0123456789"), [("AWS_EC2", "I-0ABCDEF0123456789".into())]);
    assert_eq!(
        values("%2210.0.1.100%22 %20172.16.3.4 \\u002010.0.0.1"),
        ["10.0.1.100", "172.16.3.4", "10.0.0.1"]
    );
    assert_eq!(
        values("IP 10.0.1.100.5432 > 10.0.1.5.22: web1.10.0.1.7.nip.io"),
        ["10.0.1.100", "10.0.1.5", "10.0.1.7"]
    );
    assert_eq!(found("AWS_EC2_001 AWS_NOPE_001"), [("AWS_LITERAL", "AWS_EC2_001".into())]);
}

#[test]
fn arns_have_no_length_at_which_they_are_cut() {
    let name = "a".repeat(5000);
    assert_eq!(
        found(&format!("arn:aws:s3:::{name}/{name}")),
        [("AWS_S3_BUCKET", name.clone()), ("AWS_S3_KEY", name)]
    );
}

/// Neither the stack nor the time grows with the number of ARNs that contain each other.
#[test]
fn arns_in_arns_are_read_flat() {
    for unit in ["arn:aws:iam::aws:x.", "arn:aws:iam::aws:x/arn%3Aaws%3Aiam%3A%3Aaws%3Ax.", "arn:aws:s3:::b/"]
    {
        let text = unit.repeat(100_000);
        assert!(found(&text).len() <= 100_000);
    }
}
