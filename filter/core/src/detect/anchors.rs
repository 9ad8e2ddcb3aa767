//! The search for literal anchors, whatever their letter case: leftmost, then longest.
//!
//! Text is mostly not an anchor. Three small tables say of any three bytes whether an anchor may begin with them: they
//! are looked up for every byte, and no look-up waits for the one before, as the steps of an automaton do. Where one may
//! begin, a tree of all anchors says which one does. An anchor is short, so time is linear.

use alloc::vec::Vec;
use core::ops::Range;

/// How many groups of anchors the filter tells apart: those beside each other in the alphabet are in one.
const GROUPS: usize = 64;
/// A row of the filter: which groups have an anchor with this byte at the row's position.
type Row = [u64; 256];

/// Anchors, compiled, with what each stands for.
#[derive(Debug)]
pub(super) struct Anchors<T> {
    filter: [Row; 3],
    /// Letters in either case are one class; 0 is what is in no anchor.
    classes: [u8; 256],
    /// How many classes there are.
    width: usize,
    /// The tree: of each node, the next one by class; 0 for none. The root is node 0.
    nodes: Vec<u16>,
    /// Of each node, the anchor that ends there.
    ends: Vec<Option<u16>>,
    meanings: Vec<Vec<T>>,
}

/// Collects anchors.
pub(super) struct Builder<T> {
    anchors: Vec<(&'static str, Vec<T>)>,
}

impl<T> Builder<T> {
    /// Adds what an anchor stands for; what was added first stands first.
    pub(super) fn add(&mut self, anchor: &'static str, meaning: T) {
        match self.anchors.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(anchor)) {
            Some((_, meanings)) => meanings.push(meaning),
            None => self.anchors.push((anchor, Vec::from([meaning]))),
        }
    }

    /// `None` if there are too many.
    pub(super) fn build(mut self) -> Option<Anchors<T>> {
        self.anchors.sort_by_key(|(anchor, _)| anchor.to_ascii_lowercase());
        let mut classes = [0; 256];
        let mut count = 0;
        for byte in self.anchors.iter().flat_map(|(anchor, _)| anchor.bytes()) {
            let class = classes.get_mut(usize::from(byte.to_ascii_lowercase()))?;
            if *class == 0 {
                count += 1;
                *class = u8::try_from(count).ok()?;
            }
            let class = *class;
            *classes.get_mut(usize::from(byte.to_ascii_uppercase()))? = class;
        }
        let total = self.anchors.len().max(1);
        let mut made = Anchors {
            filter: [[0; 256]; 3],
            classes,
            width: count + 1,
            nodes: alloc::vec![0; count + 1],
            ends: alloc::vec![None],
            meanings: Vec::with_capacity(self.anchors.len()),
        };
        for (at, (anchor, meanings)) in self.anchors.into_iter().enumerate() {
            made.filter(anchor.as_bytes(), 1 << (at * GROUPS / total));
            made.insert(anchor.as_bytes(), u16::try_from(at).ok()?)?;
            made.meanings.push(meanings);
        }
        Some(made)
    }
}

impl<T> Anchors<T> {
    pub(super) fn builder() -> Builder<T> {
        Builder { anchors: Vec::new() }
    }

    fn filter(&mut self, anchor: &[u8], group: u64) {
        for (position, row) in self.filter.iter_mut().enumerate() {
            let byte = anchor.get(position);
            let is = |at: usize| {
                byte.is_none_or(|byte| u8::try_from(at).is_ok_and(|at| at.eq_ignore_ascii_case(byte)))
            };
            for (_, groups) in row.iter_mut().enumerate().filter(|(at, _)| is(*at)) {
                *groups |= group;
            }
        }
    }

    fn insert(&mut self, anchor: &[u8], number: u16) -> Option<()> {
        let mut node = 0;
        for byte in anchor {
            let class = usize::from(*self.classes.get(usize::from(*byte))?);
            let free = self.ends.len();
            let next = self.nodes.get_mut(node * self.width + class)?;
            if *next == 0 {
                *next = u16::try_from(free).ok()?;
                node = free;
                self.ends.push(None);
                self.nodes.resize((free + 1) * self.width, 0);
            } else {
                node = usize::from(*next);
            }
        }
        *self.ends.get_mut(node)? = Some(number);
        Some(())
    }

    /// The first anchor in `text` that begins at `from` or later, the longest one there, and what it stands for.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<(Range<usize>, &[T])> {
        let [first, second, third] = &self.filter;
        let of = |row: &Row, byte: u8| row.get(usize::from(byte)).copied().unwrap_or_default();
        let mut from = from;
        loop {
            let triples = text.get(from..)?.windows(3);
            let may_begin = triples.into_iter().position(|bytes| match bytes {
                [a, b, c] => of(first, *a) & of(second, *b) & of(third, *c) != 0,
                _ => false,
            });
            let Some(at) = may_begin else { break };
            if let Some(found) = self.at(text, from + at) {
                return Some(found);
            }
            from += at + 1;
        }
        // Where fewer than three bytes are left.
        let last = text.len().saturating_sub(2).max(from);
        (last..text.len()).find_map(|at| self.at(text, at))
    }

    /// The longest anchor that begins here.
    fn at(&self, text: &[u8], start: usize) -> Option<(Range<usize>, &[T])> {
        let mut node = 0;
        let mut found = None;
        for (length, byte) in (1..).zip(text.get(start..)?) {
            let class = usize::from(self.classes.get(usize::from(*byte)).copied().unwrap_or_default());
            node = usize::from(self.nodes.get(node * self.width + class).copied().unwrap_or_default());
            if node == 0 {
                break;
            }
            if let Some(Some(anchor)) = self.ends.get(node) {
                found = Some((start + length, *anchor));
            }
        }
        let (end, anchor) = found?;
        Some((start..end, self.meanings.get(usize::from(anchor))?.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn all(anchors: &[&'static str], text: &str) -> Vec<(usize, usize, Vec<usize>)> {
        let mut builder = Anchors::builder();
        anchors.iter().enumerate().for_each(|(at, anchor)| builder.add(anchor, at));
        let anchors = builder.build().unwrap();
        let (mut found, mut from) = (Vec::new(), 0);
        while let Some((range, meanings)) = anchors.find(text.as_bytes(), from) {
            from = range.start + 1;
            found.push((range.start, range.end, meanings.to_vec()));
        }
        found
    }

    #[test]
    fn leftmost_then_longest_in_any_case() {
        let anchors = ["i-", "arn:", "AWS", "aws://", ".", "비밀", "I-"];
        assert_eq!(
            all(&anchors, "I-1 .ARN:aws:// aw 비밀i-"),
            [
                (0, 2, [0, 6].to_vec()),
                (4, 5, [4].to_vec()),
                (5, 9, [1].to_vec()),
                (9, 15, [3].to_vec()),
                (19, 25, [5].to_vec()),
                (25, 27, [0, 6].to_vec()),
            ]
        );
        for text in ["", "i", "a", "ar", "arn", "xaw", "비"] {
            assert_eq!(all(&anchors, text), [], "{text}");
        }
        assert_eq!(all(&anchors, "x."), [(1, 2, [4].to_vec())]);
        assert_eq!(all(&[], "anything"), []);
    }

    #[test]
    fn finds_what_a_plain_search_finds() {
        let anchors = ["ab", "abc", "b", "bca", "cab", "abcabca"];
        for number in 0..3_usize.pow(8) {
            let letter = |at: u32| ['a', 'B', 'c'][number / 3_usize.pow(at) % 3];
            let text: alloc::string::String = (0..8).map(letter).collect();
            let lower = text.to_lowercase();
            let longest = |at: usize| {
                let here = anchors.iter().filter(|anchor| lower[at..].starts_with(**anchor));
                here.map(|anchor| anchor.len()).max().map(|length| (at, at + length))
            };
            let expected: Vec<_> = (0..8).filter_map(longest).collect();
            let found: Vec<_> =
                all(&anchors, &text).into_iter().map(|(start, end, _)| (start, end)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
