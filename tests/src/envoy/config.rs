//! The shipped configuration, changed as an operator changes it.

use std::{fmt::Display, fs};

use serde_json::Value;

use super::root;

/// The line after which the filter's own configuration stands, as indented JSON.
const FILTER: &str = "filter: &filter |";

/// The text of `envoy/sidecar.yaml` with other values at its top.
///
/// A value stands on a line `name: &name value  # comment`. Only such lines can be changed: everything else is tested as
/// it is shipped.
#[derive(Clone, Debug)]
pub struct Sidecar {
    text: String,
}

impl Sidecar {
    /// The configuration as shipped.
    ///
    /// # Panics
    /// When the file is absent.
    pub fn shipped() -> Self {
        let file = root().join("envoy/sidecar.yaml");
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        Self { text }
    }

    /// Edits the text itself, as an operator does for what is no value.
    #[must_use]
    pub fn edited(mut self, edit: impl FnOnce(String) -> String) -> Self {
        self.text = edit(self.text);
        self
    }

    /// Changes the value called `name`.
    ///
    /// # Panics
    /// When there is not exactly one value of that name: the configuration has changed, and so must the tests.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Display) -> Self {
        let anchor = format!("{name}: &{name} ");
        let mut found = 0;
        let lines = self.text.lines().map(|line| match line.find(&anchor) {
            Some(at) if line[..at].trim().is_empty() => {
                found += 1;
                let rest = &line[at + anchor.len()..];
                let comment = rest.find(" #").map_or("", |at| &rest[rest[..at].trim_end().len()..]);
                format!("{}{anchor}{value}{comment}\n", &line[..at])
            }
            _ => format!("{line}\n"),
        });
        self.text = lines.collect();
        assert_eq!(found, 1, "envoy/sidecar.yaml has {found} values called {name:?}");
        self
    }

    /// Changes a value of the filter's own configuration, which may be absent there.
    ///
    /// # Panics
    /// When there is no such configuration in the file, or it is not an object.
    #[must_use]
    pub fn set_in_filter(mut self, name: &str, value: Value) -> Self {
        let start = self.text.find(FILTER).map(|at| at + FILTER.len());
        let start = start.expect("envoy/sidecar.yaml has the filter's configuration at its top");
        let line = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let depth = indentation(&self.text[line..]);
        let block = &self.text[start + 1..];
        let length: usize = block
            .split_inclusive('\n')
            .take_while(|line| line.trim().is_empty() || indentation(line) > depth)
            .map(str::len)
            .sum();
        let mut filter: Value =
            serde_json::from_str(&block[..length]).expect("the filter's configuration is JSON");
        filter[name] = value;
        let filter = format!("{}{filter}\n\n", " ".repeat(depth + 2));
        self.text.replace_range(start + 1..start + 1 + length, &filter);
        self
    }

    /// Adds a cluster for another provider, as the file says: like the last one's, under this name.
    ///
    /// # Panics
    /// When the file has no cluster of a provider.
    #[must_use]
    pub fn with_provider(mut self, host: &str) -> Self {
        const LIKE: &str = "api.openai.com";
        let first = format!("  - name: {LIKE}\n");
        let start = self.text.find(&first).expect("the file has a cluster of a provider");
        let length = self.text[start..].find("\n\n").expect("an empty line stands behind the clusters") + 1;
        let cluster = self.text[start..start + length].replace(LIKE, host);
        self.text.insert_str(start + length, &cluster);
        self
    }

    /// Takes the filter itself out of the chain, and nothing else.
    ///
    /// # Panics
    /// When there is no such item.
    #[must_use]
    pub fn without_filter(mut self) -> Self {
        const ITEM: &str = "          - name: cloakroom\n";
        let (before, item) = self.text.split_once(ITEM).expect("the chain has the filter");
        let within = |line: &&str| line.starts_with("           ") || line.trim().is_empty();
        let length: usize = item.split_inclusive('\n').take_while(within).map(str::len).sum();
        self.text = format!("{before}{}", &item[length..]);
        self
    }

    /// The whole configuration.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sidecar() -> Sidecar {
        let text = "top:\n  port: &port 80  # why\n  filter: &filter |\n    {\n      \"a\": 1\n    }\n\n  x: *port\n";
        Sidecar { text: text.to_owned() }
    }

    #[test]
    fn only_the_value_changes() {
        assert_eq!(sidecar().set("port", 0).text(), sidecar().text().replace("80", "0"));
    }

    #[test]
    fn the_filters_configuration_stays_json() {
        let changed = sidecar().set_in_filter("b", "c".into());
        assert_eq!(
            changed.text(),
            "top:\n  port: &port 80  # why\n  filter: &filter |\n    {\"a\":1,\"b\":\"c\"}\n\n  x: *port\n"
        );
    }

    #[test]
    #[should_panic(expected = "has 0 values called \"x\"")]
    fn what_is_only_used_is_no_value() {
        let _ = sidecar().set("x", 0);
    }
}
