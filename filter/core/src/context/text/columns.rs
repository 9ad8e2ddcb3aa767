//! Tab-separated output of the command line, and elements of XML.

use super::{MAX_VALUE, Scanner, Value};
use crate::context::names::MAX_NAME;
use crate::context::words::is_distinctive;
use crate::detect::Finding;
use memchr::{memchr, memrchr2};

/// Shortest title of a row in text output.
const MIN_TITLE: usize = 4;
/// Titles of the rows that `aws kms list-aliases`, `describe-key`, `list-grants` and `list-keys` print as text.
const KMS_TITLES: &[&[u8]] = &[b"ALIASES", b"GRANTS", b"KEYMETADATA", b"KEYS"];

impl<'a> Scanner<'a, '_> {
    /// `KEY<TAB>value`, as the command line prints structures as text.
    pub(super) fn tab(&mut self, at: usize) -> usize {
        let from = at.saturating_sub(MAX_NAME);
        let before = self.text.get(from..at).unwrap_or_default();
        let start =
            from + before.iter().rposition(|byte| matches!(byte, b'\t' | b'\n')).map_or(0, |at| at + 1);
        let name = start..at;
        let text = self.bytes(&name);
        let word = text.iter().all(u8::is_ascii_alphanumeric);
        let capitals = text
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
        let upper = text.iter().all(u8::is_ascii_uppercase);
        if text.is_empty() || !word || !(capitals || upper) {
            return at + 1;
        }
        // A title is the first cell of its row, so that no row is read twice.
        let is_title = upper && start.checked_sub(1).is_none_or(|at| self.byte(at) == Some(b'\n'));
        if is_title && KMS_TITLES.contains(&text) {
            self.keys(at + 1);
        }
        if is_title && text.len() >= MIN_TITLE {
            self.accounts(at + 1);
        }
        if is_title && (text == b"CREDENTIALS" || text == b"ACCESSKEY") {
            self.credentials(at + 1);
        } else if self.places.knows(text)
            && let Some(value) = self.value_at(at + 1).filter(|value| value.ends)
            && (!self.places.knows(self.bytes(&value.range)) || is_distinctive(self.bytes(&value.range)))
        {
            self.qualified.clear();
            self.offer(&name, &value);
        }
        at + 1
    }

    /// In a row of the command line's text output, which begins with what it is in capitals, a cell of twelve digits
    /// is an account.
    fn accounts(&mut self, from: usize) {
        let mut at = from;
        for cell in self.line_from(from).split(|byte| *byte == b'\t') {
            if cell.len() == 12
                && let Some((range, kind, rule)) = self.places.value(b"AccountId", cell)
            {
                self.found.push(Finding { range: at + range.start..at + range.end, kind, rule });
            }
            at += cell.len() + 1;
        }
    }

    /// In a row of what `aws kms` prints, a UUID is a key.
    fn keys(&mut self, from: usize) {
        let mut at = from;
        for cell in self.line_from(from).split(|byte| *byte == b'\t') {
            if let Some((range, kind, rule)) = self.places.value(b"TargetKeyId", cell) {
                self.found.push(Finding { range: at + range.start..at + range.end, kind, rule });
            }
            at += cell.len() + 1;
        }
    }

    fn line_from(&self, from: usize) -> &'a [u8] {
        let rest = self.text.get(from..).unwrap_or_default();
        let line = rest.get(..MAX_VALUE.min(rest.len())).unwrap_or_default();
        line.get(..memchr(b'\n', line).unwrap_or(line.len())).unwrap_or_default()
    }

    /// The columns of `aws sts get-session-token --output text` have no names: the secret is known by its shape.
    fn credentials(&mut self, from: usize) {
        let mut at = from;
        for cell in self.line_from(from).split(|byte| *byte == b'\t') {
            let name: &[u8] = match cell.len() {
                16..30 if cell.starts_with(b"A") => b"AccessKeyId",
                30..=64 => b"SecretAccessKey",
                100.. => b"SessionToken",
                _ => b"",
            };
            if let Some((range, kind, rule)) = self.places.value(name, cell) {
                self.found.push(Finding { range: at + range.start..at + range.end, kind, rule });
            }
            at += cell.len() + 1;
        }
    }

    /// `<Key>value</Key>`, at its end.
    pub(super) fn element(&mut self, at: usize) -> usize {
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
}
