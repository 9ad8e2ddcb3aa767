//! The table of what was masked and why.

use crate::filter::{Masked, Place};
use cloakroom_core::detect::Detector;
use cloakroom_core::json::pointer::{Names, pointer};
use std::io::{self, Write};

/// Most characters of a value that are shown unless all are asked for, and never more than a third of it.
const SHOWN: usize = 4;

/// Writes one row for each place, in order. Values are shortened unless `values`.
///
/// The pointers are those of the masked body: names of members may be identifiers, too.
pub(crate) fn table(
    masked: &Masked,
    detector: &Detector,
    values: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let row = |place: &Place<'_>| {
        let value = String::from_utf8_lossy(place.value.secret.expose()).into_owned();
        let value = if values { value } else { shortened(&value) };
        [
            detector.kind(place.value.kind).name().to_owned(),
            place.rule.to_owned(),
            pointer(&masked.body, place.at, Names::All),
            place.token.to_owned(),
            printable(&value),
        ]
    };
    let header = ["kind", "rule", "where", "token", "value"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(header).chain(masked.places().iter().map(row)).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(width);
    for [kind, rule, place, token, value] in &rows {
        let [w0, w1, w2, w3] = widths;
        writeln!(out, "{kind:w0$} | {rule:w1$} | {place:w2$} | {token:w3$} | {value}")?;
    }
    Ok(())
}

fn shortened(value: &str) -> String {
    let shown = SHOWN.min(value.chars().count() / 3);
    value.chars().take(shown).chain(['…']).collect()
}

/// A line of the value is not a line of the table, and nothing in it steers the terminal.
fn printable(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    for character in value.chars() {
        if character.is_control() { shown.extend(character.escape_debug()) } else { shown.push(character) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_value_shows_a_third_at_most() {
        for (value, expected) in [
            ("i-1234567890abcdef0", "i-12…"),
            ("10.0.0.1", "10…"),
            ("ab", "…"),
            ("", "…"),
            ("인스턴스를", "인…"),
        ] {
            assert_eq!(shortened(value), expected);
        }
    }
}
