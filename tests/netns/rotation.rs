//! What changes under a running sidecar, under load: no call fails.

use std::{fs, net::SocketAddr, time::Duration};

use e2e::{
    client::{Protocol, Tls, within},
    said::Api,
    world::ANTHROPIC,
};
use serde_json::json;

use crate::{
    dial::tcp,
    load::{End, Load, Outcome, assert_masked},
    world::{World, addresses},
};

/// Where Envoy counts what became of the file.
const DISCOVERY: &str = "extension_config_discovery.http_filter.cloakroom";
/// How often counters are read.
const POLL: Duration = Duration::from_millis(20);

/// The filter's configuration by ECDS from its file: a new one takes effect, a bad one is rejected and counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_filters_configuration() {
    let Some(mut world) = World::start() else { return };
    let load = Load::start(&world).await;
    assert_eq!(project_of(&world).await, "PRJ-1234", "nobody knows this kind yet");

    let kind = json!({"token": "ORG_PROJECT", "regex": "PRJ-[0-9]{4}"});
    world.sidecar.render_with(json!({"mapping": {"store": "bridge"}, "detect": {"own_kinds": [kind]}}));
    until(&world, "ORG_PROJECT_001").await;

    let file = world.sidecar.envoy.dir().join("rendered/filter.yaml");
    let good = fs::read_to_string(&file).unwrap();
    let rejected = || -> u64 {
        let of = |name: &str| world.sidecar.envoy.stat(&format!("{DISCOVERY}.{name}"));
        of("update_rejected") + of("update_failure")
    };
    for bad in [good.replace("\"hosts\"", "\"hoists\""), good[..good.len() / 2].to_owned(), String::new()] {
        let before = rejected();
        fs::write(file.with_extension("new"), &bad).unwrap();
        fs::rename(file.with_extension("new"), &file).unwrap();
        within("the bad one to be rejected", async {
            while rejected() == before {
                tokio::time::sleep(POLL).await;
            }
        })
        .await;
        assert_eq!(project_of(&world).await, "ORG_PROJECT_001", "the last good one stays");
    }
    assert_no_failure(load.stop().await);
    assert_masked(&world);
}

/// A new certificate of the same CA, and then a new CA: each in place at once, and nobody's call fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates() {
    let Some(world) = World::start() else { return };
    let folder = world.sidecar.certificates();
    let load = Load::start(&world).await;
    let [first, old_ca] = [leaf_of(&world).await, fs::read(world.sidecar.ca()).unwrap()];
    // As if it were due: what is missing is made again.
    fs::remove_file(folder.join("..data/leaf.pem")).unwrap();
    world.sidecar.renew(&[]);
    let second = other_leaf(&world, &first).await;
    assert_eq!(fs::read(world.sidecar.ca()).unwrap(), old_ca, "the CA is the same");
    assert_no_failure(load.stop().await);

    world.sidecar.renew(&["--renew-ca"]);
    assert_eq!(leaf_of(&world).await, second, "applications must have both CAs first");
    let load = Load::start(&world).await;
    world.sidecar.renew(&["--switch-ca"]);
    other_leaf(&world, &second).await;
    let stream = tcp(&world.app, anthropic()).unwrap();
    assert!(Tls::trusting(&old_ca).handshake(stream, ANTHROPIC).await.is_err(), "the new CA signs");
    // Goes on for some connections more.
    load.recovery().await;
    assert_no_failure(load.stop().await);
    assert_masked(&world);
}

/// The certificate that a new connection sees, once it is another one.
async fn other_leaf(world: &World, before: &[u8]) -> Vec<u8> {
    within("the new certificate", async {
        loop {
            let leaf = leaf_of(world).await;
            if leaf != before {
                return leaf;
            }
            tokio::time::sleep(POLL).await;
        }
    })
    .await
}

async fn leaf_of(world: &World) -> Vec<u8> {
    let stream = world.trust().handshake(tcp(&world.app, anthropic()).unwrap(), ANTHROPIC).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn anthropic() -> SocketAddr {
    (addresses(ANTHROPIC)[0], 443).into()
}

/// Calls until the provider receives the project as this.
async fn until(world: &World, project: &str) {
    within("the new configuration", async { while project_of(world).await != project {} }).await;
}

/// How a project's number reaches the provider; to the application it comes back as it was.
async fn project_of(world: &World) -> String {
    let call = world.anthropic(Api::Anthropic.request("<PRJ-1234>", false, false));
    let answer = world.call(Protocol::Http2, &call).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("<PRJ-1234>"), "{}", answer.text());
    let received = world.provider.records().of(e2e::world::key_of(&call)).remove(0).text();
    received.split(['<', '>']).nth(1).expect("it stands in brackets").to_owned()
}

fn assert_no_failure(outcomes: Vec<Outcome>) {
    let failed: Vec<_> = outcomes.iter().filter(|outcome| outcome.end != End::Right).collect();
    assert!(failed.is_empty(), "{} of {} failed: {failed:?}", failed.len(), outcomes.len());
}
