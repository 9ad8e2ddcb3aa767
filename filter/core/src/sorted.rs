//! Search in sorted strings, one character at a time.
//!
//! Strings with a common beginning stand together, so what matches so far is always a range.

use core::ops::Range;

/// Those of `range` (which agree in their first `position` characters) that go on with `byte`.
pub(crate) fn narrow<T>(
    strings: &[T],
    bytes: impl Fn(&T) -> &[u8],
    range: &Range<usize>,
    position: usize,
    byte: u8,
) -> Range<usize> {
    let strings = strings.get(range.clone()).unwrap_or_default();
    let at = |string: &T| bytes(string).get(position).copied();
    let goes_on = |string: Option<&T>| string.is_some_and(|string| at(string) == Some(byte));
    if goes_on(strings.first()) && goes_on(strings.last()) {
        // They are sorted, so all in between go on with it too.
        return range.clone();
    }
    let start = strings.partition_point(|string| at(string) < Some(byte));
    let end = strings.partition_point(|string| at(string) <= Some(byte));
    range.start + start..range.start + end
}
