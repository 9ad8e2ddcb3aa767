//! Host names and URLs, and the kinds of what they name.

use super::{Group, Kind, Row};
use crate::detect::{console, host, s3_url, signature};

const ENDPOINTS: &str = "https://docs.aws.amazon.com/general/latest/gr/rande.html";
const S3_URIS: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-bucket-intro.html";
const CONSOLE: &str = "https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/learn-whats-new.html";
const SIGNED: &str = "https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html";
const PUBLIC_ECR: &str = "https://docs.aws.amazon.com/AmazonECR/latest/public/public-registries.html";

/// Kinds that are found as parts of a host name or a URL.
pub(super) static PARTS: &[Kind] = &[
    Kind::new("AWS_ACCOUNT_ALIAS", Group::Names),
    Kind::new("AWS_AMPLIFY", Group::Hosts),
    Kind::new("AWS_API_GW", Group::Hosts),
    Kind::new("AWS_APP_RUNNER", Group::Hosts),
    Kind::new("AWS_BEANSTALK", Group::Ids),
    Kind::new("AWS_CLOUDFRONT", Group::Ids),
    Kind::new("AWS_COGNITO", Group::Ids),
    Kind::new("AWS_ECR_URI", Group::Names),
    Kind::new("AWS_ELASTICACHE", Group::Names),
    Kind::new("AWS_ELB_DNS", Group::Hosts),
    Kind::new("AWS_IOT", Group::Hosts),
    Kind::new("AWS_LAMBDA_URL", Group::Hosts),
    Kind::new("AWS_MQ", Group::Ids),
    Kind::new("AWS_MSK", Group::Hosts),
    Kind::new("AWS_REDSHIFT", Group::Names),
];

/// A row whose parts have their tests beside the grammar.
macro_rules! compound {
    ($prefix:literal, $group:expr, $rule:literal, $anchors:expr, $grammar:expr, $source:expr, $counter:expr) => {
        Row {
            kind: Kind::new($prefix, $group),
            rule: $rule,
            compound: true,
            anchors: $anchors,
            grammar: $grammar,
            source: $source,
            examples: &[],
            counter_examples: $counter,
        }
    };
}

/// A row for a credential that its name in a URL tells.
macro_rules! signed {
    ($prefix:literal, $rule:literal, $anchor:literal, $grammar:expr, $counter:expr) => {
        Row {
            kind: Kind::credential($prefix, Group::Credentials),
            rule: $rule,
            compound: false,
            anchors: &[$anchor],
            grammar: $grammar,
            source: SIGNED,
            examples: &[],
            counter_examples: $counter,
        }
    };
}

pub(super) static ROWS: &[Row] = &[
    compound!(
        "AWS_ENDPOINT",
        Group::Hosts,
        "host-name",
        host::ANCHORS,
        host::parts,
        ENDPOINTS,
        &[
            "s3.amazonaws.com",
            "sts.us-east-1.amazonaws.com",
            "ec2.us-gov-west-1.amazonaws.com",
            "elasticloadbalancing.amazonaws.com",
            "runtime.sagemaker.us-east-1.amazonaws.com",
            "x.us-east-1.rds.amazonaws.community",
            "x.us-east-1.rds.amazonaws.com.example.com",
        ]
    ),
    compound!(
        "AWS_S3_KEY",
        Group::Names,
        "s3-uri",
        s3_url::ANCHORS,
        s3_url::parts,
        S3_URIS,
        &["s3://", "xs3://bucket/key", "s3://${bucket}/*", "s3:bucket"]
    ),
    compound!(
        "AWS_ECR_URI",
        Group::Names,
        "public-image",
        &["public.ecr.aws/"],
        s3_url::public_image,
        PUBLIC_ECR,
        &[
            "public.ecr.aws/",
            "public.ecr.aws/amazonlinux/amazonlinux:2023",
            "public.ecr.aws/eks-distro/pause"
        ]
    ),
    compound!(
        "AWS_ARN",
        Group::Names,
        "console-url",
        console::ANCHORS,
        console::parts,
        CONSOLE,
        &[
            "https://console.aws.amazon.com/",
            "https://us-east-1.console.aws.amazon.com/ec2/home?region=us-east-1"
        ]
    ),
    signed!(
        "AWS_SIGNATURE",
        "signature",
        "signature",
        signature::signature,
        &["signature", "signature=abc", "Signature=${signature}", "signature: 2024"]
    ),
    signed!(
        "AWS_SESSION_TOKEN",
        "security-token",
        "x-amz-security-token",
        signature::security_token,
        &["x-amz-security-token", "X-Amz-Security-Token=short"]
    ),
];
