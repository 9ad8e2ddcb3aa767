//! Istio's control plane, as far as the manifests under `envoy/istio` reach: the listener, the routes and the clusters
//! that it makes of them for a proxy, as JSON for a real Envoy.
//!
//! From Istio's sources: names of clusters, the order of HTTP filters, `pluginConfig` as JSON text in a `StringValue`,
//! `allow_on_headers_stop_iteration` unset, patches in their order. Envoy is the upstream one, so Istio's own filters (peer
//! metadata, ALPN, statistics) are not there, and files and inline text stand for Istio's discovery services.

use std::{collections::BTreeMap, fs, net::SocketAddr, path::Path};

use e2e::envoy::root;
use serde_json::{Value, json};

const HCM: &str = "envoy.filters.network.http_connection_manager";
pub(super) const TYPE: &str = "type.googleapis.com/";

/// The resources of one folder under `envoy/istio`.
pub(crate) struct Manifests(Vec<Value>);

impl Manifests {
    /// What the folder's kustomization lists.
    pub(crate) fn of(folder: &str) -> Self {
        let dir = root().join("envoy/istio").join(folder);
        let kustomization = documents(&dir.join("kustomization.yaml")).remove(0);
        let files = kustomization["resources"].as_array().unwrap();
        let files = files.iter().map(|file| dir.join(file.as_str().unwrap()));
        Self(files.flat_map(|file| if file.is_dir() { Vec::new() } else { documents(&file) }).collect())
    }

    /// All `spec`s of this kind.
    pub(crate) fn specs(&self, kind: &str) -> Vec<&Value> {
        self.0.iter().filter(|document| document["kind"] == kind).map(|document| &document["spec"]).collect()
    }

    /// The only `spec` of this kind.
    pub(crate) fn spec(&self, kind: &str) -> &Value {
        let specs = self.specs(kind);
        assert_eq!(specs.len(), 1, "{kind}");
        specs[0]
    }
}

fn documents(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The HTTP filter of a plugin: what Istio sends by ECDS, with this file instead of an image.
pub(crate) fn wasm_filter(name: &str, wasm: &Value, code: &Path) -> Value {
    let policy = match wasm["failStrategy"].as_str().unwrap() {
        "FAIL_RELOAD" => "FAIL_RELOAD",
        "FAIL_CLOSE" => "FAIL_CLOSED",
        other => panic!("{other}"),
    };
    let mut config = wasm["pluginConfig"].clone();
    // A machine that runs many tests may be slower than one that serves requests.
    config["mapping"]["bridge"]["timeout_ms"] = 20_000.into();
    json!({"name": name, "typed_config": {
        "@type": format!("{TYPE}envoy.extensions.filters.http.wasm.v3.Wasm"),
        "config": {
            "name": name,
            "root_id": wasm["pluginName"],
            "failure_policy": policy,
            "vm_config": {
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": code}},
                "environment_variables": {"key_values": {"ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": "1"}},
            },
            "configuration": {
                "@type": format!("{TYPE}google.protobuf.StringValue"),
                "value": config.to_string(),
            },
        },
    }})
}

/// A listener for HTTP on this port of the mesh, with Istio's defaults. It listens on a free port of loopback instead.
pub(crate) fn listener(port: u64, plugins: Vec<Value>, routes: Vec<Value>) -> Value {
    let filter =
        |name: &str, kind: &str| json!({"name": name, "typed_config": {"@type": format!("{TYPE}{kind}")}});
    let own = [
        filter("envoy.filters.http.grpc_stats", "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig"),
        filter("envoy.filters.http.fault", "envoy.extensions.filters.http.fault.v3.HTTPFault"),
        filter("envoy.filters.http.cors", "envoy.extensions.filters.http.cors.v3.Cors"),
        filter("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router"),
    ];
    let filters: Vec<Value> = plugins.into_iter().chain(own).collect();
    let connection_manager = json!({
        "@type": format!("{TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": format!("outbound_0.0.0.0_{port}"),
        "codec_type": "AUTO",
        "normalize_path": true,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "use_remote_address": false,
        "stream_idle_timeout": "0s",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "route_config": {
            "name": port.to_string(),
            "ignore_port_in_host_matching": true,
            "validate_clusters": false,
            "virtual_hosts": routes,
        },
        "http_filters": filters,
    });
    json!({
        "name": format!("0.0.0.0_{port}"),
        "traffic_direction": "OUTBOUND",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": HCM, "typed_config": connection_manager}]}],
    })
}

/// The virtual host of one rule of a VirtualService.
pub(crate) fn virtual_host(host: &str, rule: &Value, cluster: &str) -> Value {
    let retries = &rule["retries"];
    let mut action = json!({
        "cluster": cluster,
        "timeout": "0s",
        "retry_policy": {"retry_on": retries["retryOn"], "num_retries": retries["attempts"]},
    });
    if let Some(authority) = rule["rewrite"]["authority"].as_str() {
        action["host_rewrite_literal"] = authority.into();
    }
    json!({
        "name": host,
        "domains": [host],
        "include_request_attempt_count": true,
        "routes": [{
            "match": {"prefix": "/"},
            "decorator": {"operation": format!("{host}/*")},
            "route": action,
            "request_headers_to_remove": rule["headers"]["request"]["remove"],
        }],
    })
}

/// Where Istio leads what is not registered, with `REGISTRY_ONLY`.
pub(crate) fn block_all() -> Value {
    json!({
        "name": "block_all",
        "domains": ["*"],
        "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 502}}],
    })
}

/// A cluster with one endpoint, wherever that is in the test.
pub(crate) fn cluster(name: &str, at: SocketAddr, connect_timeout: &Value) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": connect_timeout,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {
            "socket_address": {"address": at.ip(), "port_value": at.port()},
        }}}]}]},
    })
}

/// TLS as a DestinationRule's `SIMPLE` asks for it, with this CA instead of the system's.
pub(crate) fn simple_tls(tls: &Value, ca: &Path) -> Value {
    assert_eq!(tls["mode"], "SIMPLE");
    assert!(
        tls["insecureSkipVerify"].is_null() && tls["caCertificates"].is_string(),
        "it is verified: {tls}"
    );
    let names = tls["subjectAltNames"].as_array().unwrap().iter();
    let names: Vec<Value> =
        names.map(|name| json!({"san_type": "DNS", "matcher": {"exact": name}})).collect();
    assert!(!names.is_empty());
    json!({"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": format!("{TYPE}envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
        "sni": tls["sni"],
        "common_tls_context": {
            "validation_context": {"trusted_ca": {"filename": ca}, "match_typed_subject_alt_names": names},
        },
    }})
}

/// A proxy of this context: what it listens on, by its port in the mesh, and its clusters by name.
pub(crate) struct Proxy {
    pub(crate) context: &'static str,
    pub(crate) listeners: BTreeMap<u64, Value>,
    pub(crate) clusters: BTreeMap<String, Value>,
}

impl Proxy {
    /// Applies the patches of an EnvoyFilter in their order. Each must fit something: Istio would pass over it in silence.
    pub(crate) fn patch(&mut self, filter: &Value) {
        for patch in filter["configPatches"].as_array().unwrap() {
            assert!(self.apply(patch) > 0, "this patch fits nothing: {patch}");
        }
    }

    fn apply(&mut self, patch: &Value) -> usize {
        let (matched, operation, value) =
            (&patch["match"], patch["patch"]["operation"].as_str().unwrap(), &patch["patch"]["value"]);
        assert_eq!(matched["context"], self.context);
        if patch["applyTo"] == "CLUSTER" {
            assert_eq!(operation, "MERGE");
            let (service, port) =
                (matched["cluster"]["service"].as_str().unwrap(), &matched["cluster"]["portNumber"]);
            let fits = |name: &str| {
                name.starts_with(&format!("outbound|{port}|")) && name.ends_with(&format!("|{service}"))
            };
            let clusters = self.clusters.iter_mut().filter(|(name, _)| fits(name));
            return clusters.map(|(_, cluster)| merge(cluster, value)).count();
        }
        let wanted = &matched["listener"];
        let Some(listener) = self.listeners.get_mut(&wanted["portNumber"].as_u64().unwrap()) else {
            return 0;
        };
        let network = &mut listener["filter_chains"][0]["filters"][0];
        let named = &wanted["filterChain"]["filter"];
        assert_eq!(named["name"], HCM);
        match (patch["applyTo"].as_str().unwrap(), operation) {
            ("NETWORK_FILTER", "MERGE") => {
                merge(network, value);
                1
            }
            ("HTTP_FILTER", operation) => {
                let filters = network["typed_config"]["http_filters"].as_array_mut().unwrap();
                let at = filters.iter().position(|filter| filter["name"] == named["subFilter"]["name"]);
                match (operation, at) {
                    ("INSERT_BEFORE", Some(at)) => filters.insert(at, value.clone()),
                    ("MERGE", Some(at)) => merge(&mut filters[at], value),
                    other => panic!("{other:?}"),
                }
                1
            }
            other => panic!("{other:?}"),
        }
    }

    /// The whole configuration. The admin listens on this socket.
    pub(crate) fn bootstrap(&self, admin: &Path) -> String {
        json!({
            "node": {"id": "sidecar~10.0.0.1~application~cluster.local", "cluster": "application"},
            "admin": {"address": {"pipe": {"path": admin}}},
            "static_resources": {
                "listeners": self.listeners.values().collect::<Vec<_>>(),
                "clusters": self.clusters.values().collect::<Vec<_>>(),
            },
        })
        .to_string()
    }
}

/// As protobuf merges: messages member by member, lists one behind the other, all else replaced. The values of a map are
/// replaced whole, which the protocol options of a cluster are.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                match into.get_mut(name) {
                    Some(old) if name != "typed_extension_protocol_options" => merge(old, value),
                    _ => drop(into.insert(name.clone(), value.clone())),
                }
            }
        }
        (Value::Array(into), Value::Array(from)) => into.extend(from.iter().cloned()),
        (into, from) => *into = from.clone(),
    }
}
