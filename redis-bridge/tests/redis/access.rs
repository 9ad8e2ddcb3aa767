//! Which Redis is used, and how it is reached.

use std::fs;

use e2e::{
    provider::Pki,
    redis::{Listen, Redis},
};
use redis_bridge::store::{
    ErrorKind, KeyCheck, ScopeTag, Store as _,
    redis::{Options, Redis as Store, Tls},
};

use crate::support::{checks, connect, failure, issue, options, redis, sealed, space, until_ready};

/// Uses everything that a store does.
async fn exercise(options: Options) {
    let store = connect(options).await.unwrap();
    assert_eq!(store.ready().await, Ok(()));
    assert_eq!(issue(&store, &space(1), [1, 2]).await, Ok(vec![1, 2]));
    assert_eq!(issue(&store, &space(1), [2, 1]).await, Ok(vec![2, 1]));
    assert_eq!(store.sealed(&space(1), &[2, 3]).await, Ok(vec![Some(sealed(2)), None]));
    assert_eq!(store.forget(ScopeTag([1; 12])).await, Ok(2));
}

#[tokio::test]
async fn tcp_and_unix_sockets_with_password_and_database() {
    let redis = Redis::start(Listen::Tcp, &["requirepass p@ss/word"]);
    let (port, socket) = (redis.port(), redis.socket());
    exercise(options(format!("redis://:p%40ss%2Fword@127.0.0.1:{port}/2"))).await;
    exercise(options(format!("redis+unix://{}?db=3&pass=p%40ss%2Fword", socket.display()))).await;
    let keyspace = redis.command(&["INFO", "keyspace"]);
    assert!(keyspace.text().contains("db2:") && keyspace.text().contains("db3:"), "{keyspace:?}");

    let store = connect(options(format!("redis://:wrong@127.0.0.1:{port}"))).await.unwrap();
    let error = store.ready().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("password") && !error.message.contains("wrong"), "{error}");
}

#[tokio::test]
async fn a_user_with_the_documented_rights_and_no_others() {
    const RULE: &str = "~cr:* +evalsha +script|load +get +set +mget +hgetall +hmget +hset +hlen +pexpire +pttl +unlink \
                        +scan +info";
    let docs = include_str!("../../src/store/redis.rs").replace("\n//! ", " ");
    assert!(docs.contains(RULE), "the documented rule is the tested one");
    let redis = Redis::start(Listen::Tcp, &[&format!("user bridge on >pw {RULE}")]);
    exercise(options(format!("redis://bridge:pw@127.0.0.1:{}", redis.port()))).await;
    redis.command(&["FLUSHALL"]);
    exercise(options(format!("{}?user=bridge&pass=pw", redis.unix_url()))).await;

    // Every right is needed; but the client says its name and version where it may.
    for right in RULE.split_whitespace().skip(1) {
        let without = right.replace('+', "-");
        redis.command(&["ACL", "SETUSER", "bridge", &without]);
        redis.command(&["FLUSHALL"]);
        let url = format!("redis://bridge:pw@127.0.0.1:{}", redis.port());
        let outcome = tokio::spawn(exercise(options(url))).await;
        assert!(outcome.is_err(), "{right} is not needed");
        redis.command(&["ACL", "SETUSER", "bridge", right]);
    }
}

#[tokio::test]
async fn tls_with_an_own_authority_and_a_client_certificate() {
    let redis = Redis::start(Listen::Tls, &["tls-auth-clients yes"]);
    let read = |name: &str| fs::read(redis.dir().join(name)).unwrap();
    let (ca, client) = (Some(read("ca.pem")), Some((read("leaf.pem"), read("leaf.key"))));
    let with = |ca: &Option<Vec<u8>>, client: &Option<(Vec<u8>, Vec<u8>)>| Options {
        tls: Some(Tls { ca: ca.clone(), client: client.clone() }),
        ..options(redis.url())
    };
    exercise(with(&ca, &client)).await;
    redis.command(&["FLUSHALL"]);
    exercise(Options { url: redis.url().replace("127.0.0.1", "localhost"), ..with(&ca, &client) }).await;

    let other = Redis::start(Listen::Tls, &[]);
    let other_ca = Some(fs::read(other.dir().join("ca.pem")).unwrap());
    for (options, what) in [
        (with(&other_ca, &client), "another authority"),
        (with(&None, &client), "the system's authorities"),
        (with(&ca, &None), "no client certificate"),
    ] {
        let store = connect(options).await.unwrap();
        assert_eq!(failure(&store, 1).await, Some(ErrorKind::Unavailable), "{what}");
    }
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused_without_citing_them() {
    let tls = |ca: &[u8]| Some(Tls { ca: Some(ca.to_vec()), client: None });
    let (pki, other) = (Pki::generate(&["a"]).unwrap(), Pki::generate(&["b"]).unwrap());
    let (dir, other_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    pki.write(dir.path()).unwrap();
    other.write(other_dir.path()).unwrap();
    let (certificate, key) = (dir.path().join("leaf.pem"), other_dir.path().join("leaf.key"));
    let (certificate, key) = (fs::read(certificate).unwrap(), fs::read(key).unwrap());
    let client = |certificate: &[u8], key: &[u8]| {
        Some(Tls { ca: None, client: Some((certificate.to_vec(), key.to_vec())) })
    };
    for (url, tls) in [
        ("", None),
        ("secret", None),
        ("http://secret@127.0.0.1", None),
        ("redis://secret@127.0.0.1:x", None),
        ("redis://secret@127.0.0.1/x", None),
        ("rediss://secret@127.0.0.1/#insecure", None),
        ("redis://secret@127.0.0.1", tls(b"")),
        (
            "rediss://secret@127.0.0.1",
            tls(b"-----BEGIN CERTIFICATE-----\nsecret\n-----END CERTIFICATE-----\n"),
        ),
        ("rediss://secret@127.0.0.1", tls(b"secret")),
        ("rediss://secret@127.0.0.1", client(b"secret", &key)),
        ("rediss://secret@127.0.0.1", client(&certificate, b"secret")),
        ("rediss://secret@127.0.0.1", client(&certificate, &key)),
    ] {
        let options = Options { tls, ..options(url.to_owned()) };
        assert!(!format!("{options:?}").contains("secret"), "{options:?}");
        let Err(error) = connect(options).await else { panic!("{url} is accepted") };
        assert_eq!(error.kind, ErrorKind::Unsound, "{url}");
        assert!(!error.message.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_redis_that_evicts_is_refused_at_start_unless_allowed() {
    let redis = Redis::start(Listen::Unix, &["maxmemory-policy allkeys-lru"]);
    let error = connect(options(redis.url())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsound);
    assert!(error.message.contains("allkeys-lru") && error.message.contains("noeviction"), "{error}");
    exercise(Options { allow_eviction: true, ..options(redis.url()) }).await;
}

#[tokio::test]
async fn a_redis_that_evicts_from_now_on_is_not_used_until_it_is_right_again() {
    let redis = redis();
    let store = connect(options(redis.url())).await.unwrap();
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]);
    until_ready(&store, Err(ErrorKind::Unsound)).await;
    assert_eq!(failure(&store, 1).await, Some(ErrorKind::Unsound));
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    until_ready(&store, Ok(())).await;
    assert_eq!(failure(&store, 1).await, None);
}

#[tokio::test]
async fn a_redis_written_with_other_keys_is_refused() {
    let mut redis = redis();
    let store = connect(options(redis.url())).await.unwrap();
    let error = Store::connect(options(redis.url()), checks(2)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsound);
    let rotated = [checks(1), vec![KeyCheck { id: "seal:b".to_owned(), mac: [9; 16] }]].concat();
    assert!(Store::connect(options(redis.url()), rotated.clone()).await.is_ok());
    assert!(Store::connect(options(redis.url()), rotated[..3].to_vec()).await.is_ok(), "it has one of two");
    let other = [checks(1), vec![KeyCheck { id: "seal:b".to_owned(), mac: [8; 16] }]].concat();
    assert_eq!(Store::connect(options(redis.url()), other).await.unwrap_err().kind, ErrorKind::Unsound);

    // Others' data takes the place of ours.
    redis.restart_with(None);
    until_ready(&store, Ok(())).await;
    redis.command(&["HSET", "cr:keys", "seal:a", "another"]);
    until_ready(&store, Err(ErrorKind::Unsound)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_bridges_with_different_keys_at_once_one_is_refused() {
    for _ in 0..20 {
        let redis = redis();
        let ours = |id: &str, mac| vec![KeyCheck { id: id.to_owned(), mac: [mac; 16] }];
        let (one, other) = tokio::join!(
            Store::connect(options(redis.url()), ours("seal:a", 1)),
            Store::connect(options(redis.url()), ours("seal:b", 2)),
        );
        assert!(one.is_ok() != other.is_ok());
    }
}
