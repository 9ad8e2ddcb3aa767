//! Options of commands: `--db-instance-identifier orders`, and `--name` by what the command is about.

use super::super::member::{is_generic, join};
use super::super::names::MAX_NAME;
use super::{Scanner, Value};
use core::ops::Range;
use memchr::memmem;

/// How far before an option its command may stand.
const MAX_COMMAND: usize = 2048;
/// Most values of one option.
const MAX_VALUES: usize = 1000;

/// The command that was seen last.
#[derive(Debug, Default)]
pub(super) struct Command {
    at: Option<usize>,
    searched: usize,
}

impl Scanner<'_, '_> {
    /// Values of the option at `at`, which is that of `--`.
    pub(super) fn option(&mut self, at: usize) -> usize {
        let dashes = self.text.get(at..).unwrap_or_default().iter().take_while(|byte| **byte == b'-').count();
        let before = at.checked_sub(1).and_then(|at| self.byte(at));
        let begins = before.is_none_or(|byte| byte.is_ascii_whitespace() || b"\"'`([".contains(&byte));
        let start = at + dashes;
        let rest = self.text.get(start..).unwrap_or_default();
        let length = rest
            .iter()
            .take(MAX_NAME)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            .count();
        let name = start..start + length;
        if dashes != 2 || !begins || length < 2 || !matches!(self.byte(name.end), Some(b' ' | b'\t')) {
            return name.end.max(start);
        }
        self.qualified.clear();
        if is_generic(self.bytes(&name)) {
            self.qualify_option(&name);
        }
        if self.qualified.is_empty() && !self.places.knows(self.bytes(&name)) {
            return name.end;
        }
        let several = self.bytes(&name).ends_with(b"s");
        let mut next = self.word_from(name.end);
        for _ in 0..if several { MAX_VALUES } else { 1 } {
            let Some(value) = next.and_then(|at| self.value_at(at)) else { break };
            // `Key=value` is read at its own separator.
            let text = self.bytes(&value.range);
            let assigns = !value.quoted && memchr::memchr(b'=', text).is_some_and(|at| at + 2 < text.len());
            // `[--bucket BUCKET]`: what a usage message calls the value.
            let called = !value.quoted
                && text.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
                && self.places.knows(text);
            let end = value.end;
            if !assigns && !called {
                self.offer(&name, &Value { ends: true, quoted: true, ..value });
            }
            next = self.word_from(end);
        }
        name.end
    }

    /// Where the next word of a command begins, if it is a value.
    fn word_from(&self, end: usize) -> Option<usize> {
        let mut at = self.skip_blanks(end);
        if at == end {
            return None;
        }
        // The line goes on behind a backslash.
        if self.byte(at) == Some(b'\\') && matches!(self.byte(at + 1), Some(b'\n' | b'\r')) {
            at = self.skip_blanks(at + 2);
        }
        let next = self.byte(at)?;
        (next.is_ascii_alphanumeric() || b"\"'/_\\*@".contains(&next)).then_some(at)
    }

    /// `--name` of `aws elbv2 create-target-group` is `elbv2-target-group_name`.
    fn qualify_option(&mut self, option: &Range<usize>) {
        let from = self.command.searched.max(option.start.saturating_sub(MAX_COMMAND));
        let between = self.text.get(from..option.start).unwrap_or_default();
        if let Some(found) = memmem::rfind(between, b"aws ") {
            self.command.at = Some(from + found);
        }
        self.command.searched = option.start;
        let Some(at) = self.command.at.filter(|at| option.start - at <= MAX_COMMAND) else { return };
        let line = self.text.get(at + 4..option.start).unwrap_or_default();
        let mut words = line.split(|byte| byte.is_ascii_whitespace()).filter(|word| {
            word.first().is_some_and(u8::is_ascii_lowercase)
                && word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        });
        let (Some(service), Some(operation)) = (words.next(), words.next()) else { return };
        let Some(verb) = memchr::memchr(b'-', operation) else { return };
        let noun = operation.get(verb + 1..).unwrap_or_default();
        if service.len() + noun.len() + option.len() + 2 > MAX_NAME {
            return;
        }
        self.qualified.extend_from_slice(service);
        self.qualified.push(b'-');
        let name = self.text.get(option.clone()).unwrap_or_default();
        join(noun, name, &mut self.qualified);
    }
}
