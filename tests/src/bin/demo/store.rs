//! The Redis bridge of the demo, and where it keeps tokens.

use std::{
    env,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
};

use e2e::{
    bridge::{Bridge, Settings},
    envoy::root,
};
use tempfile::TempDir;

/// Names a Redis to be used by `demo up` instead of the embedded store.
const REDIS_URL: &str = "REDIS_URL";

/// A bridge on its embedded store in a folder that goes away with it.
pub(crate) fn temporary() -> io::Result<(TempDir, Bridge)> {
    let dir = tempfile::Builder::new().prefix("cloakroom-demo-").tempdir()?;
    let store = format!("file:{}", dir.path().join("mappings.redb").display());
    Ok((dir, Bridge::start(&Settings::over(store))))
}

/// A bridge on the Redis that the environment names, or a [`temporary`] one; and what to call its store.
pub(crate) fn chosen() -> io::Result<(Option<TempDir>, Bridge, String)> {
    match env::var(REDIS_URL) {
        Ok(url) if !url.is_empty() => {
            let mut settings = Settings::over(url);
            // What one run wrote, only the same keys read in the next.
            let file = root().join("target/up-keys.json");
            match fs::read_to_string(&file) {
                Ok(keys) => settings.keys = keys,
                Err(_) => {
                    let mut new = File::options().write(true).create_new(true).mode(0o600).open(&file)?;
                    new.write_all(settings.keys.as_bytes())?;
                }
            }
            Ok((None, Bridge::start(&settings), format!("the Redis of {REDIS_URL}")))
        }
        _ => temporary().map(|(dir, bridge)| (Some(dir), bridge, "its embedded store".to_owned())),
    }
}
