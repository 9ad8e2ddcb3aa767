//! Names and values in text: YAML, HCL, env and ini files, JSON behind prose, queries, XML, tab-separated output.
//!
//! ```text
//! Key: value      "Key": "value"    \"Key\": \"value\"    key = "value"    KEY=value    a=b&Key=value
//!    ▲ separator: the name stands to its left, the value to its right
//! Key: [a, b]     Key:\n- a\n- b    <Key>value</Key>      KEY\tvalue       --key value
//! ```

use super::member::{is_generic, is_pair_name, is_pair_value, qualify};
use super::names::MAX_NAME;
use super::words::is_distinctive;
use super::{Placed, Places};
use alloc::vec::Vec;
use core::ops::Range;
use memchr::{memchr, memchr2, memchr3, memmem, memrchr, memrchr2};

mod command;

/// Most white space between a name, its separator and its value: HCL aligns.
const MAX_GAP: usize = 64;
/// Longest value: a private key, a session token.
const MAX_VALUE: usize = 8192;
/// How many open names are remembered.
const MAX_OPEN: usize = 32;
/// Most words of a name that is not quoted.
const MAX_WORDS: usize = 4;
/// How far a value may be from the member that names it.
const MAX_PAIR: usize = 512;

impl Places {
    /// Appends what stands in `text` from `from` on, in order and without overlap.
    pub(crate) fn find(&self, text: &[u8], from: usize, found: &mut Vec<Placed>) {
        let before = found.len();
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
        let found = &mut scanner.found;
        if let Some(found) = found.get_mut(before..) {
            found.sort_by_key(|placed| (placed.range.start, core::cmp::Reverse(placed.range.end)));
        }
        let mut end = from;
        let mut index = 0;
        found.retain(|placed| {
            index += 1;
            let keep = index <= before || placed.range.start >= end;
            if keep && index > before {
                end = placed.range.end;
            }
            keep
        });
    }
}

/// The next separator, found with vector instructions: text without them costs nearly nothing.
struct Separators<'a> {
    text: &'a [u8],
    next: [Option<usize>; 3],
}

impl<'a> Separators<'a> {
    fn new(text: &'a [u8], from: usize) -> Self {
        let mut new = Self { text, next: [None; 3] };
        new.next = [0, 1, 2].map(|which| new.search(which, from));
        new
    }

    fn search(&self, which: usize, from: usize) -> Option<usize> {
        let rest = self.text.get(from..)?;
        let found = match which {
            0 => memchr3(b':', b'=', b'\t', rest),
            1 => memchr2(b'|', b'<', rest),
            _ => memmem::find(rest, b"--"),
        };
        found.map(|at| from + at)
    }

    fn next(&mut self, from: usize) -> Option<usize> {
        for which in 0..self.next.len() {
            if let Some(Some(at)) = self.next.get(which).copied() {
                if at < from {
                    let found = self.search(which, from);
                    self.next.get_mut(which).into_iter().for_each(|next| *next = found);
                }
            }
        }
        self.next.iter().flatten().min().copied()
    }
}

/// A name whose value is an object, a list or a block.
#[derive(Clone, Debug)]
struct Opened {
    name: Range<usize>,
    column: usize,
    line: usize,
    depth: isize,
}

pub(super) struct Scanner<'a, 'f> {
    pub(super) places: &'a Places,
    pub(super) text: &'a [u8],
    found: &'f mut Vec<Placed>,
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

impl Scanner<'_, '_> {
    /// Returns where to go on.
    fn separator(&mut self, at: usize) -> usize {
        match self.byte(at) {
            Some(b':' | b'=') => self.pair(at),
            Some(b'\t') => self.tab(at),
            Some(b'|') => self.bar(at),
            Some(b'<') => self.element(at),
            _ => self.option(at),
        }
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    pub(super) fn bytes(&self, range: &Range<usize>) -> &[u8] {
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
        if matches!(self.byte(at + 1), Some(b'=' | b'>' | b':' | b'~'))
            || (!equals && self.byte(at + 1) == Some(b'/') && self.byte(at + 2) == Some(b'/'))
        {
            return at + 2;
        }
        let Some(name) = self.name_before(at, equals) else { return at + 1 };
        let start = self.skip_blanks(at + 1);
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
        if values {
            if let Some(pair) = self.pair.clone().filter(|pair| at - pair.end < MAX_PAIR) {
                let told = self.text.get(pair).unwrap_or_default();
                self.qualified.extend_from_slice(told);
            }
        }
        if names {
            self.pair = self.value_at(start).map(|value| value.range).filter(|range| range.len() <= MAX_NAME);
        }
        if opens {
            self.push(&name);
        }
        if !known && self.qualified.is_empty() {
            return at + 1;
        }
        self.values(&name, start, equals);
        at + 1
    }

    /// The values of a name: one, a list, or several behind commas.
    fn values(&mut self, name: &Range<usize>, start: usize, equals: bool) {
        match self.byte(start) {
            Some(b'[') => self.array(name, start + 1),
            Some(b'\n' | b'\r') | None => self.block(name, start),
            _ => {
                let mut from = start;
                while let Some(value) = self.value_at(from) {
                    // `Values=a,b` goes on, `Key=a,Other=b` does not.
                    if from > start && self.byte(value.end) == Some(b'=') {
                        break;
                    }
                    self.offer(name, &value);
                    if !equals || value.quoted || self.byte(value.end) != Some(b',') {
                        break;
                    }
                    from = value.end + 1;
                }
            }
        }
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
            let Some(line) = self.text.get(at..).and_then(|rest| memchr(b'\n', rest.get(..MAX_GAP).unwrap_or(rest)))
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

    /// `KEY<TAB>value`, as the command line prints structures as text.
    fn tab(&mut self, at: usize) -> usize {
        let from = at.saturating_sub(MAX_NAME);
        let before = self.text.get(from..at).unwrap_or_default();
        let start = from + before.iter().rposition(|byte| matches!(byte, b'\t' | b'\n')).map_or(0, |at| at + 1);
        let name = start..at;
        let text = self.bytes(&name);
        let word = text.iter().all(u8::is_ascii_alphanumeric);
        let capitals = text.windows(2).any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
        let upper = text.iter().all(u8::is_ascii_uppercase);
        if text.is_empty() || !word || !(capitals || upper) {
            return at + 1;
        }
        if text == b"CREDENTIALS" || text == b"ACCESSKEY" {
            self.credentials(at + 1);
        } else if self.places.knows(text) {
            if let Some(value) = self.value_at(at + 1).filter(|value| value.ends) {
                if !self.places.knows(self.bytes(&value.range)) || is_distinctive(self.bytes(&value.range)) {
                    self.qualified.clear();
                    self.offer(&name, &value);
                }
            }
        }
        at + 1
    }

    /// The columns of `aws sts get-session-token --output text` have no names: the secret is known by its shape.
    fn credentials(&mut self, from: usize) {
        let rest = self.text.get(from..).unwrap_or_default();
        let line = rest.get(..MAX_VALUE.min(rest.len())).unwrap_or_default();
        let line = line.get(..memchr(b'\n', line).unwrap_or(line.len())).unwrap_or_default();
        let mut at = from;
        for cell in line.split(|byte| *byte == b'\t') {
            let name: &[u8] = match cell.len() {
                38..=44 => b"SecretAccessKey",
                100.. => b"SessionToken",
                _ => b"",
            };
            if let Some((range, kind, rule)) = self.places.value(name, cell) {
                self.found.push(Placed { range: at + range.start..at + range.end, kind, rule });
            }
            at += cell.len() + 1;
        }
    }

    /// `<Key>value</Key>`, at its end.
    fn element(&mut self, at: usize) -> usize {
        if self.byte(at + 1) != Some(b'/') {
            return at + 1;
        }
        let rest = self.text.get(at + 2..).unwrap_or_default();
        let length = rest.iter().take(MAX_NAME).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = at + 2..at + 2 + length;
        let from = at.saturating_sub(MAX_VALUE);
        let before = self.text.get(from..at).unwrap_or_default();
        let opening = memrchr2(b'<', b'>', before).map(|at| from + at);
        let Some(opening) = opening.filter(|opening| self.byte(*opening) == Some(b'>') && length > 0) else {
            return name.end;
        };
        let same = self.text.get(..opening).is_some_and(|before| before.ends_with(self.bytes(&name)));
        if same && self.places.knows(self.bytes(&name)) {
            self.qualified.clear();
            self.offer(&name, &Value { range: opening + 1..at, end: at, quoted: true, ends: true });
        }
        name.end
    }

    /// A table, if this is the first character of a line; see `table.rs`.
    fn bar(&mut self, at: usize) -> usize {
        let from = at.saturating_sub(MAX_GAP);
        let before = self.text.get(from..at).unwrap_or_default();
        let blank = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let first = at - blank == 0 || self.byte(at - blank - 1) == Some(b'\n');
        if first { super::table::read(self.places, self.text, at, self.found) } else { at + 1 }
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
                && self.places.knows(text)
        };
        if !value.quoted && (variable() || (!value.ends && !is_distinctive(text))) {
            return;
        }
        let start = value.range.start;
        self.found.push(Placed { range: start + range.start..start + range.end, kind, rule });
    }

    /// The name to the left of a separator, without its quotes.
    fn name_before(&self, at: usize, equals: bool) -> Option<Range<usize>> {
        let from = at.saturating_sub(MAX_GAP);
        let before = self.text.get(from..at).unwrap_or_default();
        let gap = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if gap > 1 && !equals {
            return None;
        }
        let marks = |byte: &&u8| matches!(byte, b'"' | b'\'' | b'`' | b'*' | b'\\');
        let rest = before.get(..before.len() - gap).unwrap_or_default();
        let quotes = rest.iter().rev().take(6).take_while(marks).count();
        let end = at - gap - quotes;
        let from = end.saturating_sub(MAX_NAME);
        let before = self.text.get(from..end).unwrap_or_default();
        let quoted = quotes > 0;
        let spaces = quoted || !equals;
        let mut words = 1;
        let mut start = end;
        for (index, byte) in before.iter().enumerate().rev() {
            match byte {
                b'-' | b'_' | b'.' => {}
                b':' | b'/' if quoted => {}
                b' ' if spaces && words < MAX_WORDS => {
                    if index.checked_sub(1).and_then(|at| before.get(at)).is_none_or(|byte| !byte.is_ascii_alphanumeric()) {
                        break;
                    }
                    words += 1;
                }
                byte if byte.is_ascii_alphanumeric() => {}
                _ => break,
            }
            start = from + index;
        }
        let name = self.text.get(start..end).unwrap_or_default();
        let leading = name.iter().take_while(|byte| matches!(byte, b'-' | b' ' | b'.')).count();
        let range = start + leading..end;
        // Times, ports and drives.
        (range.len() >= 2 && self.bytes(&range).iter().any(u8::is_ascii_alphabetic)).then_some(range)
    }

    /// One value at `at`: quoted, or up to what ends a word.
    fn value_at(&self, at: usize) -> Option<Value> {
        let rest = self.text.get(at..)?;
        let rest = rest.get(..MAX_VALUE).unwrap_or(rest);
        let slashes = rest.iter().take(8).take_while(|byte| **byte == b'\\').count();
        if let Some(quote @ (b'"' | b'\'' | b'`')) = rest.get(slashes).copied() {
            let start = at + slashes + 1;
            let mut from = slashes + 1;
            // The closing quote is spelled like the opening one.
            loop {
                let end = from + memchr(quote, rest.get(from..)?)?;
                let before = rest.get(slashes + 1..end).unwrap_or_default();
                let escapes = before.iter().rev().take(9).take_while(|byte| **byte == b'\\').count();
                if escapes == slashes {
                    return Some(Value { range: start..at + end - escapes, end: at + end + 1, quoted: true, ends: true });
                }
                if escapes < slashes {
                    return None;
                }
                from = end + 1;
            }
        }
        let belongs = |byte: &&u8| byte.is_ascii_graphic() && !b",;\"'<>|&(){}[]\\`".contains(byte);
        let length = rest.iter().take_while(belongs).count();
        let word = rest.get(..length)?;
        let trailing = word.iter().rev().take_while(|byte| matches!(byte, b'.' | b':' | b'?' | b'!')).count();
        let (range, end) = (at..at + length - trailing, at + length);
        if range.is_empty() || matches!(self.byte(end), Some(b'(' | b'[')) {
            return None;
        }
        let next = self.byte(self.skip_blanks(end));
        let ends = next.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"-_.$/+".contains(&byte));
        let tight = at.checked_sub(1).and_then(|before| self.byte(before)) == Some(b'=');
        let ends = ends || self.byte(end) == Some(b'\t') || tight;
        let end = if trailing > 0 && word.ends_with(b":") { range.end } else { end };
        Some(Value { range, end, quoted: false, ends })
    }

    /// Counts lines and brackets up to a name, and forgets the names that it is not in.
    fn move_to(&mut self, at: usize) {
        if at > self.seen {
            let passed = self.text.get(self.seen..at).unwrap_or_default();
            let line = memrchr(b'\n', passed);
            if let Some(line) = line {
                self.line = self.seen + line + 1;
                self.depth = 0;
            }
            for byte in passed.get(line.unwrap_or_default()..).unwrap_or_default() {
                match byte {
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth -= 1,
                    _ => {}
                }
            }
            self.seen = at;
        }
        let column = at.saturating_sub(self.line);
        while let Some(top) = self.opened.last() {
            let inside =
                if top.line == self.line { top.depth < self.depth } else { top.column < column };
            if inside {
                break;
            }
            self.opened.pop();
        }
    }

    fn push(&mut self, name: &Range<usize>) {
        if self.opened.len() == MAX_OPEN {
            self.opened.remove(0);
        }
        let column = name.start.saturating_sub(self.line);
        self.opened.push(Opened { name: name.clone(), column, line: self.line, depth: self.depth });
    }

    fn qualify(&mut self, name: &Range<usize>) {
        let Some(top) = self.opened.last() else { return };
        let parent = self.text.get(top.name.clone()).unwrap_or_default();
        let name = self.text.get(name.clone()).unwrap_or_default();
        qualify(parent, name, &mut self.qualified);
    }
}
