//! What people paste, by chance or to get past the filter: what is masked, and what the README says is not.

use super::tests::mask;
use alloc::string::{String, ToString};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn masked(text: &str) -> String {
    let body = mask(&serde_json::json!([text]).to_string()).unwrap();
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    value[0].as_str().unwrap().into()
}

#[test]
fn attempts_that_are_masked() {
    for (text, expected) in [
        (
            "arn%3Aaws%3Aec2%3Aus-east-1%3A123456789012%3Ainstance%2Fi-1234567890abcdef0",
            "arn%3Aaws%3Aec2%3Aus-east-1%3AAWS_ACCOUNT_001%3Ainstance%2FAWS_EC2_001",
        ),
        ("I-1234567890ABCDEF0", "AWS_EC2_001"),
        ("i-1234567890\u{200b}abcdef0", "AWS_EC2_001"),
        (
            "arn:aws:s3:::b-1/arn:aws:iam::123456789012:role/MyRole-7",
            "arn:aws:s3:::AWS_S3_BUCKET_001/arn:aws:iam::AWS_ACCOUNT_001:role/AWS_IAM_ROLE_001",
        ),
        (
            "EC2 instance i-1234567890abcdef0 in subnet subnet-0987654321abcdef0 with IP 10.0.1.100, bucket my-bucket-2024, \
          RDS prod-db.abc123xyz789.us-east-1.rds.amazonaws.com",
            "EC2 instance AWS_EC2_001 in subnet AWS_SUBNET_001 with IP AWS_PRIVATE_IP_001, bucket AWS_S3_BUCKET_001, \
          RDS AWS_RDS_001.AWS_RDS_002.us-east-1.rds.amazonaws.com",
        ),
        (
            "인스턴스i-1234567890abcdef0를 버킷s3://my-data-7에서",
            "인스턴스AWS_EC2_001를 버킷s3://AWS_S3_BUCKET_001에서",
        ),
    ] {
        assert_eq!(masked(text), expected);
    }
    assert_eq!(masked(&"i-1234567890abcdef0 ".repeat(1000)), "AWS_EC2_001 ".repeat(1000));
}

/// A name that contains what has a shape is one name wherever it stands.
#[test]
fn names_around_addresses_are_whole_elsewhere_too() {
    let text = "of logs-10.0.0.1-old: {\"Bucket\": \"logs-10.0.0.1-old\"} 10.0.0.1";
    let expected = "of AWS_S3_BUCKET_001: {\"Bucket\": \"AWS_S3_BUCKET_001\"} AWS_PRIVATE_IP_001";
    assert_eq!(masked(text), expected);
}

#[test]
fn attempts_that_are_not() {
    for text in [
        "i-1234567\n890abcdef0",
        "aS0xMjM0NTY3ODkwYWJjZGVmMA==",
        "i-1234567890abcdef0123456789",
        "eye dash one two three four",
    ] {
        assert_eq!(masked(text), text);
    }
}
