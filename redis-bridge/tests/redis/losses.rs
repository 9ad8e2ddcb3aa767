//! Redis forgets: a number is given to one value all the same.

use std::time::{Duration, Instant};

use e2e::redis::{Listen, Redis, Reply};
use redis_bridge::store::redis::{JUMP, Options};

use crate::support::{Forwarder, Seen, connect, issue, options, redis, space, store, until_issued};

#[tokio::test]
async fn after_a_restart_with_its_data_values_keep_their_numbers_and_new_ones_jump() {
    let mut redis = redis();
    let store = store(&redis).await;
    assert_eq!(issue(&store, &space(1), [1, 2]).await, Ok(vec![1, 2]));
    redis.dump();
    redis.restart();
    assert_eq!(until_issued(&store, &space(1), 2).await, 2);
    assert_eq!(issue(&store, &space(1), [3, 4]).await, Ok(vec![2 + JUMP + 1, 2 + JUMP + 2]));
    assert_eq!(issue(&store, &space(1), [5]).await, Ok(vec![2 + JUMP + 3]), "one jump a run");
}

#[tokio::test]
async fn a_space_whose_counter_may_have_been_lost_begins_above_the_jump_for_one_ttl() {
    let mut redis = redis();
    let ttl = Duration::from_secs(2);
    let first = connect(Options { ttl, ..options(redis.url()) }).await.unwrap();
    let dump = redis.dump();
    assert_eq!(issue(&first, &space(1), [1]).await, Ok(vec![1]));
    redis.restart_with(Some(&dump));
    let restarted = Instant::now();

    let second = connect(Options { ttl, ..options(redis.url()) }).await.unwrap();
    assert_eq!(issue(&second, &space(1), [2]).await, Ok(vec![JUMP + 1]), "1 is in use");
    assert_eq!(until_issued(&first, &space(2), 3).await, JUMP + 1);
    let deadline = restarted + 10 * ttl;
    let mut scope = 3;
    while issue(&second, &space(scope), [4]).await != Ok(vec![1]) {
        assert!(Instant::now() < deadline, "mistrust does not end");
        scope += 1;
        tokio::time::sleep(ttl / 20).await;
    }
    assert!(restarted.elapsed() > ttl);
}

#[tokio::test]
async fn a_bridge_that_starts_later_mistrusts_as_well() {
    let mut redis = redis();
    drop(store(&redis).await);
    redis.dump();
    redis.restart();
    for scope in 1..3 {
        let store = store(&redis).await;
        assert_eq!(issue(&store, &space(scope), [1]).await, Ok(vec![JUMP + 1]));
    }
}

#[tokio::test]
async fn an_older_dump_gives_no_number_again_even_to_a_bridge_that_saw_none() {
    let mut redis = redis();
    let mut seen = Seen::default();
    let first = store(&redis).await;
    seen.note(0..10, &issue(&first, &space(1), 0..10).await.unwrap());
    let dump = redis.dump();
    seen.note(10..500, &issue(&first, &space(1), 10..500).await.unwrap());
    redis.restart_with(Some(&dump));

    let second = store(&redis).await;
    let numbers = issue(&second, &space(1), (0..10).chain(1_000..1_500)).await.unwrap();
    assert_eq!(numbers[..10], (1..=10).collect::<Vec<_>>()[..]);
    seen.note((0..10).chain(1_000..1_500), &numbers);
    seen.note([7_000], &[until_issued(&first, &space(1), 7_000).await]);
    seen.note(10..500, &issue(&first, &space(1), 10..500).await.unwrap());
}

#[tokio::test]
async fn an_old_dump_below_the_jump_is_made_up_for_by_what_the_bridge_saw() {
    let mut redis = redis();
    let mut seen = Seen::default();
    let store = store(&redis).await;
    seen.note(0..1, &issue(&store, &space(1), 0..1).await.unwrap());
    let dump = redis.dump();
    seen.note(1..3 * JUMP, &issue(&store, &space(1), 1..3 * JUMP).await.unwrap());
    redis.restart_with(Some(&dump));
    let number = until_issued(&store, &space(1), 9_000).await;
    assert_eq!(number, 3 * JUMP + JUMP + 1);
    seen.note([9_000], &[number]);
}

#[tokio::test]
async fn an_empty_redis_goes_on_above_what_the_bridge_saw() {
    let mut redis = redis();
    let store = store(&redis).await;
    assert_eq!(issue(&store, &space(1), 0..5).await, Ok(vec![1, 2, 3, 4, 5]));
    redis.restart_with(None);
    assert_eq!(until_issued(&store, &space(1), 4).await, 5 + JUMP + 1);
    // Even without a restart.
    assert_eq!(redis.command(&["FLUSHALL"]), Reply::Simple("OK".to_owned()));
    assert_eq!(issue(&store, &space(1), [4]).await, Ok(vec![5 + JUMP + 1 + JUMP + 1]));
}

#[tokio::test]
async fn a_space_that_was_silent_until_its_counter_expired_begins_anew() {
    let redis = redis();
    let ttl = Duration::from_millis(200);
    let store = connect(Options { ttl, ..options(redis.url()) }).await.unwrap();
    assert_eq!(issue(&store, &space(1), [1, 2]).await, Ok(vec![1, 2]));
    let deadline = Instant::now() + 100 * ttl;
    while redis.command(&["EXISTS", "cr:{AQEBAQEBAQEBAQEB}:c"]).integer() == 1 {
        assert!(Instant::now() < deadline, "the counter does not expire");
        tokio::time::sleep(ttl / 20).await;
    }
    assert_eq!(issue(&store, &space(1), [3]).await, Ok(vec![1]), "nothing was lost");
}

#[tokio::test]
async fn a_promoted_replica_that_lost_writes_gives_no_number_again() {
    let mut primary = Redis::start(Listen::Tcp, &["repl-diskless-sync-delay 0"]);
    let replica = Redis::start(Listen::Unix, &[&format!("replicaof 127.0.0.1 {}", primary.port())]);
    let forwarder = Forwarder::to(&primary).await;
    let store = connect(options(forwarder.url())).await.unwrap();
    let other = connect(options(forwarder.url())).await.unwrap();
    let mut seen = Seen::default();

    seen.note(0..100, &issue(&store, &space(1), 0..100).await.unwrap());
    seen.note([5_000], &issue(&other, &space(1), [5_000]).await.unwrap());
    until_replicated(&primary, &replica);
    // From here on it misses everything.
    assert_eq!(replica.command(&["REPLICAOF", "127.0.0.1", "1"]).text(), "OK");
    seen.note(100..900, &issue(&store, &space(1), 100..900).await.unwrap());
    forwarder.switch_to(&replica);
    primary.kill();
    assert_eq!(replica.command(&["REPLICAOF", "NO", "ONE"]).text(), "OK");

    // The one that saw less comes first.
    seen.note([6_000], &[until_issued(&other, &space(1), 6_000).await]);
    seen.note([7_000], &[until_issued(&store, &space(1), 7_000).await]);
    seen.note(0..100, &issue(&other, &space(1), 0..100).await.unwrap());
    seen.note(500..1_500, &issue(&store, &space(1), 500..1_500).await.unwrap());
    seen.note(500..1_500, &issue(&other, &space(1), 500..1_500).await.unwrap());
}

#[tokio::test]
async fn a_primary_that_was_a_replica_in_between_gives_no_number_again() {
    let first = Redis::start(Listen::Tcp, &["repl-diskless-sync-delay 0"]);
    let second = Redis::start(
        Listen::Tcp,
        &["repl-diskless-sync-delay 0", &format!("replicaof 127.0.0.1 {}", first.port())],
    );
    let mut seen = Seen::default();
    let one = store(&first).await;
    seen.note(0..10, &issue(&one, &space(1), 0..10).await.unwrap());
    until_replicated(&first, &second);

    // The first goes on being written, which the second misses.
    assert_eq!(second.command(&["REPLICAOF", "NO", "ONE"]).text(), "OK");
    seen.note(10..50, &issue(&one, &space(1), 10..50).await.unwrap());
    assert_eq!(first.command(&["REPLICAOF", "127.0.0.1", &second.port().to_string()]).text(), "OK");
    until_replicated(&second, &first);

    assert_eq!(first.command(&["REPLICAOF", "NO", "ONE"]).text(), "OK");
    let other = store(&first).await;
    seen.note([6_000], &[until_issued(&other, &space(1), 6_000).await]);
    seen.note([7_000], &[until_issued(&one, &space(1), 7_000).await]);
}

/// Waits until the replica has what the primary has.
fn until_replicated(primary: &Redis, replica: &Redis) {
    let deadline = Instant::now() + Duration::from_secs(30);
    // `WAIT` counts replicas that have all writes of its own connection only, so data is compared.
    while replica.command(&["DBSIZE"]) != primary.command(&["DBSIZE"]) {
        assert!(Instant::now() < deadline, "no replication:\n{}", replica.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}
