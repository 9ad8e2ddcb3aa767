//! Texts side by side in a terminal.

use std::{
    env,
    io::{self, IsTerminal as _},
    iter,
};

/// Three of these with two separators and a margin fit into 114 columns.
const WIDTH: usize = 36;
const SEPARATOR: &str = " │ ";
const MARGIN: &str = "  ";

const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const MARK: &str = "\x1b[1;33m";
const PLAIN: &str = "\x1b[0m";

/// How texts are laid out.
#[derive(Debug)]
pub(crate) struct Table {
    color: bool,
}

/// One text with its heading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column<'a> {
    pub(crate) head: &'a str,
    pub(crate) text: &'a str,
    /// What is highlighted in it.
    pub(crate) marked: &'a [&'a str],
}

/// A character and whether it is highlighted.
type Cell = (char, bool);

impl Table {
    /// Colours only where a person sees them and did not ask for none (<https://no-color.org>).
    pub(crate) fn for_stdout() -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { color: io::stdout().is_terminal() && !refused }
    }

    pub(crate) fn title(&self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    pub(crate) fn check(&self, passed: bool, text: &str) -> String {
        let (color, sign) = if passed { (GREEN, "✓") } else { (RED, "✗") };
        format!("{MARGIN}{} {text}", self.paint(color, sign))
    }

    /// The columns side by side, long texts wrapped.
    pub(crate) fn rows(&self, columns: &[Column<'_>]) -> String {
        let rule = vec!["─".repeat(WIDTH); columns.len()].join("─┼─");
        let heads = columns.iter().map(|column| format!("{:WIDTH$}", column.head)).collect::<Vec<_>>();
        let mut rows = format!("{MARGIN}{}\n{MARGIN}{rule}\n", heads.join(SEPARATOR).trim_end());
        let texts: Vec<_> = columns.iter().map(|column| wrap(&cells(column))).collect();
        for row in 0..texts.iter().map(Vec::len).max().unwrap_or_default() {
            let line = |text: &Vec<Vec<Cell>>| self.line(text.get(row).map_or(&[], Vec::as_slice));
            let lines: Vec<_> = texts.iter().map(line).collect();
            rows += &format!("{MARGIN}{}\n", lines.join(SEPARATOR).trim_end());
        }
        rows
    }

    /// One line of one column, filled up with spaces.
    fn line(&self, cells: &[Cell]) -> String {
        let mut line = String::new();
        for run in cells.chunk_by(|a, b| a.1 == b.1) {
            let text: String = run.iter().map(|cell| cell.0).collect();
            let marked = run.first().is_some_and(|cell| cell.1);
            line += &if marked { self.paint(MARK, &text) } else { text };
        }
        let width: usize = cells.iter().map(|cell| width(cell.0)).sum();
        line.extend(iter::repeat_n(' ', WIDTH.saturating_sub(width)));
        line
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.color { format!("{color}{text}{PLAIN}") } else { text.to_owned() }
    }
}

fn cells(column: &Column<'_>) -> Vec<Cell> {
    let found = column.marked.iter().flat_map(|mark| column.text.match_indices(mark));
    let marked: Vec<_> = found.map(|(at, text)| at..at + text.len()).collect();
    column.text.char_indices().map(|(at, c)| (c, marked.iter().any(|range| range.contains(&at)))).collect()
}

/// Lines of at most [`WIDTH`] columns, broken at spaces and at the joints of ARNs and URLs, or anywhere in what is longer.
fn wrap(cells: &[Cell]) -> Vec<Vec<Cell>> {
    let mut lines = Vec::new();
    for paragraph in cells.split(|cell| cell.0 == '\n') {
        let mut line: Vec<Cell> = Vec::new();
        let mut used = 0;
        for word in paragraph.split_inclusive(|cell| [' ', ':', '/', '='].contains(&cell.0)) {
            let wide = |cells: &[Cell]| cells.iter().map(|cell| width(cell.0)).sum::<usize>();
            let solid = word.strip_suffix(&[(' ', false)]).unwrap_or(word);
            if used > 0 && used + wide(solid) > WIDTH && wide(solid) <= WIDTH {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            for &cell in word {
                if used + width(cell.0) > WIDTH {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                    if cell.0 == ' ' {
                        continue;
                    }
                }
                line.push(cell);
                used += width(cell.0);
            }
        }
        lines.push(line);
    }
    lines
}

/// How many columns a character takes: two for Hangul and Chinese characters.
fn width(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{ff00}'..='\u{ff60}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let column = Column { head: "", text, marked: &[] };
        wrap(&cells(&column)).into_iter().map(|line| line.into_iter().map(|cell| cell.0).collect()).collect()
    }

    #[test]
    fn lines_fit() {
        let long = "x".repeat(100);
        for text in ["", "one", "인스턴스 인스턴스 인스턴스 인스턴스 인스턴스", "a\n\nb", &long]
        {
            let lines = lines(text);
            assert!(lines.iter().all(|line| line.chars().map(width).sum::<usize>() <= WIDTH), "{lines:?}");
            let kept = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(kept(&lines.concat()), kept(text));
        }
        assert_eq!(lines("a\n\nb"), ["a", "", "b"]);
    }

    #[test]
    fn arns_break_at_their_joints() {
        assert_eq!(
            lines("arn:aws:ec2:ap-northeast-2:123456789012:instance/i-0bb11cc22dd33ee44"),
            ["arn:aws:ec2:ap-northeast-2:", "123456789012:instance/", "i-0bb11cc22dd33ee44"]
        );
    }

    #[test]
    fn only_what_is_marked_is_highlighted() {
        let table = Table { color: true };
        let column = Column { head: "", text: "at i-1 now", marked: &["i-1"] };
        let rows = table.rows(&[column]);
        assert!(rows.contains(&format!("at {MARK}i-1{PLAIN} now")), "{rows:?}");
        assert!(!Table { color: false }.rows(&[column]).contains('\x1b'));
    }
}
