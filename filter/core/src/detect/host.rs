//! Host names under AWS's domains, with the parts of their URLs that name something.
//!
//! ```text
//! prod-db.abc123xyz789.us-east-1.rds.amazonaws.com     https://sqs.us-east-1.amazonaws.com/123456789012/MyQueue
//! ───┬─── ─────┬────── ────┬──── ─┬─ ──────┬──────             ─┬─ ────┬────                ─────┬────── ───┬───
//!   name     name       region  service  suffix              service region                   account   queue
//! ```
//!
//! Regions, services and words of structure stay; every other label before the service becomes a token of the kind
//! that the service says. A host name without a region names nobody, but for buckets.

use crate::boundary;
use crate::catalogue::{ACCOUNT, Outcome};
use crate::detect::arn::{self, Part, Parts};
use crate::detect::path::{self, Path};
use alloc::vec::Vec;
use core::ops::Range;

mod words;

pub use words::ANCHORS;

/// Longest host name (RFC 1035).
const MAX_HOST: usize = 253;
/// Longest placeholder in a host name: `${AWS::Region}`.
const MAX_VARIABLE: usize = 64;
/// Most letters of an escape.
const MAX_ESCAPE: usize = 6;
/// The kind where a service says none.
const ENDPOINT: &str = "AWS_ENDPOINT";

/// True if AWS gives the names under this domain to its customers, or keeps them.
pub(crate) fn is_of_aws(host: &[u8]) -> bool {
    words::FAMILIES
        .iter()
        .any(|family| host.len() > family.suffix.len() && host.ends_with(family.suffix.as_bytes()))
        || host.ends_with(b".amazonaws.com.cn")
}

/// Matches a host name at its suffix, and the path behind it.
pub fn parts(text: &[u8], anchor: Range<usize>) -> Outcome {
    let suffix = text.get(anchor.clone()).unwrap_or_default();
    let family = words::FAMILIES.iter().find(|family| family.suffix.as_bytes().eq_ignore_ascii_case(suffix));
    let (Some(family), Some(end)) = (family, end(text, anchor.end)) else { return Outcome::No };
    let mut host = Host { text, labels: labels(text, anchor.start), parts: Vec::new() };
    let path = match family.prefix {
        Some(prefix) => host.named(prefix),
        None => host.service(),
    };
    let mut parts = host.parts;
    let end = path::parts(text, end, path, &mut parts);
    if parts.is_empty() { Outcome::No } else { Outcome::Parts(Parts { parts, end }) }
}

/// Where the host name ends; `None` if it goes on and belongs to somebody else.
fn end(text: &[u8], suffix_end: usize) -> Option<usize> {
    let rest = text.get(suffix_end..).unwrap_or_default();
    let china = rest.get(..3).is_some_and(|rest| rest.eq_ignore_ascii_case(b".cn"));
    let end = suffix_end + if china { 3 } else { 0 };
    match text.get(end..).unwrap_or_default() {
        [b'-', ..] => None,
        [b'.', next, ..] if next.is_ascii_alphanumeric() => None,
        after if boundary::may_end(after) => Some(end),
        _ => None,
    }
}

/// The labels before the suffix, from left to right.
fn labels(text: &[u8], end: usize) -> Vec<Range<usize>> {
    let mut labels = Vec::new();
    let mut at = start(text, end);
    while at < end {
        let rest = text.get(at..end).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'.').unwrap_or(rest.len());
        if length > 0 {
            labels.push(at..at + length);
        }
        at += length + 1;
    }
    labels
}

fn start(text: &[u8], end: usize) -> usize {
    let floor = end.saturating_sub(MAX_HOST);
    let mut at = end;
    while at > floor {
        let before = text.get(floor..at).unwrap_or_default();
        at -= match before.last() {
            Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') => 1,
            Some(b'}' | b'>') => match variable(before) {
                Some(length) => length,
                None => break,
            },
            _ => break,
        };
    }
    // Letters and digits at the beginning may be the end of an escape: `\n`, `%2F`.
    let is_escape = |at: &usize| {
        let before = text.get(..*at).unwrap_or_default();
        before.last().is_some_and(|byte| boundary::binds(*byte)) && boundary::may_start(before)
    };
    let start = (at + 1..end.min(at + MAX_ESCAPE)).rev().find(is_escape).unwrap_or(at);
    let hyphens = text.get(start..end).unwrap_or_default();
    start
        + hyphens
            .iter()
            .take_while(|byte| !boundary::binds(**byte) && !matches!(byte, b'$' | b'{' | b'<'))
            .count()
}

/// How long the placeholder is that `text` ends with: `${…}`, `{…}`, `<…>`.
fn variable(text: &[u8]) -> Option<usize> {
    let open = if text.ends_with(b"}") { b'{' } else { b'<' };
    let inner = |byte: &&u8| byte.is_ascii_alphanumeric() || b":._- }>".contains(byte);
    let length = text.iter().rev().take(MAX_VARIABLE).take_while(inner).count();
    let before = text.get(..text.len() - length)?.strip_suffix(&[open])?;
    Some(length + 1 + usize::from(open == b'{' && before.ends_with(b"$")))
}

struct Host<'a> {
    text: &'a [u8],
    labels: Vec<Range<usize>>,
    parts: Vec<Part>,
}

impl Host<'_> {
    fn label(&self, index: usize) -> &[u8] {
        self.labels.get(index).and_then(|range| self.text.get(range.clone())).unwrap_or_default()
    }

    /// True for labels that say where, not whose.
    fn is_place(&self, index: usize) -> bool {
        let label = self.label(index);
        words::is_region(label)
            || is_variable(label)
            || label.eq_ignore_ascii_case(b"dualstack")
            || label.eq_ignore_ascii_case(b"fips")
    }

    /// A domain whose every label is a customer's.
    fn named(&mut self, prefix: &'static str) -> Path {
        for index in 0..self.labels.len() {
            self.customer(index, b"", prefix);
        }
        Path::None
    }

    /// A domain in which a service comes last, but for the region.
    fn service(&mut self) -> Path {
        let Some(at) = (0..self.labels.len()).rev().find(|index| !self.is_place(*index)) else {
            return Path::None;
        };
        let service = self.label(at).to_ascii_lowercase();
        let cached = service == b"cache" && at > 0 && words::is_short_region(self.label(at - 1));
        // Access points in several regions have an alias of their own.
        let regional =
            cached || service == b"s3-global" || (0..self.labels.len()).any(|index| self.is_place(index));
        if is_s3(&service) {
            return self.bucket(at, &service, regional);
        }
        if service == b"vpce" {
            return self.interface(at);
        }
        let prefix = words::KINDS
            .iter()
            .find(|(known, _)| known.as_bytes() == service)
            .map_or(ENDPOINT, |kind| kind.1);
        if !words::WITHOUT_NAMES.iter().any(|known| known.as_bytes() == service) {
            let upto = if cached { at - 1 } else { at };
            for index in 0..upto {
                if regional || arn::is_account(self.label(index)) {
                    self.customer(index, &service, prefix);
                }
            }
        }
        let before = if at > 0 { self.label(at - 1) } else { b"" };
        Path::of_service(&service, before)
    }

    /// Everything before `s3` is one bucket's name, which may have dots.
    fn bucket(&mut self, at: usize, service: &[u8], regional: bool) -> Path {
        let first = self.labels.first().map_or(0, |label| label.start);
        let Some(last) = at.checked_sub(1).and_then(|last| self.labels.get(last)) else {
            return Path::Bucket;
        };
        let bucket = first..last.end;
        let text = self.text.get(bucket.clone()).unwrap_or_default();
        // Parts of S3 as they stand in policies.
        let principal = !regional && [&b"batchoperations"[..], b"logging", b"storage-lens"].contains(&text);
        if !principal && !is_variable(text) {
            self.parts.push(Part { range: bucket, prefix: "AWS_S3_BUCKET" });
        }
        if service.starts_with(b"s3-website") { Path::None } else { Path::Key }
    }

    /// `vpce-0abc…-xyz.SERVICE.REGION.vpce`, before which a bucket or the id of an API may stand. The path is the service's.
    fn interface(&mut self, at: usize) -> Path {
        let is_interface = |index: &usize| {
            self.label(*index).get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"vpce-"))
        };
        let Some(interface) = (0..at).find(is_interface) else { return Path::None };
        let api = (interface..at).any(|index| self.label(index).eq_ignore_ascii_case(b"execute-api"));
        for index in 0..interface {
            self.customer(index, b"vpce", if api { "AWS_API_GW" } else { "AWS_S3_BUCKET" });
        }
        let named = !self.parts.is_empty();
        self.customer(interface, b"vpce", "AWS_VPCE");
        let service = (interface + 1..at).rev().find(|index| !self.is_place(*index)).unwrap_or(at);
        match (self.label(service).to_ascii_lowercase(), self.label(service - 1)) {
            (service, _) if is_s3(&service) && named => Path::Key,
            (service, _) if is_s3(&service) => Path::Bucket,
            (service, before) => Path::of_service(&service, before),
        }
    }

    /// Masks a label, if it is not structure.
    fn customer(&mut self, index: usize, service: &[u8], prefix: &'static str) {
        let (label, Some(range)) = (self.label(index), self.labels.get(index).cloned()) else { return };
        if self.is_place(index) || words::is_structure(service, label) || words::is_numbered(service, label) {
            return;
        }
        let mut start = range.start;
        let mut end = range.end;
        for (of, beginning) in words::BEGINNINGS {
            let is_whole = index == 0 && matches!(service, b"rds" | b"docdb" | b"neptune");
            let begins = label
                .get(..beginning.len())
                .is_some_and(|text| text.eq_ignore_ascii_case(beginning.as_bytes()));
            if of.as_bytes() == service && begins && !is_whole && label.len() > beginning.len() {
                start += beginning.len();
                break;
            }
        }
        if service == b"iot" && label.len() > 4 && label.ends_with(b"-ats") {
            end -= 4;
        }
        // An account may be the end of a name: access points, domains of CodeArtifact.
        if let Some((name, account)) = label.split_at_checked(label.len().saturating_sub(12))
            && arn::is_account(account)
            && (name.is_empty() || name.ends_with(b"-"))
        {
            if start + 13 < end {
                self.parts.push(Part { range: start..end - 13, prefix });
            }
            start = end - 12;
            self.parts.push(Part { range: start..end, prefix: ACCOUNT.prefix });
            return;
        }
        if service == b"elb" {
            return self.load_balancer(start..end);
        }
        self.parts.push(Part { range: start..end, prefix });
    }

    /// The balancer's name, and perhaps digits that AWS puts behind it.
    fn load_balancer(&mut self, label: Range<usize>) {
        let text = self.text.get(label.clone()).unwrap_or_default();
        let digits = text.iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let name = text.get(..text.len() - digits).and_then(|name| name.strip_suffix(b"-"));
        let name = name.filter(|name| (8..=16).contains(&digits) && !name.is_empty());
        let end = label.start + name.map_or(text.len(), <[u8]>::len);
        self.parts.push(Part { range: label.start..end, prefix: "AWS_ELB_ARN" });
        if name.is_some() {
            self.parts.push(Part { range: end + 1..label.end, prefix: "AWS_ELB_DNS" });
        }
    }
}

fn is_variable(label: &[u8]) -> bool {
    (label.starts_with(b"$") || label.starts_with(b"{") || label.starts_with(b"<"))
        && (label.ends_with(b"}") || label.ends_with(b">"))
}

/// True for the services before which a bucket stands.
fn is_s3(service: &[u8]) -> bool {
    const OTHERS: &[&[u8]] =
        &[b"s3-accesspoint", b"s3-control", b"s3-global", b"s3-object-lambda", b"s3-outposts"];
    (service == b"s3" || service.starts_with(b"s3-") || service.starts_with(b"s3express-"))
        && !OTHERS.iter().any(|other| service.starts_with(other))
}

#[cfg(test)]
mod tests;
