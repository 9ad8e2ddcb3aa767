//! Redis fails in every way it can: cached values go on, new ones are refused clearly, nothing leaks or is mixed up, and all
//! is well again without a restart.

use std::time::{Duration, Instant};

use e2e::{
    bridge::{Bridge, Settings as BridgeSettings},
    hop::{Hop, Mood},
    redis::{Listen, Redis},
    world::{Settings, World},
};

use crate::oracle::{Oracle, Refused, patient, uncached};

/// How long anything may take that comes by itself.
const DEADLINE: Duration = Duration::from_secs(30);

/// An application that has said something already, whose values its Envoy has cached.
struct Scene {
    oracle: Oracle,
    bridge: Bridge,
    world: World,
    cached: Vec<String>,
}

impl Scene {
    async fn over(url: String) -> Self {
        // Longer than shipped, for a busy machine, and shorter than the filter's.
        let settings = BridgeSettings::over(url).argument("--store-timeout=1s");
        let bridge = Bridge::start(&settings);
        let world = envoy(&bridge);
        let oracle = Oracle::new();
        let cached = oracle.fresh(6);
        oracle.until_answered(&world, &cached).await;
        Self { oracle, bridge, world, cached }
    }

    async fn assert_only_cached(&self) {
        self.oracle.assert_only_cached(&self.world, &self.cached).await;
    }

    async fn assert_recovers(&self) {
        self.oracle.assert_recovers(&self.world, &self.cached).await;
    }

    fn verdict(self) {
        self.oracle.verdict(&[&self.world]);
    }
}

fn envoy(bridge: &Bridge) -> World {
    World::start(&Settings::shipped().bridge(bridge).set_in_filter("mapping", patient()))
}

fn forgetful_envoy(bridge: &Bridge) -> World {
    World::start(&Settings::shipped().bridge(bridge).set_in_filter("mapping", uncached()))
}

fn redis() -> Redis {
    Redis::start(Listen::Unix, &[])
}

#[tokio::test]
async fn redis_is_killed() {
    let mut redis = redis();
    let scene = Scene::over(redis.url()).await;
    for _ in 0..2 {
        redis.dump();
        redis.kill();
        scene.assert_only_cached().await;
        redis.restart();
        scene.assert_recovers().await;
    }
    scene.verdict();
}

#[tokio::test]
async fn redis_is_paused() {
    let redis = redis();
    let scene = Scene::over(redis.url()).await;
    redis.pause();
    scene.assert_only_cached().await;
    redis.resume();
    scene.assert_recovers().await;
    scene.verdict();
}

#[tokio::test]
async fn redis_is_full() {
    let redis = redis();
    let scene = Scene::over(redis.url()).await;
    let forgetful = forgetful_envoy(&scene.bridge);
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    scene.assert_only_cached().await;
    // What the store knows it tells, full or not.
    scene.oracle.tokens(&forgetful, &scene.cached).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    scene.assert_recovers().await;
    scene.oracle.verdict(&[&scene.world, &forgetful]);
}

#[tokio::test]
async fn redis_is_read_only() {
    let redis = redis();
    let scene = Scene::over(redis.url()).await;
    redis.command(&["REPLICAOF", "127.0.0.1", "1"]);
    scene.assert_only_cached().await;
    redis.command(&["REPLICAOF", "NO", "ONE"]);
    scene.assert_recovers().await;
    scene.verdict();
}

/// Slow, silent, cut in the middle of replies, and answered by something else.
#[tokio::test]
async fn the_way_to_redis_is_bad() {
    let redis = redis();
    let hop = Hop::to(&redis);
    let scene = Scene::over(hop.url()).await;
    hop.set(Mood::Delay(Duration::from_millis(20)));
    scene.oracle.until_answered(&scene.world, &scene.oracle.fresh(5)).await;
    for mood in [
        Mood::Delay(Duration::from_secs(60)),
        Mood::Hold,
        Mood::Cut,
        Mood::Lie(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        Mood::Lie(b"+OK\r\n"),
        // One number for two values.
        Mood::Lie(b"*2\r\n$3\r\n1,1\r\n$0\r\n\r\n"),
    ] {
        hop.set(mood);
        scene.assert_only_cached().await;
        hop.set(Mood::Pass);
        scene.assert_recovers().await;
    }
    scene.verdict();
}

/// Restarted empty, and with an old dump, also below what was given since. The bridge knows better.
#[tokio::test]
async fn redis_loses_its_data() {
    let mut redis = redis();
    let scene = Scene::over(redis.url()).await;
    let Scene { oracle, world, bridge, cached } = &scene;
    let forgetful = forgetful_envoy(bridge);
    let dump = redis.dump();
    let lost = oracle.fresh(1_500);
    oracle.tokens(world, &lost).await;
    for dump in [Some(dump.as_slice()), None] {
        redis.kill();
        scene.assert_only_cached().await;
        match dump {
            Some(_) => oracle.store_lost(&lost),
            None => oracle.store_lost_all(),
        }
        redis.restart_with(dump);
        scene.assert_recovers().await;
        oracle.tokens(world, &lost).await;
        oracle.tokens(&forgetful, &[cached.as_slice(), &lost].concat()).await;
        // What Envoy has from before fits to what is new.
        oracle.tokens(world, &[lost.as_slice(), cached, &oracle.fresh(100)].concat()).await;
    }
    oracle.verdict(&[world, &forgetful]);
}

/// With an old dump even a bridge that is new gives no number again.
#[tokio::test]
async fn redis_has_an_old_dump_and_the_bridge_is_new() {
    let mut redis = redis();
    let mut scene = Scene::over(redis.url()).await;
    let dump = redis.dump();
    let lost = scene.oracle.fresh(500);
    scene.oracle.tokens(&scene.world, &lost).await;
    scene.oracle.store_lost(&lost);
    redis.restart_with(Some(&dump));
    scene.bridge.restart();
    scene.assert_recovers().await;
    let forgetful = forgetful_envoy(&scene.bridge);
    scene.oracle.tokens(&forgetful, &lost).await;
    scene.oracle.tokens(&scene.world, &lost).await;
    scene.oracle.verdict(&[&scene.world, &forgetful]);
}

/// Nobody knows anything any more but Envoy's cache: one token for two values is refused, and forgotten.
#[tokio::test]
async fn redis_is_empty_and_the_bridge_is_new() {
    let mut redis = redis();
    let mut scene = Scene::over(redis.url()).await;
    redis.restart_with(None);
    scene.bridge.restart();
    let Scene { oracle, world, cached, .. } = &scene;
    // Its numbers are those that the cache gives to others.
    oracle.begin_anew();
    let new = oracle.fresh(6);
    oracle.until_answered(world, &new).await;
    let all = [cached.as_slice(), &new].concat();
    assert_eq!(oracle.refused(world, &all).await, Refused("store_inconsistent".to_owned()));
    oracle.tokens(world, &all).await;
    scene.assert_recovers().await;
    scene.verdict();
}

/// One bridge knows numbers that the other does not, and it is the other that meets the emptied Redis first.
#[tokio::test]
async fn one_bridge_knows_more_than_the_other() {
    let mut redis = redis();
    let settings = BridgeSettings::over(redis.url()).argument("--store-timeout=1s");
    let (a, b) = (Bridge::start(&settings), Bridge::start(&settings));
    let (at_a, at_b) = (envoy(&a), envoy(&b));
    let oracle = Oracle::new();
    let (first, second) = (oracle.fresh(8), oracle.fresh(900));
    oracle.tokens(&at_b, &first).await;
    let dump = redis.dump();
    oracle.tokens(&at_a, &second).await;
    for dump in [Some(dump.as_slice()), None] {
        match dump {
            Some(_) => oracle.store_lost(&second),
            None => oracle.store_lost_all(),
        }
        redis.restart_with(dump);
        oracle.until_answered(&at_b, &oracle.fresh(200)).await;
        oracle.until_answered(&at_a, &oracle.fresh(200)).await;
        oracle.tokens(&at_b, &[first.as_slice(), &second].concat()).await;
        oracle.tokens(&at_a, &[first.as_slice(), &second, &oracle.fresh(4)].concat()).await;
    }
    oracle.verdict(&[&at_a, &at_b]);
}

/// A replica that missed the last writes takes over, while one bridge still writes to the primary of before.
#[tokio::test]
async fn a_replica_that_lost_writes_is_promoted() {
    for restarted in [false, true] {
        let primary = Redis::start(Listen::Tcp, &["repl-diskless-sync-delay 0"]);
        let replica = Redis::start(Listen::Unix, &[&format!("replicaof 127.0.0.1 {}", primary.port())]);
        let (to_a, to_b) = (Hop::to(&primary), Hop::to(&primary));
        let settings = BridgeSettings::over(to_a.url()).argument("--store-timeout=1s");
        let mut a = Bridge::start(&settings);
        let mut b = Bridge::start(&settings.with_store(to_b.url()));
        let (at_a, at_b) = (envoy(&a), envoy(&b));
        let oracle = Oracle::new();

        let kept = oracle.fresh(20);
        oracle.tokens(&at_a, &kept).await;
        oracle.tokens(&at_b, &kept).await;
        until_replicated(&primary, &replica);
        // From here on it misses everything.
        assert_eq!(replica.command(&["REPLICAOF", "NO", "ONE"]).text(), "OK");
        let lost = oracle.fresh(300);
        oracle.tokens(&at_a, &lost).await;

        to_b.switch_to(&replica);
        if restarted {
            b.restart();
        }
        let (early, late) = (oracle.fresh(50), oracle.fresh(50));
        oracle.until_answered(&at_b, &early).await;
        oracle.tokens(&at_a, &late).await;
        oracle.store_lost(&[lost.as_slice(), &late].concat());
        to_a.switch_to(&replica);
        if restarted {
            a.restart();
        }
        oracle.until_answered(&at_a, &oracle.fresh(50)).await;
        for world in [&at_a, &at_b] {
            oracle.tokens(world, &kept).await;
            oracle.tokens(world, &[lost.as_slice(), &early, &late, &oracle.fresh(3)].concat()).await;
        }
        oracle.verdict(&[&at_a, &at_b]);
    }
}

/// Waits until the replica has what the primary has.
fn until_replicated(primary: &Redis, replica: &Redis) {
    let deadline = Instant::now() + DEADLINE;
    while replica.command(&["DBSIZE"]) != primary.command(&["DBSIZE"]) {
        assert!(Instant::now() < deadline, "no replication:\n{}", replica.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}
