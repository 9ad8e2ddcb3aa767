//! Ids and names that have no shape of their own, and that a path or a region beside them tells.

use super::{Group, Kind, Row};
use crate::detect::place;

const BALANCERS: &str = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html";
const CLOUDFRONT: &str = "https://docs.aws.amazon.com/cloudfront/latest/APIReference/Welcome.html";
const COGNITO: &str =
    "https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/Welcome.html";
const IDENTITY: &str = "https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/Welcome.html";
const LOGS: &str =
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html";
const LOG_STREAMS: &str = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html";
const ROUTE_53: &str = "https://docs.aws.amazon.com/Route53/latest/APIReference/Welcome.html";

/// A row for names that the root of a log group tells.
macro_rules! log_group {
    ($prefix:literal, $rule:literal, $anchors:expr) => {
        Row {
            kind: Kind::new($prefix, Group::Names),
            rule: $rule,
            compound: false,
            anchors: &$anchors,
            grammar: place::log_group,
            source: LOGS,
            // What is found is not the anchor: the tests of these are beside the others of the detector.
            examples: &[],
            counter_examples: &[
                "/aws/lambda/",
                "docs.example.com/aws/lambda/intro",
                "/aws/lambda/*",
                "/aws/eks/...",
            ],
        }
    };
}

/// A row for an id in upper case that a path tells.
macro_rules! upper_id {
    ($prefix:literal, $rule:literal, $anchors:expr, $source:expr) => {
        Row {
            kind: Kind::new($prefix, Group::Ids),
            rule: $rule,
            compound: false,
            anchors: &$anchors,
            grammar: place::upper_id,
            source: $source,
            examples: &[],
            counter_examples: &[
                "hostedzone/zone",
                "distribution/ENABLED",
                "change/C",
                "hostedzone/z1234567890abc",
            ],
        }
    };
}

pub(super) static ROWS: &[Row] = &[
    upper_id!(
        "AWS_CLOUDFRONT",
        "cloudfront-path",
        ["distribution/e", "distribution%2fe", "cloudfront/e", "origin-access-control/e"],
        CLOUDFRONT
    ),
    upper_id!("AWS_ROUTE53_CHANGE", "route53-change-path", ["/change/c", "%2fchange%2fc"], ROUTE_53),
    upper_id!("AWS_ROUTE53_DELEGATION", "route53-delegation-path", ["/delegationset/n"], ROUTE_53),
    upper_id!("AWS_ROUTE53_ZONE", "route53-zone-path", ["hostedzone/z", "hostedzone%2fz"], ROUTE_53),
    Row {
        kind: Kind::new("AWS_COGNITO", Group::Ids),
        rule: "cognito-user-pool",
        compound: false,
        anchors: &["1_", "2_", "3_", "4_", "5_", "6_", "7_"],
        grammar: place::user_pool,
        source: COGNITO,
        examples: &[],
        counter_examples: &["us-east-1_snapshots", "us-east-1_prod_logs", "us-east-1_", "user-1_AbCdEf123"],
    },
    Row {
        kind: Kind::new("AWS_IDENTITY_ID", Group::Ids),
        rule: "cognito-identity",
        compound: false,
        anchors: &["1:", "2:", "3:", "4:", "5:", "6:", "7:"],
        grammar: place::identity,
        source: IDENTITY,
        examples: &[
            "us-east-1:a1b2c3d4-5678-90ab-cdef-0123456789ab",
            "us-gov-west-1:a1b2c3d4-5678-90ab-cdef-EXAMPLE11111",
        ],
        counter_examples: &["us-east-1:a1b2c3d4", "1:a1b2c3d4-5678-90ab-cdef-0123456789ab"],
    },
    Row {
        kind: Kind::new("AWS_LOG_STREAM", Group::Ids),
        rule: "lambda-log-stream",
        compound: false,
        anchors: &["/["],
        grammar: place::log_stream,
        source: LOG_STREAMS,
        examples: &[],
        counter_examples: &[
            "2024/01/01/[$LATEST]",
            "2024/01/01/[1]0123456789abcdef",
            "a/[1]0123456789abcdef0123456789abcdef",
        ],
    },
    Row {
        kind: Kind::new("AWS_API_GW", Group::Hosts),
        rule: "api-gateway-log-group",
        compound: false,
        anchors: &["api-gateway-execution-logs_"],
        grammar: place::api_logs,
        source: LOGS,
        examples: &[],
        counter_examples: &["API-Gateway-Execution-Logs_", "API-Gateway-Execution-Logs_example"],
    },
    Row {
        kind: Kind::new("AWS_ELB_ARN", Group::Names),
        rule: "load-balancer",
        compound: true,
        anchors: &["app/", "app%2f", "gwy/", "gwy%2f", "net/", "net%2f", "targetgroup/", "targetgroup%2f"],
        grammar: place::balancer,
        source: BALANCERS,
        // It is never one value: the name and the id are masked each by itself.
        examples: &[],
        counter_examples: &[
            "app/my-lb",
            "app/cache/50dc6c495c0c9188.js",
            "snapp/my-lb/50dc6c495c0c9188",
            "app/",
        ],
    },
    log_group!("AWS_EKS_CLUSTER", "eks-log-group", ["/aws/eks/", "/aws/containerinsights/"]),
    log_group!("AWS_ECS_TASK", "ecs-log-group", ["/ecs/", "/aws/ecs/containerinsights/"]),
    log_group!(
        "AWS_ES_DOMAIN",
        "opensearch-log-group",
        ["/aws/opensearchservice/domains/", "/aws/aes/domains/"]
    ),
    log_group!("AWS_LAMBDA_ARN", "lambda-log-group", ["/aws/lambda/"]),
    log_group!(
        "AWS_RDS",
        "rds-log-group",
        ["/aws/rds/cluster/", "/aws/rds/instance/", "/aws/rds/proxy/", "/aws/docdb/", "/aws/neptune/"]
    ),
    log_group!("AWS_REDSHIFT", "redshift-log-group", ["/aws/redshift/cluster/"]),
    log_group!(
        "AWS_SAGEMAKER",
        "sagemaker-log-group",
        ["/aws/sagemaker/endpoints/", "/aws/sagemaker/notebookinstances/"]
    ),
    log_group!("AWS_STEP_FN", "step-functions-log-group", ["/aws/vendedlogs/states/"]),
    log_group!(
        "AWS_LOG_GROUP",
        "log-group",
        [
            "/aws/amazonmq/broker/",
            "/aws/apigateway/",
            "/aws/appsync/apis/",
            "/aws/codebuild/",
            "/aws/elasticbeanstalk/",
            "/aws/events/",
            "/aws/imagebuilder/",
            "/aws/kinesisfirehose/",
            "/aws/transfer/",
        ]
    ),
];
