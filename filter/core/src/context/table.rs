//! Tables: those of `aws … --output table`, of Markdown, of database clients.
//!
//! ```text
//! |                ListBuckets                |    title: what the rows below are in
//! +-------------------------------------------+
//! ||                 Buckets                 ||
//! |+-------------------+---------------------+|
//! ||   CreationDate    |        Name         ||    header: followed by a separator and a row of as many cells
//! |+-------------------+---------------------+|
//! ||  2024-01-01       |  my-bucket          ||
//! |+-------------------+---------------------+|
//! ||  OwnerId          |  123456789012       ||    two cells without header: a name and its value
//! ```

use super::Places;
use super::member::{is_generic, is_pair_name, is_pair_value, qualify};
use crate::detect::Finding;
use alloc::vec::Vec;
use core::ops::Range;
use memchr::memchr;

/// Most columns that are looked at.
const MAX_COLUMNS: usize = 64;

#[derive(Debug, Eq, PartialEq)]
enum Line {
    Other,
    Row,
    Rule,
}

struct Table<'a> {
    places: &'a Places,
    text: &'a [u8],
    title: Range<usize>,
    header: Vec<Range<usize>>,
    cells: Vec<Range<usize>>,
    next: Vec<Range<usize>>,
    qualified: Vec<u8>,
}

/// Reads the table whose first bar is at `at`; returns where it ends.
pub(super) fn read(places: &Places, text: &[u8], at: usize, found: &mut Vec<Finding>) -> usize {
    let mut table = Table {
        places,
        text,
        title: 0..0,
        header: Vec::new(),
        cells: Vec::new(),
        next: Vec::new(),
        qualified: Vec::new(),
    };
    let mut line = at..end_of_line(text, at);
    let mut before = Line::Rule;
    loop {
        let kind = table.line(&line, false);
        if kind == Line::Other {
            return line.start.max(at + 1);
        }
        let following = line.end + 1..end_of_line(text, line.end + 1);
        if kind == Line::Row {
            let rule_follows = table.line(&following, true) == Line::Rule;
            table.row(before == Line::Rule, rule_follows, &following, found);
        }
        before = kind;
        if line.end >= text.len() {
            return text.len();
        }
        line = following;
    }
}

fn end_of_line(text: &[u8], from: usize) -> usize {
    let from = from.min(text.len());
    memchr(b'\n', text.get(from..).unwrap_or_default()).map_or(text.len(), |at| from + at)
}

impl Table<'_> {
    /// What a line is; the cells of a row are kept in `cells` or `next`.
    fn line(&mut self, line: &Range<usize>, ahead: bool) -> Line {
        let cells = if ahead { &mut self.next } else { &mut self.cells };
        cells.clear();
        let Some(text) = self.text.get(line.clone()).filter(|text| !text.is_empty()) else {
            return Line::Other;
        };
        let trimmed = text.trim_ascii();
        if trimmed.len() >= 3
            && trimmed.iter().all(|byte| matches!(byte, b'+' | b'-' | b'|' | b':' | b' ' | b'='))
        {
            return if trimmed.contains(&b'-') || trimmed.contains(&b'=') { Line::Rule } else { Line::Other };
        }
        if !trimmed.starts_with(b"|") {
            return Line::Other;
        }
        let inner = |byte: &u8| *byte == b'|';
        let start = line.start + text.len() - text.trim_ascii_start().len();
        let left = trimmed.iter().take_while(|byte| inner(byte)).count();
        let right = trimmed.iter().rev().take_while(|byte| inner(byte)).count();
        let mut at = start + left;
        let end = (start + trimmed.len()).saturating_sub(right).max(at);
        for cell in self.text.get(at..end).unwrap_or_default().split(inner).take(MAX_COLUMNS) {
            let lead = cell.len() - cell.trim_ascii_start().len();
            let mut range = at + lead..at + lead + cell.trim_ascii().len();
            let marked = |byte: Option<&u8>| matches!(byte, Some(b'`' | b'*'));
            while self
                .text
                .get(range.clone())
                .is_some_and(|cell| cell.len() > 2 && marked(cell.first()) && marked(cell.last()))
            {
                range = range.start + 1..range.end - 1;
            }
            cells.push(range);
            at += cell.len() + 1;
        }
        Line::Row
    }

    fn row(&mut self, after_rule: bool, before_rule: bool, rule: &Range<usize>, found: &mut Vec<Finding>) {
        let cells = core::mem::take(&mut self.cells);
        match cells.as_slice() {
            [only] => {
                let values = found.len();
                let alone = after_rule && before_rule;
                // Titles are centred, values are not.
                let centred = self.text.get(..only.start).is_some_and(|before| before.ends_with(b"   "));
                if !(alone && centred) {
                    self.offer(&self.title.clone(), only, found);
                }
                if values == found.len() && alone {
                    self.title = only.clone();
                    self.header.clear();
                }
            }
            several => {
                let data = rule.end + 1..end_of_line(self.text, rule.end + 1);
                let is_header = after_rule
                    && before_rule
                    && self.line(&data, true) == Line::Row
                    && self.next.len() == several.len()
                    && several.iter().all(|cell| self.is_word(cell));
                match several {
                    _ if is_header => {
                        self.header.clear();
                        self.header.extend_from_slice(several);
                    }
                    _ if !self.header.is_empty() && self.header.len() == several.len() => {
                        let header = core::mem::take(&mut self.header);
                        for (index, (name, value)) in header.iter().zip(several).enumerate() {
                            let told =
                                index.checked_sub(1).and_then(|at| Some((header.get(at)?, several.get(at)?)));
                            self.column(name, value, told, found);
                        }
                        self.header = header;
                    }
                    [name, value] => {
                        self.header.clear();
                        self.offer(name, value, found);
                    }
                    _ => self.header.clear(),
                }
            }
        }
        self.cells = cells;
    }

    /// A cell under its column's name; in a `Value` column, the cell before it may say what it is.
    fn column(
        &mut self,
        name: &Range<usize>,
        value: &Range<usize>,
        told: Option<(&Range<usize>, &Range<usize>)>,
        found: &mut Vec<Finding>,
    ) {
        match told {
            Some((title, told)) if is_pair_name(self.bytes(title)) && is_pair_value(self.bytes(name)) => {
                self.offer(told, value, found);
            }
            _ => self.offer(name, value, found),
        }
    }

    fn offer(&mut self, name: &Range<usize>, value: &Range<usize>, found: &mut Vec<Finding>) {
        let (name, text) = (
            self.text.get(name.clone()).unwrap_or_default(),
            self.text.get(value.clone()).unwrap_or_default(),
        );
        let mut hit = self.places.value(name, text);
        if hit.is_none() && is_generic(name) {
            let title = self.text.get(self.title.clone()).unwrap_or_default();
            qualify(title, name, &mut self.qualified);
            hit = self.places.value(&self.qualified, text);
        }
        if let Some((range, kind, rule)) = hit {
            let range = value.start + range.start..value.start + range.end;
            found.push(Finding { range, kind, rule });
        }
    }

    fn is_word(&self, cell: &Range<usize>) -> bool {
        self.bytes(cell)
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_' | b'.' | b'/'))
    }

    fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.text.get(range.clone()).unwrap_or_default()
    }
}
