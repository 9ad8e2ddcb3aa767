//! Whoever has the bridge's log at its most talkative, its metrics, a dump of Redis or the embedded store's file can read
//! no value, no scope's name, no key, no token of a caller and no password.

use std::fs;

use base64::{Engine as _, engine::general_purpose};
use e2e::{
    bridge::{Bridge, Settings as BridgeSettings},
    client::{Answer, Call, Connection, Protocol, within},
    hop::{Hop, Mood},
    provider::KEY_HEADER,
    redis::{Listen, Redis},
    world::{Settings, World},
};
use serde_json::{Value, json};

use crate::oracle::{MARK, Oracle, patient};

const STATIC_SCOPE: &str = "payments-scope";
const TEAM: &str = "team-of-nobody-else";
const PASSWORD: &str = "password-of-redis-0123456789";
/// What a caller sends that is no token of a caller, or nothing that a caller sends.
const STRAY: &str = "stray-words-of-a-caller-0123456789";
/// What Redis, if it is one, could cite.
const STRAY_REPLY: &[u8] = b"-ERR stray-words-of-a-caller-0123456789 STRAY\r\n";

/// What must not be found, with names to tell which it is. Each is looked for as it is and in base64.
struct Secrets(Vec<(&'static str, Vec<u8>)>);

impl Secrets {
    fn of(bridge: &Bridge, settings: &BridgeSettings) -> Self {
        let mut secrets: Vec<(&'static str, Vec<u8>)> = [
            // A part of every value.
            ("a value", MARK),
            ("the static scope", STATIC_SCOPE),
            ("the header's scope on the wire", "x-team."),
            ("the header's value", TEAM),
            ("the caller's token", bridge.token()),
            ("the password", PASSWORD),
            ("what a caller sent", STRAY),
        ]
        .map(|(name, secret)| (name, secret.into()))
        .into();
        let keys: Value = serde_json::from_str(&settings.keys).unwrap();
        let keys: Vec<&Value> =
            std::iter::once(&keys["scope"]).chain(["seal", "index"].map(|list| &keys[list][0])).collect();
        assert_eq!(keys.len(), 3);
        for key in keys {
            let bytes = general_purpose::STANDARD.decode(key["key"].as_str().unwrap()).unwrap();
            // Any quarter of it is too much.
            secrets.extend(bytes.chunks(8).map(|part| ("a key", part.to_vec())));
            secrets.push((
                "a key in hexadecimal",
                bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
            ));
            secrets.push(("a key in base64", key["key"].as_str().unwrap().into()));
        }
        Self(secrets)
    }

    /// None of them is in there, but `proof` is: that the search finds what there is.
    #[track_caller]
    fn assert_none_in(&self, place: &str, bytes: &[u8], proof: &str) {
        let text = latin1(bytes);
        assert!(text.contains(proof), "{place}: `{proof}` is not there");
        for (name, secret) in &self.0 {
            assert!(!text.contains(&latin1(secret)), "{place} holds {name}");
            for encoded in encoded(secret) {
                assert!(!text.contains(&encoded), "{place} holds {name} in base64");
            }
        }
    }
}

/// The characters that depend on the secret alone, wherever it begins in what is encoded; where they are so few that they
/// come by chance, none.
fn encoded(secret: &[u8]) -> Vec<String> {
    let shifted = |shift: usize| {
        let bytes = [&[0; 2][..shift], secret].concat();
        let encoded = general_purpose::STANDARD_NO_PAD.encode(&bytes[..bytes.len() / 3 * 3]);
        encoded[if shift == 0 { 0 } else { 4 }..].to_owned()
    };
    (0..3).map(shifted).filter(|encoded| encoded.len() >= 8).collect()
}

/// Each byte as a character, so that all can be searched like text.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Values in a static scope and in one that a header names.
struct Scene {
    oracle: Oracle,
    by_name: World,
    by_header: World,
}

impl Scene {
    fn over(bridge: &Bridge) -> Self {
        let settings = || Settings::shipped().bridge(bridge).set_in_filter("mapping", patient());
        let forwarded = json!(["x-*", "content-type", "authorization", KEY_HEADER]);
        Self {
            oracle: Oracle::new(),
            by_name: World::start(&settings().set_in_filter("scope", json!({"static": STATIC_SCOPE}))),
            by_header: World::start(
                &settings()
                    .set_in_filter("scope", json!({"header": "x-team"}))
                    .set_in_filter("forward_headers", forwarded),
            ),
        }
    }

    async fn succeed(&self) {
        self.oracle.until_answered(&self.by_name, &self.oracle.fresh(50)).await;
        let values = self.oracle.fresh(50);
        let call = crate::mapping::call(&self.by_header, &values).header("x-team", TEAM);
        let answer = self.by_header.answer(&call).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.text().contains(&values[0]));
    }

    async fn fail(&self) {
        self.oracle.refused(&self.by_name, &self.oracle.fresh(2)).await;
    }
}

/// Calls that the bridge refuses, each with something in it that nobody else should read.
async fn provoke(bridge: &Bridge, value: &str) {
    let body = json!({"values": [{"kind": "EC2", "value": value, "keep": true}]}).to_string();
    let tokens = format!("/v1/scopes/{STATIC_SCOPE}/tokens");
    let authorized = |call: Call| call.header("authorization", format!("Bearer {}", bridge.token()));
    let post = |path: &str, body: String| authorized(Call::post("bridge", path, body));
    for (call, status) in [
        (post(&tokens, body.clone()).header("authorization", format!("Bearer {STRAY}")), 401),
        (post(&tokens, body.clone()).header("authorization", STRAY), 401),
        (post(&tokens, format!("{body}{STRAY}")), 400),
        (post(&tokens, format!(r#"{{"values":[{{"kind":"{value}","value":"{value}","keep":true}}]}}"#)), 400),
        (post(&tokens, format!(r#"{{"values":"{value}","{STRAY}":1}}"#)), 400),
        (post(&tokens, format!(r#"{{"values":[],"{STRAY}":"{value}"}}"#)), 400),
        (post(&tokens, body.clone()).header("content-type", STRAY), 415),
        (post(&tokens, body.clone()).header("content-encoding", STRAY), 415),
        (post(&format!("/v1/scopes/{STATIC_SCOPE}%20{STRAY}/tokens"), body.clone()), 400),
        (post(&format!("/{value}/{STATIC_SCOPE}?{STRAY}={value}"), body.clone()), 404),
        (authorized(Call::get("bridge", &format!("{tokens}?{value}"))), 405),
        (
            post(&format!("/v1/scopes/{STATIC_SCOPE}/values"), json!({"tokens": [value, STRAY]}).to_string()),
            200,
        ),
        (post(&tokens, body).header("user-agent", STRAY).header("x-request-id", STRAY.repeat(9)), 200),
    ] {
        let answer = direct(bridge, &call).await;
        assert_eq!(answer.status, status, "{}: {}", call.path, answer.text());
        if status != 200 {
            assert!(!answer.text().contains(MARK) && !answer.text().contains(STRAY), "{}", answer.text());
        }
    }
    // No HTTP at all.
    let _ =
        e2e::client::raw(bridge.address(), format!("{value} {STRAY}\r\n{STATIC_SCOPE}\r\n\r\n").as_bytes())
            .await;
}

async fn direct(bridge: &Bridge, call: &Call) -> Answer {
    let mut connection = Connection::open(bridge.address(), Protocol::Http1).await.unwrap();
    within("the bridge's answer", connection.call(call)).await.unwrap()
}

async fn assert_secret(bridge: &Bridge, secrets: &Secrets) {
    for path in ["/metrics", "/openapi.json"] {
        let answer = direct(bridge, &Call::get("bridge", path)).await;
        assert_eq!(answer.status, 200);
        secrets.assert_none_in(
            path,
            &answer.body,
            if path == "/metrics" { "redis_bridge_calls" } else { "paths" },
        );
    }
    let log = bridge.log();
    secrets.assert_none_in("the log", log.as_bytes(), "listening");
    for line in log.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "the log is JSON lines: {line}");
    }
}

#[tokio::test]
async fn a_dump_of_redis_and_the_log_show_nothing() {
    let mut redis = Redis::start(Listen::Unix, &[&format!("requirepass {PASSWORD}")]);
    let hop = Hop::to(&redis);
    let url = hop.url().replace("redis://", &format!("redis://:{PASSWORD}@"));
    let settings = BridgeSettings::over(url).argument("--store-timeout=1s").argument("--log=trace");
    let mut bridge = Bridge::start(&settings);
    let secrets = Secrets::of(&bridge, &settings);
    let scene = Scene::over(&bridge);
    scene.succeed().await;
    provoke(&bridge, &scene.oracle.fresh(1)[0]).await;
    let dump = redis.dump();
    secrets.assert_none_in("the dump", &dump, ":EC2:");

    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    scene.fail().await;
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    hop.set(Mood::Lie(STRAY_REPLY));
    scene.fail().await;
    hop.set(Mood::Pass);
    scene.succeed().await;
    redis.command(&["CONFIG", "SET", "requirepass", "another"]);
    hop.switch_to(&redis);
    let refused = async {
        while !bridge.log().contains("refuses the user or the password") {
            scene.fail().await;
        }
    };
    within("the bridge to say that its password is wrong", refused).await;
    redis.kill();
    scene.fail().await;
    redis.restart();
    scene.succeed().await;
    redis.pause();
    scene.fail().await;
    redis.resume();
    scene.succeed().await;
    assert_secret(&bridge, &secrets).await;
    secrets.assert_none_in("the dump", &redis.dump(), ":VPC:");
    bridge.stop();
    secrets.assert_none_in("the log", bridge.log().as_bytes(), "ended");
    scene.oracle.verdict(&[&scene.by_name, &scene.by_header]);
}

#[tokio::test]
async fn the_embedded_stores_file_and_the_log_show_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mappings.redb");
    let settings = BridgeSettings::over(format!("file:{}", file.display())).argument("--log=trace");
    let mut bridge = Bridge::start(&settings);
    let secrets = Secrets::of(&bridge, &settings);
    let scene = Scene::over(&bridge);
    scene.succeed().await;
    provoke(&bridge, &scene.oracle.fresh(1)[0]).await;
    assert_secret(&bridge, &secrets).await;
    bridge.kill();
    secrets.assert_none_in("the file", &fs::read(&file).unwrap(), "EC2");
    bridge.restart();
    scene.succeed().await;
    assert!(bridge.stop().success());
    for entry in fs::read_dir(dir.path()).unwrap() {
        secrets.assert_none_in("the folder", &fs::read(entry.unwrap().path()).unwrap(), "EC2");
    }
    secrets.assert_none_in("the log", bridge.log().as_bytes(), "ended");
    scene.oracle.verdict(&[&scene.by_name, &scene.by_header]);
}

/// What is looked for would be found.
#[test]
fn secrets_are_found_as_they_are_and_in_base64() {
    let secrets = Secrets(vec![("a secret", b"0123456789".to_vec())]);
    secrets.assert_none_in("it", b"proof 01234567-9", "proof");
    for place in
        ["proof 0123456789", "", "x", "xy", "xyz"].map(str::to_owned).iter().enumerate().map(|(at, text)| {
            let encoded = general_purpose::STANDARD.encode(format!("{text}0123456789 and more"));
            if at == 0 { text.clone() } else { format!("proof {encoded}") }
        })
    {
        let found = std::panic::catch_unwind(|| secrets.assert_none_in("it", place.as_bytes(), "proof"));
        assert!(found.is_err(), "{place}");
    }
}
