//! Links cut, slow and lossy, and Envoy killed, under load: nothing leaks, every answer is right or a clear error, and a
//! few seconds after the end all is well.

use std::{
    io,
    time::{Duration, Instant},
};

use e2e::{
    client::Protocol,
    netns::Link,
    said::{Api, INSTANCE},
};

use crate::{
    dial::tcp,
    load::{End, Load, Outcome, assert_masked},
    world::{PROVIDERS, World, addresses},
};

/// How long it may take until all calls are right again. It takes one or two seconds where TCP has to try again.
const RECOVERY: Duration = Duration::from_secs(10);
/// Calls take some ten milliseconds; one of those that go over a broken link takes longer, if it is broken.
const FELT: Duration = Duration::from_millis(100);
/// An outage lasts until some calls have failed of it, or for so long.
const OUTAGE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_cut_off() {
    let Some(world) = World::start() else { return };
    let outcomes = break_and_mend(&world, "Redis", &world.to_redis).await;
    assert_only_new_ones_failed(&outcomes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bridge_is_cut_off() {
    let Some(world) = World::start() else { return };
    let outcomes = break_and_mend(&world, "the bridge", &world.to_bridge).await;
    assert_only_new_ones_failed(&outcomes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_is_cut_off() {
    let Some(world) = World::start() else { return };
    break_and_mend(&world, "the provider", &world.to_internet).await;
}

/// What the sidecar knows needs neither bridge nor Redis.
fn assert_only_new_ones_failed(outcomes: &[Outcome]) {
    let failed: Vec<_> = outcomes.iter().filter(|outcome| outcome.end != End::Right).collect();
    assert!(!failed.is_empty(), "the outage was noticed");
    for outcome in failed {
        assert_eq!((outcome.known, &outcome.end), (false, &End::Refused(503)), "{outcome:?}");
    }
}

/// Cuts a link, slows it down, lets it lose packets, each under load.
#[allow(clippy::print_stdout, reason = "figures, for `--nocapture`")]
async fn break_and_mend(world: &World, what: &str, link: &Link) -> Vec<Outcome> {
    type Change = fn(&Link);
    let ways: [(&str, Change, Change); 3] = [
        ("cut", Link::cut, Link::mend),
        ("slow", Link::slow_down, Link::speed_up),
        ("lossy", Link::lose, Link::keep),
    ];
    let load = Load::start(world).await;
    for (how, change, back) in ways {
        change(link);
        let since = Instant::now();
        outage(&load, since).await;
        back(link);
        let (outage, recovery) = (since.elapsed(), load.recovery().await);
        let slowest = load.slowest_since(since);
        println!("{what} {how} for {outage:?}, slowest call {slowest:?}: all is well {recovery:?} after");
        assert!(slowest > FELT, "{what} {how}: nobody felt it");
        assert!(recovery < RECOVERY, "{what} {how}: it took {recovery:?}");
    }
    let outcomes = load.stop().await;
    assert_masked(world);
    outcomes
}

/// Waits until five calls of those that began meanwhile have failed, or for some seconds.
async fn outage(load: &Load, since: Instant) {
    let failed = |outcome: &&Outcome| outcome.began > since && outcome.end != End::Right;
    let enough = load.until("failures", |outcomes| outcomes.iter().filter(failed).count() >= 5);
    // A slow network may fail nothing.
    let _ = tokio::time::timeout(OUTAGE, enough).await;
}

/// Without Envoy there is no way out, encrypted or not; and when it is back, all is well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_is_killed() {
    let Some(mut world) = World::start() else { return };
    let load = Load::start(&world).await;
    world.sidecar.envoy.kill();
    load.until("calls that fail", |outcomes| {
        outcomes.iter().filter(|outcome| matches!(outcome.end, End::Broken(_))).count() > 20
    })
    .await;
    let connections = world.provider.records().connections();
    for (host, _) in PROVIDERS {
        for address in addresses(host) {
            for port in [443, 80, 8443] {
                let error = tcp(&world.app, (address, port).into()).expect_err("nobody is there");
                assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused, "{address} {port}");
            }
        }
    }
    let curl = world.curl(&["--data", INSTANCE, "https://api.anthropic.com/v1/messages"]);
    assert_eq!(curl.status.code(), Some(7), "curl's code for this: {curl:?}");
    assert_eq!(world.provider.records().connections(), connections, "nobody got through");

    let since = Instant::now();
    world.sidecar.envoy.restart();
    let started = since.elapsed();
    let recovery = load.recovery().await;
    println!("Envoy was there again after {started:?}, and all was well {recovery:?} later");
    assert!(recovery < RECOVERY, "it took {recovery:?}");
    load.stop().await;
    assert_masked(&world);
    let call = world.anthropic(Api::Anthropic.request(INSTANCE, false, false));
    assert_eq!(world.call(Protocol::Http2, &call).await.unwrap().status, 200);
}
