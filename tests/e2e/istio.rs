//! The manifests under `envoy/istio`: the configuration that Istio makes of them, in a real Envoy.

mod pilot;

use std::{collections::BTreeMap, fs};

use e2e::{
    bridge::{Bridge, Settings},
    client::{Answer, Call, Connection, Protocol, within},
    envoy::{Artifact, Envoy, admin_socket},
    provider::{Echo, KEY_HEADER, Options, Provider, Recorded},
    sse,
    world::{ANTHROPIC, GEMINI, OPENAI},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::pilot::{Manifests, Proxy, block_all, cluster, listener, simple_tls, virtual_host, wasm_filter};
use crate::support::{Api, MASKED, TEXT, assert_no_original, assert_says_the_same, without_cloakroom};

/// The port of the providers in the mesh.
const PORT: u64 = 4480;

/// What a request to each provider is.
const PATHS: [(&str, &str); 3] = [
    (ANTHROPIC, "/v1/messages"),
    (OPENAI, "/v1/chat/completions"),
    (GEMINI, "/v1beta/models/m-1:generateContent"),
];

/// A pod of the mesh: its sidecar, the bridge and a provider.
struct Pod {
    envoy: Envoy,
    provider: Provider,
    _bridge: Bridge,
}

impl Pod {
    /// With the filter from this folder: a WasmPlugin, or a TrafficExtension in its place.
    fn start(folder: &str) -> Self {
        let provider = Provider::start(&Options::default()).unwrap();
        let bridge = Bridge::start(&Settings::over("memory:"));
        let dir = folder_with(&provider, &bridge);
        let manifests = Manifests::of("sidecar");
        let plugin = match folder {
            "sidecar" => wasm_filter(
                "llm-applications.cloakroom",
                manifests.spec("WasmPlugin"),
                &Artifact::Filter.path(),
            ),
            _ => wasm_filter(
                "extensions.istio.io/trafficextension/llm-applications.cloakroom",
                &Manifests::of(folder).spec("TrafficExtension")["wasm"],
                &Artifact::Filter.path(),
            ),
        };
        let (mut hosts, mut clusters) = (vec![block_all()], BTreeMap::new());
        for service in manifests.specs("VirtualService") {
            let host = service["hosts"][0].as_str().unwrap();
            let name = format!("outbound|{PORT}||{host}");
            let rule = &service["http"][0];
            assert_eq!(rule["route"][0]["destination"], json!({"host": host, "port": {"number": PORT}}));
            hosts.push(virtual_host(host, rule, &name));
            clusters.insert(name.clone(), provider_cluster(&manifests, host, &name, &provider, &dir));
        }
        let name = "outbound|8790||cloakroom-bridge.cloakroom.svc.cluster.local";
        clusters.insert(name.to_owned(), cluster(name, bridge.address(), &json!("10s")));
        let mut proxy = Proxy {
            context: "SIDECAR_OUTBOUND",
            listeners: BTreeMap::from([(PORT, listener(PORT, plugin, hosts))]),
            clusters,
        };
        proxy.patch(&with_token_in(manifests.spec("EnvoyFilter"), &dir));
        let config = proxy.bootstrap(&admin_socket(&dir));
        let envoy = Envoy::start_with("istio.json", &config, 1, dir);
        Self { envoy, provider, _bridge: bridge }
    }

    async fn answer(&self, call: &Call) -> Answer {
        let mut connection = Connection::open(self.envoy.address(), Protocol::Http1).await.unwrap();
        within("an answer", connection.call(call)).await.unwrap()
    }

    /// What the provider received of a call that must have come through.
    fn received(&self, call: &Call) -> Recorded {
        let mut received = self.provider.records().of(e2e::world::key_of(call));
        assert_eq!(received.len(), 1);
        received.remove(0)
    }
}

/// A folder with the provider's CA and the file of the bridge's token.
fn folder_with(provider: &Provider, bridge: &Bridge) -> TempDir {
    let dir = tempfile::Builder::new().prefix("cloakroom-istio-").tempdir().unwrap();
    fs::write(dir.path().join("ca.pem"), provider.ca_pem().unwrap()).unwrap();
    // As the kustomization says that the Secret is.
    let secret = json!({"resources": [{
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": "bridge_token",
        "generic_secret": {"secret": {"inline_string": bridge.token()}},
    }]});
    fs::write(dir.path().join("secret.yaml"), secret.to_string()).unwrap();
    dir
}

/// The EnvoyFilter, the token's file being in this folder.
fn with_token_in(filter: &Value, dir: &TempDir) -> Value {
    let text = filter.to_string().replace("/etc/cloakroom/bridge", &dir.path().display().to_string());
    serde_json::from_str(&text).unwrap()
}

/// The cluster that the ServiceEntry and the DestinationRule of this host make.
fn provider_cluster(
    manifests: &Manifests,
    host: &str,
    name: &str,
    provider: &Provider,
    dir: &TempDir,
) -> Value {
    let entries = manifests.specs("ServiceEntry");
    let entry = entries.iter().find(|entry| entry["hosts"][0] == host).unwrap();
    assert_eq!(
        entry["ports"],
        json!([{"number": PORT, "name": "http-llm", "protocol": "HTTP", "targetPort": 443}])
    );
    let rules = manifests.specs("DestinationRule");
    let rule = rules.iter().find(|rule| rule["host"] == host).unwrap();
    let policy = &rule["trafficPolicy"]["portLevelSettings"][0];
    assert_eq!(policy["port"]["number"], PORT);
    let mut cluster = cluster(name, provider.address(), &policy["connectionPool"]["tcp"]["connectTimeout"]);
    cluster["transport_socket"] = simple_tls(&policy["tls"], &dir.path().join("ca.pem"));
    cluster
}

fn call(host: &str, path: &str, key: &str, body: String) -> Call {
    Call::post(&format!("{host}:{PORT}"), path, body)
        .header("x-api-key", "sk-scripted")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("x-envoy-peer-metadata-id", "sidecar~10.0.12.34~application~cluster.local")
        .header("x-original-host", "elsewhere.example")
        .header(KEY_HEADER, key)
}

/// Masked at the provider, restored at the application, by plugin and by its successor; and nothing of the mesh gets out.
#[tokio::test]
async fn a_pods_sidecar_masks() {
    for folder in ["sidecar", "traffic-extension"] {
        let pod = Pod::start(folder);
        for (host, path) in PATHS {
            let call = call(host, path, host, Api::Anthropic.request(TEXT, false, false));
            let answer = pod.answer(&call).await;
            assert_eq!(answer.status, 200, "{folder} {host}: {}\n{}", answer.text(), pod.envoy.logs().own);
            let received = pod.received(&call);
            assert_eq!(received.text(), Api::Anthropic.request(MASKED, false, false), "{folder} {host}");
            assert_eq!(received.host().as_deref(), Some(host));
            assert_eq!(
                received.header_names(),
                ["accept-encoding", "content-length", "content-type", "host", "idempotency-key", "x-api-key"]
            );
            assert_eq!(
                answer.text(),
                without_cloakroom(&call, &Echo::default()).await.text(),
                "{folder} {host}"
            );
        }
    }
}

/// Streams stream, with the tokens of the bridge.
#[tokio::test]
async fn streams_stream() {
    let pod = Pod::start("sidecar");
    let call = call(ANTHROPIC, "/v1/messages", "stream", Api::Anthropic.request(TEXT, true, true));
    let answer = pod.answer(&call).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_no_original("the provider", &pod.received(&call).body);
    let direct = without_cloakroom(&call, &Echo::default()).await;
    assert_says_the_same("in the mesh", &answer.text(), &direct.text());
    assert!(!sse::events(&answer.body).is_empty());
}

/// A refusal leaves no trace at the provider, not even a head: the buffer filter is where it must be.
#[tokio::test]
async fn what_is_refused_leaves_no_trace() {
    let pod = Pod::start("sidecar");
    let body = || Api::Anthropic.request(TEXT, false, false);
    for (status, call) in [
        (400, call(ANTHROPIC, "/v1/messages", "unreadable", String::from("{\"a\": i-1234567890abcdef0"))),
        (403, call("elsewhere.example", "/v1/messages", "elsewhere", body())),
        (422, call(ANTHROPIC, "/v1/messages/i-1234567890abcdef0", "path", body())),
        (
            403,
            call(ANTHROPIC, "/", "upgrade", body())
                .header("connection", "upgrade")
                .header("upgrade", "websocket"),
        ),
        // Allowed for the filter, which knows no dot at a name's end; but Istio has no route for it.
        (502, call("api.anthropic.com.", "/v1/messages", "dot", body())),
    ] {
        let call = call.chunked(7);
        assert_eq!(pod.answer(&call).await.status, status, "{call:?}");
        assert!(pod.provider.records().of(e2e::world::key_of(&call)).is_empty(), "{call:?}");
    }
}
