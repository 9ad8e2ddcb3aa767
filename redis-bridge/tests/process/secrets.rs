//! What is written, at the highest level: enough to follow a call, and nothing that must stay secret.

use std::fs;

use e2e::client::{Call, Protocol};
use serde_json::Value;

use crate::world::{HOST, World};

const TOKEN: &str = "0123456789abcdef0123456789geheim";

#[tokio::test]
async fn calls_are_logged_without_values_scopes_keys_or_credentials() {
    let world = World::new();
    let callers = format!(
        r#"{{"callers":[{{"name":"sidecar","token":"{TOKEN}","rights":["issue","restore","admin"],"scopes":["geheim-*"]}}]}}"#
    );
    world.write("callers.json", &callers);
    let bridge = world.start(&["--listen", "127.0.0.1:0", "--callers", "callers.json", "--log", "trace"]);
    let call = |path: &str, body: &str| {
        let call = Call::post(HOST, path, body.to_owned()).header("x-request-id", "r-1");
        call.header("authorization", format!("Bearer {TOKEN}"))
    };
    let issue = r#"{"values":[{"kind":"EC2","value":"i-geheim","keep":true},{"kind":"VPC","value":"v-geheim","keep":false}]}"#;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (call, status) in [
            (call("/v1/scopes/geheim-1/tokens", issue), 200),
            (call("/v1/scopes/geheim-1/values", r#"{"tokens":["AWS_EC2_001","geheim"]}"#), 200),
            (call("/v1/scopes/geheim-1/values", r#"{"tokens":["geheim"],"geheim":"geheim"}"#), 400),
            (call("/v1/scopes/geheim-1/tokens", &issue.replace("EC2", "geheim")), 400),
            (call("/v1/scopes/geheim/tokens", issue), 403),
            (call("/v1/scopes/geheim-1/tokens", issue).header("authorization", "Bearer geheim"), 401),
            (call("/geheim?geheim=geheim", issue).header("cookie", "geheim"), 404),
            (Call { method: "GEHEIM".parse().unwrap(), ..call("/v1/scopes/geheim-1", "") }, 405),
            (Call { method: "DELETE".parse().unwrap(), ..call("/v1/scopes/geheim-1", "") }, 200),
        ] {
            let answer = bridge.connect(protocol).await.call(&call).await.unwrap();
            assert_eq!(answer.status, status, "{}", answer.text());
        }
    }

    let log = bridge.log();
    assert!(!log.to_lowercase().contains("geheim"), "{log}");
    let keys: Value = serde_json::from_slice(&fs::read(world.path("keys.json")).unwrap()).unwrap();
    for key in [&keys["scope"], &keys["seal"][0], &keys["index"][0]] {
        assert!(!log.contains(key["key"].as_str().unwrap()), "{log}");
    }
    let lines = bridge.lines();
    let calls: Vec<&Value> = lines.iter().filter(|line| line["message"] == "call").collect();
    assert_eq!(calls.len(), 18, "{log}");
    assert!(calls.iter().all(|line| line["span"]["request_id"] == "r-1" && line["level"] == "INFO"), "{log}");
    let first = calls[0];
    assert_eq!(first["method"], "POST");
    assert_eq!(first["route"], "/v1/scopes/{scope}/tokens");
    assert_eq!(first["status"], 200);
    assert_eq!(first["caller"], "sidecar");
    assert_eq!(first["count"], 2);
    assert!(first["duration_ms"].is_number());
    assert!(lines.iter().all(|line| line["target"].as_str().unwrap().starts_with("redis_bridge")), "{log}");
}

#[tokio::test]
async fn a_store_in_trouble_is_logged_when_that_changes() {
    let world = World::new();
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let store = format!("redis://user:geheim@{closed}/0");
    let mut command = world.command(&["--keys", "keys.json", "--listen", "127.0.0.1:0", "--log", "trace"]);
    command.env("REDIS_BRIDGE_STORE", store);
    let bridge = world.start_command(command);
    for _ in 0..5 {
        let answer = bridge.call(&Call::get(HOST, "/readyz")).await;
        assert_eq!(answer.status, 503);
        assert!(answer.text().contains("store_unavailable"), "{}", answer.text());
        assert_eq!(answer.headers["retry-after"], "1");
    }
    let lines = bridge.lines();
    let opening = lines.iter().find(|line| line["message"] == "opening the store").unwrap();
    assert_eq!((&opening["store"], &opening["ttl_seconds"]), (&"redis".into(), &86_400.into()));
    let trouble = lines.iter().filter(|line| line["message"] == "store trouble").count();
    assert_eq!(trouble, 1, "{}", bridge.log());
    assert!(!bridge.log().contains("geheim"), "{}", bridge.log());
}
