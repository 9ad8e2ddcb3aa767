//! Tables whose first line names their columns: CSV, with commas, semicolons or tabs
//! (<https://www.rfc-editor.org/rfc/rfc4180>), as a body of its own or in text.
//!
//! ```text
//! OwnerId,InstanceId,Name         header: words only, one of which is known
//! 123456789012,i-0abc,"a, b"      row: as many cells
//! ```

use super::Places;
use crate::detect::Finding;
use alloc::vec::Vec;
use core::ops::Range;
use memchr::{memchr, memchr2_iter, memchr3};

/// Most columns of a table.
const MAX_COLUMNS: usize = 256;
/// Longest line that names columns.
const MAX_HEADER: usize = 8192;
/// Longest name of a column.
const MAX_NAME: usize = 40;
/// Most words of one.
const MAX_WORDS: usize = 5;

/// What a table's first line says.
struct Header<'a> {
    /// What stands between cells.
    sign: u8,
    names: Vec<&'a [u8]>,
}

/// Appends what stands in columns of known names; an empty line ends a table.
pub(super) fn find(places: &Places, text: &[u8], from: usize, found: &mut Vec<Finding>) {
    let mut header: Option<Header<'_>> = None;
    let mut start = from;
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        let line = rest.get(..memchr(b'\n', rest).unwrap_or(rest.len())).unwrap_or_default();
        let before = found.len();
        match &header {
            Some(_) if line.trim_ascii().is_empty() => header = None,
            Some(header) => header.row(places, line, start, found),
            None => {}
        }
        if found.len() == before
            && let Some(new) = Header::read(places, line)
        {
            header = Some(new);
        }
        start += line.len() + 1;
    }
}

impl<'a> Header<'a> {
    fn read(places: &Places, line: &'a [u8]) -> Option<Self> {
        let sign = *line.get(memchr3(b',', b';', b'\t', line)?)?;
        if line.len() > MAX_HEADER {
            return None;
        }
        let mut names = Vec::new();
        for cell in Cells::of(line, sign) {
            let name = line.get(cell).filter(|name| names.len() < MAX_COLUMNS && is_name(name))?;
            names.push(name);
        }
        names.iter().any(|name| places.knows(name)).then_some(Self { sign, names })
    }

    fn row(&self, places: &Places, line: &[u8], start: usize, found: &mut Vec<Finding>) {
        let cells = Cells::of(line, self.sign);
        if cells.take(self.names.len() + 1).count() != self.names.len() {
            return;
        }
        for (name, cell) in self.names.iter().zip(Cells::of(line, self.sign)) {
            let value = line.get(cell.clone()).unwrap_or_default();
            if let Some((range, kind, rule)) = places.value(name, value) {
                let at = start + cell.start;
                found.push(Finding { range: at + range.start..at + range.end, kind, rule });
            }
        }
    }
}

/// True for `Account ID` or `lineItem/UsageAccountId`, not for a clause of a sentence.
fn is_name(cell: &[u8]) -> bool {
    let belongs =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_' | b'.' | b'/');
    cell.len() <= MAX_NAME
        && !cell.ends_with(b".")
        && cell.iter().filter(|byte| **byte == b' ').count() < MAX_WORDS
        && cell.iter().any(u8::is_ascii_alphabetic)
        && cell.iter().all(belongs)
}

/// The cells of a line, without quotes and the blanks around them.
struct Cells<'a> {
    line: &'a [u8],
    sign: u8,
    next: Option<usize>,
}

impl<'a> Cells<'a> {
    fn of(line: &'a [u8], sign: u8) -> Self {
        Self { line, sign, next: Some(0) }
    }
}

impl Iterator for Cells<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.next?;
        let rest = self.line.get(start..)?;
        // A quote in a quoted cell stands twice.
        let mut is_quoted = false;
        let length = memchr2_iter(self.sign, b'"', rest).find(|at| {
            let is_sign = rest.get(*at) == Some(&self.sign);
            is_quoted ^= !is_sign;
            is_sign && !is_quoted
        });
        self.next = length.map(|length| start + length + 1);
        let cell = rest.get(..length.unwrap_or(rest.len()))?;
        let lead = cell.len() - cell.trim_ascii_start().len();
        let (start, cell) = (start + lead, cell.trim_ascii());
        let is_quoted = matches!(cell, [b'"', .., b'"']);
        Some(if is_quoted { start + 1..start + cell.len() - 1 } else { start..start + cell.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::is_name;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn columns_have_names_and_sentences_have_clauses() {
        for name in ["OwnerId", "Account ID", "lineItem/UsageAccountId", "Auto Scaling Group Name"] {
            assert!(is_name(name.as_bytes()), "{name}");
        }
        for clause in [
            "",
            "12",
            "and the account was closed.",
            "if you look at the account",
            "and the target group drained it because of the account",
        ] {
            assert!(!is_name(clause.as_bytes()), "{clause}");
        }
    }
}
