//! What expires leaves room for what comes: the file does not grow with time.

use std::{fs, ops::Range, sync::Arc, time::Duration};

use redis_bridge::store::{
    Entry, Seal, Store,
    embedded::{Embedded, Place},
};
use tempfile::TempDir;

use crate::world::{AtClock, TTL, entries, seal, space};

#[tokio::test(flavor = "multi_thread")]
async fn under_a_steady_load_the_file_stays_as_large_as_it_is() {
    // Where indexes are most of the file, and where sealed bytes are.
    for len in [0, 200] {
        stays_as_large_as_it_is(len).await;
    }
}

async fn stays_as_large_as_it_is(len: usize) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    let clock = AtClock::default();
    let store = Embedded::open(Place::File(path.clone()), TTL, Vec::new(), clock.clock()).unwrap();
    let size = || fs::metadata(&path).unwrap().len();
    let mut value = 0;
    let mut sizes = Vec::new();
    for _ in 0..20 {
        // A TTL's worth of values.
        for _ in 0..20 {
            clock.advance(TTL / 20);
            let seal: Seal = Arc::new(move |_, _| Some(vec![7; len]));
            store.issue(&space(1, "EC2"), scattered(value..value + 200), seal).await.unwrap();
            // A probe comes more often than the sweep gets round.
            store.ready().await.unwrap();
            value += 200;
        }
        sizes.push(size());
    }
    // A file grows by doubling, and when exactly is a matter of when the sweep ran; what stays would be four times as much.
    let settled = sizes[4];
    assert!(sizes[5..].iter().all(|size| *size <= 2 * settled), "{len}: {sizes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_neither_revives_nor_repeats() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    let clock = AtClock::default();
    let open = || Embedded::open(Place::File(path.clone()), TTL, Vec::new(), clock.clock()).unwrap();
    let store = open();
    assert_eq!(store.issue(&space(1, "EC2"), entries([1, 2]), seal()).await.unwrap(), [1, 2]);
    clock.advance(TTL * 2);
    assert_eq!(
        store.issue(&space(1, "EC2"), entries([3]), seal()).await.unwrap(),
        [3],
        "1 and 2 have expired"
    );
    clock.set_back(TTL * 4);
    assert_eq!(store.sealed(&space(1, "EC2"), &[1, 2]).await.unwrap(), [None, None]);
    drop(store);

    let store = open();
    assert_eq!(store.sealed(&space(1, "EC2"), &[1, 2]).await.unwrap(), [None, None]);
    assert_eq!(store.issue(&space(1, "EC2"), entries([1, 3]), seal()).await.unwrap(), [4, 3]);
    clock.advance(TTL / 2);
    assert_eq!(store.issue(&space(1, "EC2"), entries([3]), seal()).await.unwrap(), [3]);
    clock.advance(TTL + Duration::from_secs(1));
    clock.advance(TTL / 3);
    assert_eq!(
        store.issue(&space(1, "EC2"), entries([3]), seal()).await.unwrap(),
        [5],
        "time goes on all the same"
    );
}

/// Entries whose indexes are in no order, like keyed hashes.
fn scattered(values: Range<u64>) -> Arc<[Entry]> {
    entries(values.map(|value| value.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}
