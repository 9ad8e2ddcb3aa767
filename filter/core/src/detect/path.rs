//! The paths of URLs behind AWS's host names, and of S3's own URLs.

use crate::boundary;
use crate::catalogue::ACCOUNT;
use crate::detect::arn::{self, Part, Reader};
use alloc::vec::Vec;
use core::ops::Range;

/// What the segments of a path are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Path {
    /// A bucket, then the key of an object.
    Bucket,
    /// The names of a container image's repository.
    Image,
    /// The key of an object.
    Key,
    /// A name after a word, of a kind.
    Named(&'static str, &'static str),
    /// Nothing that is masked by its place.
    None,
    /// The format of a repository, then its name.
    Packages,
    /// An account, then a queue.
    Queue,
}

/// Longest port.
const MAX_PORT: usize = 5;
/// Words of the protocol of container registries.
const REGISTRY_WORDS: &[&str] = &["blobs", "manifests", "tags", "uploads", "v2"];
/// Most segments in which a name is looked for behind its word.
const MAX_NAMED: usize = 6;
/// Longest ending of a file's name.
const MAX_EXTENSION: usize = 5;

impl Path {
    /// What a service's paths have; `before` is the label before the service.
    pub(super) fn of_service(service: &[u8], before: &[u8]) -> Self {
        match (service, before) {
            (b"sqs" | b"sqs-fips" | b"queue", _) => Self::Queue,
            (b"ecr", b"dkr" | b"dkr-fips" | b"fips-dkr") | (b"dkr-ecr" | b"dkr-ecr-fips", _) => Self::Image,
            (b"git-codecommit" | b"git-codecommit-fips", _) => Self::Named("repos", "AWS_CODECOMMIT"),
            (b"eks", b"oidc") | (b"oidc-eks", _) => Self::Named("id", "AWS_EKS_CLUSTER"),
            (b"lambda", _) => Self::Named("functions", "AWS_LAMBDA_ARN"),
            (b"sagemaker", b"runtime" | b"runtime-fips") => Self::Named("endpoints", "AWS_SAGEMAKER"),
            (b"aps-workspaces", _) => Self::Named("workspaces", "AWS_ENDPOINT"),
            (b"codeartifact", b"d") => Self::Packages,
            _ => Self::None,
        }
    }
}

/// Appends what is masked of the path at `at`; returns where it ends.
pub(super) fn parts(text: &[u8], at: usize, path: Path, parts: &mut Vec<Part>) -> usize {
    let mut reader = Reader { text, at };
    if path == Path::None {
        return at;
    }
    let port = reader.rest().strip_prefix(b":").unwrap_or_default();
    let port = port.iter().take(MAX_PORT + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if (1..=MAX_PORT).contains(&port) && path != Path::Image {
        reader.at += port + 1;
    }
    if !reader.slash() || is_namespace(reader.rest()) {
        return at;
    }
    segments(&mut reader, path, parts)
}

/// True for the names of XML that AWS's APIs answer with: `http://s3.amazonaws.com/doc/2006-03-01/`.
fn is_namespace(path: &[u8]) -> bool {
    let date = path.strip_prefix(b"doc/").and_then(|rest| rest.get(..8)).unwrap_or_default();
    matches!(date, [year @ .., b'-', a, b, b'-'] if year.len() == 4
        && year.iter().chain([a, b]).all(u8::is_ascii_digit))
}

/// Masks the segments from where the reader is; returns where they end.
pub(super) fn segments(reader: &mut Reader<'_>, path: Path, parts: &mut Vec<Part>) -> usize {
    let mut index = 0;
    let mut previous = Range::default();
    // Where the slash before it is not escaped, what is escaped belongs to a key.
    let raw = reader.text.get(..reader.at).is_some_and(|before| before.ends_with(b"/"));
    loop {
        let in_key = path == Path::Key || path == Path::Bucket && index > 0;
        let mut range = segment(reader, in_key, raw);
        let more = reader.slash();
        if !more {
            range.end -= trailing(reader.bytes(&range));
        }
        let bytes = reader.bytes(&range);
        let named = bytes.iter().any(|byte| boundary::binds(*byte) || *byte >= 0x80);
        let kind = match path {
            Path::Bucket if index == 0 => Some("AWS_S3_BUCKET"),
            Path::Bucket | Path::Key => Some("AWS_S3_KEY"),
            Path::Image if !REGISTRY_WORDS.iter().any(|word| word.as_bytes() == bytes) => Some("AWS_ECR_URI"),
            Path::Named(word, kind) if reader.bytes(&previous) == word.as_bytes() => Some(kind),
            Path::Packages if index == 1 => Some("AWS_ENDPOINT"),
            Path::Queue if index == 0 && arn::is_account(bytes) => Some(ACCOUNT.prefix),
            Path::Queue if index == 1 => Some("AWS_SQS_QUEUE"),
            _ => None,
        };
        if let Some(prefix) = kind.filter(|_| named && !is_variable(bytes)) {
            parts.push(Part { range: range.clone(), prefix });
        }
        let enough = matches!(path, Path::Named(..)) && index == MAX_NAMED;
        if !more || enough {
            return range.end;
        }
        previous = range;
        index += 1;
    }
}

/// One segment: what a name may have, variables, and characters that are escaped.
fn segment(reader: &mut Reader<'_>, in_key: bool, raw: bool) -> Range<usize> {
    let name = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || b"-_.+~*$".contains(&byte)
            || (in_key && (b"=@!".contains(&byte) || byte >= 0x80))
    };
    let mut range = reader.name(name);
    while in_key || !range.is_empty() {
        // Placeholders of other spellings: `{date}`.
        let escaped = || escaped(reader.rest()).filter(|_| in_key && raw);
        let Some(length) = placeholder(reader.rest()).or_else(escaped) else { break };
        reader.at += length;
        range.end = reader.name(name).end;
    }
    if let Some(length) = file(reader.bytes(&range)) {
        // A particle after a file's name.
        reader.at = range.start + length;
        range.end = reader.at;
    }
    range
}

fn placeholder(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(b"{")?;
    let length = rest
        .iter()
        .take(64)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b":._-".contains(byte))
        .count();
    (length > 0 && rest.get(length) == Some(&b'}')).then_some(length + 2)
}

/// A character that is escaped in a key: a space, a bracket, a colon; not what ends a line or a quotation.
fn escaped(text: &[u8]) -> Option<usize> {
    match text {
        [b'%', b'2', b'0' | b'6'..=b'9' | b'C' | b'c', ..] | [b'%', b'3', b'A' | b'a' | b'B' | b'b', ..] => {
            Some(3)
        }
        [b'%', b'5' | b'7', b'D' | b'd', ..] => Some(3),
        _ => None,
    }
}

/// How long the name of a file is, if letters of another script follow it to the end.
fn file(segment: &[u8]) -> Option<usize> {
    let other = segment.iter().rev().take_while(|byte| **byte >= 0x80).count();
    let name = segment.get(..segment.len() - other)?;
    let extension = name.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let dot = name.len().checked_sub(extension + 1)?;
    let is_file = (1..=MAX_EXTENSION).contains(&extension) && name.get(dot) == Some(&b'.') && dot > 0;
    (other > 0 && is_file).then_some(name.len())
}

/// What ends the sentence, not the name.
fn trailing(segment: &[u8]) -> usize {
    segment.iter().rev().take_while(|byte| matches!(byte, b'.' | b'!' | b'=' | b'*' | b'_' | b'~')).count()
}

fn is_variable(bytes: &[u8]) -> bool {
    let inner = bytes.strip_prefix(b"$").unwrap_or(bytes);
    inner.starts_with(b"{") && inner.iter().position(|byte| *byte == b'}') == Some(inner.len() - 1)
}
