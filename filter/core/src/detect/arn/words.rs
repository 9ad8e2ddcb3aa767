//! What AWS's services write into the resource of an ARN.

/// The kind of a resource by its service and, where the service has several, its type.
const KINDS: &[(&str, &str, &str)] = &[
    ("acm", "certificate", "AWS_CERT_ARN"),
    ("apigateway", "", "AWS_API_GW"),
    ("athena", "", "AWS_ATHENA"),
    ("autoscaling", "", "AWS_ASG"),
    ("batch", "", "AWS_BATCH_QUEUE"),
    ("cloudformation", "", "AWS_CLOUDFORMATION_STACK"),
    ("cloudfront", "distribution", "AWS_CLOUDFRONT"),
    ("codebuild", "", "AWS_CODEBUILD"),
    ("codecommit", "", "AWS_CODECOMMIT"),
    ("codedeploy", "", "AWS_CODEBUILD"),
    ("codepipeline", "", "AWS_CODEBUILD"),
    ("cognito-idp", "", "AWS_COGNITO"),
    ("dynamodb", "", "AWS_DYNAMODB_TABLE"),
    ("ec2", "key-pair", "AWS_KEY_PAIR_NAME"),
    ("ecr", "", "AWS_ECR_URI"),
    ("ecs", "cluster", "AWS_EKS_CLUSTER"),
    ("ecs", "", "AWS_ECS_TASK"),
    ("eks", "", "AWS_EKS_CLUSTER"),
    ("elasticache", "", "AWS_ELASTICACHE"),
    ("elasticloadbalancing", "", "AWS_ELB_ARN"),
    ("es", "", "AWS_ES_DOMAIN"),
    ("execute-api", "", "AWS_API_GW"),
    ("firehose", "", "AWS_KINESIS"),
    ("glue", "", "AWS_GLUE_JOB"),
    ("guardduty", "detector", "AWS_GUARDDUTY_DETECTOR"),
    ("iam", "group", "AWS_IAM_GROUP"),
    ("iam", "instance-profile", "AWS_INSTANCE_PROFILE"),
    ("iam", "policy", "AWS_IAM_POLICY"),
    ("iam", "role", "AWS_IAM_ROLE"),
    ("iam", "user", "AWS_IAM_USER"),
    ("kinesis", "", "AWS_KINESIS"),
    ("kms", "", "AWS_KMS_KEY"),
    ("lambda", "", "AWS_LAMBDA_ARN"),
    ("logs", "", "AWS_LOG_GROUP"),
    ("memorydb", "", "AWS_ELASTICACHE"),
    ("rds", "", "AWS_RDS"),
    ("redshift", "", "AWS_REDSHIFT"),
    ("route53", "change", "AWS_ROUTE53_CHANGE"),
    ("route53", "hostedzone", "AWS_ROUTE53_ZONE"),
    ("s3", "", "AWS_S3_BUCKET"),
    ("sagemaker", "", "AWS_SAGEMAKER"),
    ("secretsmanager", "", "AWS_SECRET_ARN"),
    ("sns", "", "AWS_SNS_TOPIC"),
    ("sqs", "", "AWS_SQS_QUEUE"),
    ("ssm", "", "AWS_PARAM_ARN"),
    ("states", "", "AWS_STEP_FN"),
    ("sts", "", "AWS_STS"),
];

/// Services whose resource begins with the name, not with a type.
const WITHOUT_TYPE: &[&str] = &["codecommit", "codepipeline", "execute-api", "s3", "sns", "sqs"];
/// Their types all the same, where an account says whose the resource is.
const TYPES: &[(&str, &str)] = &[
    ("codepipeline", "actiontype"),
    ("codepipeline", "webhook"),
    ("s3", "access-grants"),
    ("s3", "accesspoint"),
    ("s3", "async-request"),
    ("s3", "job"),
    ("s3", "storage-lens"),
    ("s3", "storage-lens-group"),
];
/// What AWS itself has, where no account stands: the service, and what the resource begins with.
const PUBLIC: &[(&str, &str)] = &[
    ("acm-pca", "template/"),
    ("bedrock", "foundation-model/"),
    ("braket", "device/"),
    ("controlcatalog", "control/"),
    ("controltower", "control/"),
    ("elasticbeanstalk", "platform/"),
    ("elasticbeanstalk", "solutionstack/"),
    ("lambda", "runtime:"),
    ("personalize", "algorithm/"),
    ("personalize", "feature-transformation/"),
    ("personalize", "recipe/"),
    ("scheduler", "aws-sdk:"),
    ("securityhub", "ruleset/"),
    ("securityhub", "standards/"),
    ("ssm", "automation-definition/AWS-"),
    ("ssm", "document/AWS-"),
    ("ssm", "parameter/aws/"),
    ("states", ""),
    ("trustedadvisor", "check/"),
];

/// True if the resource begins with a type; `first` is its first word.
pub(super) fn is_typed(service: &[u8], owned: bool, first: &[u8]) -> bool {
    let known = |(of, word): &(&str, &str)| of.as_bytes() == service && word.as_bytes() == first;
    !WITHOUT_TYPE.iter().any(|known| known.as_bytes() == service) || owned && TYPES.iter().any(known)
}

/// True if AWS itself has the resource, which no account stands before.
pub(super) fn is_public(service: &[u8], resource: &[u8]) -> bool {
    PUBLIC.iter().any(|(of, start)| of.as_bytes() == service && resource.starts_with(start.as_bytes()))
}

/// The kind of a resource.
pub(super) fn kind(service: &[u8], resource_type: &[u8]) -> &'static str {
    let matches = |(known, of_type, _): &&(&str, &str, &'static str)| {
        known.as_bytes() == service && (of_type.is_empty() || of_type.as_bytes() == resource_type)
    };
    KINDS.iter().find(matches).map_or("AWS_ARN", |(_, _, prefix)| prefix)
}
