//! URLs of the AWS console: names stand behind words of the path, the query or the fragment.
//!
//! ```text
//! https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/$252Faws$252Ffn
//! ```
//!
//! What a console puts into its fragment is percent-encoded more than once, with `$` for the inner percent signs.

use crate::boundary;
use crate::catalogue::{ACCOUNT, Outcome};
use crate::detect::arn::{self, Part, Parts};
use alloc::vec::Vec;
use core::ops::Range;

/// The hosts of the console, behind which a path follows.
pub const ANCHORS: &[&str] = &[
    "console.aws.amazon.com/",
    "console.amazonaws-us-gov.com/",
    "console.amazonaws.cn/",
    "console.aws.amazon.com:443/",
];

/// What an ARN begins with.
const ARN: &[&[u8]] = &[b"arn:", b"arn%3a", b"arn%253a"];
/// Longest region.
const MAX_REGION: usize = 24;
/// Longest part of a URL that is read.
const MAX_URL: usize = 1024;
/// Words behind which a name stands: the service (empty for all), the word, and the kind.
const MARKERS: &[(&str, &str, &str)] = &[
    ("", "buckets", "AWS_S3_BUCKET"),
    ("", "log-group", "AWS_LOG_GROUP"),
    ("", "log-events", "AWS_LOG_GROUP"),
    ("s3", "bucket", "AWS_S3_BUCKET"),
    ("s3", "object", "AWS_S3_BUCKET"),
    ("s3", "prefix", "AWS_S3_KEY"),
    ("lambda", "functions", "AWS_LAMBDA_ARN"),
    ("dynamodbv2", "name", "AWS_DYNAMODB_TABLE"),
    ("dynamodbv2", "table", "AWS_DYNAMODB_TABLE"),
    ("dynamodb", "name", "AWS_DYNAMODB_TABLE"),
    ("ecs", "clusters", "AWS_ECS_TASK"),
    ("ecs", "services", "AWS_ECS_TASK"),
    ("ecs", "tasks", "AWS_ECS_TASK"),
    ("eks", "clusters", "AWS_EKS_CLUSTER"),
    ("iam", "groups", "AWS_ARN"),
    ("iam", "roles", "AWS_IAM_ROLE"),
    ("iam", "users", "AWS_IAM_USER"),
    ("iamv2", "roles", "AWS_IAM_ROLE"),
    ("iamv2", "users", "AWS_IAM_USER"),
    ("kms", "keys", "AWS_KMS_KEY"),
    ("rds", "id", "AWS_RDS"),
    ("secretsmanager", "name", "AWS_SECRET_ARN"),
    ("secretsmanager", "secret", "AWS_SECRET_ARN"),
    ("systems-manager", "parameters", "AWS_PARAM_ARN"),
    ("glue", "jobs", "AWS_GLUE_JOB"),
    ("codebuild", "projects", "AWS_ARN"),
    ("codepipeline", "pipelines", "AWS_ARN"),
    ("codecommit", "repositories", "AWS_CODECOMMIT"),
    ("codesuite", "repositories", "AWS_CODECOMMIT"),
    ("codesuite", "projects", "AWS_ARN"),
    ("codesuite", "pipelines", "AWS_ARN"),
    ("codesuite", "applications", "AWS_ARN"),
    ("apigateway", "apis", "AWS_API_GW"),
];
/// Words that stand in the place of a name.
const VIEWS: &[&str] = &["create", "details", "home", "list", "new", "region", "view"];

/// Matches the names in a console's URL.
pub fn parts(text: &[u8], anchor: Range<usize>) -> Outcome {
    let url = text.get(anchor.end..).unwrap_or_default();
    let ends = |byte: &u8| byte.is_ascii_whitespace() || *byte >= 0x80 || b"\"'<>\\`)]|".contains(byte);
    let length = url.iter().take(MAX_URL).position(ends).unwrap_or(url.len().min(MAX_URL));
    let url = url.get(..length).unwrap_or_default();
    // An ARN in it is found by its own rule, with what follows.
    let arn =
        |spelling: &[u8]| url.windows(spelling.len()).position(|part| part.eq_ignore_ascii_case(spelling));
    let length = ARN.iter().filter_map(|spelling| arn(spelling)).min().unwrap_or(length);
    let mut words = Words { text, at: anchor.end, end: anchor.end + length };
    let mut parts = session(text, anchor.start);
    let service = words.next().map(|(range, _)| range).unwrap_or_default();
    let service = words.bytes(&service);
    // The kind of what the last word says, and if a name of it has already been read.
    let mut named: Option<(&'static str, bool)> = None;
    while let Some((range, separator)) = words.next() {
        let word = words.bytes(&range);
        let marker = MARKERS
            .iter()
            .find(|(of, marker, _)| marker.as_bytes() == word && (of.is_empty() || of.as_bytes() == service));
        if let Some((_, _, kind)) = marker.filter(|_| !matches!(separator, Separator::Encoded)) {
            named = Some((kind, false));
            continue;
        }
        // Further segments that are joined by encoded slashes belong to the same name.
        if let Some((kind, read)) = named {
            if read && !matches!(separator, Separator::Encoded) && kind != "AWS_S3_KEY" {
                named = None;
                continue;
            }
            let structure = VIEWS.iter().any(|view| view.as_bytes() == word)
                || read && word == b"lambda"
                || word == b"aws";
            if !structure {
                parts.push(Part { range, prefix: kind });
            }
            named = Some((kind, true));
        }
    }
    if parts.is_empty() { Outcome::No } else { Outcome::Parts(Parts { parts, end: words.end }) }
}

/// The account of a session beside others: `123456789012-abcdefgh.us-east-1.console.aws.amazon.com`.
fn session(text: &[u8], host: usize) -> Vec<Part> {
    const SESSION: usize = 8;
    const ACCOUNT_DIGITS: usize = 12;
    let account = || {
        let before = text.get(..host)?.strip_suffix(b".")?;
        let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'-';
        let region = before.iter().rev().take(MAX_REGION).take_while(belongs).count();
        let before = before.get(..before.len() - region)?.strip_suffix(b".")?;
        let hyphen = before.len().checked_sub(SESSION + 1).filter(|at| before.get(*at) == Some(&b'-'))?;
        let start = hyphen.checked_sub(ACCOUNT_DIGITS)?;
        let account = arn::is_account(before.get(start..hyphen)?);
        (account && boundary::may_start(before.get(..start)?)).then_some(start..hyphen)
    };
    account().map(|range| Part { range, prefix: ACCOUNT.prefix }).into_iter().collect()
}

#[derive(Clone, Copy)]
enum Separator {
    Encoded,
    Plain,
}

struct Words<'a> {
    text: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Words<'a> {
    fn bytes(&self, range: &Range<usize>) -> &'a [u8] {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// The next word, and what stands before it.
    fn next(&mut self) -> Option<(Range<usize>, Separator)> {
        let mut separator = Separator::Plain;
        let mut start = None;
        while self.at < self.end {
            let rest = self.text.get(self.at..self.end).unwrap_or_default();
            let plain = rest.iter().take_while(|byte| boundary::binds(**byte)).count();
            if plain > 0 {
                start.get_or_insert(self.at);
                self.at += plain;
                continue;
            }
            let (length, kind) = match escape(rest) {
                Some((length, b'2', b'F' | b'f')) => (length, Some(Separator::Encoded)),
                Some((length, ..)) => (length, Some(Separator::Plain)),
                None if rest.first().is_some_and(|byte| b"/?#&=;:,".contains(byte)) => {
                    (1, Some(Separator::Plain))
                }
                None => (1, None),
            };
            match (kind, start) {
                (Some(_), Some(start)) => return Some((start..self.at, separator)),
                (Some(kind), None) => separator = kind,
                (None, None) => start = Some(self.at),
                (None, Some(_)) => {}
            }
            self.at += length;
        }
        let range = start?..self.end;
        let sentence = self.bytes(&range).iter().rev().take_while(|byte| !boundary::binds(**byte)).count();
        (range.len() > sentence).then(|| (range.start..range.end - sentence, separator))
    }
}

/// An encoded character, however often: `%2F`, `%252F`, `$252F`, `$25252F`. Its length and last two digits.
fn escape(text: &[u8]) -> Option<(usize, u8, u8)> {
    match text {
        [b'%' | b'$', b'2', b'5', b'2', b'5', a, b, ..] => Some((7, *a, *b)),
        [b'%' | b'$', b'2', b'5', a, b, ..] => Some((5, *a, *b)),
        [b'%', a, b, ..] => Some((3, *a, *b)),
        _ => None,
    }
    .filter(|(_, a, b)| a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use crate::detect::tests::found;
    use alloc::vec::Vec;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn names_are_found_by_their_place() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            (
                "https://us-east-1.console.aws.amazon.com/ec2/home?region=us-east-1#InstanceDetails:instanceId=i-0abcdef0123456789",
                &[("AWS_EC2", "i-0abcdef0123456789")],
            ),
            (
                "https://s3.console.aws.amazon.com/s3/buckets/my-bucket?region=us-east-1",
                &[("AWS_S3_BUCKET", "my-bucket")],
            ),
            (
                "https://s3.console.aws.amazon.com/s3/object/my-bucket?prefix=reports/q1.csv를",
                &[("AWS_S3_BUCKET", "my-bucket"), ("AWS_S3_KEY", "reports"), ("AWS_S3_KEY", "q1.csv")],
            ),
            (
                "https://console.aws.amazon.com/lambda/home?region=us-east-1#/functions/my-fn?tab=code",
                &[("AWS_LAMBDA_ARN", "my-fn")],
            ),
            (
                "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fmy-fn/log-events",
                &[("AWS_LOG_GROUP", "my-fn")],
            ),
            (
                "https://console.aws.amazon.com/vpc/home#vpcs:search=$252Fvpc-12345678",
                &[("AWS_VPC", "vpc-12345678")],
            ),
            (
                "https://console.aws.amazon.com/rds/home#database:id=prod-db;is-cluster=false",
                &[("AWS_RDS", "prod-db")],
            ),
            ("https://console.aws.amazon.com/iam/home#/roles/MyRole.", &[("AWS_IAM_ROLE", "MyRole")]),
            (
                "https://console.aws.amazon.com/lambda/home#/functions/my-fn?role=arn:aws:iam::123456789012:role/x",
                &[("AWS_LAMBDA_ARN", "my-fn"), ("AWS_ACCOUNT", "123456789012"), ("AWS_IAM_ROLE", "x")],
            ),
            (
                "https://console.aws.amazon.com/lambda/home#/functions/my-fn?role=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fx",
                &[("AWS_LAMBDA_ARN", "my-fn"), ("AWS_ACCOUNT", "123456789012"), ("AWS_IAM_ROLE", "x")],
            ),
            (
                "https://123456789012-abcdefgh.us-east-1.console.aws.amazon.com/s3/buckets/my-bucket",
                &[("AWS_ACCOUNT", "123456789012"), ("AWS_S3_BUCKET", "my-bucket")],
            ),
            (
                "주소123456789012-a1b2c3d4.us-east-1.console.aws.amazon.com/ec2/home에",
                &[("AWS_ACCOUNT", "123456789012")],
            ),
            ("https://console.aws.amazon.com/s3/buckets", &[]),
            ("https://console.aws.amazon.com/", &[]),
        ];
        for (text, expected) in cases {
            let found = found(text);
            let found: Vec<_> = found.iter().map(|(prefix, value)| (*prefix, value.as_str())).collect();
            assert_eq!(found, *expected, "{text}");
        }
    }
}
