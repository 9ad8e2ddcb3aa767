//! What is masked: kinds on and off, values never masked, the operator's own kinds.

use super::raw;
use super::{ConfigError, error};
use crate::catalogue::{self, Group, LITERAL};
use crate::detect::own::{MAX_WORDS, OwnKind};
use crate::secret::Secret;
use crate::token;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Most kinds of the operator's own.
pub const MAX_OWN_KINDS: usize = 64;
/// What the tokens of the operator's own kinds begin with.
const OWN_FAMILY: &str = "ORG_";

/// What is masked.
#[derive(Clone, Debug, Default)]
pub struct Detection {
    /// Names of groups and prefixes of kinds that are turned on or off.
    switches: BTreeMap<String, bool>,
    /// How much of an ARN is masked.
    pub arns: Arns,
    /// What is never masked.
    pub never_mask: NeverMask,
    /// The operator's own kinds.
    pub own_kinds: Vec<OwnKind>,
}

/// How much of an ARN is masked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Arns {
    /// The account and the names; partition, service, region and type stay readable.
    #[default]
    Structured,
    /// All of it.
    Whole,
}

impl Detection {
    /// True if values of a kind are masked. What is said of a kind itself goes before what is said of its group.
    pub fn is_on(&self, kind: &catalogue::Kind) -> bool {
        let switch = self.switches.get(kind.prefix).or_else(|| self.switches.get(kind.group.name()));
        switch.copied().unwrap_or(kind.group.is_on_by_default())
    }
}

/// Values that are never masked, whatever their kind; letter case is ignored.
#[derive(Clone, Debug, Default)]
pub struct NeverMask {
    /// In lower case, sorted.
    values: Vec<Secret>,
}

impl NeverMask {
    /// These values.
    pub fn new<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut values: Vec<Secret> =
            values.map(|value| Secret::new(value.to_ascii_lowercase().as_bytes())).collect();
        values.sort_unstable();
        Self { values }
    }

    /// True if `value` is one of them.
    pub fn has(&self, value: &[u8]) -> bool {
        let lower = |byte: &u8| byte.to_ascii_lowercase();
        self.values
            .binary_search_by(|known| known.expose().iter().copied().cmp(value.iter().map(lower)))
            .is_ok()
    }
}

impl TryFrom<raw::Detect> for Detection {
    type Error = ConfigError;

    fn try_from(raw: raw::Detect) -> Result<Self, ConfigError> {
        for name in raw.kinds.keys() {
            let groups =
                Group::ALL.iter().filter(|group| **group != Group::Literals).map(|group| group.name());
            let is_kind = catalogue::kinds().any(|kind| kind.prefix == name && name != LITERAL.prefix);
            if !is_kind && !groups.clone().any(|group| group == name) {
                let groups: Vec<_> = groups.map(|group| format!("`{group}`")).collect();
                let groups = groups.join(", ");
                let expected = format!(
                    "expected a group ({groups}) or the prefix of a kind, such as `AWS_PUBLIC_IP`; `cloakroom kinds` lists them"
                );
                return Err(error(format!("detect.kinds.{name}"), expected));
            }
        }
        if let Some(at) = raw.never_mask.iter().position(|value| value.trim().is_empty()) {
            return Err(error(format!("detect.never_mask[{at}]"), "expected a value that is not blank"));
        }
        let never_mask = NeverMask::new(raw.never_mask.iter().map(String::as_str));
        Ok(Self { switches: raw.kinds, arns: raw.arns.into(), never_mask, own_kinds: own(raw.own_kinds)? })
    }
}

fn own(raw: Vec<raw::OwnKind>) -> Result<Vec<OwnKind>, ConfigError> {
    if raw.len() > MAX_OWN_KINDS {
        return Err(error("detect.own_kinds", format!("expected at most {MAX_OWN_KINDS} kinds")));
    }
    let words: usize = raw.iter().filter_map(|kind| kind.words.as_ref()).map(Vec::len).sum();
    if words > MAX_WORDS {
        return Err(error(
            "detect.own_kinds",
            format!("expected at most {MAX_WORDS} words in all lists together"),
        ));
    }
    let mut kinds: Vec<OwnKind> = Vec::with_capacity(raw.len());
    for (at, raw) in raw.into_iter().enumerate() {
        let path = format!("detect.own_kinds[{at}]");
        check_prefix(&raw.token, &kinds).map_err(|message| error(format!("{path}.token"), message))?;
        let kind = match (&raw.regex, &raw.words) {
            (Some(regex), None) => OwnKind::regex(raw.token, raw.restore, regex, raw.ignore_case)
                .map_err(|message| error(format!("{path}.regex"), message)),
            (None, Some(words)) => OwnKind::words(raw.token, raw.restore, words, raw.ignore_case)
                .map_err(|(word, message)| error(format!("{path}.words[{word}]"), message)),
            _ => Err(error(path, "expected either `regex` or `words`")),
        };
        kinds.push(kind?);
    }
    Ok(kinds)
}

/// A prefix with which every text has one reading: see the [token grammar](token).
fn check_prefix(prefix: &str, others: &[OwnKind]) -> Result<(), String> {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && !token::FAMILIES.contains(&part)
            && (part.len() < 3 || !part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    match prefix.strip_prefix(OWN_FAMILY) {
        _ if others.iter().any(|other| other.prefix == prefix) => {
            Err("another kind has this token".to_owned())
        }
        Some(name) if prefix.len() <= token::MAX_PREFIX_LEN && name.split('_').all(part) => Ok(()),
        _ => Err(format!(
            "expected `ORG_` and a name of capital letters, digits and single `_`, such as `ORG_PROJECT`, {} characters at \
             most, no part of it a number of three digits or `AWS`, `ORG` or `PII`",
            token::MAX_PREFIX_LEN
        )),
    }
}
