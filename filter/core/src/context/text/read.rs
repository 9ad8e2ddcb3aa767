//! The name to the left of a separator and the value to its right; the next separator.

use super::{MAX_GAP, MAX_VALUE, MAX_WORD, MAX_WORDS, Scanner, Value};
use crate::boundary;
use crate::context::names::MAX_NAME;
use core::ops::Range;
use memchr::{memchr, memchr2, memchr3, memmem};

/// What stands before a name in a sentence, in either letter case: `bucket my-data-7`. Only buckets: tables and
/// functions are too often not AWS's.
const NOUN: &[u8] = b"ucket ";
/// What may stand between the two.
const NAMED: [&[u8]; 3] = [b"named ", b"called ", b"name "];

/// Types between a name and its value.
const TYPES: &[&[u8]] = &[b"str", b"string", b"String"];

/// The next separator, found with vector instructions: text without them costs nearly nothing.
pub(super) struct Separators<'a> {
    text: &'a [u8],
    next: [Option<usize>; 4],
}

impl<'a> Separators<'a> {
    pub(super) fn new(text: &'a [u8], from: usize) -> Self {
        let mut new = Self { text, next: [None; 4] };
        new.next = [0, 1, 2, 3].map(|which| new.search(which, from));
        new
    }

    fn search(&self, which: usize, from: usize) -> Option<usize> {
        let rest = self.text.get(from..)?;
        let found = match which {
            0 => memchr3(b':', b'=', b'\t', rest),
            1 => memchr2(b'|', b'<', rest),
            2 => memmem::find(rest, b"--"),
            _ => memmem::find(rest, NOUN),
        };
        found.map(|at| from + at)
    }

    pub(super) fn next(&mut self, from: usize) -> Option<usize> {
        for which in 0..self.next.len() {
            if let Some(Some(at)) = self.next.get(which).copied()
                && at < from
            {
                let found = self.search(which, from);
                self.next.get_mut(which).into_iter().for_each(|next| *next = found);
            }
        }
        self.next.iter().flatten().min().copied()
    }
}

impl Scanner<'_, '_> {
    /// How much of a password stands behind a sign that ends other values: `Pass&word` is one, `p=Pass&q=x` is not.
    pub(super) fn rest_of_password(&self, end: usize) -> usize {
        let rest = self.text.get(end..).unwrap_or_default().iter().take(MAX_GAP);
        let length = rest.take_while(|byte| byte.is_ascii_graphic() && !b",\"'`<>\\=".contains(byte)).count();
        let more = self.text.get(end..end + length).unwrap_or_default();
        let closing = more.iter().rev().take_while(|byte| b")}];.:".contains(byte)).count();
        if self.byte(end + length) == Some(b'=') { 0 } else { length - closing }
    }

    /// The name to the left of a separator, without its quotes.
    pub(super) fn name_before(&self, at: usize, equals: bool) -> Option<Range<usize>> {
        let from = at.saturating_sub(MAX_GAP);
        let before = self.text.get(from..at).unwrap_or_default();
        let gap = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if gap > 1 && !equals {
            return None;
        }
        let marks = |byte: &&u8| matches!(byte, b'"' | b'\'' | b'`' | b'*' | b'\\');
        let rest = before.get(..before.len() - gap).unwrap_or_default();
        // `environ["KEY"] = …`
        let bracket = usize::from(equals && matches!(rest, [.., b'"' | b'\'', b']']));
        let rest = rest.get(..rest.len() - bracket).unwrap_or_default();
        let quotes = rest.iter().rev().take(6).take_while(marks).count();
        let end = at - gap - bracket - quotes;
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
                    if index
                        .checked_sub(1)
                        .and_then(|at| before.get(at))
                        .is_none_or(|byte| !byte.is_ascii_alphanumeric())
                    {
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
        // `key: str = …`
        if equals && TYPES.contains(&self.bytes(&range)) {
            let before = self.text.get(..range.start).unwrap_or_default().trim_ascii_end();
            if before.last() == Some(&b':') {
                return self.name_before(before.len() - 1, false);
            }
        }
        // Times, ports and drives.
        (range.len() >= 2 && self.bytes(&range).iter().any(u8::is_ascii_alphabetic)).then_some(range)
    }

    /// `bucket my-data-7`: a name that nobody would write for a word.
    pub(super) fn noun(&mut self, at: usize) -> usize {
        let end = at + NOUN.len();
        let before = self.text.get(..at).unwrap_or_default();
        let Some((b'b' | b'B', before)) = before.split_last() else { return end };
        if !boundary::may_start(before) {
            return end;
        }
        let rest = self.text.get(end..).unwrap_or_default();
        let named = NAMED.iter().find(|word| rest.starts_with(word)).map_or(0, |word| word.len());
        let Some(value) = self.value_at(end + named) else { return end };
        let name = self.bytes(&value.range);
        let digit = name.iter().any(u8::is_ascii_digit);
        let joined = name.contains(&b'-');
        let lower = !name.iter().any(u8::is_ascii_uppercase);
        if lower && if value.quoted { digit || joined } else { digit && joined } {
            self.take(b"Bucket", &value);
        }
        end
    }

    /// One value at `at`: quoted, or up to what ends a word.
    pub(super) fn value_at(&self, at: usize) -> Option<Value> {
        self.value_within(at, self.text.len().min(at.saturating_add(MAX_VALUE)))
    }

    /// One value at `at`, if it ends before `end`.
    pub(super) fn value_within(&self, at: usize, end: usize) -> Option<Value> {
        let rest = self.text.get(at..end)?;
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
                    return Some(Value {
                        range: start..at + end - escapes,
                        end: at + end + 1,
                        quoted: true,
                        ends: true,
                    });
                }
                if escapes < slashes {
                    return None;
                }
                from = end + 1;
            }
        }
        let belongs = |byte: &&u8| byte.is_ascii_graphic() && !b",;\"'<>|&(){}[]\\`".contains(byte);
        let length = rest.iter().take(MAX_WORD).take_while(belongs).count();
        let word = rest.get(..length)?;
        let trailing = word.iter().rev().take_while(|byte| matches!(byte, b'.' | b':' | b'?' | b'!')).count();
        let (range, end) = (at..at + length - trailing, at + length);
        // A call, an index, a type with parameters.
        let generic = self.byte(end) == Some(b'<')
            && self.byte(at).is_some_and(|byte| byte.is_ascii_uppercase())
            && self.byte(end + 1).is_some_and(|byte| byte.is_ascii_uppercase());
        if range.is_empty() || generic || matches!(self.byte(end), Some(b'(' | b'[')) {
            return None;
        }
        let next = self.byte(self.skip_blanks(end));
        let ends = next.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"-_.$/+".contains(&byte));
        let tight = at.checked_sub(1).and_then(|before| self.byte(before)) == Some(b'=');
        let ends = ends || self.byte(end) == Some(b'\t') || tight;
        let end = if trailing > 0 && word.ends_with(b":") { range.end } else { end };
        Some(Value { range, end, quoted: false, ends })
    }
}
