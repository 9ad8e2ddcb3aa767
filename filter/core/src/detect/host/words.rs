//! What AWS writes into the host names of customers' endpoints: the suffixes, and which labels are structure.
//!
//! The list of service words is short because a host name without a region names nobody, and the word right before
//! the region or the suffix is always the service.

/// What stands at the end of AWS's host names.
pub(super) struct Family {
    pub(super) suffix: &'static str,
    /// The kind of what stands before; `None` if a service stands there and says it.
    pub(super) prefix: Option<&'static str>,
}

const fn services(suffix: &'static str) -> Family {
    Family { suffix, prefix: None }
}

const fn names(suffix: &'static str, prefix: &'static str) -> Family {
    Family { suffix, prefix: Some(prefix) }
}

/// All suffixes, as the anchors have them.
pub(super) const FAMILIES: &[Family] = &[
    services(".amazonaws.com"),
    services(".amazonaws.eu"),
    services(".api.amazonwebservices.com.cn"),
    services(".api.aws"),
    services(".on.aws"),
    names(".acm-validations.aws", "AWS_ENDPOINT"),
    names(".amazoncognito.com", "AWS_COGNITO"),
    names(".amplifyapp.com", "AWS_AMPLIFY"),
    names(".awsapprunner.com", "AWS_APP_RUNNER"),
    names(".awsapps.com", "AWS_ENDPOINT"),
    names(".awsglobalaccelerator.com", "AWS_ENDPOINT"),
    names(".cloudfront.net", "AWS_CLOUDFRONT"),
    names(".cs.amazonlightsail.com", "AWS_ENDPOINT"),
    names(".dkim.amazonses.com", "AWS_ENDPOINT"),
    names(".elasticbeanstalk.com", "AWS_BEANSTALK"),
    names(".live-video.net", "AWS_ENDPOINT"),
    names(".my.connect.aws", "AWS_ENDPOINT"),
    names(".private.repost.aws", "AWS_ENDPOINT"),
    names(".sagemaker.aws", "AWS_SAGEMAKER"),
    names(".sdk.awswaf.com", "AWS_ENDPOINT"),
    names(".signin.amazonaws-us-gov.com", "AWS_ACCOUNT_ALIAS"),
    names(".signin.amazonaws.cn", "AWS_ACCOUNT_ALIAS"),
    names(".signin.aws.amazon.com", "AWS_ACCOUNT_ALIAS"),
    names(".workspaces-web.com", "AWS_ENDPOINT"),
];

/// The suffixes, for the search.
pub const ANCHORS: &[&str] = &[
    ".acm-validations.aws",
    ".amazoncognito.com",
    ".amazonaws.com",
    ".amazonaws.eu",
    ".amplifyapp.com",
    ".api.amazonwebservices.com.cn",
    ".api.aws",
    ".awsapprunner.com",
    ".awsapps.com",
    ".awsglobalaccelerator.com",
    ".cloudfront.net",
    ".cs.amazonlightsail.com",
    ".dkim.amazonses.com",
    ".elasticbeanstalk.com",
    ".live-video.net",
    ".my.connect.aws",
    ".on.aws",
    ".private.repost.aws",
    ".sagemaker.aws",
    ".sdk.awswaf.com",
    ".signin.amazonaws-us-gov.com",
    ".signin.amazonaws.cn",
    ".signin.aws.amazon.com",
    ".workspaces-web.com",
];

/// The kind of a customer's labels before a service; others are `AWS_ENDPOINT`.
pub(super) const KINDS: &[(&str, &str)] = &[
    ("aos", "AWS_ES_DOMAIN"),
    ("aoss", "AWS_ES_DOMAIN"),
    ("appsync-api", "AWS_API_GW"),
    ("appsync-realtime-api", "AWS_API_GW"),
    ("cache", "AWS_ELASTICACHE"),
    ("cloudsearch", "AWS_ES_DOMAIN"),
    ("dax-clusters", "AWS_ELASTICACHE"),
    ("dkr-ecr", "AWS_ECR_URI"),
    ("docdb", "AWS_RDS"),
    ("dsql", "AWS_RDS"),
    ("ecr", "AWS_ECR_URI"),
    ("eks", "AWS_EKS_CLUSTER"),
    ("elb", "AWS_ELB_DNS"),
    ("es", "AWS_ES_DOMAIN"),
    ("execute-api", "AWS_API_GW"),
    ("iot", "AWS_IOT"),
    ("kafka", "AWS_MSK"),
    ("kafka-serverless", "AWS_MSK"),
    ("lambda-url", "AWS_LAMBDA_URL"),
    ("memorydb", "AWS_ELASTICACHE"),
    ("mq", "AWS_MQ"),
    ("neptune", "AWS_RDS"),
    ("rds", "AWS_RDS"),
    ("redshift", "AWS_REDSHIFT"),
    ("redshift-serverless", "AWS_REDSHIFT"),
    ("s3-accesspoint", "AWS_S3_BUCKET"),
    ("s3-global", "AWS_S3_BUCKET"),
    ("s3-object-lambda", "AWS_S3_BUCKET"),
    ("s3-outposts", "AWS_S3_BUCKET"),
    ("sagemaker", "AWS_SAGEMAKER"),
];

/// Labels that stand before a service and are structure. The rest of them are customers'.
const STRUCTURE: &[&str] = &[
    "a2i-runtime",
    "accesspoint",
    "admin",
    "agentless",
    "api",
    "api-fulfill",
    "appsync",
    "beta",
    "bucket",
    "catalog",
    "cell",
    "cloud",
    "control",
    "controlplane",
    "cp",
    "credentials",
    "cups",
    "d",
    "data",
    "data-ats",
    "dataplane",
    "datatransformation",
    "delivery",
    "dkr",
    "dp",
    "dualstack",
    "edge",
    "endpoint",
    "entitlement",
    "env",
    "featurestore-runtime",
    "fips",
    "fips-dkr",
    "gamma",
    "geofencing",
    "git",
    "global",
    "greengrass",
    "greengrass-ats",
    "image",
    "inferencerouter-runtime",
    "ingest",
    "job-runtime",
    "jobs",
    "lns",
    "lorawan",
    "management",
    "maps",
    "metadata",
    "metering",
    "metrics",
    "models",
    "monitor",
    "mrap",
    "oauth",
    "oidc",
    "ops",
    "participant",
    "places",
    "portal",
    "private",
    "proxy",
    "query",
    "queue",
    "r",
    "routes",
    "runtime",
    "scheduling",
    "search",
    "server",
    "signin",
    "sso",
    "streaming",
    "streams",
    "tracking",
    "training-session-runtime",
    "tunneling",
    "verification",
    "vfs",
    "vpce",
];
/// The same before a cache.
const OF_CACHES: &[&str] =
    &["cfg", "clustercfg", "dax", "dualstack", "master", "ng", "primary", "replica", "serverless"];
/// The same in a domain in which no service stands.
const OF_DOMAINS: &[&str] = &[
    "auth",
    "contribute",
    "dualstack",
    "global-contribute",
    "notebook",
    "playback",
    "portal",
    "signin",
    "studio",
    "view",
    "www",
];
/// Services whose customers give every label before them a name.
const FREE: &[&str] =
    &["docdb", "elb", "kafka", "kafka-serverless", "neptune", "rds", "redshift", "redshift-serverless"];

/// True for a label that is structure before this service.
pub(super) fn is_structure(service: &[u8], label: &[u8]) -> bool {
    let plain = label.strip_suffix(b"-fips").unwrap_or(label);
    let one_of = |words: &[&str]| words.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(plain));
    match service {
        b"" => one_of(OF_DOMAINS),
        b"cache" | b"memorydb" | b"dax-clusters" => one_of(OF_CACHES),
        _ => !FREE.iter().any(|free| free.as_bytes() == service) && one_of(STRUCTURE),
    }
}

/// Beginnings of a label that are structure, by service.
pub(super) const BEGINNINGS: &[(&str, &str)] = &[
    ("aos", "vpc-"),
    ("docdb", "cluster-ro-"),
    ("docdb", "cluster-"),
    ("elb", "internal-"),
    ("es", "search-"),
    ("es", "vpc-"),
    ("neptune", "cluster-ro-"),
    ("neptune", "cluster-custom-"),
    ("neptune", "cluster-"),
    ("rds", "cluster-ro-"),
    ("rds", "cluster-custom-"),
    ("rds", "cluster-"),
    ("rds", "proxy-"),
];

/// Services whose labels are addresses, found by a rule of their own, or name nobody.
pub(super) const WITHOUT_NAMES: &[&str] = &["compute", "compute-1", "ec2"];

/// True for `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`, and for a zone of them (`us-east-1a`).
pub(super) fn is_region(label: &[u8]) -> bool {
    const DIRECTIONS: &[&[u8]] = &[
        b"central",
        b"east",
        b"north",
        b"northeast",
        b"northwest",
        b"south",
        b"southeast",
        b"southwest",
        b"west",
    ];
    let mut parts = label.split(|byte| *byte == b'-').rev();
    let number = |part: &[u8]| {
        let digits = part.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let zone = part.get(digits..).unwrap_or_default();
        (1..=2).contains(&digits)
            && (zone.is_empty() || matches!(zone, [letter] if letter.is_ascii_alphabetic()))
    };
    let word = |part: &[u8], lengths: core::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.iter().all(u8::is_ascii_alphabetic)
    };
    parts.next().is_some_and(number)
        && parts.next().is_some_and(|part| DIRECTIONS.iter().any(|known| known.eq_ignore_ascii_case(part)))
        && parts.next().is_some_and(|part| word(part, 2..=5))
        && parts.next().is_none_or(|part| word(part, 2..=4))
        && parts.next().is_none()
}

/// True for the short name of a region, as caches have it: `use1`, `apne1`, `usgw1`.
pub(super) fn is_short_region(label: &[u8]) -> bool {
    matches!(label, [word @ .., digit] if digit.is_ascii_digit()
        && (3..=5).contains(&word.len()) && word.iter().all(u8::is_ascii_alphabetic))
}

/// True for labels that a service numbers: the shard of a cache, the broker and cell of a stream, a control plane.
pub(super) fn is_numbered(service: &[u8], label: &[u8]) -> bool {
    let letters = label.iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'-').count();
    let (word, number) = label.split_at_checked(letters).unwrap_or_default();
    let digits = number.iter().all(u8::is_ascii_digit) && number.len() <= 4;
    let one_of = |words: &[&[u8]]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    !number.is_empty()
        && digits
        && match service {
            b"airflow" | b"kafka" | b"kafka-serverless" => one_of(&[b"b-", b"z-", b"c", b"boot-"]),
            b"eks" => word.len() == 2 && number.len() == 1,
            b"timestream" => one_of(&[b"query-cell", b"ingest-cell"]),
            _ => word.is_empty(),
        }
}
