//! How applications come to trust the CA.

use std::io::{self, Write};
use std::path::Path;

/// The CAs that applications trust otherwise, and ours.
pub(super) const BUNDLE: &str = "bundle.pem";

/// What is printed; `DIR` stands for the folder.
const HINTS: &str = include_str!("trust.txt");

/// The content of [`BUNDLE`].
pub(super) fn bundle(system: &Path, ours: &str) -> Result<String, String> {
    let failed = |why: &dyn std::fmt::Display| format!("cannot use {} as a bundle: {why}", system.display());
    let mut bundle = std::fs::read_to_string(system).map_err(|error| failed(&error))?;
    if !bundle.contains("-----BEGIN CERTIFICATE-----") {
        return Err(failed(&"it has no certificate in PEM"));
    }
    if !bundle.ends_with('\n') {
        bundle.push('\n');
    }
    Ok(bundle + ours)
}

/// Writes the hints for a folder.
pub(super) fn hints(dir: &Path, out: &mut impl Write) -> io::Result<()> {
    out.write_all(HINTS.replace("DIR", &dir.display().to_string()).as_bytes())
}
