//! What changes under a running sidecar, under load: no call fails.

use std::{fs, time::Duration};

use e2e::{
    client::{Protocol, within},
    said::Api,
};
use serde_json::json;

use crate::{
    load::{End, Load, Outcome, assert_masked},
    world::World,
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
