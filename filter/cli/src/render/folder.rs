//! A folder whose files are replaced, never written over.

use crate::failure::Failure;
use std::fs;
use std::io;
use std::path::Path;

/// Writes each file under another name and renames it, if it has changed. Envoy reads its files again on every rename
/// in their folder: files that others watch come last.
pub(super) fn write(folder: &Path, files: &[(&'static str, String)]) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, &error))?;
    for (name, content) in files {
        let path = folder.join(name);
        replace(&path, content).map_err(|error| Failure::file("write", &path, &error))?;
    }
    Ok(())
}

fn replace(path: &Path, content: &str) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == content.as_bytes()) {
        return Ok(());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let renamed = fs::write(&new, content).and_then(|()| fs::rename(&new, path));
    if renamed.is_err() {
        // It may not be there at all.
        let _ = fs::remove_file(&new);
    }
    renamed
}
