//! Kinds that the rows' own examples cannot show: what a place tells, what is hidden, and time.

use super::*;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn check(cases: &[(&str, &[(&str, &str)])]) {
    for (text, expected) in cases {
        let found = found(text);
        let found: Vec<_> = found.iter().map(|(prefix, value)| (*prefix, value.as_str())).collect();
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn paths_and_regions_tell() {
    const HEX: &str = "0123456789abcdef0123456789abcdef";
    check(&[
        ("/hostedzone/Z1234567890ABC,", &[("AWS_ROUTE53_ZONE", "Z1234567890ABC")]),
        ("x%2Fhostedzone%2FZ3M3LMPEXAMPLE를", &[("AWS_ROUTE53_ZONE", "Z3M3LMPEXAMPLE")]),
        ("/change/C2682N5HXP0BZ4 /change/CONTROL", &[("AWS_ROUTE53_CHANGE", "C2682N5HXP0BZ4")]),
        ("distribution/E1234567890ABC", &[("AWS_CLOUDFRONT", "E1234567890ABC")]),
        ("origin-access-identity/cloudfront/E127EXAMPLE51Z", &[("AWS_CLOUDFRONT", "E127EXAMPLE51Z")]),
        ("풀us-east-1_AbCdEf123을", &[("AWS_COGNITO", "us-east-1_AbCdEf123")]),
        (r"\nap-northeast-2_EXAMPLE.", &[("AWS_COGNITO", "ap-northeast-2_EXAMPLE")]),
        ("%2Fus-west-2_aaaaaaaaa", &[("AWS_COGNITO", "us-west-2_aaaaaaaaa")]),
        ("us-east-1_snapshots us-east-1_AbCdEf1234 xus-east-1_AbCdEf123", &[]),
        (&format!("2024/01/01/[$LATEST]{HEX}"), &[("AWS_LOG_STREAM", HEX)]),
        (&format!("2024/01/01/[12]{HEX}를"), &[("AWS_LOG_STREAM", HEX)]),
        (&format!("x[1]{HEX} 2024/01/01/[1]{HEX}0"), &[]),
        (
            "https 2024-01-01T00:00:00.000000Z app/my-lb/50dc6c495c0c9188 \"targetgroup/blue-7/73e2d6bc24d8a067\"",
            &[
                ("AWS_ELB_ARN", "my-lb"),
                ("AWS_ELB_ARN", "50dc6c495c0c9188"),
                ("AWS_ELB_ARN", "blue-7"),
                ("AWS_ELB_ARN", "73e2d6bc24d8a067"),
            ],
        ),
        ("/aws/lambda/my-fn.", &[("AWS_LAMBDA_ARN", "my-fn")]),
        ("'/aws/rds/cluster/orders/postgresql'", &[("AWS_RDS", "orders")]),
        ("로그/aws/eks/prod/cluster에", &[("AWS_EKS_CLUSTER", "prod")]),
        ("awslogs-group=/ecs/web", &[("AWS_ECS_TASK", "web")]),
        (
            "부하 app/my-lb/50dc6c495c0c9188와 targetgroup%2Fmy-tg%2F73e2d6bc24d8a067",
            &[
                ("AWS_ELB_ARN", "my-lb"),
                ("AWS_ELB_ARN", "50dc6c495c0c9188"),
                ("AWS_ELB_ARN", "my-tg"),
                ("AWS_ELB_ARN", "73e2d6bc24d8a067"),
            ],
        ),
        ("API-Gateway-Execution-Logs_abc123def4/prod", &[("AWS_API_GW", "abc123def4")]),
        ("https://docs.example.com/aws/lambda/latest https://example.com/ecs/home /aws/lambda/*", &[]),
        (
            "o-a1b2c3d4e5/r-ab12/ou-ab12-cdefgh34/",
            &[("AWS_ORGANIZATION", "o-a1b2c3d4e5"), ("AWS_ROOT", "r-ab12"), ("AWS_OU", "ou-ab12-cdefgh34")],
        ),
    ]);
}

#[test]
fn sessions_of_roles() {
    check(&[
        (
            "AROADBQP57FF2AEXAMPLE:deploy-42.",
            &[("AWS_IAM_ID", "AROADBQP57FF2AEXAMPLE"), ("AWS_STS", "deploy-42")],
        ),
        (
            "\"AROADBQP57FF2AEXAMPLE:i-0abcdef0123456789\"",
            &[("AWS_IAM_ID", "AROADBQP57FF2AEXAMPLE"), ("AWS_EC2", "i-0abcdef0123456789")],
        ),
        ("역할AROADBQP57FF2AEXAMPLE:* 와", &[("AWS_IAM_ID", "AROADBQP57FF2AEXAMPLE")]),
        ("{\"id\":\"AROADBQP57FF2AEXAMPLE\":\"x\"}", &[("AWS_IAM_ID", "AROADBQP57FF2AEXAMPLE")]),
    ]);
}

#[test]
fn characters_that_nobody_sees_do_not_hide() {
    for hidden in ['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}'] {
        let id = format!("i-1234567890{hidden}abcdef0");
        assert_eq!(found(&format!("인스턴스{id}{hidden}를")), [("AWS_EC2", id)]);
        let key = format!("AKIAIOSFOD{hidden}{hidden}NN7EXAMPLE");
        assert_eq!(found(&key), [("AWS_ACCESS_KEY", key.clone())]);
    }
    // One id and what follows it, if they are not one id.
    check(&[
        ("i-12345678\u{200b}9", &[("AWS_EC2", "i-12345678")]),
        ("i-0abcdef0123456789\u{200b}be", &[("AWS_EC2", "i-0abcdef0123456789")]),
        ("i-0abcdef01234567890\u{200b}", &[]),
        ("i-\u{200b}", &[]),
    ]);
}

#[test]
fn documentation_has_placeholders() {
    check(&[
        ("i-02573cafcfEXAMPLE", &[("AWS_EC2", "i-02573cafcfEXAMPLE")]),
        ("subnet-example1 vpc-example fs-example i-EXAMPLE key-example", &[]),
    ]);
}

#[test]
fn dates_and_pods_are_not_ids() {
    check(&[
        ("db-snap-20240115 key-20231231 vol-19991231 snap-20240115123456789 d-2024011512", &[]),
        ("snap-20241315", &[("AWS_SNAPSHOT", "snap-20241315")]),
        ("chat-ws-7d9f8b6c5-x8h2k app-d-6d4cf56db6-x8h2k svc-o-6d4cf56db6-x8h2k", &[]),
        ("ws-7d9f8b6c5-x8h2kk", &[("AWS_WORKSPACE", "ws-7d9f8b6c5")]),
        ("d-6d4cf56db6-east", &[("AWS_DIRECTORY", "d-6d4cf56db6")]),
    ]);
}

#[test]
fn private_keys_end_where_they_look_like_one() {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "PGP PRIVATE KEY BLOCK"] {
        for end in ["\n", "\\n", "\r\n", "\n    "] {
            let key = format!("-----BEGIN {label}-----{end}{line}{end}{line}{end}-----END {label}-----");
            assert_eq!(found(&format!("키{key}를")), [("PII_PRIVATE_KEY", key)]);
        }
    }
    let header = format!("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{line}\n");
    assert_eq!(
        found(&format!("{header}-----END RSA PRIVATE KEY-----")),
        [("PII_PRIVATE_KEY", format!("{header}-----END RSA PRIVATE KEY-----"))]
    );
    let cut = format!("-----BEGIN PRIVATE KEY-----\n{line}");
    assert_eq!(found(&format!("{cut}\nand then words.")), [("PII_PRIVATE_KEY", cut)]);
}

#[test]
fn people_and_keys_beside_korean() {
    check(&[
        ("메일alice@example.com으로", &[("PII_EMAIL", "alice@example.com")]),
        ("전화010-1234-5678번", &[("PII_PHONE", "010-1234-5678")]),
        ("주민번호 900101-1234568입니다", &[("PII_KR_RRN", "900101-1234568")]),
        ("카드4111-1111-1111-1111로", &[("PII_CARD", "4111-1111-1111-1111")]),
        ("계좌DE89 3704 0044 0532 0130 00로", &[("PII_IBAN", "DE89 3704 0044 0532 0130 00")]),
        (
            "AccountKey=abcdefghijABCDEFGHIJ0123456789abcdefghijABCDEFGHIJ==;x",
            &[("PII_API_KEY", "abcdefghijABCDEFGHIJ0123456789abcdefghijABCDEFGHIJ==")],
        ),
    ]);
}

/// What is not asked for is not found, and its tokens are known all the same.
#[test]
fn people_are_left_alone_by_default() {
    assert_eq!(found_by_default("alice@example.com 010-1234-5678 4111111111111111 900101-1234568"), []);
    assert_eq!(found_by_default("PII_EMAIL_001"), [("AWS_LITERAL", "PII_EMAIL_001".into())]);
}

/// A megabyte of what anchors are made of: quadratic time would not end.
#[test]
fn time_is_linear() {
    for unit in [
        "1",
        "1 ",
        "4",
        "i-",
        "i-\u{200b}",
        "eyJ",
        "eyJ-",
        "eyJ.",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\na:",
        "@",
        "a@",
        "a-",
        "0-",
        "1_",
        "us-east-1:",
        "AROA",
        "FwoGZXIvYXdz/",
        "sk-ant-",
        "S-1-",
        "/aws/lambda/",
        "o-a1b2c3d4e5/r-",
        "ou-ab12-",
        "+1 ",
        "DE89 ",
        "EXAMPLE",
        "/[",
        "${arn:a}",
        "lambda.us-east-1.amazonaws.com/",
        "console.aws.amazon.com/",
    ] {
        let text = unit.repeat(1 << 20 >> unit.len().ilog2());
        assert!(found(&text).len() <= text.len());
    }
}
