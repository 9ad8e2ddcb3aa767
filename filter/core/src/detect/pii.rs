//! What tells of a person: none of it is AWS's, and none is looked for unless it is asked for.

pub mod card;
pub mod email;
pub mod iban;
pub mod phone;
pub mod resident;

/// Digits with at most one separator between two of them, as people group numbers.
pub(super) struct Digits {
    /// The digits' values.
    pub(super) values: alloc::vec::Vec<u8>,
    /// Lengths of the groups.
    pub(super) groups: alloc::vec::Vec<usize>,
    /// Where the last group ends.
    pub(super) end: usize,
}

/// Reads groups of digits from `from` on, at most `most` digits and one more.
pub(super) fn digits(text: &[u8], from: usize, separators: &[u8], most: usize) -> Digits {
    let mut read = Digits { values: alloc::vec::Vec::new(), groups: alloc::vec::Vec::new(), end: from };
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let room = (most + 1).saturating_sub(read.values.len());
        let group = rest.iter().take(room).take_while(|byte| byte.is_ascii_digit());
        let before = read.values.len();
        read.values.extend(group.map(|byte| byte - b'0'));
        let length = read.values.len() - before;
        if length == 0 {
            return read;
        }
        read.groups.push(length);
        read.end = at + length;
        match text.get(read.end) {
            Some(byte) if separators.contains(byte) => at = read.end + 1,
            _ => return read,
        }
    }
}
