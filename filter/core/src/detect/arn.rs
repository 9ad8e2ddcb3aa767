//! Amazon resource names: `arn:partition:service:region:account:resource`.
//!
//! What helps the model stays readable (partition, service, region, resource type, separators); the account
//! and each part of the resource's name become tokens of their own. Separators may be percent-encoded
//! (`%3A`, `%2F`), and the slash may carry the backslash of JSON (`\/`).

use crate::boundary;
use crate::catalogue::{ACCOUNT, Outcome};
use alloc::vec::Vec;
use core::ops::Range;

mod words;

/// The name of the rule that finds ARNs.
pub const RULE: &str = "arn";

/// The parts of an ARN that are masked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parts {
    /// In order.
    pub parts: Vec<Part>,
    /// Where the ARN ends.
    pub end: usize,
}

/// One part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// Where it stands in the text.
    pub range: Range<usize>,
    /// Token prefix of the kind that its place says it is.
    pub prefix: &'static str,
}

/// Words inside a resource that are structure, not names.
const STRUCTURE: &[&str] = &[
    "$LATEST",
    "*",
    "DELETE",
    "GET",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "POST",
    "PUT",
    "accelerator",
    "alias",
    "app",
    "autoScalingGroupName",
    "aws-service-role",
    "backup",
    "execution",
    "export",
    "gwy",
    "index",
    "listener",
    "listener-rule",
    "log-stream",
    "net",
    "object",
    "policyName",
    "resource",
    "root",
    "service-role",
    "stream",
    "table",
];

/// What stands in the place of the account where AWS is the owner.
const OWNERS: &[&str] = &["amazon", "aws", "aws-managed"];

/// Percent-encoded characters that end a name: white space, quotes, separators and brackets.
const ENDS: [&[u8; 2]; 17] = [
    b"09", b"0A", b"0D", b"20", b"22", b"26", b"27", b"28", b"29", b"2C", b"2F", b"3A", b"3B", b"3C", b"3E",
    b"5D", b"7D",
];
/// Longest field before the resource.
const MAX_FIELD: usize = 128;
/// Longest name of a variable.
const MAX_VARIABLE: usize = 64;

/// Matches an ARN at `arn:`; nothing in it is masked if it belongs to AWS itself.
pub fn parts(text: &[u8], anchor: Range<usize>) -> Outcome {
    if !boundary::may_start(text.get(..anchor.start).unwrap_or_default()) {
        return Outcome::No;
    }
    let mut reader = Reader { text, at: anchor.start };
    parse(&mut reader).map_or(Outcome::No, Outcome::Parts)
}

fn parse(reader: &mut Reader<'_>) -> Option<Parts> {
    // Policies have wildcards in every field, templates have variables of many spellings.
    let mut field = || {
        let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"-*?${}<>._[]()".contains(&byte);
        let range = reader.run(MAX_FIELD, belongs);
        (range.len() <= MAX_FIELD && reader.colon()).then_some(range)
    };
    let (_arn, partition, service, region, account) = (field()?, field()?, field()?, field()?, field()?);
    // Where another ARN begins before this one is complete, this is none.
    let begins = |field: &Range<usize>| {
        let bytes = reader.bytes(field);
        let (before, last) = bytes.split_at(bytes.len().saturating_sub(3));
        last.eq_ignore_ascii_case(b"arn") && boundary::may_start(before)
    };
    if !is_partition(reader.bytes(&partition))
        || service.is_empty()
        || [&service, &region, &account].into_iter().any(begins)
    {
        return None;
    }
    let mut parts = Vec::new();
    let owner = reader.bytes(&account);
    if is_account(owner) {
        parts.push(Part { range: account, prefix: ACCOUNT.prefix });
    }
    let service = reader.bytes(&service).to_ascii_lowercase();
    if OWNERS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(owner))
        || owner.is_empty() && words::is_public(&service, reader.rest())
    {
        // The resource is AWS's own; what stands there is looked at like any text.
        return Some(Parts { parts, end: reader.at });
    }
    let owned = !owner.is_empty();
    let segments = segments(reader, service == b"s3");
    let end = segments.last()?.0.end;
    if segments.iter().all(|(range, _)| range.is_empty()) {
        return None;
    }
    resource(reader, &service, owned, &segments, &mut parts);
    Some(Parts { parts, end })
}

/// The resource's segments, each with whether a separator follows it.
fn segments(reader: &mut Reader<'_>, any_letters: bool) -> Vec<(Range<usize>, bool)> {
    let mut segments = Vec::new();
    loop {
        let inner = |start: &[u8]| {
            reader.rest().get(..start.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(start))
        };
        if !segments.is_empty() && [&b"arn:"[..], b"arn%3a", b"arn%253a"].into_iter().any(inner) {
            // An ARN within an ARN is one of its own.
            segments.push((reader.at..reader.at, false));
            break;
        }
        // Keys of S3 objects may have letters of any script; elsewhere such letters belong to the sentence.
        let name = |byte: u8| {
            byte.is_ascii_alphanumeric() || b"-_.+=@*$#~?".contains(&byte) || (any_letters && byte >= 0x80)
        };
        let mut range = reader.name(name);
        let more = reader.colon() || reader.slash();
        if !more {
            // A full stop or a question mark ends the sentence, not the name.
            let text = reader.bytes(&range);
            let trailing = text.iter().rev().take_while(|byte| matches!(byte, b'.' | b'?' | b'=')).count();
            range.end -= trailing;
            segments.push((range, false));
            break;
        }
        segments.push((range, true));
    }
    // A separator at the very end belongs to the sentence.
    while segments.len() > 1 && segments.last().is_some_and(|(range, _)| range.is_empty()) {
        segments.pop();
    }
    segments
}

fn resource(
    reader: &Reader<'_>,
    service: &[u8],
    owned: bool,
    segments: &[(Range<usize>, bool)],
    parts: &mut Vec<Part>,
) {
    // Some services begin the resource with a slash, before its type.
    let first = segments.iter().position(|(range, _)| !range.is_empty()).unwrap_or_default();
    let word = segments.get(first).map(|(range, _)| reader.bytes(range)).unwrap_or_default();
    let typed = words::is_typed(service, owned, word);
    let has_type = typed && segments.len() > first + 1 && is_type(word);
    let resource_type = if has_type { word } else { b"" };
    let name = first + usize::from(has_type);
    let prefix = words::kind(service, resource_type);
    for (index, (range, _)) in segments.iter().enumerate() {
        let bytes = reader.bytes(range);
        let variable =
            bytes.starts_with(b"${") && bytes.iter().position(|byte| *byte == b'}') == Some(bytes.len() - 1);
        // Where the name comes first, a word of structure is a name.
        let word = (index > first || typed) && STRUCTURE.iter().any(|word| word.as_bytes() == bytes);
        let structure = variable || bytes == b"*" || word;
        if range.is_empty() || structure || (has_type && index == first) {
            continue;
        }
        let prefix = match prefix {
            _ if is_account(bytes) => ACCOUNT.prefix,
            "AWS_S3_BUCKET" if index > name => "AWS_S3_KEY",
            other => other,
        };
        parts.push(Part { range: range.clone(), prefix });
    }
}

/// True if a segment can be a resource type: a word, as all of AWS's are.
fn is_type(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'))
}

fn is_partition(bytes: &[u8]) -> bool {
    bytes.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"aws"))
        || bytes == b"*"
        || bytes.starts_with(b"${")
}

pub(super) fn is_account(bytes: &[u8]) -> bool {
    bytes.len() == 12 && bytes.iter().all(u8::is_ascii_digit)
}

/// Reads names and separators in their spellings; host names and URLs have the same ones.
pub(super) struct Reader<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn bytes(&self, range: &Range<usize>) -> &'a [u8] {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// Bytes that belong, and variables such as `${AWS::AccountId}` and `${aws:username}` whole; what is longer than
    /// `most` is not read to its end.
    fn run(&mut self, most: usize, belongs: impl Fn(u8) -> bool) -> Range<usize> {
        let start = self.at;
        while let Some(&byte) = self.rest().first().filter(|_| self.at - start <= most) {
            self.at += match self.variable() {
                Some(length) => length,
                None if belongs(byte) => 1,
                None => break,
            };
        }
        start..self.at
    }

    fn variable(&self) -> Option<usize> {
        let rest = self.rest().strip_prefix(b"${")?;
        let name = |byte: &&u8| byte.is_ascii_alphanumeric() || b":._-".contains(byte);
        let length = rest.iter().take(MAX_VARIABLE).take_while(name).count();
        (rest.get(length) == Some(&b'}')).then_some(length + 3)
    }

    /// A name: bytes that belong, variables, and characters that are escaped for a URL or for Markdown.
    pub(super) fn name(&mut self, belongs: impl Fn(u8) -> bool) -> Range<usize> {
        let start = self.at;
        let ends = |code: [u8; 2]| ENDS.contains(&&code.map(|digit| digit.to_ascii_uppercase()));
        loop {
            self.run(usize::MAX, &belongs);
            match self.rest() {
                [b'\\', b'_', ..] => self.at += 2,
                // A percent sign may be encoded in turn.
                [b'%', b'2', b'5', a, b, ..] if ends([*a, *b]) => break,
                [b'%', a, b, ..] if ends([*a, *b]) => break,
                [b'%', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => self.at += 3,
                _ => break,
            }
        }
        self.leave_arn(start);
        start..self.at
    }

    /// Goes back before `arn:`, with which another one begins.
    fn leave_arn(&mut self, start: usize) {
        let rest = self.rest();
        let colon = rest.first() == Some(&b':')
            || rest.get(..3).is_some_and(|code| code.eq_ignore_ascii_case(b"%3a"));
        let name = self.bytes(&(start..self.at));
        let (before, last) = name.split_at(name.len().saturating_sub(3));
        if colon && last.eq_ignore_ascii_case(b"arn") && boundary::may_start(before) {
            // A token in the name's place must not touch the letters of what follows.
            let mut name = before;
            loop {
                name = match name {
                    [name @ .., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => name,
                    [name @ .., last] if !boundary::binds(*last) => name,
                    _ => break,
                };
            }
            self.at = start + name.len();
        }
    }

    pub(super) fn colon(&mut self) -> bool {
        self.separator(&[b":", b"%3A", b"%3a", b"%253A", b"%253a"])
    }

    pub(super) fn slash(&mut self) -> bool {
        self.separator(&[b"/", b"%2F", b"%2f", b"\\/", b"%252F", b"%252f"])
    }

    pub(super) fn separator(&mut self, spellings: &[&[u8]]) -> bool {
        let rest = self.rest();
        let Some(spelling) = spellings.iter().find(|spelling| rest.starts_with(spelling)) else {
            return false;
        };
        self.at += spelling.len();
        true
    }
}
