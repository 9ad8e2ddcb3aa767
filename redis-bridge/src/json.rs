//! JSON that others wrote, read into a type. What is wrong is told by place and by sort, never by what was read.

use std::fmt;

use serde::Deserialize;

/// Where JSON is wrong, and how.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Wrong {
    sort: &'static str,
    line: usize,
    column: usize,
}

/// Reads the whole of `bytes` as one value.
///
/// # Errors
/// [`Wrong`].
pub(crate) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Wrong> {
    serde_json::from_slice(bytes).map_err(|error| Wrong {
        sort: sort(&error),
        line: error.line(),
        column: error.column(),
    })
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {}, column {}", self.sort, self.line, self.column)
    }
}

/// The parser's own words quote what it read, so only their beginning is looked at.
fn sort(error: &serde_json::Error) -> &'static str {
    use serde_json::error::Category;

    match error.classify() {
        Category::Eof => return "the JSON ends too early,",
        Category::Io | Category::Syntax => return "no valid JSON",
        Category::Data => {}
    }
    let text = error.to_string();
    let known = [
        ("unknown field", "a member that does not belong here"),
        ("missing field", "an object that lacks a member, up to its end"),
        ("duplicate field", "a member that was there before"),
        ("unknown variant", "a name that is not one of those expected"),
    ];
    known
        .iter()
        .find(|(beginning, _)| text.starts_with(beginning))
        .map_or("a value of another type than expected", |(_, sort)| sort)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        #[serde(rename = "list")]
        _list: Vec<bool>,
    }

    #[test]
    fn places_and_sorts_but_nothing_that_was_read() {
        for (json, told) in [
            ("", "the JSON ends too early, at line 1, column 0"),
            ("{\"list\":\n[true", "the JSON ends too early, at line 2, column 5"),
            ("secret", "no valid JSON at line 1, column 1"),
            (r#"{"list":[true]}secret"#, "no valid JSON at line 1, column 16"),
            (r#"{"secret":1}"#, "a member that does not belong here at line 1, column 9"),
            (r#"{"list":["secret"]}"#, "a value of another type than expected at line 1, column 17"),
            (r#"{"list":[],"list":[]}"#, "a member that was there before at line 1, column 17"),
            ("{}", "an object that lacks a member, up to its end at line 1, column 2"),
        ] {
            assert_eq!(read::<Shape>(json.as_bytes()).unwrap_err().to_string(), told, "{json}");
        }
        let deep = "[".repeat(100_000);
        assert!(read::<serde_json::Value>(deep.as_bytes()).is_err(), "deep, but no overflow of the stack");
    }
}
