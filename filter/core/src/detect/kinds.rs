//! The kinds of one configuration: those of the catalogue, and the operator's own.

use crate::catalogue::{self, Group, LITERAL};
use crate::config::detection::Detection;
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// A kind, by its place among all kinds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct KindId(pub(crate) u16);

/// What a token stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kind {
    /// Its tokens are this and a number: `AWS_EC2` for `AWS_EC2_001`.
    pub prefix: Cow<'static, str>,
    /// What it is turned on and off with.
    pub group: Group,
    /// False for credentials: their tokens stay in the answer, and their plaintext is never stored.
    pub restores: bool,
    /// True if a value found by its place is masked wherever else it stands in the body.
    pub propagates: bool,
    /// False if the configuration turns it off. Its tokens are recognised all the same: text that reads as one
    /// must not be taken for one.
    pub on: bool,
    /// True if it is the operator's own.
    pub own: bool,
}

impl Kind {
    /// The kind's name on the wire: the prefix without `AWS_`; other families carry theirs.
    pub fn name(&self) -> &str {
        self.prefix.strip_prefix("AWS_").unwrap_or(&self.prefix)
    }
}

/// All kinds, each once.
#[derive(Debug)]
pub(super) struct Kinds {
    kinds: Vec<Kind>,
    /// By prefix: parts of compounds are named by it, in every request.
    by_prefix: BTreeMap<Cow<'static, str>, KindId>,
    literal: KindId,
}

impl Kinds {
    /// `None` if the catalogue has no kind for literals, or more kinds than can be numbered.
    pub(super) fn new(detection: &Detection) -> Option<Self> {
        let mut made = Self { kinds: Vec::new(), by_prefix: BTreeMap::new(), literal: KindId(0) };
        for kind in catalogue::kinds() {
            let catalogue::Kind { prefix, group, restores, propagates } = *kind;
            let on = detection.is_on(kind);
            made.add(Kind { prefix: Cow::Borrowed(prefix), group, restores, propagates, on, own: false })?;
        }
        for own in &detection.own_kinds {
            let prefix = Cow::Owned(own.prefix.clone());
            let restores = own.restores;
            made.add(Kind { prefix, group: Group::Names, restores, propagates: false, on: true, own: true })?;
        }
        made.literal = made.with_prefix(LITERAL.prefix)?;
        Some(made)
    }

    /// Several rows may find one kind; it propagates if one of them says so.
    fn add(&mut self, kind: Kind) -> Option<()> {
        match self.with_prefix(&kind.prefix).and_then(|id| self.kinds.get_mut(usize::from(id.0))) {
            Some(known) => known.propagates |= kind.propagates,
            None => {
                let id = KindId(u16::try_from(self.kinds.len()).ok()?);
                self.by_prefix.insert(kind.prefix.clone(), id);
                self.kinds.push(kind);
            }
        }
        Some(())
    }

    /// A kind. Ids are made here, so there is one; to be sure, what is unknown is a kind that restores nothing.
    pub(super) fn get(&self, id: KindId) -> &Kind {
        static UNKNOWN: Kind = Kind {
            group: Group::Literals,
            prefix: Cow::Borrowed(LITERAL.prefix),
            restores: false,
            propagates: false,
            on: true,
            own: false,
        };
        self.kinds.get(usize::from(id.0)).unwrap_or(&UNKNOWN)
    }

    pub(super) fn literal(&self) -> KindId {
        self.literal
    }

    pub(super) fn with_prefix(&self, prefix: &str) -> Option<KindId> {
        self.by_prefix.get(prefix).copied()
    }

    pub(super) fn named(&self, name: &str) -> Option<KindId> {
        let at = self.kinds.iter().position(|kind| kind.name() == name)?;
        u16::try_from(at).ok().map(KindId)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter()
    }

    /// In the order of their ids.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().map(|kind| &*kind.prefix)
    }
}
