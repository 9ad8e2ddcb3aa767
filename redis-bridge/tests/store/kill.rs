//! `kill -9` while it writes: what was answered is there, and no number is given twice.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use redis_bridge::store::{
    Store,
    embedded::{Embedded, Place, system_clock},
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    child::{self, Process, say},
    world::{entries, seal, sealed, space},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_a_kill() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    // Numbers and their values, as answered.
    let mut answered: BTreeMap<u64, u64> = BTreeMap::new();
    for round in 0..12 {
        let mut writer = Process::start("kill::writes_until_it_is_killed", &path, "");
        let before = answered.len();
        // At another moment each time: the first write, opening, a call later, many calls later.
        while answered.len() - before < round * round * 7 {
            remember(&mut answered, &writer.line().unwrap());
        }
        writer.kill();
        while let Some(line) = writer.line() {
            remember(&mut answered, &line);
        }
        drop(writer);

        let store = open(&path);
        let (numbers, values): (Vec<u64>, Vec<u64>) = answered.clone().into_iter().unzip();
        let bytes = store.sealed(&space(1, "EC2"), &numbers).await.unwrap();
        assert!(numbers.iter().zip(bytes).all(|(number, bytes)| bytes == sealed(*number)), "{round}");
        assert_eq!(store.issue(&space(1, "EC2"), entries(values), seal()).await.unwrap(), numbers, "{round}");
        let new = store.issue(&space(1, "EC2"), entries([u64::MAX - round as u64]), seal()).await.unwrap()[0];
        assert_eq!(answered.insert(new, u64::MAX - round as u64), None, "{round}");
        assert_eq!(answered.last_key_value().unwrap().0, &new, "{round}");
    }
    assert!(answered.len() > 1_000, "{}", answered.len());
}

#[test]
#[ignore = "the other process of the test above"]
fn writes_until_it_is_killed() {
    let Some(path) = child::store() else { return };
    Runtime::new().unwrap().block_on(async {
        let store = open(&path);
        let mut tasks = JoinSet::new();
        // Values of its own, whatever ran before.
        let first = u64::from(std::process::id()) << 32;
        for task in 0..8 {
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                for call in 0.. {
                    let values = (0..5).map(|value| first + (task << 24) + call * 5 + value);
                    let numbers =
                        store.issue(&space(1, "EC2"), entries(values.clone()), seal()).await.unwrap();
                    let pairs = values.zip(numbers).map(|(value, number)| format!("{value}={number}"));
                    say(&pairs.collect::<Vec<_>>().join(" "));
                }
            });
        }
        tasks.join_all().await;
    });
}

fn remember(answered: &mut BTreeMap<u64, u64>, line: &str) {
    for pair in line.split(' ') {
        let (value, number) = pair.split_once('=').unwrap();
        let before = answered.insert(number.parse().unwrap(), value.parse().unwrap());
        assert_eq!(before, None, "the number {number} was given twice");
    }
}

fn open(path: &Path) -> Arc<dyn Store> {
    let ttl = Duration::from_secs(3_600);
    Arc::new(Embedded::open(Place::File(path.to_owned()), ttl, Vec::new(), system_clock()).unwrap())
}
