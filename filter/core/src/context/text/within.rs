//! What a name is in: lines and brackets are counted up to it.

use super::{MAX_OPEN, Scanner};
use crate::context::member::qualify;
use core::ops::Range;
use memchr::{memchr2_iter, memrchr};

/// A name whose value is an object, a list or a block.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    name: Range<usize>,
    column: usize,
    line: usize,
    depth: isize,
}

impl Scanner<'_, '_> {
    /// Counts lines and brackets up to a name, and forgets the names that it is not in.
    pub(super) fn move_to(&mut self, at: usize) {
        if at > self.seen {
            let passed = self.text.get(self.seen..at).unwrap_or_default();
            let line = memrchr(b'\n', passed);
            if let Some(line) = line {
                self.line = self.seen + line + 1;
                self.depth = 0;
            }
            let rest = passed.get(line.unwrap_or_default()..).unwrap_or_default();
            let opened = memchr2_iter(b'{', b'[', rest).count();
            let closed = memchr2_iter(b'}', b']', rest).count();
            self.depth += opened.cast_signed() - closed.cast_signed();
            self.seen = at;
        }
        let column = at.saturating_sub(self.line);
        while let Some(top) = self.opened.last() {
            let inside = if top.line == self.line { top.depth < self.depth } else { top.column < column };
            if inside {
                break;
            }
            self.opened.pop();
        }
    }

    pub(super) fn push(&mut self, name: &Range<usize>) {
        if self.opened.len() == MAX_OPEN {
            self.opened.remove(0);
        }
        let column = name.start.saturating_sub(self.line);
        self.opened.push(Opened { name: name.clone(), column, line: self.line, depth: self.depth });
    }

    pub(super) fn qualify(&mut self, name: &Range<usize>) {
        let Some(top) = self.opened.last() else { return };
        let parent = self.text.get(top.name.clone()).unwrap_or_default();
        let name = self.text.get(name.clone()).unwrap_or_default();
        qualify(parent, name, &mut self.qualified);
    }
}
