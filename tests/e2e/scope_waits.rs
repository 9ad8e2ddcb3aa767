//! `restore: scope`: what comes of an answer while the bridge is asked.

use bytes::Bytes;
use e2e::{
    bridge::{FakeBridge, Saying},
    client::{Protocol, within},
    provider::{End, Gate, Reply, Script, Step},
    world::{Settings, World, socket_address},
};
use serde_json::json;

use crate::{
    scope_restore::{STATE, answer, keep, responses, trailers},
    support::{INSTANCE, answer_with},
};

/// A sidecar whose bridge says what it is told.
fn told(bridge: &FakeBridge) -> World {
    let mapping = json!({"store": "bridge", "bridge": {"cluster": "redis-bridge", "timeout_ms": 20_000}});
    let settings = Settings::shipped().set("bridge_endpoint", socket_address(bridge.address()));
    World::start(&settings.set_in_filter("mapping", mapping).set_in_filter("restore", json!("scope")))
}

/// What comes while the bridge is asked waits, its end and trailers too, however much it is compared with Envoy's buffer.
#[tokio::test]
async fn what_comes_while_the_bridge_is_asked_waits() {
    let bridge = FakeBridge::start().await;
    let world = told(&bridge);
    keep(&world, responses(&world, ""), &[INSTANCE]).await;
    let mut calls = bridge.asked().len();
    let more = Bytes::from(vec![b'x'; 100_000]);
    for (pieces, end, last) in [
        (0, None, true),
        (3, None, true),
        (30, None, true),
        (30, None, false),
        (0, Some(trailers()), true),
        (30, Some(trailers()), true),
    ] {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            bridge.say(Saying::Nothing);
            let call = responses(&world, STATE);
            let gate = Gate::new();
            let mut script = Script::new("application/json").send("[\"AWS_EC2_001 ");
            script = (0..pieces).fold(script, |script, _| script.send(more.clone()));
            let waits = if last {
                script.send(" AWS_EC2_001\"]")
            } else {
                script.wait(&gate).send(" AWS_EC2_001\"]")
            };
            let script = end.clone().into_iter().fold(waits, Script::step);
            answer_with(&world, &call, Reply::Script(script));
            let mut connection = world.connect(protocol).await;
            let live = within("the head", connection.begin(&call)).await.unwrap();
            calls += 1;
            within("the bridge to be asked", bridge.until_asked(calls)).await;
            assert_eq!(bridge.asked()[calls - 1], ["AWS_EC2_001"]);
            bridge.say(Saying::Sane);
            gate.open();
            let answer = within("the rest", live.rest()).await;
            let expected = format!("[\"{INSTANCE} {} {INSTANCE}\"]", "x".repeat(pieces * more.len()));
            assert!(
                answer.text() == expected,
                "{pieces} pieces over {protocol:?}: {} bytes",
                answer.body.len()
            );
            assert_eq!(answer.end, End::Complete);
            if protocol == Protocol::Http2 {
                assert_eq!(answer.trailers.is_some(), end.is_some());
            }
        }
    }
}

/// More than is ever kept back: it goes on with its tokens, before the bridge answers.
#[tokio::test]
async fn what_waits_is_bounded() {
    let bridge = FakeBridge::start().await;
    let world = told(&bridge);
    keep(&world, responses(&world, ""), &[INSTANCE]).await;
    bridge.say(Saying::Nothing);
    let call = responses(&world, STATE);
    let (gate, megabyte) = (Gate::new(), Bytes::from(vec![b'x'; 1 << 20]));
    let script = (0..5).fold(Script::new("application/json").send("[\"AWS_EC2_001 "), |script, _| {
        script.send(megabyte.clone())
    });
    let script = script.wait(&gate).send("\",\"AWS_EC2_001 \"]");
    answer_with(&world, &call, Reply::Script(script));
    let mut connection = world.connect(Protocol::Http1).await;
    let mut live = within("the head", connection.begin(&call)).await.unwrap();
    let sent = within("what came", live.read_until(|read| read.len() > 4 << 20)).await;
    assert!(sent.starts_with(b"[\"AWS_EC2_001 xxx"));
    bridge.say(Saying::Sane);
    gate.open();
    let rest = within("the rest", live.rest()).await;
    assert_eq!(rest.end, End::Complete);
    assert!(rest.text().ends_with(&format!("\",\"{INSTANCE} \"]")), "{}", rest.body.len());
    assert_eq!(sent.len() + rest.body.len(), "[\"AWS_EC2_001 \",\" \"]".len() + INSTANCE.len() + (5 << 20));
}

/// The application, or the provider, goes away while the bridge is asked; others are not disturbed.
#[tokio::test]
async fn either_end_leaves_while_the_bridge_is_asked() {
    let bridge = FakeBridge::start().await;
    let world = told(&bridge);
    keep(&world, responses(&world, ""), &[INSTANCE]).await;
    let mut calls = bridge.asked().len();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for step in [Step::Wait(Gate::new()), Step::Reset, Step::Disconnect] {
            bridge.say(Saying::Nothing);
            let call = responses(&world, STATE);
            let leaves = matches!(step, Step::Wait(_));
            let script = Script::new("application/json").send("[\"AWS_EC2_001 ").step(step);
            answer_with(&world, &call, Reply::Script(script));
            let mut connection = world.connect(protocol).await;
            let live = within("the head", connection.begin(&call)).await.unwrap();
            calls += 1;
            within("the bridge to be asked", bridge.until_asked(calls)).await;
            if leaves {
                drop((live, connection));
            } else {
                assert_ne!(within("the end", live.rest()).await.end, End::Complete);
            }
            bridge.say(Saying::Sane);
            let call = responses(&world, STATE);
            let script = Script::whole("application/json", "[\"AWS_EC2_001\"]");
            assert_eq!(answer(&world, protocol, &call, script).await, format!("[\"{INSTANCE}\"]"));
            calls += 1;
        }
    }
}
