//! `s3://bucket/key`, as tools write it (also `s3a` and `s3n`).

use crate::boundary;
use crate::catalogue::Outcome;
use crate::detect::arn::{Parts, Reader};
use crate::detect::path::{self, Path};
use alloc::vec::Vec;
use core::ops::Range;

/// The scheme, in the spellings of a URL in JSON and of one in a URL's query.
pub const ANCHORS: &[&str] = &[
    "s3://",
    "s3a://",
    "s3n://",
    "s3:\\/\\/",
    "s3a:\\/\\/",
    "s3n:\\/\\/",
    "s3%3a%2f%2f",
    "s3a%3a%2f%2f",
    "s3n%3a%2f%2f",
];

/// Matches the bucket and each part of the key.
pub fn parts(text: &[u8], anchor: Range<usize>) -> Outcome {
    let rest = text.get(anchor.end..).unwrap_or_default();
    // The ARN of an access point may stand for a bucket; it is found by its own rule.
    let arn = rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"arn:"));
    if arn || !boundary::may_start(text.get(..anchor.start).unwrap_or_default()) {
        return Outcome::No;
    }
    let mut parts = Vec::new();
    let mut reader = Reader { text, at: anchor.end };
    let end = path::segments(&mut reader, Path::Bucket, &mut parts);
    if parts.is_empty() { Outcome::No } else { Outcome::Parts(Parts { parts, end: end.max(anchor.end) }) }
}

/// Matches the names of an image in AWS's public registry, but not AWS's own images.
pub fn public_image(text: &[u8], anchor: Range<usize>) -> Outcome {
    const OWN: &[&str] = &[
        "amazon",
        "aws",
        "bitnami",
        "bottlerocket",
        "cloudwatch-agent",
        "datadog",
        "debian",
        "docker",
        "ecs",
        "eks",
        "elastic",
        "karpenter",
        "lambda",
        "lts",
        "nginx",
        "sam",
        "ubuntu",
        "xray",
    ];
    let alias = text.get(anchor.end..).unwrap_or_default();
    let own =
        |word: &str| alias.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
    if OWN.iter().any(|word| own(word)) || !boundary::may_start(text.get(..anchor.start).unwrap_or_default())
    {
        return Outcome::No;
    }
    let mut parts = Vec::new();
    let mut reader = Reader { text, at: anchor.end };
    let end = path::segments(&mut reader, Path::Image, &mut parts);
    if parts.is_empty() { Outcome::No } else { Outcome::Parts(Parts { parts, end: end.max(anchor.end) }) }
}
