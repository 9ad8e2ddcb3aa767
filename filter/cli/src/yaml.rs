//! Reads YAML, and JSON with it.

use serde::de::DeserializeOwned;
use serde_saphyr::{budget, options};

/// What the reader says to programmers, and what it means to whoever wrote the file.
const WORDS: &[(&str, &str)] = &[
    (", set DuplicateKeyPolicy in Options if acceptable", ""),
    ("expected mapping start", "expected a mapping"),
    ("expected sequence start", "expected a list"),
    ("invalid u16", "expected a number from 0 to 65535"),
    ("expected a nonzero u16", "expected a number from 1 to 65535"),
    ("invalid u32", "expected a number from 0 to 4294967295"),
];

/// Reads the one document in `text`. An error is one sentence, with line and column.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let options = options! {
        // The other limits are the reader's own: depth, nodes, aliases.
        budget: budget! {
            // A long list may use one anchor in every line.
            enforce_alias_anchor_ratio: false,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let text = error.without_snippet().to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        WORDS.iter().fold(text, |text, (theirs, ours)| text.replace(theirs, ours))
    })
}
