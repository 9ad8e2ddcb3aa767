//! The shipped configuration, changed as an operator changes it.

use std::{fmt::Display, fs};

use super::root;

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
                let comment = rest.find(" #").map_or("", |at| &rest[at..]);
                format!("{}{anchor}{value}{comment}\n", &line[..at])
            }
            _ => format!("{line}\n"),
        });
        self.text = lines.collect();
        assert_eq!(found, 1, "envoy/sidecar.yaml has {found} values called {name:?}");
        self
    }

    /// The whole configuration.
    pub fn text(&self) -> &str {
        &self.text
    }
}
