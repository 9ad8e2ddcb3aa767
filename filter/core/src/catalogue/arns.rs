//! Amazon resource names, and the kinds of what they name.

use super::{Group, Kind, Row};
use crate::detect::arn;

const ARNS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html";

/// Kinds that are found as parts of a compound, or otherwise than by a row.
pub(super) static PARTS: &[Kind] = &[
    Kind::new("AWS_ATHENA", Group::Names),
    Kind::new("AWS_BATCH_QUEUE", Group::Names),
    Kind::new("AWS_CERT_ARN", Group::Names),
    Kind::new("AWS_CLOUDFORMATION_STACK", Group::Names),
    Kind::new("AWS_CODECOMMIT", Group::Names),
    Kind::new("AWS_DYNAMODB_TABLE", Group::Names),
    Kind::new("AWS_ECS_TASK", Group::Names),
    Kind::new("AWS_EKS_CLUSTER", Group::Names),
    Kind::new("AWS_ELB_ARN", Group::Names),
    Kind::new("AWS_ES_DOMAIN", Group::Names),
    Kind::new("AWS_GLUE_JOB", Group::Names),
    Kind::new("AWS_IAM_POLICY", Group::Names),
    Kind::new("AWS_IAM_ROLE", Group::Names),
    Kind::new("AWS_IAM_USER", Group::Names),
    Kind::new("AWS_KINESIS", Group::Names),
    Kind::new("AWS_KMS_KEY", Group::Ids),
    Kind::new("AWS_LAMBDA_ARN", Group::Names),
    Kind::new("AWS_LOG_GROUP", Group::Names),
    Kind::new("AWS_PARAM_ARN", Group::Names),
    Kind::new("AWS_RDS", Group::Names),
    Kind::new("AWS_S3_BUCKET", Group::Names),
    Kind::new("AWS_S3_KEY", Group::Names),
    Kind::new("AWS_SAGEMAKER", Group::Names),
    Kind::new("AWS_SECRET_ARN", Group::Names),
    Kind::new("AWS_SNS_TOPIC", Group::Names),
    Kind::new("AWS_SQS_QUEUE", Group::Names),
    Kind::new("AWS_STEP_FN", Group::Names),
    Kind::new("AWS_STS", Group::Names),
];

pub(super) static ROWS: &[Row] = &[Row {
    kind: Kind::new("AWS_ARN", Group::Names),
    rule: arn::RULE,
    compound: true,
    anchors: &["arn:", "arn%3a", "arn%253a"],
    grammar: arn::parts,
    source: ARNS,
    // An ARN is never one value; its parts have their tests beside the grammar.
    examples: &[],
    counter_examples: &["arn:", "learn:aws:ec2", "arn:aws:iam::aws:policy/AdministratorAccess", "arn:x:y:z"],
}];
