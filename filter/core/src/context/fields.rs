//! The names under which AWS's APIs, command line and tools put values of one kind, as data.
//!
//! A name is known in every spelling, in the plural, and with words before it (`SourceDBInstanceIdentifier`);
//! `=` before a name means that nothing may stand before it.

use super::values::Value;
use crate::catalogue::Kind;
use core::fmt;

mod ids;
mod names;
mod secrets;

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
    [secrets::FIELDS, ids::FIELDS, names::FIELDS].into_iter().flatten()
}
