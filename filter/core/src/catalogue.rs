//! The kinds of identifiers, as data: adding one is a row in [`ROWS`] with its examples.
//!
//! A *kind* is what the token says (`AWS_EC2`); a *rule* is one way to find it. Where each grammar is written
//! down is named beside it. Letter case is ignored when anchors are searched.

use crate::detect::{access_key, arn, ipv4, resource_id};
use core::ops::Range;

/// What a token stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kind {
    /// Its tokens are this and a number: `AWS_EC2` for `AWS_EC2_001`.
    pub prefix: &'static str,
    /// False for credentials: their tokens stay in the answer, and their plaintext is never stored.
    pub restores: bool,
    /// True if a value found by its place is masked wherever else it stands in the body.
    pub propagates: bool,
}

impl Kind {
    const fn new(prefix: &'static str) -> Self {
        Self { prefix, restores: true, propagates: false }
    }

    const fn credential(prefix: &'static str) -> Self {
        Self { restores: false, ..Self::new(prefix) }
    }

    const fn propagating(prefix: &'static str) -> Self {
        Self { propagates: true, ..Self::new(prefix) }
    }

    /// The kind's name on the wire: the prefix without `AWS_`; other families carry theirs.
    pub fn name(&self) -> &'static str {
        self.prefix.strip_prefix("AWS_").unwrap_or(self.prefix)
    }
}

/// Decides what stands around an anchor: gets the text, and where the anchor is in it.
pub type Grammar = fn(text: &[u8], anchor: Range<usize>) -> Outcome;

/// What a grammar found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Nothing.
    No,
    /// Nothing, and no rule of this kind can match before this position.
    SkipTo(usize),
    /// One identifier.
    One(Range<usize>),
    /// A compound whose parts are masked one by one.
    Parts(arn::Parts),
}

/// One way to find identifiers of one kind.
#[derive(Debug)]
pub struct Row {
    /// What is found.
    pub kind: Kind,
    /// Name of the rule, for `--explain`.
    pub rule: &'static str,
    /// True if what is found is masked part by part.
    pub compound: bool,
    /// What every match contains; letter case is ignored.
    pub anchors: &'static [&'static str],
    /// Decides at an anchor.
    pub grammar: Grammar,
    /// Where the grammar is written down.
    pub source: &'static str,
    /// Values that are found as a whole, at any boundary.
    pub examples: &'static [&'static str],
    /// Texts in which this row finds nothing.
    pub counter_examples: &'static [&'static str],
}

/// Text that would read as a token, and is masked so that it comes back as it was.
pub static LITERAL: Kind = Kind::new("AWS_LITERAL");
/// Twelve digits that an ARN says are an account.
pub static ACCOUNT: Kind = Kind::propagating("AWS_ACCOUNT");

/// Kinds that are found as parts of a compound, or otherwise than by a row.
pub static PART_KINDS: &[Kind] = &[
    LITERAL,
    ACCOUNT,
    Kind::new("AWS_ATHENA"),
    Kind::new("AWS_BATCH_QUEUE"),
    Kind::new("AWS_CERT_ARN"),
    Kind::new("AWS_CLOUDFORMATION_STACK"),
    Kind::new("AWS_CODECOMMIT"),
    Kind::new("AWS_DYNAMODB_TABLE"),
    Kind::new("AWS_ECS_TASK"),
    Kind::new("AWS_EKS_CLUSTER"),
    Kind::new("AWS_ELB_ARN"),
    Kind::new("AWS_ES_DOMAIN"),
    Kind::new("AWS_GLUE_JOB"),
    Kind::new("AWS_IAM_POLICY"),
    Kind::new("AWS_IAM_ROLE"),
    Kind::new("AWS_IAM_USER"),
    Kind::new("AWS_KINESIS"),
    Kind::new("AWS_KMS_KEY"),
    Kind::new("AWS_LAMBDA_ARN"),
    Kind::new("AWS_LOG_GROUP"),
    Kind::new("AWS_PARAM_ARN"),
    Kind::new("AWS_RDS"),
    Kind::new("AWS_S3_BUCKET"),
    Kind::new("AWS_S3_KEY"),
    Kind::new("AWS_SAGEMAKER"),
    Kind::new("AWS_SECRET_ARN"),
    Kind::new("AWS_SNS_TOPIC"),
    Kind::new("AWS_SQS_QUEUE"),
    Kind::new("AWS_STEP_FN"),
    Kind::new("AWS_STS"),
];

const EC2_IDS: &str = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html";
const IAM_IDS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html";
const ARNS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html";

/// A row for ids of a literal prefix and 8 or 17 hexadecimal digits.
macro_rules! resource_id {
    ($prefix:literal, $rule:literal, $anchor:literal) => {
        Row {
            kind: Kind::new($prefix),
            rule: $rule,
            compound: false,
            anchors: &[$anchor],
            grammar: resource_id::hex_8_or_17,
            source: EC2_IDS,
            examples: &[concat!($anchor, "12345678"), concat!($anchor, "0abcdef0123456789")],
            counter_examples: &[
                concat!($anchor, "1234567"),
                concat!($anchor, "123456789"),
                concat!($anchor, "1234567890abcdef01"),
                concat!("x", $anchor, "12345678"),
                concat!($anchor, "1234567g"),
                concat!($anchor, "12345678z"),
            ],
        }
    };
}

/// The catalogue.
pub static ROWS: &[Row] = &[
    resource_id!("AWS_AMI", "ami", "ami-"),
    resource_id!("AWS_CGW", "customer-gateway", "cgw-"),
    resource_id!("AWS_DOPT", "dhcp-options", "dopt-"),
    resource_id!("AWS_EBS_VOL", "ebs-volume", "vol-"),
    resource_id!("AWS_EC2", "ec2-instance", "i-"),
    resource_id!("AWS_EFS", "efs-file-system", "fs-"),
    resource_id!("AWS_EIGW", "egress-only-internet-gateway", "eigw-"),
    resource_id!("AWS_EIP_ALLOC", "eip-allocation", "eipalloc-"),
    resource_id!("AWS_EIP_ASSOC", "eip-association", "eipassoc-"),
    resource_id!("AWS_ENI", "network-interface", "eni-"),
    resource_id!("AWS_FLOW_LOG", "flow-log", "fl-"),
    resource_id!("AWS_HOST", "dedicated-host", "h-"),
    resource_id!("AWS_IGW", "internet-gateway", "igw-"),
    resource_id!("AWS_KEY_PAIR", "key-pair", "key-"),
    resource_id!("AWS_LT", "launch-template", "lt-"),
    resource_id!("AWS_NACL", "network-acl", "acl-"),
    resource_id!("AWS_NAT_GW", "nat-gateway", "nat-"),
    resource_id!("AWS_PCX", "vpc-peering", "pcx-"),
    resource_id!("AWS_PREFIX_LIST", "prefix-list", "pl-"),
    resource_id!("AWS_RESERVATION", "reservation", "r-"),
    resource_id!("AWS_RTB", "route-table", "rtb-"),
    resource_id!("AWS_RTB_ASSOC", "route-table-association", "rtbassoc-"),
    resource_id!("AWS_SECURITY_GROUP", "security-group", "sg-"),
    resource_id!("AWS_SG_RULE", "security-group-rule", "sgr-"),
    resource_id!("AWS_SNAPSHOT", "ebs-snapshot", "snap-"),
    resource_id!("AWS_SUBNET", "subnet", "subnet-"),
    resource_id!("AWS_TGW", "transit-gateway", "tgw-"),
    resource_id!("AWS_TGW_ATTACH", "transit-gateway-attachment", "tgw-attach-"),
    resource_id!("AWS_TGW_RTB", "transit-gateway-route-table", "tgw-rtb-"),
    resource_id!("AWS_VGW", "vpn-gateway", "vgw-"),
    resource_id!("AWS_VPC", "vpc", "vpc-"),
    resource_id!("AWS_VPCE", "vpc-endpoint", "vpce-"),
    resource_id!("AWS_VPN", "vpn-connection", "vpn-"),
    Row {
        kind: Kind::credential("AWS_ACCESS_KEY"),
        rule: "access-key-id",
        compound: false,
        anchors: &["akia", "asia"],
        grammar: access_key::access_key_id,
        source: IAM_IDS,
        examples: &["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"],
        counter_examples: &[
            "AKIA",
            "AKIAIOSFODNN7EXAMPL",
            "AKIAIOSFODNN7EXAMPLE1",
            "ASIAiosfodnn7example",
            "Asia",
        ],
    },
    Row {
        kind: Kind::new("AWS_ARN"),
        rule: "arn",
        compound: true,
        anchors: &["arn:", "arn%3a"],
        grammar: arn::parts,
        source: ARNS,
        // An ARN is never one value; its parts have their tests beside the grammar.
        examples: &[],
        counter_examples: &[
            "arn:",
            "learn:aws:ec2",
            "arn:aws:iam::aws:policy/AdministratorAccess",
            "arn:x:y:z",
        ],
    },
    Row {
        kind: Kind::new("AWS_PRIVATE_IP"),
        rule: "private-ip",
        compound: false,
        anchors: ipv4::ANCHORS,
        grammar: ipv4::private,
        source: "RFC 1918, RFC 6598 and RFC 3927",
        examples: &["10.0.1.100", "172.31.255.255", "192.168.0.1", "100.64.0.1", "169.254.1.1"],
        counter_examples: &["10.0.1", "10.0.1.256", "10.00.1.1", "1.10.0.0.1", "v10.0.0.1", "10.0.1.1x"],
    },
    Row {
        kind: Kind::new("AWS_PUBLIC_IP"),
        rule: "public-ip",
        compound: false,
        anchors: ipv4::ANCHORS,
        grammar: ipv4::public,
        source: "RFC 791",
        examples: &["203.0.113.1", "54.239.28.85", "8.8.8.8"],
        counter_examples: &[
            "127.0.0.1",
            "0.0.0.0/0",
            "255.255.255.0",
            "169.254.169.254",
            "224.0.0.1",
            "nginx 1.21.4.2",
            "nginx/1.21.4.2",
            "version 1.2.3.4",
        ],
    },
];
