//! Reads YAML, and JSON with it.

use serde::de::DeserializeOwned;
use serde_saphyr::{budget, options};

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
        let text = error
            .without_snippet()
            .to_string()
            .replace(", set DuplicateKeyPolicy in Options if acceptable", "");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    })
}
