//! `mapping.store: bridge`: the same value has the same token, over requests, workers, Envoys, bridges and restarts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use e2e::{
    bridge::{self, Bridge},
    client::{Answer, Call, Connection, Protocol, within},
    provider::{Echo, KEY_HEADER},
    redis::{Listen, Redis},
    world::{Settings, World, key_of},
};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Api, INSTANCE, MASKED, TEXT, assert_no_original, without_cloakroom};

/// An instance id that no other number has.
pub(crate) fn instance(number: u64) -> String {
    format!("i-{number:017x}")
}

/// A call that names these values, and nothing else that is masked.
pub(crate) fn call(world: &World, values: &[String]) -> Call {
    world.anthropic(Api::Anthropic.request(&values.join(" "), false, false))
}

/// The tokens under which the provider saw these values; asserts that the application got the values back.
pub(crate) async fn tokens(world: &World, values: &[String]) -> Vec<String> {
    tokens_of(world, &call(world, values), values).await
}

async fn tokens_of(world: &World, call: &Call, values: &[String]) -> Vec<String> {
    let seen = world.see(call).await;
    let direct = without_cloakroom(call, &Echo::default()).await;
    assert_eq!(seen.answer.text(), direct.text(), "the application gets what it said");
    let received: Value = serde_json::from_slice(&seen.received.body).unwrap();
    let text = received["messages"][0]["content"].as_str().unwrap();
    for value in values {
        assert!(!text.contains(value), "the provider sees {value}");
    }
    text.split(' ').map(str::to_owned).collect()
}

/// A Redis bridge over an embedded store in memory, and a sidecar that uses it.
fn world() -> (Bridge, World) {
    let bridge = Bridge::start(&bridge::Settings::over("memory:"));
    let world = World::start(&Settings::shipped().bridge(&bridge));
    (bridge, world)
}

#[tokio::test]
async fn a_value_keeps_its_token_when_the_history_changes() {
    let (_bridge, world) = world();
    let ids: Vec<String> = (0..5).map(instance).collect();
    let first = tokens(&world, &ids).await;
    assert_eq!(first, ["AWS_EC2_001", "AWS_EC2_002", "AWS_EC2_003", "AWS_EC2_004", "AWS_EC2_005"]);
    // Trimmed, reordered, with something new in front.
    let changed = [instance(9), ids[4].clone(), ids[1].clone()];
    assert_eq!(tokens(&world, &changed).await, ["AWS_EC2_006", "AWS_EC2_005", "AWS_EC2_002"]);
}

/// A chunked body that ends with trailers, over both protocols: Envoy holds body and trailers while the bridge is asked.
#[tokio::test]
async fn a_body_that_ends_with_trailers_waits_for_the_bridge() {
    let (_bridge, world) = world();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static(INSTANCE));
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for api in Api::BOTH {
            let call =
                api.call(&world, api.request(TEXT, false, false)).chunked(7).trailers(trailers.clone());
            let seen = world.see_over(protocol, &call).await;
            assert_eq!(seen.received.text(), api.request(MASKED, false, false), "{protocol:?}");
            assert!(seen.received.trailers.is_empty(), "{protocol:?}");
            assert_eq!(seen.answer.text(), without_cloakroom(&call, &Echo::default()).await.text());
        }
    }
}

/// Everything that is masked without a bridge is masked and restored alike with one, streamed and not.
#[tokio::test]
async fn it_masks_and_restores_like_without_a_bridge() {
    let (_bridge, world) = world();
    for stream in [false, true] {
        for api in Api::BOTH {
            let call = api.call(&world, api.request(TEXT, stream, true));
            let seen = world.see(&call).await;
            assert_eq!(seen.received.text(), api.request(MASKED, stream, true));
            let direct = without_cloakroom(&call, &Echo::default()).await;
            if stream {
                crate::support::assert_says_the_same("the stream", &seen.answer.text(), &direct.text());
            } else {
                assert_eq!(seen.answer.text(), direct.text());
            }
        }
    }
}

/// Two workers, each with a cache of its own, and many connections, so that both get requests.
#[tokio::test]
async fn workers_agree() {
    let bridge = Bridge::start(&bridge::Settings::over("memory:"));
    let world = Arc::new(World::start(&Settings { concurrency: 2, ..Settings::shipped() }.bridge(&bridge)));
    let ids: Vec<String> = (0..20).map(instance).collect();
    let calls = (0..16).map(|turn| {
        let mut ids = ids.clone();
        ids.rotate_left(turn);
        let world = Arc::clone(&world);
        async move {
            let tokens = tokens(&world, &ids).await;
            ids.into_iter().zip(tokens).collect::<BTreeMap<_, _>>()
        }
    });
    let all = calls.collect::<JoinSet<_>>().join_all().await;
    let numbers: BTreeSet<&String> = all[0].values().collect();
    assert_eq!(numbers.len(), ids.len());
    assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
}

/// Two Envoys with two bridges on one Redis, and either bridge restarted.
#[tokio::test]
async fn envoys_and_bridges_agree_also_after_a_restart() {
    let redis = Redis::start(Listen::Unix, &[]);
    let settings = bridge::Settings::over(redis.url());
    let (mut a, mut b) = (Bridge::start(&settings), Bridge::start(&settings));
    let uncached =
        json!({"store": "bridge", "bridge": {"cluster": "redis-bridge"}, "cache": {"max_entries": 0}});
    let world = |bridge: &Bridge| {
        World::start(&Settings::shipped().bridge(bridge).set_in_filter("mapping", uncached.clone()))
    };
    let (at_a, at_b) = (world(&a), world(&b));
    let ids: Vec<String> = (0..10).map(instance).collect();
    let (front, back) = ids.split_at(5);
    let mut expected = tokens(&at_a, front).await;
    expected.extend(tokens(&at_b, back).await);
    assert_eq!(expected.iter().collect::<BTreeSet<_>>().len(), ids.len());
    assert_eq!(tokens(&at_b, &ids).await, expected);
    assert_eq!(tokens(&at_a, &ids).await, expected);
    a.restart();
    b.restart();
    assert_eq!(tokens(&at_a, &ids).await, expected);
    assert_eq!(tokens(&at_b, &ids).await, expected);
    let new = [instance(99)];
    let token = tokens(&at_b, &new).await;
    assert!(!expected.contains(&token[0]));
    assert_eq!(tokens(&at_a, &new).await, token);
}

/// The same file, another process.
#[tokio::test]
async fn the_embedded_store_outlives_its_bridge() {
    let dir = tempfile::tempdir().unwrap();
    let store = format!("file:{}", dir.path().join("mappings.redb").display());
    let mut bridge = Bridge::start(&bridge::Settings::over(store));
    let ids: Vec<String> = (0..10).map(instance).collect();
    let expected = tokens(&World::start(&Settings::shipped().bridge(&bridge)), &ids).await;
    bridge.kill();
    bridge.restart();
    assert!(bridge.stop().success(), "it ends in order: {}", bridge.log());
    bridge.restart();
    // Another Envoy, whose cache is empty.
    assert_eq!(tokens(&World::start(&Settings::shipped().bridge(&bridge)), &ids).await, expected);
}

/// 64 clients paste the same 1,000 new values at the same time.
#[tokio::test]
async fn many_clients_with_the_same_new_values_get_the_same_tokens_without_gaps() {
    let redis = Redis::start(Listen::Unix, &[]);
    let settings = bridge::Settings::over(redis.url()).argument("--store-timeout=5s");
    let bridge = Bridge::start(&settings);
    // One worker and one bridge serve all of them at once: what is tested is not how fast a busy machine does that.
    let patient = json!({"store": "bridge", "bridge": {"cluster": "redis-bridge", "timeout_ms": 20_000}});
    let world = World::start(&Settings::shipped().bridge(&bridge).set_in_filter("mapping", patient));
    let ids: Vec<String> = (0..1000).map(instance).collect();
    let calls: Vec<Call> = (0..64).map(|_| call(&world, &ids)).collect();
    let address = world.envoy.address();
    let answers = calls.iter().cloned().map(|call| async move {
        let mut connection = Connection::open(address, Protocol::Http1).await.unwrap();
        within("an answer", connection.call(&call)).await.unwrap()
    });
    for answer in answers.collect::<JoinSet<_>>().join_all().await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let expected: Vec<String> = (1..=1000).map(|number| format!("AWS_EC2_{number:03}")).collect();
    let expected = Api::Anthropic.request(&expected.join(" "), false, false);
    for call in &calls {
        assert_eq!(world.provider.records().of(key_of(call))[0].text(), expected);
    }
}

/// Scopes that a header names: each has tokens of its own, the provider does not see the header, and without it nothing
/// goes on.
#[tokio::test]
async fn scopes_share_no_tokens() {
    let bridge = Bridge::start(&bridge::Settings::over("memory:"));
    let settings = Settings::shipped().bridge(&bridge).set_in_filter("scope", json!({"header": "x-team"}));
    let world =
        World::start(&settings.set_in_filter("forward_headers", json!(["x-*", "content-type", KEY_HEADER])));
    let (one, two) = ([instance(1), instance(2)], [instance(2), instance(1)]);
    for (team, values, expected) in [
        ("a", &one, ["AWS_EC2_001", "AWS_EC2_002"]),
        ("b", &two, ["AWS_EC2_001", "AWS_EC2_002"]),
        ("a", &two, ["AWS_EC2_002", "AWS_EC2_001"]),
    ] {
        let call = call(&world, values).header("x-team", team);
        assert_eq!(tokens_of(&world, &call, values).await, expected, "{team}");
        let received = &world.provider.records().of(key_of(&call))[0];
        assert!(!received.headers.iter().any(|(name, _)| name == "x-team"), "{received:?}");
    }
    let call = call(&world, &one);
    let answer = world.answer(&call).await;
    assert_eq!((answer.status, code(&answer).as_deref()), (400, Some("scope_missing")));
    assert!(world.provider.records().of(key_of(&call)).is_empty());
}

/// A bridge on a Unix socket: two values of the sidecar's configuration, and nothing else.
#[tokio::test]
async fn a_unix_socket_will_do() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("bridge.sock");
    let settings = bridge::Settings::over("memory:").argument(format!("--listen=unix:{}", socket.display()));
    let bridge = Bridge::start(&settings);
    let settings = Settings::shipped()
        .bridge(&bridge)
        .set("bridge_endpoint", format!("{{pipe: {{path: {}}}}}", socket.display()))
        .set("bridge_lookup", "STATIC");
    let world = World::start(&settings);
    assert_eq!(tokens(&world, &[instance(1)]).await, ["AWS_EC2_001"]);
}

/// Envoy puts on a credential that the bridge does not know: nothing is masked, and nothing goes on.
#[tokio::test]
async fn a_caller_that_the_bridge_does_not_know_is_refused() {
    let bridge = Bridge::start(&bridge::Settings::over("memory:"));
    let settings = Settings {
        bridge_token: "another-token-0123456789-0123456789".to_owned(),
        ..Settings::shipped().bridge(&bridge)
    };
    let world = World::start(&settings);
    let call = world.anthropic(Api::Anthropic.request(INSTANCE, false, false));
    let answer = world.answer(&call).await;
    assert_eq!((answer.status, code(&answer).as_deref()), (503, Some("store_unavailable")));
    assert!(world.provider.records().of(key_of(&call)).is_empty());
    assert!(
        !world.envoy.admin("/config_dump").unwrap().contains("another-token"),
        "the admin shows no credential"
    );
}

/// What was asked for, what was cached, and how long the bridge took, in Envoy's own statistics.
#[tokio::test]
async fn calls_to_the_bridge_are_counted() {
    let (_bridge, world) = world();
    let ids: Vec<String> = (0..5).map(instance).collect();
    let first = tokens(&world, &ids).await;
    assert_eq!(tokens(&world, &ids).await, first);
    let stats = world.envoy.admin("/stats?filter=cloakroom_(cache|store)").unwrap();
    for line in ["cloakroom_cache_hits: 5", "cloakroom_cache_misses: 5"] {
        assert!(stats.lines().any(|known| known.ends_with(line)), "{line} is not in {stats}");
    }
    assert!(stats.contains("cloakroom_store_wait_ms: "), "{stats}");
    let prometheus = world.envoy.admin("/stats/prometheus").unwrap();
    assert!(prometheus.contains("cloakroom_store_wait_ms_bucket"), "a histogram");
}

/// One id finds a refused request in the application's log, Envoy's access log, and the bridge's.
#[tokio::test]
async fn a_request_has_one_id_everywhere() {
    let (bridge, world) = world();
    let call = call(&world, &[instance(1)]);
    assert_eq!(world.answer(&call).await.status, 200);
    let log = bridge.log();
    let issued = log.lines().find(|line| line.contains("/tokens")).expect("the call is logged");
    let line: Value = serde_json::from_str(issued).unwrap();
    let id = find(&line, "request_id").expect("the bridge logs the id");
    let access = world.envoy.stop().access;
    assert!(access.contains(id.as_str()), "{id} is not in {access}");
    assert_no_original("the bridge's log", log.as_bytes());
}

/// The code of a refusal.
pub(crate) fn code(answer: &Answer) -> Option<String> {
    let answer: Value = serde_json::from_slice(&answer.body).ok()?;
    Some(answer["error"]["type"].as_str()?.to_owned())
}

fn find(value: &Value, name: &str) -> Option<String> {
    let object = value.as_object()?;
    let here = object.get(name).and_then(Value::as_str).map(str::to_owned);
    here.or_else(|| object.values().find_map(|value| find(value, name)))
}
