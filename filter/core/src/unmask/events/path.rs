//! Which of several texts of one name a text is.

use alloc::vec::Vec;

/// Longest path of a channel, in bytes: names and values of all its indices. Text with a longer one is restored within
/// its event.
pub(super) const MAX_PATH: usize = 512;

/// Neither byte occurs in UTF-8.
const END_OF_INDEX: u8 = 0xff;
const END_OF_LEVEL: u8 = 0xfe;

/// The indices of the containers that a text stands in, outermost first; containers without an index do not count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Path(Vec<u8>);

impl Path {
    /// No container has an index.
    pub(super) const ROOT: Self = Self(Vec::new());

    /// Enters a container with these indices, sorted by name: names, and values as they are spelled.
    pub(super) fn enter<'a>(&mut self, indices: impl Iterator<Item = (&'a str, &'a [u8])>) {
        let before = self.0.len();
        for (name, value) in indices {
            self.0.extend_from_slice(name.as_bytes());
            self.0.push(b'=');
            self.0.extend_from_slice(value);
            self.0.push(END_OF_INDEX);
        }
        if self.0.len() > before {
            self.0.push(END_OF_LEVEL);
        }
    }

    /// False beyond [`MAX_PATH`].
    pub(super) fn is_short(&self) -> bool {
        self.0.len() <= MAX_PATH
    }

    /// True if every index of `outer` is one of this path at the same level.
    pub(super) fn is_within(&self, outer: &Self) -> bool {
        fn split(bytes: &[u8], end: u8) -> impl Iterator<Item = &[u8]> {
            bytes.split(move |byte| *byte == end).filter(|part| !part.is_empty())
        }
        let mut levels = split(&self.0, END_OF_LEVEL);
        split(&outer.0, END_OF_LEVEL).all(|outer| {
            let level = levels.next().unwrap_or_default();
            split(outer, END_OF_INDEX).all(|index| split(level, END_OF_INDEX).any(|own| own == index))
        })
    }

    /// The path below the outermost level, if that has exactly these indices.
    pub(super) fn without(&self, outermost: &Self) -> Option<Self> {
        self.0.strip_prefix(outermost.0.as_slice()).map(|rest| Self(rest.to_vec()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn path(levels: &[&[(&str, &str)]]) -> Path {
        let mut path = Path::ROOT;
        for level in levels {
            path.enter(level.iter().map(|(name, value)| (*name, value.as_bytes())));
        }
        path
    }

    #[test]
    fn a_path_is_within_one_that_says_less() {
        let item = path(&[&[("content_index", "0"), ("item_id", "a"), ("output_index", "1")]]);
        for (outer, within) in [
            (path(&[]), true),
            (path(&[&[("output_index", "1")]]), true),
            (path(&[&[("item_id", "a"), ("output_index", "1")]]), true),
            (path(&[&[("output_index", "10")]]), false),
            (path(&[&[("content_index", "1")]]), false),
            (path(&[&[("output_index", "1")], &[("index", "0")]]), false),
        ] {
            assert_eq!(item.is_within(&outer), within, "{outer:?}");
        }
        let call = path(&[&[("index", "0")], &[], &[("index", "1")]]);
        assert!(call.is_within(&path(&[&[("index", "0")]])) && !call.is_within(&path(&[&[("index", "1")]])));
        assert_eq!(call.without(&path(&[&[("index", "0")]])), Some(path(&[&[("index", "1")]])));
        assert_eq!(call.without(&path(&[&[("index", "1")]])), None);
        assert!(!path(&[&[("item_id", &"x".repeat(MAX_PATH))]]).is_short());
    }
}
