//! The bridge fails, or what answers is none, or its disk does: as when Redis fails, nothing leaks or is mixed up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use e2e::{
    bridge::{Bridge, FakeBridge, Saying, Settings as BridgeSettings},
    client::{Protocol, within},
    world::{Settings, World, key_of, socket_address},
};
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};

use crate::{
    oracle::{Oracle, Refused, patient, uncached},
    support::Api,
};

fn envoy(bridge: &Bridge) -> World {
    World::start(&Settings::shipped().bridge(bridge).set_in_filter("mapping", patient()))
}

fn forgetful_envoy(bridge: &Bridge) -> World {
    World::start(&Settings::shipped().bridge(bridge).set_in_filter("mapping", uncached()))
}

/// An Envoy whose bridge is false, and which waits for it one second.
fn credulous_envoy(bridge: &FakeBridge) -> World {
    let mapping = json!({"store": "bridge", "bridge": {"cluster": "redis-bridge", "timeout_ms": 1_000}});
    let settings = Settings::shipped().set("bridge_endpoint", socket_address(bridge.address()));
    World::start(&settings.set_in_filter("mapping", mapping))
}

fn embedded(dir: &tempfile::TempDir) -> BridgeSettings {
    BridgeSettings::over(format!("file:{}", dir.path().join("mappings.redb").display()))
}

fn unavailable() -> Refused {
    Refused("store_unavailable".to_owned())
}

#[tokio::test]
async fn the_bridge_is_killed_and_paused() {
    let dir = tempfile::tempdir().unwrap();
    let mut bridge = Bridge::start(&embedded(&dir));
    let (world, oracle) = (envoy(&bridge), Oracle::new());
    let cached = oracle.fresh(6);
    oracle.tokens(&world, &cached).await;
    for _ in 0..2 {
        bridge.kill();
        oracle.assert_only_cached(&world, &cached).await;
        bridge.restart();
        oracle.assert_recovers(&world, &cached).await;
    }
    bridge.process().signal("STOP");
    oracle.assert_only_cached(&world, &cached).await;
    bridge.process().signal("CONT");
    oracle.assert_recovers(&world, &cached).await;
    oracle.verdict(&[&world]);
}

/// Clients that name new values all the time, and two more that an Envoy without a cache asks for again and again.
struct Load {
    tasks: JoinSet<()>,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

impl Load {
    fn on(worlds: &[&Arc<World>], oracle: &Arc<Oracle>) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for world in worlds {
            for _ in 0..3 {
                let (world, oracle) = (Arc::clone(world), Arc::clone(oracle));
                let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
                tasks.spawn(async move {
                    let mut known = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let new = oracle.fresh(3);
                        if oracle.ask(&world, &[known.as_slice(), &new].concat()).await.is_ok() {
                            known = new;
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        // A client that is refused tries again later.
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                });
            }
        }
        Self { tasks, stop, answered }
    }

    /// Until `more` further requests are answered.
    async fn go_on(&self, more: usize) {
        let enough = self.answered.load(Ordering::Relaxed) + more;
        let wait = async {
            while self.answered.load(Ordering::Relaxed) < enough {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within("requests to be answered", wait).await;
    }

    async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = within("the load to end", self.tasks.join_next()).await {
            ended.unwrap();
        }
    }
}

/// Ended in order and killed under load, again and again: whoever was answered keeps the tokens, everybody else was
/// refused clearly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bridge_is_restarted_under_load() {
    let dir = tempfile::tempdir().unwrap();
    let mut bridge = Bridge::start(&embedded(&dir));
    let oracle = Arc::new(Oracle::new());
    let (world, forgetful) = (Arc::new(envoy(&bridge)), Arc::new(forgetful_envoy(&bridge)));
    let first = oracle.fresh(10);
    oracle.tokens(&world, &first).await;
    let load = Load::on(&[&world, &forgetful], &oracle);
    for killed in [false, true, false, true] {
        load.go_on(8).await;
        if killed {
            bridge.kill();
        } else {
            assert!(bridge.stop().success(), "it ends in order: {}", bridge.log());
        }
        bridge.restart();
    }
    load.go_on(8).await;
    load.stop().await;
    let all = oracle.known();
    assert!(all.len() > 100, "{}", all.len());
    // The judge knows which tokens they had.
    oracle.tokens(&forgetful, &all).await;
    oracle.verdict(&[&world, &forgetful]);
}

/// The disk is full: what is there is served, nothing new is taken until there is room.
#[tokio::test]
async fn the_disk_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = embedded(&dir);
    settings.file_limit = Some(3 * 1024 * 1024);
    let mut bridge = Bridge::start(&settings);
    let (world, forgetful, oracle) = (envoy(&bridge), forgetful_envoy(&bridge), Oracle::new());
    let mut issued = Vec::new();
    loop {
        let more = oracle.fresh(1_000);
        match oracle.ask(&world, &more).await {
            Ok(_) => issued.extend(more),
            Err(refused) => break assert_eq!(refused, unavailable()),
        }
        assert!(issued.len() < 50_000, "the disk does not get full");
    }
    assert!(issued.len() > 1_000, "{}", issued.len());
    let (first, last) = (&issued[..100], &issued[issued.len() - 100..]);
    oracle.assert_only_cached(&world, first).await;
    oracle.tokens(&forgetful, last).await;
    assert!(bridge.log().contains(r#""status":503"#));
    bridge.lift_file_limit();
    oracle.assert_recovers(&world, last).await;
    bridge.kill();
    bridge.restart();
    for some in issued.chunks(5_000) {
        oracle.tokens(&forgetful, some).await;
    }
    oracle.verdict(&[&world, &forgetful]);
}

/// Whatever the answer is, if it is not a good one: 503, and the provider hears nothing.
#[tokio::test]
async fn the_bridge_answers_nonsense() {
    let bridge = FakeBridge::start().await;
    let (world, oracle) = (credulous_envoy(&bridge), Oracle::new());
    let cached = oracle.fresh(1);
    oracle.tokens(&world, &cached).await;
    for saying in nonsense() {
        bridge.say(saying.clone());
        // Both are of the same kind.
        let new = loop {
            let new = oracle.fresh(2);
            if new.iter().all(|value| value.starts_with("i-")) {
                break new;
            }
        };
        assert_eq!(oracle.refused(&world, &new).await, unavailable(), "{saying:?}");
        oracle.tokens(&world, &cached).await;
        bridge.say(Saying::Sane);
        oracle.tokens(&world, &[cached.as_slice(), &new].concat()).await;
    }
    oracle.verdict(&[&world]);
}

/// Answers to a call for the tokens of two instances.
fn nonsense() -> Vec<Saying> {
    let good = r#"{"tokens":["AWS_EC2_801","AWS_EC2_802"]}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let text = |text: &str| Bytes::from(text.to_owned());
    let mut all: Vec<Saying> = [201, 202, 204, 301, 400, 401, 404, 429, 500, 503]
        .map(|status| Saying::answer(status, if status == 204 { "" } else { good }))
        .into();
    all.extend(
        [
            "",
            "null",
            "{}",
            "[]",
            "nonsense",
            r#"["AWS_EC2_801","AWS_EC2_802"]"#,
            r#"{"tokens":"AWS_EC2_801"}"#,
            r#"{"tokens":[801,802]}"#,
            r#"{"tokens":["AWS_EC2_801",null]}"#,
            r#"{"tokens":["AWS_EC2_801","AWS_EC2_802"]"#,
            r#"{"tokens":["AWS_EC2_801","AWS_EC2_802"]} x"#,
            r#"{"error":{"code":"store_unavailable","message":"No."},"request_id":"r"}"#,
        ]
        .map(|body| Saying::answer(200, body)),
    );
    all.extend(
        [
            &[][..],
            &["AWS_EC2_801"],
            &["AWS_EC2_801", "AWS_EC2_802", "AWS_EC2_803"],
            // The same twice, of another kind, and what no bridge issues.
            &["AWS_EC2_801", "AWS_EC2_801"],
            &["AWS_EC2_801", "AWS_VPC_802"],
            &["AWS_EC2_801", "EC2_802"],
            &["AWS_EC2_801", "AWS_EC2_0802"],
            &["AWS_EC2_801", "AWS_EC2_000"],
            &["AWS_EC2_801", "AWS_EC2_802 "],
            &["AWS_EC2_801", "AWS_EC2_802\",\""],
            &["AWS_EC2_801", "aws_ec2_802"],
            &["AWS_EC2_801", "i-0123456789abcdef0"],
            &["AWS_EC2_801", "AWS_EC2_99999999999"],
            &["AWS_EC2_801", ""],
        ]
        .map(Saying::tokens),
    );
    let long =
        format!(r#"{{"tokens":["AWS_EC2_801","AWS_EC2_802"],"more":"{}"}}"#, "x".repeat(4 * 1024 * 1024));
    all.extend([
        Saying::answer(200, &long),
        Saying::answer(200, &"[".repeat(100_000)),
        // Broken off: before the head, in it, in the body; and no HTTP at all.
        Saying::Bytes(Bytes::new()),
        Saying::Bytes(text(head)),
        Saying::Bytes(text(&format!("{head}content-length: 400\r\n\r\n{good}"))),
        Saying::Bytes(text(&format!("{head}transfer-encoding: chunked\r\n\r\n29\r\n{good}"))),
        Saying::Bytes(text("SSH-2.0-OpenSSH_9.6\r\n")),
        Saying::Bytes(text("\0\u{1}\u{2}\r\n\r\n")),
        // Too late, in whole or in part.
        Saying::BytesAndNoEnd(Bytes::new()),
        Saying::BytesAndNoEnd(text(&format!("{head}content-length: 400\r\n\r\n{good}"))),
    ]);
    all
}

/// A token that Envoy knows as another value's: nothing that it knows of the scope is believed any more, and with a
/// bridge in order the next request works.
#[tokio::test]
async fn the_bridge_contradicts_itself() {
    let bridge = FakeBridge::start().await;
    let (world, oracle) = (credulous_envoy(&bridge), Oracle::new());
    oracle.fresh(1);
    let (cached, new) = (oracle.fresh(2), oracle.fresh(1));
    oracle.tokens(&world, &cached).await;
    let all = [cached.as_slice(), &new].concat();
    bridge.say(Saying::tokens(&["AWS_EC2_002"]));
    assert_eq!(oracle.refused(&world, &all).await, Refused("store_inconsistent".to_owned()));
    bridge.say(Saying::Nothing);
    assert_eq!(oracle.refused(&world, &cached).await, unavailable(), "nothing is cached");
    bridge.say(Saying::Sane);
    oracle.tokens(&world, &all).await;
    let asked = bridge.asked();
    assert_eq!(asked[1], new);
    assert_eq!(asked[2], cached);
    assert_eq!(asked[3], all);
    oracle.verdict(&[&world]);
}

/// The application goes away while Envoy waits for the bridge, whose answer comes or does not: the provider hears
/// nothing, and nobody else is disturbed.
#[tokio::test]
async fn the_application_leaves_while_envoy_waits() {
    let bridge = FakeBridge::start().await;
    let (world, oracle) = (credulous_envoy(&bridge), Oracle::new());
    let mut left = Vec::new();
    for (saying, good) in
        [(Saying::Sane, true), (Saying::answer(503, "{}"), false), (Saying::Bytes(Bytes::new()), false)]
    {
        for (protocol, stream) in [(Protocol::Http1, false), (Protocol::Http2, true)] {
            bridge.say(Saying::Nothing);
            let before = bridge.asked().len();
            let values = oracle.fresh(3);
            let call = world.anthropic(Api::Anthropic.request(&values.join(" "), stream, false));
            left.push(key_of(&call).to_owned());
            let mut connection = world.connect(protocol).await;
            let waiting: JoinHandle<_> = tokio::spawn(async move { drop(connection.begin(&call).await) });
            within("the bridge to be asked", bridge.until_asked(before + 1)).await;
            waiting.abort();
            assert!(waiting.await.unwrap_err().is_cancelled());
            bridge.say(saying.clone());
            // On the same worker; by then the answer to the other has come as well.
            if good {
                oracle.tokens(&world, &oracle.fresh(2)).await;
            } else {
                oracle.refused(&world, &oracle.fresh(2)).await;
            }
            bridge.say(Saying::Sane);
            oracle.tokens(&world, &values).await;
        }
    }
    for key in left {
        assert!(world.provider.records().of(&key).is_empty(), "the provider heard of {key}");
    }
    oracle.verdict(&[&world]);
}

/// The filter's configuration names a cluster that there is not: whoever needs it is refused at once.
#[tokio::test]
async fn the_bridges_cluster_is_unknown() {
    let mapping = json!({"store": "bridge", "bridge": {"cluster": "nowhere"}});
    let (world, oracle) =
        (World::start(&Settings::shipped().set_in_filter("mapping", mapping)), Oracle::new());
    for _ in 0..3 {
        assert_eq!(oracle.refused(&world, &oracle.fresh(2)).await, unavailable());
    }
    let call = world.anthropic(Api::Anthropic.request("nothing to mask", false, false));
    assert_eq!(world.answer(&call).await.status, 200);
    assert_eq!(world.provider.records().of(key_of(&call)).len(), 1);
    oracle.verdict(&[&world]);
}
