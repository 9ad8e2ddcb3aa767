//! No room for the file to grow: a clear error, what is there is served, and all is well once there is room.

use std::{process::Command, time::Duration};

use redis_bridge::store::{
    ErrorKind, Store,
    embedded::{Embedded, Place, system_clock},
};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    time::{Instant, sleep},
};

use crate::{
    child::{self, PATIENCE, Process, say},
    world::{entries, seal, sealed, space},
};

#[test]
fn a_store_out_of_room_recovers_by_itself() {
    let folder = TempDir::new().unwrap();
    // Writing beyond the limit fails as it does on a full disk; it would end the process otherwise.
    let limit = "trap '' XFSZ; ulimit -S -f 8192;";
    let mut child = Process::start("full::runs_out_of_room", &folder.path().join("store"), limit);
    assert_eq!(child.line().as_deref(), Some("recovered"));
}

#[test]
#[ignore = "the other process of the test above"]
fn runs_out_of_room() {
    let Some(path) = child::store() else { return };
    Runtime::new().unwrap().block_on(async {
        let ttl = Duration::from_secs(3_600);
        let store = Embedded::open(Place::File(path.clone()), ttl, Vec::new(), system_clock()).unwrap();
        let space = space(1, "EC2");
        let mut issued = 0;
        let error = loop {
            match store.issue(&space, entries(issued..issued + 1_000), seal()).await {
                Ok(numbers) => {
                    assert!(numbers.into_iter().eq(issued + 1..=issued + 1_000));
                    issued += 1_000;
                }
                Err(error) => break error,
            }
        };
        assert!(issued > 1_000, "{issued}");
        assert_eq!(error.kind, ErrorKind::Full, "{error}");

        // Writing is refused, reading works.
        assert_eq!(store.ready().await.unwrap_err().kind, ErrorKind::Full);
        let again = store.issue(&space, entries(issued..issued + 1), seal()).await;
        assert_eq!(again.unwrap_err().kind, ErrorKind::Full);
        assert!(store.issue(&space, entries(0..issued), seal()).await.unwrap().into_iter().eq(1..=issued));
        assert_eq!(store.sealed(&space, &[1, issued]).await.unwrap(), [sealed(1), sealed(issued)]);

        let pid = std::process::id().to_string();
        assert!(
            Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().unwrap().success()
        );
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = store.ready().await {
            assert!(Instant::now() < deadline, "{error}");
            sleep(Duration::from_millis(10)).await;
        }
        let all = store.issue(&space, entries(0..issued + 1_000), seal()).await.unwrap();
        assert!(all.into_iter().eq(1..=issued + 1_000), "nothing is lost, and no number given twice");
        drop(store);
        let store = Embedded::open(Place::File(path), ttl, Vec::new(), system_clock()).unwrap();
        assert_eq!(store.issue(&space, entries([0, issued]), seal()).await.unwrap(), [1, issued + 1]);
        say("recovered");
    });
}
