//! What `cloakroom render` makes of an operator's file: the transparent sidecar, and the egress gateway behind it. How
//! connections get there is not tested here: that needs network namespaces.

mod hops;
mod mesh;
mod refused;

use self::hops::{
    Certificates, GATEWAY, Hops, ONCE, RESTORED, TWICE, call, egress, render, validate, with_gateway,
};
use crate::support::assert_no_original;
use e2e::{
    client::{Call, Connection, Protocol, within},
    envoy::{Envoy, Logs},
    provider::{Gate, KEY_HEADER, Reply, Script},
    world::{ANTHROPIC, OPENAI},
};
use serde_json::{Value, json};
use std::{fs, io, net::Ipv4Addr};

/// Names, ports, sockets and options in every combination that changes the structure; Envoy loads each.
#[test]
fn every_topology_is_valid() {
    let dir = tempfile::Builder::new().prefix("cloakroom-").tempdir().unwrap();
    let certificates = Certificates::new();
    certificates.write(dir.path(), &certificates.gateway);
    fs::write(dir.path().join("public-ca.pem"), fs::read(dir.path().join("pki/ca.pem")).unwrap()).unwrap();
    fs::write(dir.path().join("bridge-token"), "token").unwrap();
    let token_file = dir.path().join("bridge-token");
    let at_bridge = |address: &str| {
        json!({
            "bridge": {"address": address, "token_file": token_file},
            "filter": {"mapping": {"store": "bridge"}},
        })
    };
    let with = |mut file: Value, more: Value| {
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        file
    };
    for file in [
        json!({"hosts": {"a.example": {}}}),
        egress(json!({"sidecar": {"plain_http": false, "health_port": 15021}})),
        egress(at_bridge("redis-bridge:8790")),
        with(with_gateway("sidecar"), at_bridge("[::1]:8790")),
        with(with_gateway("gateway"), at_bridge("unix:/run/redis-bridge.sock")),
        with(
            with_gateway("both"),
            json!({"gateway": {"address": "10.1.2.3:1", "name": GATEWAY, "listen": "[::]:15443", "health_port": 1}}),
        ),
    ] {
        let rendered = render(dir.path(), file.clone());
        validate(&dir, "rendered/sidecar-transparent.yaml");
        if file.get("gateway").is_some() {
            validate(&dir, "rendered/gateway.yaml");
        }
        fs::remove_dir_all(rendered).unwrap();
    }
}

/// Every hop that can mask, every protocol of the application, every kind of upstream: the provider gets tokens and none of
/// what Envoy or the application added, the application gets its own words back.
#[tokio::test]
async fn requests_are_masked_and_answers_restored_in_every_topology() {
    for (file, (masked, answer)) in [
        (egress(json!({})), ONCE),
        (with_gateway("sidecar"), ONCE),
        (with_gateway("gateway"), ONCE),
        (with_gateway("both"), TWICE),
    ] {
        let hops = Hops::start(&file);
        let what = format!("{} {}", file["masking"], file["gateway"]);
        for (number, (host, protocol, tls, authority, path)) in [
            (ANTHROPIC, Protocol::Http1, true, "api.anthropic.com", "/v1/anything"),
            (OPENAI, Protocol::Http2, true, "api.openai.com", "/v1/anything"),
            ("llm.example", Protocol::Http2, true, "localhost.example:8443", "/v9/llm/v1/anything"),
            ("plain.example", Protocol::Http1, true, "plain.upstream.example:8080", "/v1/anything"),
            (ANTHROPIC, Protocol::Http1, false, "api.anthropic.com", "/v1/anything"),
            ("API.openai.COM.:443", Protocol::Http2, false, "api.openai.com", "/v1/anything"),
        ]
        .into_iter()
        .enumerate()
        {
            let key = number.to_string();
            for provider in [&hops.provider, &hops.plain] {
                provider
                    .reply(&key, Reply::Script(Script::new("application/json").send_in_pieces(answer, 5)));
            }
            let got = hops.call(tls.then_some(host), protocol, &call(host, &key)).await;
            assert_eq!((got.status, got.text().as_str()), (200, RESTORED), "{what} {host}");
            let received = hops.received(&key);
            assert_eq!(received.text(), masked, "{what} {host}");
            assert_eq!(received.path, path, "{what} {host}");
            assert_eq!(received.host().as_deref(), Some(authority), "{what} {host}");
            let mut headers = received.header_names();
            headers.retain(|name| *name != "host");
            headers.sort_unstable();
            let expected = ["accept-encoding", "content-length", "content-type", KEY_HEADER, "x-api-key"];
            assert_eq!(headers, expected, "{what} {host}");
        }
        let sidecar = hops.sidecar.stop();
        let gateway = hops.gateway.map(Envoy::stop);
        one_request_has_one_id(&sidecar, gateway.as_ref());
    }
}

fn one_request_has_one_id(sidecar: &Logs, gateway: Option<&Logs>) {
    let ids = |logs: &Logs| -> Vec<String> {
        assert_no_original("the access log", logs.access.as_bytes());
        assert_no_original("the log", logs.own.as_bytes());
        logs.access
            .lines()
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["request_id"].as_str().unwrap().to_owned()
            })
            .collect()
    };
    let at_sidecar = ids(sidecar);
    assert_eq!(at_sidecar.len(), 6);
    if let Some(gateway) = gateway {
        assert_eq!(ids(gateway), at_sidecar);
    }
}

/// No hop waits for the end of an answer.
#[tokio::test]
async fn streams_stream_through_every_hop() {
    for file in [egress(json!({})), with_gateway("sidecar"), with_gateway("gateway"), with_gateway("both")] {
        let token = if file["masking"] == "both" { "AWS_LITERAL_001" } else { "AWS_EC2_001" };
        let event = |word: &str| format!("data: {{\"text\":\"{word} \"}}\n\n");
        let hops = Hops::start(&file);
        let gate = Gate::new();
        let script = Script::new("text/event-stream").send(event(token)).wait(&gate).send(event(token));
        hops.provider.reply("stream", Reply::Script(script));
        within("the stream", async {
            let mut connection = hops.connect(Some(OPENAI), Protocol::Http2).await.unwrap();
            let mut live = connection.begin(&call(OPENAI, "stream")).await.unwrap();
            let restored = event("i-1234567890abcdef0");
            let first = live.read_until(|read| read.ends_with(b"\n\n")).await;
            assert_eq!(String::from_utf8_lossy(&first), restored, "{}", file["masking"]);
            gate.open();
            assert_eq!(live.rest().await.text(), restored, "{}", file["masking"]);
        })
        .await;
    }
}

/// A change of the filter's configuration reaches a running Envoy; one that is not valid does not, and what was there stays. An
/// Envoy that never had a valid one lets nothing through.
#[tokio::test]
async fn the_filters_configuration_changes_while_envoy_runs() {
    let hops = Hops::start(&egress(json!({})));
    let filter = hops.sidecar.dir().join("rendered/filter.yaml");
    let replace = |text: String| {
        fs::write(filter.with_extension("new"), text).unwrap();
        fs::rename(filter.with_extension("new"), &filter).unwrap();
    };
    let counted = async |counter: &str, number: u32| {
        let line = format!("extension_config_discovery.http_filter.cloakroom.{counter}: {number}\n");
        within(&line, async {
            while !hops.sidecar.admin("/stats?filter=extension_config_discovery").unwrap().contains(&line) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    };
    let asked =
        async |key: &str| hops.call(Some(ANTHROPIC), Protocol::Http2, &call(ANTHROPIC, key)).await.status;
    counted("update_success", 1).await;
    let valid = fs::read_to_string(&filter).unwrap();
    replace(valid.replace("\"mapping\"", "\"maping\""));
    counted("update_rejected", 1).await;
    assert_eq!(asked("rejected").await, 404);
    assert_eq!(hops.received("rejected").text(), ONCE.0);
    replace(valid.replace("\"api.anthropic.com\",", ""));
    within("the change", async { while asked("other hosts").await != 403 {} }).await;
    replace(valid);
    within("the change back", async { while asked("as before").await != 404 {} }).await;
    assert_eq!(hops.received("as before").text(), ONCE.0);

    let mut hops = hops;
    let never = fs::read_to_string(&filter).unwrap().replace("\"mapping\"", "\"maping\"");
    fs::write(&filter, never).unwrap();
    hops.sidecar.restart();
    let answer = within("an answer", async {
        hops.connect(Some(ANTHROPIC), Protocol::Http2)
            .await?
            .call(&call(ANTHROPIC, "never"))
            .await
            .map_err(io::Error::other)
    });
    assert!(answer.await.is_ok_and(|answer| answer.status == 500));
    assert!(hops.provider.records().of("never").is_empty());
}

/// For probes.
#[tokio::test]
async fn readiness_is_told_where_it_is_wanted() {
    let hops = Hops::start(&egress(json!({"sidecar": {"health_port": 15021}})));
    let [_, _, health] = hops.sidecar.addresses() else { panic!("three addresses") };
    let ask = async |path: &str| {
        let address = (Ipv4Addr::LOCALHOST, health.port()).into();
        let mut connection = Connection::open(address, Protocol::Http1).await.unwrap();
        within("an answer", connection.call(&Call::get("any", path))).await.unwrap().status
    };
    assert_eq!((ask("/ready").await, ask("/stats").await), (200, 404));
}
