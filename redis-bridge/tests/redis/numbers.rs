//! One value, one number, and what is kept for how long.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use e2e::redis::Reply;
use redis_bridge::store::{
    Entry, Index, ScopeTag, Seal, Space, Store as _,
    redis::{Options, Redis as Store},
};

use crate::support::{TTL, connect, entries, index, issue, options, redis, seal, sealed, space, store};

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_calls_for_the_same_new_values_number_them_once_and_without_gaps() {
    let redis = redis();
    let stores = [Arc::new(store(&redis).await), Arc::new(store(&redis).await)];
    let calls: Vec<_> = (0..64)
        .map(|call| {
            let store = Arc::clone(&stores[call % 2]);
            // Each in another order.
            let values: Vec<u64> = (0..1_000).map(|value| (value + call as u64 * 37) % 1_000).collect();
            tokio::spawn(async move { (issue(&store, &space(1), values.clone()).await.unwrap(), values) })
        })
        .collect();
    let mut number_of = vec![0; 1_000];
    for call in calls {
        let (numbers, values) = call.await.unwrap();
        for (value, number) in values.into_iter().zip(numbers) {
            let known = &mut number_of[usize::try_from(value).unwrap()];
            assert!(*known == 0 || *known == number, "{value} has the numbers {known} and {number}");
            *known = number;
        }
    }
    assert_eq!(number_of.iter().copied().collect::<BTreeSet<_>>(), (1..=1_000).collect());
    let kept = stores[0].sealed(&space(1), &number_of).await.unwrap();
    for (kept, number) in kept.into_iter().zip(number_of) {
        assert_eq!(kept, Some(sealed(number)));
    }
}

#[tokio::test]
async fn numbers_follow_the_order_of_entries_over_chunks_and_kinds_count_apart() {
    let redis = redis();
    let store = store(&redis).await;
    assert_eq!(issue(&store, &space(1), [700, 3]).await, Ok(vec![1, 2]));
    let mut expected: Vec<u64> = (3..=2_001).collect();
    expected.insert(3, 2);
    expected.insert(700, 1);
    assert_eq!(issue(&store, &space(1), 0..2_001).await, Ok(expected));
    let vpc = Space { kind: "VPC".to_owned(), ..space(1) };
    assert_eq!(store.issue(&vpc, entries_of(9, 0..2), seal()).await, Ok(vec![1, 2]));
    assert_eq!(issue(&store, &space(2), 5..7).await, Ok(vec![1, 2]), "another scope");
    assert_eq!(issue(&store, &space(2), []).await, Ok(Vec::new()));
    assert_eq!(store.sealed(&space(2), &[]).await, Ok(Vec::new()));
}

#[tokio::test]
async fn large_values_are_stored_in_batches() {
    let redis = redis();
    let store = store(&redis).await;
    let large: Seal = Arc::new(|_, number| Some(vec![number as u8; 8 * 1024]));
    let numbers = store.issue(&space(1), entries(0..1_500), large).await.unwrap();
    let kept = store.sealed(&space(1), &numbers).await.unwrap();
    for (kept, number) in kept.into_iter().zip(numbers) {
        assert_eq!(kept, Some(vec![number as u8; 8 * 1024]));
    }
}

#[tokio::test]
async fn what_is_not_kept_has_a_number_and_nothing_else_until_it_is_kept() {
    let redis = redis();
    let store = store(&redis).await;
    let mut values = entries([7]).to_vec();
    values[0].keep = false;
    assert_eq!(store.issue(&space(1), values.into(), seal()).await, Ok(vec![1]));
    assert_eq!(store.sealed(&space(1), &[1, 2]).await, Ok(vec![None, None]));
    assert_eq!(issue(&store, &space(1), [7]).await, Ok(vec![1]));
    assert_eq!(store.sealed(&space(1), &[1]).await, Ok(vec![Some(sealed(1))]));
}

#[tokio::test]
async fn a_value_is_sealed_once_and_again_when_the_bytes_are_gone() {
    let redis = redis();
    let store = store(&redis).await;
    let seals = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seals);
    let seal: Seal = Arc::new(move |position, number| {
        assert_eq!(position, 1, "only the new one");
        counted.fetch_add(1, Ordering::Relaxed);
        Some(sealed(number))
    });
    issue(&store, &space(1), [1]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.issue(&space(1), entries([1, 2]), Arc::clone(&seal)).await, Ok(vec![1, 2]));
        assert_eq!(seals.load(Ordering::Relaxed), 1);
    }
    // As after a crash between the two steps.
    let [key] = &keys(&redis, "cr:*:t:EC2:2")[..] else { panic!("one key") };
    redis.command(&[b"DEL", key.as_slice()]);
    assert_eq!(store.issue(&space(1), entries([1, 2]), seal).await, Ok(vec![1, 2]));
    assert_eq!(seals.load(Ordering::Relaxed), 2);
    assert_eq!(store.sealed(&space(1), &[2]).await, Ok(vec![Some(sealed(2))]));
}

#[tokio::test]
async fn a_value_is_found_by_any_index_and_then_by_the_first() {
    let redis = redis();
    let store = store(&redis).await;
    let by = |keys: &[u8]| -> Arc<[Entry]> {
        let entry =
            |value| Entry { indexes: keys.iter().map(|&key| index(key, value)).collect(), keep: true };
        [entry(1), entry(2)].into()
    };
    let space = space(1);
    let issue = |keys: &'static [u8]| store.issue(&space, by(keys), seal());
    assert_eq!(issue(&[1]).await, Ok(vec![1, 2]));
    assert_eq!(issue(&[4, 3, 2, 1]).await, Ok(vec![1, 2]));
    assert_eq!(issue(&[4]).await, Ok(vec![1, 2]));
    assert_eq!(issue(&[4, 3]).await, Ok(vec![1, 2]), "the others do not matter then");
    assert_eq!(issue(&[2]).await, Ok(vec![3, 4]), "neither first nor found");
}

#[tokio::test]
async fn both_directions_end_together_after_the_last_use_and_the_counter_stays() {
    let redis = redis();
    let ttl = Duration::from_millis(300);
    let store = connect(Options { ttl, ..options(redis.url()) }).await.unwrap();
    assert_eq!(issue(&store, &space(1), [1, 2]).await, Ok(vec![1, 2]));
    // The number of a value that is used stays, and so does the counter, however long it takes.
    let end = Instant::now() + 4 * ttl;
    while Instant::now() < end {
        assert_eq!(issue(&store, &space(1), [1]).await, Ok(vec![1]));
        tokio::time::sleep(ttl / 20).await;
    }
    let kept = store.sealed(&space(1), &[1, 2]).await.unwrap();
    assert_eq!(kept, [Some(sealed(1)), None]);
    assert_eq!(issue(&store, &space(1), [2]).await, Ok(vec![3]), "its number is not given again");
    let deadline = Instant::now() + 20 * ttl;
    while !keys(&redis, "cr:*:[it]:*").is_empty() {
        assert!(Instant::now() < deadline, "mappings do not expire");
        tokio::time::sleep(ttl / 20).await;
    }
    assert_eq!(issue(&store, &space(1), [9]).await, Ok(vec![4]));
}

#[tokio::test]
async fn a_counter_outlives_every_number_and_is_never_shortened() {
    let redis = redis();
    let store = store(&redis).await;
    let ttl_ms = i64::try_from(TTL.as_millis()).unwrap();
    let counters = || keys(&redis, "cr:*:c").remove(0);
    let left = || redis.command(&[b"PTTL", &counters()[..]]).integer();
    issue(&store, &space(1), [1]).await.unwrap();
    assert!(left() >= 2 * ttl_ms);
    redis.command(&[b"PEXPIRE", &counters()[..], b"1000000"]);
    issue(&store, &space(1), [1]).await.unwrap();
    assert!(left() >= 2 * ttl_ms, "using a value is enough");
    redis.command(&[b"PEXPIRE", &counters()[..], b"99000000000"]);
    issue(&store, &space(1), [2]).await.unwrap();
    assert!(left() > 98_000_000_000);
}

#[tokio::test]
async fn reading_does_not_prolong_lives() {
    let redis = redis();
    let store = store(&redis).await;
    issue(&store, &space(1), [1]).await.unwrap();
    let mappings = keys(&redis, "cr:*:[it]:*");
    assert_eq!(mappings.len(), 2);
    let left = || mappings.iter().map(|key| redis.command(&[b"PTTL", &key[..]]).integer()).max().unwrap();
    for key in &mappings {
        redis.command(&[b"PEXPIRE", &key[..], b"100000"]);
    }
    store.sealed(&space(1), &[1]).await.unwrap();
    assert!(left() <= 100_000);
    issue(&store, &space(1), [1]).await.unwrap();
    assert!(left() > 100_000);
}

#[tokio::test]
async fn what_another_key_sealed_is_sealed_anew_when_it_is_used() {
    let redis = redis();
    let old = store(&redis).await;
    issue(&old, &space(1), [1, 2, 3, 4]).await.unwrap();
    let seal_mark = b"new".to_vec();
    let new = connect(Options { seal_mark, ..options(redis.url()) }).await.unwrap();
    let anew: Seal = Arc::new(|_, number| Some(format!("new {number}").into_bytes()));
    assert_eq!(new.issue(&space(1), entries([1]), Arc::clone(&anew)).await, Ok(vec![1]));
    assert_eq!(new.touch(&space(1), entries([2]), Arc::clone(&anew)).await, Ok(()));
    // One that begins as it must is left alone.
    new.touch(&space(1), entries([1, 2]), Arc::new(|_, _| panic!("it is sealed"))).await.unwrap();
    let expected = vec![Some(b"new 1".to_vec()), Some(b"new 2".to_vec()), Some(sealed(3))];
    assert_eq!(new.sealed(&space(1), &[1, 2, 3]).await, Ok(expected));
    // What is there can be used even when there is no room to seal it.
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(new.issue(&space(1), entries([4]), anew).await, Ok(vec![4]));
}

#[tokio::test]
async fn touching_prolongs_what_lives_and_creates_nothing() {
    let redis = redis();
    let store = store(&redis).await;
    assert_eq!(store.touch(&space(1), entries([1]), seal()).await, Ok(()));
    assert!(keys(&redis, "cr:{????????????????}:*").is_empty());
    let mut values = entries([1, 2]).to_vec();
    values[1].keep = false;
    store.issue(&space(1), values.into(), seal()).await.unwrap();
    let mappings: Vec<_> = [keys(&redis, "cr:*:[it]:*"), keys(&redis, "cr:*:c")].concat();
    assert_eq!(mappings.len(), 4);
    for key in &mappings {
        redis.command(&[b"PEXPIRE", &key[..], b"100000"]);
    }
    assert_eq!(store.touch(&space(1), entries([9, 1, 2, 8]), seal()).await, Ok(()));
    for key in &mappings {
        assert!(redis.command(&[b"PTTL", &key[..]]).integer() > 100_000, "{key:?}");
    }
    assert_eq!(keys(&redis, "cr:*:[it]:*").len(), 3, "nothing is kept that was not");
    assert_eq!(issue(&store, &space(1), [9]).await, Ok(vec![3]), "no number was used up");
}

#[tokio::test]
async fn forgetting_removes_a_scope_and_its_numbers_are_never_given_again() {
    let redis = redis();
    let store = store(&redis).await;
    issue(&store, &space(1), 0..2_500).await.unwrap();
    let vpc = Space { kind: "VPC".to_owned(), ..space(1) };
    store.issue(&vpc, entries_of(9, 0..5), seal()).await.unwrap();
    issue(&store, &space(2), [1]).await.unwrap();
    assert_eq!(store.forget(ScopeTag([1; 12])).await, Ok(2_505));
    assert_eq!(keys(&redis, "cr:*:[it]:*").len(), 2, "the other scope's");
    assert_eq!(store.sealed(&space(1), &[1]).await, Ok(vec![None]));
    assert_eq!(store.sealed(&space(2), &[1]).await, Ok(vec![Some(sealed(1))]));
    assert_eq!(issue(&store, &space(1), [0]).await, Ok(vec![2_501]));
    assert_eq!(store.issue(&vpc, entries_of(9, 0..1), seal()).await, Ok(vec![6]));
    assert_eq!(store.forget(ScopeTag([3; 12])).await, Ok(0), "a scope that never was");
}

#[tokio::test]
async fn sealed_bytes_are_not_stored_when_the_scope_was_forgotten_meanwhile() {
    let redis = redis();
    let store = store(&redis).await;
    let socket = redis.socket();
    // Runs between the two steps.
    let seal: Seal = Arc::new(move |_, number| {
        flush(&socket);
        Some(sealed(number))
    });
    assert_eq!(store.issue(&space(1), entries([1]), seal).await, Ok(vec![1]));
    assert_eq!(keys(&redis, "cr:*:t:*").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_leaves_what_is_issued_meanwhile_whole() {
    let redis = redis();
    let store = Arc::new(store(&redis).await);
    issue(&store, &space(1), 0..50_000).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let (issuing, seen) = (Arc::clone(&store), Arc::clone(&over));
    let issuer = tokio::spawn(async move {
        let mut given = Vec::new();
        while !seen.load(Ordering::Relaxed) {
            let value = 100_000 + given.len() as u64;
            given.extend(issue(&issuing, &space(1), [value]).await.unwrap());
        }
        given
    });
    let forgotten = store.forget(ScopeTag([1; 12])).await.unwrap();
    over.store(true, Ordering::Relaxed);
    let given = issuer.await.unwrap();
    assert!(forgotten >= 50_000 && given.len() > 1, "{forgotten}");
    let kept = store.sealed(&space(1), &given).await.unwrap();
    // What came before it is gone, what came after is there: one cut.
    let first = kept.iter().position(Option::is_some).unwrap_or(kept.len());
    assert!(kept[first..].iter().all(Option::is_some));
    let values = 100_000 + first as u64..100_000 + given.len() as u64;
    assert_eq!(issue(&store, &space(1), values).await.unwrap(), given[first..]);
}

fn entries_of(key: u8, values: impl IntoIterator<Item = u64>) -> Arc<[Entry]> {
    let entry = |index: Index| Entry { indexes: vec![index], keep: true };
    values.into_iter().map(|value| entry(index(key, value))).collect()
}

fn keys(redis: &e2e::redis::Redis, pattern: &str) -> Vec<Vec<u8>> {
    let bytes = |reply: &Reply| match reply {
        Reply::Bulk(bytes) => bytes.clone(),
        other => panic!("no key: {other:?}"),
    };
    redis.command(&["KEYS", pattern]).array().iter().map(bytes).collect()
}

/// Forgets everything there is.
fn flush(socket: &std::path::Path) {
    use std::io::{Read as _, Write as _};

    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    stream.write_all(b"FLUSHALL\r\n").unwrap();
    let mut reply = [0; 5];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"+OK\r\n");
}

#[test]
fn a_store_can_be_shared() {
    fn assert_shared<T: Send + Sync + 'static>() {}
    assert_shared::<Store>();
}
