//! Pods of a mesh: their sidecars, the egress gateway, the bridge and a provider.

use std::{collections::BTreeMap, fs, process::Command};

use e2e::{
    bridge::{Bridge, Settings},
    client::{Answer, Call, Connection, Protocol, within},
    envoy::{ADMIN, Artifact, Envoy},
    provider::{Options, Provider, Recorded},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    mesh::{Certificate, Mesh, mutual_tls, terminate},
    pilot::{Manifests, Proxy, block_all, cluster, listener, simple_tls, virtual_host, wasm_filter},
};

/// The port of the providers in the mesh.
pub(crate) const PORT: u64 = 4480;

/// The bridge's cluster, as Istio names it.
const BRIDGE: &str = "outbound|8790||redis-bridge.cloakroom.svc.cluster.local";

/// A pod of the mesh: its sidecar, the bridge and a provider.
pub(crate) struct Pod {
    pub(crate) envoy: Envoy,
    pub(crate) provider: Provider,
    _bridge: Bridge,
}

impl Pod {
    /// With the filter from this folder: a WasmPlugin, or a TrafficExtension in its place.
    pub(crate) fn start(folder: &str) -> Self {
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
        clusters.insert(BRIDGE.to_owned(), cluster(BRIDGE, bridge.address(), &json!("10s")));
        let mut proxy = Proxy {
            context: "SIDECAR_OUTBOUND",
            listeners: BTreeMap::from([(PORT, listener(PORT, vec![plugin], hosts))]),
            clusters,
        };
        proxy.patch(&with_token_in(manifests.spec("EnvoyFilter"), &dir));
        let config = proxy.bootstrap(&dir.path().join(ADMIN));
        let envoy = Envoy::launch(Command::new(Artifact::Envoy.path()), &config, 1, dir);
        Self { envoy, provider, _bridge: bridge }
    }

    /// A pod whose sidecar forwards to the egress gateway, and the gateway, which masks. The sidecar's certificate is of the
    /// mesh, or of another CA.
    pub(crate) fn start_with_gateway(is_of_mesh: bool) -> (Self, Envoy) {
        let provider = Provider::start(&Options::default()).unwrap();
        let bridge = Bridge::start(&Settings::over("memory:"));
        let dir = folder_with(&provider, &bridge);
        let mesh = Mesh::new();
        let manifests = Manifests::of("egress-gateway");
        let plugin =
            wasm_filter("cloakroom.cloakroom", manifests.spec("WasmPlugin"), &Artifact::Filter.path());
        let (mut hosts, mut clusters) = (Vec::new(), BTreeMap::new());
        for service in manifests.specs("VirtualService") {
            let host = service["hosts"][0].as_str().unwrap();
            let name = format!("outbound|{PORT}||{host}");
            hosts.push(virtual_host(host, &service["http"][0], &name));
            clusters.insert(name.clone(), provider_cluster(&manifests, host, &name, &provider, &dir));
        }
        clusters.insert(BRIDGE.to_owned(), cluster(BRIDGE, bridge.address(), &json!("10s")));
        let server = &manifests.spec("Gateway")["servers"][0];
        let port = server["port"]["number"].as_u64().unwrap();
        let mut listener = listener(port, vec![plugin], hosts);
        terminate(
            &mut listener,
            server,
            &mesh.certificate("spiffe://cluster.local/ns/cloakroom/sa/cloakroom-egress"),
        );
        let mut proxy = Proxy { context: "GATEWAY", listeners: BTreeMap::from([(port, listener)]), clusters };
        proxy.patch(&with_token_in(manifests.spec("EnvoyFilter"), &dir));
        let config = proxy.bootstrap(&dir.path().join(ADMIN));
        let gateway = Envoy::launch(Command::new(Artifact::Envoy.path()), &config, 1, dir);

        let dir = tempfile::Builder::new().prefix("cloakroom-istio-").tempdir().unwrap();
        let issuer = if is_of_mesh { mesh } else { mesh.stranger() };
        let certificate = issuer.certificate("spiffe://cluster.local/ns/llm-applications/sa/application");
        let config = forwarding(&gateway, &certificate).bootstrap(&dir.path().join(ADMIN));
        let envoy = Envoy::launch(Command::new(Artifact::Envoy.path()), &config, 1, dir);
        (Self { envoy, provider, _bridge: bridge }, gateway)
    }

    pub(crate) async fn answer(&self, call: &Call) -> Answer {
        let mut connection = Connection::open(self.envoy.address(), Protocol::Http1).await.unwrap();
        within("an answer", connection.call(call)).await.unwrap()
    }

    /// What the provider received of a call that must have come through.
    pub(crate) fn received(&self, call: &Call) -> Recorded {
        let mut received = self.provider.records().of(e2e::world::key_of(call));
        assert_eq!(received.len(), 1);
        received.remove(0)
    }
}

/// A sidecar without the filter: all providers are the gateway.
fn forwarding(gateway: &Envoy, certificate: &Certificate) -> Proxy {
    let manifests = Manifests::of("egress-gateway/application");
    let (mut hosts, mut clusters) = (vec![block_all()], BTreeMap::new());
    for service in manifests.specs("VirtualService") {
        let host = service["hosts"][0].as_str().unwrap();
        let name = format!("outbound|{PORT}||{host}");
        hosts.push(virtual_host(host, &service["http"][0], &name));
        let entries = manifests.specs("ServiceEntry");
        let entry = entries.iter().find(|entry| entry["hosts"][0] == host).unwrap();
        assert_eq!(
            entry["endpoints"],
            json!([{
                "address": "cloakroom-egress.cloakroom.svc.cluster.local", "ports": {"http-llm": 8443},
            }])
        );
        let rules = manifests.specs("DestinationRule");
        let rule = rules.iter().find(|rule| rule["host"] == host).unwrap();
        let policy = &rule["trafficPolicy"]["portLevelSettings"][0];
        let mut cluster =
            cluster(&name, gateway.address(), &policy["connectionPool"]["tcp"]["connectTimeout"]);
        cluster["transport_socket"] = mutual_tls(&policy["tls"], certificate);
        clusters.insert(name, cluster);
    }
    let listener = listener(PORT, Vec::new(), hosts);
    Proxy { context: "SIDECAR_OUTBOUND", listeners: BTreeMap::from([(PORT, listener)]), clusters }
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
