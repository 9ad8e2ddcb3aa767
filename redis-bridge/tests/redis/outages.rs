//! Redis fails, in every way it can, and comes back.

use std::time::{Duration, Instant};

use e2e::redis::{Listen, Redis};
use redis_bridge::store::{ErrorKind, ScopeTag, Store as _, redis::Options};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::support::{
    connect, failure, hasty_store, issue, options, redis, sealed, space, store, until_issued, until_ready,
};

#[tokio::test]
async fn a_killed_redis_fails_calls_at_once_and_is_found_again() {
    let mut redis = redis();
    let store = store(&redis).await;
    issue(&store, &space(1), [1]).await.unwrap();
    redis.dump();
    for _ in 0..3 {
        redis.kill();
        let start = Instant::now();
        assert_eq!(failure(&store, 1).await, Some(ErrorKind::Unavailable));
        assert_eq!(failure(&store, 1).await, Some(ErrorKind::Unavailable));
        assert_eq!(store.sealed(&space(1), &[1]).await.unwrap_err().kind, ErrorKind::Unavailable);
        assert_eq!(store.forget(ScopeTag([1; 12])).await.unwrap_err().kind, ErrorKind::Unavailable);
        assert_eq!(store.ready().await.unwrap_err().kind, ErrorKind::Unavailable);
        assert!(start.elapsed() < Duration::from_secs(2), "nobody waits for what is not there");
        redis.restart();
        assert_eq!(until_issued(&store, &space(1), 1).await, 1);
        assert_eq!(store.ready().await, Ok(()));
    }
}

#[tokio::test]
async fn a_redis_that_is_absent_at_start_is_found_later() {
    let mut redis = redis();
    redis.kill();
    let store = store(&redis).await;
    assert_eq!(failure(&store, 1).await, Some(ErrorKind::Unavailable));
    assert_eq!(store.ready().await.unwrap_err().kind, ErrorKind::Unavailable);
    redis.restart();
    assert_eq!(until_issued(&store, &space(1), 1).await, 1);
}

#[tokio::test]
async fn a_restart_while_nobody_calls_costs_no_call() {
    let mut redis = redis();
    let store = store(&redis).await;
    issue(&store, &space(1), [1]).await.unwrap();
    redis.dump();
    redis.restart();
    // The last step of a new connection.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !redis.command(&["CLIENT", "LIST"]).text().contains("cmd=evalsha") {
        assert!(Instant::now() < deadline, "it is not noticed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    until_ready(&store, Ok(())).await;
    assert_eq!(failure(&store, 1).await, None);
}

#[tokio::test]
async fn a_paused_redis_costs_a_call_its_time_limit_and_no_more() {
    let redis = redis();
    let store = hasty_store(&redis).await;
    issue(&store, &space(1), [1]).await.unwrap();
    redis.pause();
    let start = Instant::now();
    let calls = (0..20).map(|value| failure(&store, value));
    let failures = futures_util::future::join_all(calls).await;
    assert!(failures.into_iter().all(|kind| kind == Some(ErrorKind::Unavailable)));
    until_ready(&store, Err(ErrorKind::Unavailable)).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let start = Instant::now();
    assert_eq!(failure(&store, 1).await, Some(ErrorKind::Unavailable));
    assert!(start.elapsed() < Duration::from_millis(200), "from then on nobody waits");
    redis.resume();
    assert_eq!(until_issued(&store, &space(1), 1).await, 1);
    until_ready(&store, Ok(())).await;
}

#[tokio::test]
async fn a_full_redis_gives_what_it_has_and_no_more() {
    let redis = redis();
    let store = store(&redis).await;
    assert_eq!(issue(&store, &space(1), 0..10).await.unwrap().len(), 10);
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    for _ in 0..2 {
        assert_eq!(failure(&store, 77).await, Some(ErrorKind::Full));
        assert_eq!(issue(&store, &space(1), [3]).await, Ok(vec![4]), "the connection stays");
        assert_eq!(store.sealed(&space(1), &[4]).await, Ok(vec![Some(sealed(4))]));
    }
    assert_eq!(store.forget(ScopeTag([1; 12])).await, Ok(10), "which makes room");
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(issue(&store, &space(1), [77]).await, Ok(vec![11]), "nothing was counted meanwhile");
}

#[tokio::test]
async fn a_replica_is_not_written_to_until_it_is_the_primary() {
    let redis = redis();
    let store = store(&redis).await;
    issue(&store, &space(1), [1]).await.unwrap();
    redis.command(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(failure(&store, 2).await, Some(ErrorKind::Unavailable));
    // Not only for as long as it takes to connect again.
    let end = Instant::now() + Duration::from_secs(1);
    while Instant::now() < end {
        assert_eq!(store.ready().await.unwrap_err().kind, ErrorKind::Unavailable);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    redis.command(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(until_issued(&store, &space(1), 1).await, 1);
}

#[tokio::test]
async fn a_redis_that_cannot_save_takes_no_writes_and_recovers() {
    let redis = Redis::start(Listen::Unix, &["save 3600 1"]);
    let store = store(&redis).await;
    issue(&store, &space(1), [1]).await.unwrap();
    // A folder takes the place of the dump, so saving fails.
    let dump = redis.dir().join("dump.rdb");
    std::fs::create_dir(&dump).unwrap();
    redis.command(&["BGSAVE"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    let error = loop {
        match issue(&store, &space(1), [2]).await {
            Err(error) => break error,
            Ok(_) => assert!(Instant::now() < deadline, "it still writes"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("MISCONF"), "{error}");
    until_ready(&store, Err(ErrorKind::Unavailable)).await;
    assert!(store.ready().await.unwrap_err().message.contains("MISCONF"));
    std::fs::remove_dir(&dump).unwrap();
    redis.command(&["BGSAVE"]);
    until_issued(&store, &space(1), 3).await;
    until_ready(&store, Ok(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_calls_leave_room_for_small_ones() {
    let redis = redis();
    let store = std::sync::Arc::new(store(&redis).await);
    let large: Vec<_> = (0..8)
        .map(|caller| {
            let store = std::sync::Arc::clone(&store);
            let values = caller * 10_000 + 100..(caller + 1) * 10_000 + 100;
            tokio::spawn(async move { issue(&store, &space(1), values).await })
        })
        .collect();
    let mut answered = 0;
    while !large.iter().all(tokio::task::JoinHandle::is_finished) {
        assert_eq!(issue(&store, &space(2), [1]).await, Ok(vec![1]));
        answered += 1;
    }
    assert!(answered > 5, "small calls were answered {answered} times");
    for call in large {
        assert_eq!(call.await.unwrap().map(|numbers| numbers.len()), Ok(10_000));
    }
}

#[tokio::test]
async fn a_heartbeat_finds_that_redis_takes_no_writes() {
    let redis = redis();
    let store = store(&redis).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    redis.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    until_ready(&store, Err(ErrorKind::Unavailable)).await;
    assert!(store.ready().await.unwrap_err().message.contains("NOREPLICAS"));
    redis.command(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    // Although it is full: what it has can be used.
    until_ready(&store, Ok(())).await;
    redis.command(&["ACL", "SETUSER", "default", "-evalsha"]);
    until_ready(&store, Err(ErrorKind::Unavailable)).await;
    assert!(store.ready().await.unwrap_err().message.contains("ACL"));
    redis.command(&["ACL", "SETUSER", "default", "+evalsha"]);
    until_ready(&store, Ok(())).await;
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_loaded_again() {
    let redis = redis();
    let store = store(&redis).await;
    for round in 0..2 {
        redis.command(&["SCRIPT", "FLUSH"]);
        assert!(issue(&store, &space(1), round * 2_000..(round + 1) * 2_000).await.is_ok());
    }
    assert_eq!(issue(&store, &space(1), [3_999]).await, Ok(vec![4_000]));
    redis.command(&["SCRIPT", "FLUSH"]);
    assert_eq!(store.forget(ScopeTag([1; 12])).await, Ok(4_000));
}

#[tokio::test]
async fn a_call_that_redis_interrupts_is_one_failure() {
    let redis = redis();
    let store = store(&redis).await;
    redis.command(&["SET", "cr:{AQEBAQEBAQEBAQEB}:c", "no hash"]);
    let error = issue(&store, &space(1), [1]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("WRONGTYPE") && !error.message.contains("AQEB"), "{error}");
    assert_eq!(store.ready().await, Ok(()));
    assert_eq!(issue(&store, &space(2), [1]).await, Ok(vec![1]));
}

#[tokio::test]
async fn whatever_answers_without_being_redis_is_unavailable() {
    for garbage in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"$999999999999999999\r\n",
        b"*9223372036854775807\r\n",
        b"$-5\r\n*-7\r\n:x\r\n",
        b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
        b"-ERR no\r\n-ERR no\r\n-ERR no\r\n-ERR no\r\n-ERR no\r\n-ERR no\r\n",
        b"\xFF\xFE\x00\x00",
        b"",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    while client.read(&mut request).await.is_ok_and(|read| read > 0) {
                        let _ = client.write_all(garbage).await;
                    }
                });
            }
        });
        let timeout = Duration::from_millis(300);
        let store = connect(Options { timeout, ..options(url) }).await.unwrap();
        assert_eq!(failure(&store, 1).await, Some(ErrorKind::Unavailable), "{garbage:?}");
        assert_eq!(store.ready().await.unwrap_err().kind, ErrorKind::Unavailable, "{garbage:?}");
        server.abort();
    }
}
