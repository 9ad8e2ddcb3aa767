//! Files that cannot be opened.

use std::{fs, path::Path};

use redis_bridge::store::{
    ErrorKind, Store, StoreError,
    embedded::{Embedded, Place, system_clock},
};
use tempfile::TempDir;

use crate::{
    child::{self, Process, say},
    world::{TTL, entries, seal, space},
};

#[test]
fn a_file_in_use_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    let mut other = Process::start("opening::holds_the_file", &path, "");
    assert_eq!(other.line().as_deref(), Some("open"));
    let error = open(&path).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("is in use by another process"), "{error}");
    assert!(error.message.contains(path.to_str().unwrap()), "{error}");

    other.kill();
    drop(other);
    let store = open(&path).unwrap();
    open(&path).unwrap_err();
    drop(store);
    open(&path).unwrap();
}

#[test]
#[ignore = "the other process of the test above"]
fn holds_the_file() {
    let Some(path) = child::store() else { return };
    let _store = open(&path).unwrap();
    say("open");
    loop {
        std::thread::park();
    }
}

#[test]
fn what_is_not_a_store_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    fs::write(&path, "# a file of somebody else\n".repeat(100)).unwrap();
    let error = open(&path).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsound);
    assert!(error.message.starts_with(path.to_str().unwrap()), "{error}");

    for path in [folder.path().join("missing/store"), folder.path().to_owned()] {
        let error = open(&path).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.message.starts_with(path.to_str().unwrap()), "{error}");
        let hint = if path.ends_with("missing/store") { "create the folder" } else { "check its disk" };
        assert!(error.message.contains(hint), "{error}");
    }
}

#[tokio::test]
async fn a_store_that_was_cut_or_overwritten_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    let store = open(&path).unwrap();
    store.issue(&space(1, "EC2"), entries(0..5_000), seal()).await.unwrap();
    drop(store);
    let sound = fs::read(&path).unwrap();

    fs::write(&path, &sound[..sound.len() / 2]).unwrap();
    assert_eq!(open(&path).unwrap_err().kind, ErrorKind::Unsound, "cut");
    let mut overwritten = sound.clone();
    overwritten[8_192..].chunks_mut(4_096).for_each(|page| page[..8].fill(0xff));
    fs::write(&path, overwritten).unwrap();
    assert_eq!(open(&path).unwrap_err().kind, ErrorKind::Unsound, "overwritten");
    fs::write(&path, sound).unwrap();
    open(&path).unwrap();
}

fn open(path: &Path) -> Result<Embedded, StoreError> {
    Embedded::open(Place::File(path.to_owned()), TTL, Vec::new(), system_clock())
}
