//! The kinds of identifiers, as data: adding one is a row of its group, with examples.
//!
//! A *kind* is what the token says (`AWS_EC2`); a *rule* is one way to find it. Where each grammar is written
//! down is named beside it. Letter case is ignored when anchors are searched.

use crate::context;
use crate::detect::arn;
use core::fmt;
use core::ops::Range;

mod addresses;
mod arns;
mod credentials;
mod hosts;
mod pii;
mod places;
mod resources;
mod secrets;
mod services;

/// Kinds that a configuration turns on and off together.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Group {
    /// Numbers of AWS accounts.
    Accounts,
    /// IP addresses and networks.
    Addresses,
    /// Access keys, secret keys and session tokens of AWS; passwords that AWS keeps.
    Credentials,
    /// Names that say which machine or endpoint it is.
    Hosts,
    /// Ids that AWS gives.
    Ids,
    /// Text that reads as a token: never off, or answers could not be told apart.
    Literals,
    /// Names that people choose: buckets, tables, functions.
    Names,
    /// What tells of a person. Off by default.
    Pii,
    /// Credentials of other providers, private keys. Off by default.
    Secrets,
}

impl Group {
    /// All groups.
    pub const ALL: [Self; 9] = [
        Self::Accounts,
        Self::Addresses,
        Self::Credentials,
        Self::Hosts,
        Self::Ids,
        Self::Literals,
        Self::Names,
        Self::Pii,
        Self::Secrets,
    ];

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Addresses => "addresses",
            Self::Credentials => "credentials",
            Self::Hosts => "hosts",
            Self::Ids => "ids",
            Self::Literals => "literals",
            Self::Names => "names",
            Self::Pii => "pii",
            Self::Secrets => "secrets",
        }
    }

    /// True if its kinds are masked unless the configuration says otherwise.
    pub fn is_on_by_default(self) -> bool {
        !matches!(self, Self::Pii | Self::Secrets)
    }
}

/// What a token stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kind {
    /// Its tokens are this and a number: `AWS_EC2` for `AWS_EC2_001`.
    pub prefix: &'static str,
    /// What turns it on and off together with others.
    pub group: Group,
    /// False for credentials: their tokens stay in the answer, and their plaintext is never stored.
    pub restores: bool,
    /// True if a value found by its place is masked wherever else it stands in the body.
    pub propagates: bool,
}

impl Kind {
    pub(crate) const fn new(prefix: &'static str, group: Group) -> Self {
        Self { prefix, group, restores: true, propagates: false }
    }

    /// A value whose token stays in the answer.
    pub(crate) const fn credential(prefix: &'static str, group: Group) -> Self {
        Self { restores: false, ..Self::new(prefix, group) }
    }

    /// A value that its place tells, and that is then masked wherever else it stands.
    pub(crate) const fn propagating(prefix: &'static str, group: Group) -> Self {
        Self { propagates: true, ..Self::new(prefix, group) }
    }
}

/// Decides what stands around an anchor: gets the text, and where the anchor is in it.
pub type Grammar = fn(text: &[u8], anchor: Range<usize>) -> Outcome;

/// What a grammar found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Nothing.
    No,
    /// Nothing, and no rule of this kind can match before this position.
    SkipTo(usize),
    /// One identifier.
    One(Range<usize>),
    /// A compound whose parts are masked one by one.
    Parts(arn::Parts),
}

/// One way to find identifiers of one kind.
pub struct Row {
    /// What is found.
    pub kind: Kind,
    /// Name of the rule, for `--explain`.
    pub rule: &'static str,
    /// True if what is found is masked part by part.
    pub compound: bool,
    /// What every match contains; letter case is ignored.
    pub anchors: &'static [&'static str],
    /// Decides at an anchor.
    pub grammar: Grammar,
    /// Where the grammar is written down.
    pub source: &'static str,
    /// Values that are found as a whole, at any boundary.
    pub examples: &'static [&'static str],
    /// Texts in which this row finds nothing.
    pub counter_examples: &'static [&'static str],
}

impl fmt::Debug for Row {
    /// Examples look like what must not print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("rule", &self.rule).finish_non_exhaustive()
    }
}

/// Text that would read as a token, and is masked so that it comes back as it was.
pub static LITERAL: Kind = Kind::new("AWS_LITERAL", Group::Literals);
/// Twelve digits that an ARN says are an account.
pub static ACCOUNT: Kind = Kind::propagating("AWS_ACCOUNT", Group::Accounts);

/// All rows of the catalogue, in the order in which they are tried where several begin at one place.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let lists = [
        resources::ROWS,
        credentials::ROWS,
        arns::ROWS,
        hosts::ROWS,
        places::ROWS,
        addresses::ROWS,
        secrets::ROWS,
        pii::ROWS,
        services::HEX_17,
        services::UUIDS,
        services::ROWS,
        services::OTHERS,
    ];
    lists.into_iter().flatten()
}

/// All kinds, each once: those of rows, and those that are found as parts of a compound or by their place.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    rows()
        .map(|row| &row.kind)
        .chain([&LITERAL, &ACCOUNT])
        .chain(arns::PARTS)
        .chain(hosts::PARTS)
        .chain(context::kinds())
}
