//! Names and values in text: YAML, HCL, env and ini files, JSON behind prose, queries, XML, tab-separated output.
//!
//! ```text
//! Key: value      "Key": "value"    \"Key\": \"value\"    key = "value"    KEY=value    a=b&Key=value
//!    ▲ separator: the name stands to its left, the value to its right
//! Key: [a, b]     Key:\n- a\n- b    <Key>value</Key>      KEY\tvalue       --key value
//! ```

use super::fields::PASSWORD_RULE;
use super::member::{is_generic, is_pair_name, is_pair_value, is_system_tag};
use super::names::MAX_NAME;
use super::words::{is_distinctive, is_type};
use super::{Places, csv};
use crate::detect::Finding;
use alloc::vec::Vec;
use core::ops::Range;
use memchr::memchr;

mod columns;
mod command;
mod read;
mod within;

use read::Separators;
use within::Opened;

/// Most white space between a name, its separator and its value.
const MAX_GAP: usize = 64;
/// Longest value: a private key, a session token.
const MAX_VALUE: usize = 8192;
/// Longest value without quotes: a session token.
const MAX_WORD: usize = 4096;
/// A word longer than this is not searched for further names once it was read as a value.
const LONG_WORD: usize = 256;
/// How many open names are remembered.
const MAX_OPEN: usize = 32;
/// Most words of a name that is not quoted.
const MAX_WORDS: usize = 4;
/// How far the name in `"Name": "BucketName"` is read, with its quotes.
const MAX_PAIR_NAME: usize = MAX_NAME + 8;
/// How far a value may be from the member that names it.
const MAX_PAIR: usize = 512;

impl Places {
    /// Appends what stands in `text` from `from` on. Two ways to read a text may find one place twice.
    pub(crate) fn find(&self, text: &[u8], from: usize, found: &mut Vec<Finding>) {
        csv::find(self, text, from, found);
        let mut separators = Separators::new(text, from);
        let Some(first) = separators.next(from) else { return };
        let mut scanner = Scanner {
            places: self,
            text,
            found,
            opened: Vec::new(),
            qualified: Vec::new(),
            pair: None,
            line: from,
            seen: from,
            depth: 0,
            command: command::Command::default(),
        };
        let mut next = Some(first);
        while let Some(at) = next {
            let end = scanner.separator(at).max(at + 1);
            next = separators.next(end);
        }
    }
}

pub(super) struct Scanner<'a, 'f> {
    pub(super) places: &'a Places,
    pub(super) text: &'a [u8],
    found: &'f mut Vec<Finding>,
    opened: Vec<Opened>,
    /// What a generic name means here; empty if nothing.
    qualified: Vec<u8>,
    /// What the next `Value` is, as its `Name` says.
    pair: Option<Range<usize>>,
    /// Where the current line begins.
    line: usize,
    /// Up to where lines and brackets were counted.
    seen: usize,
    /// Open brackets of the current line.
    depth: isize,
    command: command::Command,
}

/// One value to the right of a separator.
struct Value {
    range: Range<usize>,
    /// Where to read on.
    end: usize,
    quoted: bool,
    /// False if a sentence may go on behind it.
    ends: bool,
}

impl<'a> Scanner<'a, '_> {
    /// Returns where to go on.
    fn separator(&mut self, at: usize) -> usize {
        match self.byte(at) {
            Some(b':' | b'=') => self.pair(at),
            Some(b'\t') => self.tab(at),
            Some(b'|') => self.bar(at),
            Some(b'<') => self.element(at),
            Some(b'u') => self.noun(at),
            _ => self.option(at),
        }
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    pub(super) fn bytes(&self, range: &Range<usize>) -> &'a [u8] {
        self.text.get(range.clone()).unwrap_or_default()
    }

    fn is_blank(&self, at: usize) -> bool {
        matches!(self.byte(at), Some(b' ' | b'\t'))
    }

    fn skip_blanks(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default().iter().take(MAX_GAP);
        at + rest.take_while(|byte| matches!(byte, b' ' | b'\t')).count()
    }

    /// `Key: value` and its like.
    fn pair(&mut self, at: usize) -> usize {
        let equals = self.byte(at) == Some(b'=');
        if equals && self.byte(at + 1) == Some(b'>') {
            return self.arrow(at);
        }
        if matches!(self.byte(at + 1), Some(b'=' | b'>' | b':' | b'~'))
            || (!equals && self.byte(at + 1) == Some(b'/') && self.byte(at + 2) == Some(b'/'))
        {
            return at + 2;
        }
        let Some(name) = self.name_before(at, equals) else { return at + 1 };
        let start = self.skip_blanks(self.skip_marks(at + 1));
        let opens = matches!(self.byte(start), None | Some(b'{' | b'[' | b'\n' | b'\r'));
        let known = self.places.knows(self.bytes(&name));
        let generic = is_generic(self.bytes(&name));
        let (names, values) = (is_pair_name(self.bytes(&name)), is_pair_value(self.bytes(&name)));
        if !(opens || known || generic || names || values) {
            return at + 1;
        }
        self.move_to(name.start);
        self.qualified.clear();
        if generic {
            self.qualify(&name);
        }
        if values
            && let Some(pair) =
                self.pair.clone().filter(|pair| at.checked_sub(pair.end).is_some_and(|gap| gap < MAX_PAIR))
        {
            let told = self.text.get(pair).unwrap_or_default();
            if !is_system_tag(told) {
                self.qualified.extend_from_slice(told);
            }
        }
        if names {
            let end = self.text.len().min(start + MAX_PAIR_NAME);
            self.pair = self
                .value_within(start, end)
                .map(|value| value.range)
                .filter(|range| range.len() <= MAX_NAME);
        }
        if opens {
            self.push(&name);
        }
        if !known && self.qualified.is_empty() {
            return at + 1;
        }
        self.values(&name, start, equals)
    }

    /// `"key" => "value"`, `:key => "value"`: both are literals, or it is a branch of a program.
    fn arrow(&mut self, at: usize) -> usize {
        let end = at + 2;
        let Some(name) = self.name_before(at, true) else { return end };
        let before = name.start.checked_sub(1).and_then(|at| self.byte(at));
        let value = self.value_at(self.skip_blanks(end)).filter(|value| value.quoted);
        if let (Some(b'"' | b'\'' | b':'), Some(value)) = (before, value)
            && self.places.knows(self.bytes(&name))
        {
            self.qualified.clear();
            self.offer(&name, &value);
        }
        end
    }

    /// Behind the `**` of `**Key:** value`.
    fn skip_marks(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        at + rest.iter().take(2).take_while(|byte| **byte == b'*').count()
    }

    /// The values of a name: one, a list, or several behind commas. Returns where to go on.
    fn values(&mut self, name: &Range<usize>, start: usize, equals: bool) -> usize {
        let mut end = start;
        match self.byte(start) {
            Some(b'[') => self.array(name, start + 1),
            Some(b'\n' | b'\r') | None => self.block(name, start),
            _ => {
                let mut from = start;
                while let Some(value) = self.value_at(from) {
                    // `Values=a,b` goes on, `Key=a,Other=b` does not.
                    if from > start && memchr(b'=', self.bytes(&value.range)).is_some() {
                        break;
                    }
                    self.offer(name, &value);
                    if !value.quoted && value.range.len() > LONG_WORD {
                        end = value.end;
                    }
                    if !equals || value.quoted || self.byte(value.end) != Some(b',') {
                        break;
                    }
                    from = value.end + 1;
                }
            }
        }
        end
    }

    /// `["a", "b"]`, also over several lines.
    fn array(&mut self, name: &Range<usize>, from: usize) {
        let mut at = from;
        loop {
            let rest = self.text.get(at..).unwrap_or_default().iter().take(MAX_GAP * 2);
            at += rest.take_while(|byte| byte.is_ascii_whitespace()).count();
            let Some(value) = self.value_at(at) else { return };
            self.offer(name, &value);
            let rest = self.text.get(value.end..).unwrap_or_default().iter().take(MAX_GAP);
            at = value.end + rest.take_while(|byte| byte.is_ascii_whitespace()).count();
            if self.byte(at) != Some(b',') {
                return;
            }
            at += 1;
        }
    }

    /// A YAML list: lines of `- value`.
    fn block(&mut self, name: &Range<usize>, from: usize) {
        let mut at = from;
        loop {
            let Some(line) =
                self.text.get(at..).and_then(|rest| memchr(b'\n', rest.get(..MAX_GAP).unwrap_or(rest)))
            else {
                return;
            };
            let item = self.skip_blanks(at + line + 1);
            if self.byte(item) != Some(b'-') || !self.is_blank(item + 1) {
                return;
            }
            let Some(value) = self.value_at(self.skip_blanks(item + 1)) else { return };
            if matches!(self.byte(value.end), Some(b':')) {
                return;
            }
            self.offer(name, &value);
            at = value.end;
        }
    }

    /// A table, if this is the first character of a line; see `table.rs`.
    fn bar(&mut self, at: usize) -> usize {
        let from = at.saturating_sub(MAX_GAP);
        let before = self.text.get(from..at).unwrap_or_default();
        let blank = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let first = at - blank == 0 || self.byte(at - blank - 1) == Some(b'\n');
        if first { super::table::read(self.places, self.text, at, self.found) } else { at + 1 }
    }

    /// Takes a value under a name that does not stand there.
    fn take(&mut self, name: &[u8], value: &Value) {
        if let Some((range, kind, rule)) = self.places.value(name, self.bytes(&value.range)) {
            let start = value.range.start;
            self.found.push(Finding { range: start + range.start..start + range.end, kind, rule });
        }
    }

    /// Takes a value as what the name, or what it means here, says it is.
    fn offer(&mut self, name: &Range<usize>, value: &Value) {
        let text = self.text.get(value.range.clone()).unwrap_or_default();
        let found = self.places.value(self.bytes(name), text);
        let found = match found {
            None if !self.qualified.is_empty() => self.places.value(&self.qualified, text),
            found => found,
        };
        let Some((range, kind, rule)) = found else { return };
        // `Bucket=bucket_name`: a variable of a program.
        let variable = || {
            text.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.'))
                && (self.places.knows(text) || is_type(text))
        };
        if !value.quoted && (variable() || (!value.ends && !is_distinctive(text))) {
            return;
        }
        let start = value.range.start;
        let whole = range.end == text.len() && !value.quoted && rule == PASSWORD_RULE;
        let more = if whole { self.rest_of_password(value.range.end) } else { 0 };
        self.found.push(Finding { range: start + range.start..start + range.end + more, kind, rule });
    }
}
