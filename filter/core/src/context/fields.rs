//! The names under which AWS's APIs, command line and tools put values of one kind, as data.
//!
//! A name is known in every spelling, in the plural, and with words before it (`SourceDBInstanceIdentifier`);
//! `=` before a name means that nothing may stand before it.

use super::values::Value;
use crate::catalogue::{Group, Kind};
use core::fmt;

mod ids;
mod names;
mod secrets;
mod services;

pub(super) use secrets::PASSWORD_RULE;

/// Values of one kind, by the names of their places.
pub struct Field {
    /// What is found.
    pub kind: Kind,
    /// Name of the rule, for `--explain`.
    pub rule: &'static str,
    /// The names, as AWS writes them.
    pub names: &'static [&'static str],
    /// Decides what of the value is masked.
    pub value: Value,
    /// Where the names and the grammar are written down.
    pub source: &'static str,
    /// Values that are found as a whole at each of the names.
    pub examples: &'static [&'static str],
    /// Values that stay as they are there.
    pub counter_examples: &'static [&'static str],
}

impl fmt::Debug for Field {
    /// Examples look like what must not print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field").field("rule", &self.rule).finish_non_exhaustive()
    }
}

/// All fields, in the order in which they are tried where several have one name.
pub fn fields() -> impl Iterator<Item = &'static Field> {
    [secrets::FIELDS, ids::FIELDS, names::FIELDS, services::FIELDS].into_iter().flatten()
}

/// A row for names of one kind: prefix, rule, grammar, source, names, examples, counter-examples.
const fn names(
    prefix: &'static str,
    rule: &'static str,
    value: Value,
    source: &'static str,
    names: &'static [&'static str],
    examples: &'static [&'static str],
    counter_examples: &'static [&'static str],
) -> Field {
    let kind = Kind::propagating(prefix, Group::Names);
    Field { kind, rule, names, value, source, examples, counter_examples }
}

const PLAIN: &[&str] = &["my-orders-7", "Orders_Prod", "orders"];
const NOT_PLAIN: &[&str] = &["us-east-1", "t3.micro", "true", "null", "string", "42", "${var.x}", "<name>"];
const PATHS: &[&str] = &["/acme/orders-7", "team/app"];
