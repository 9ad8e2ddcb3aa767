//! Changes of `sidecar.yaml` that an operator may make, and what is said of them, where.

use super::shipped;
use crate::envoy::findings;

mod ways;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// Where the connection manager is.
const MANAGER: &str = "filter_chains[0].filters[envoy.filters.network.http_connection_manager].typed_config";

/// Says whether each change is named at its place; without a sentence it is no fault.
fn assert_named(faults: &[(&str, &str, &str, &str)]) {
    for (from, to, place, sentence) in faults {
        let text = shipped("sidecar.yaml");
        assert!(text.contains(from), "sidecar.yaml has changed: {from}");
        let wrong = findings(&text.replacen(from, to, 1), None)
            .unwrap_or_else(|error| panic!("{from}\n{to}\n{error}"))
            .wrong;
        let named = wrong.iter().any(|(at, said)| at.contains(place) && said.contains(sentence));
        let expected = if sentence.is_empty() { wrong.is_empty() } else { named };
        assert!(expected, "{from}\n{to}\n{place} {sentence}\n{wrong:#?}");
    }
}

/// In the admin interface, in the order of the filters and in the filter's entry.
#[test]
fn faults_of_the_filter_are_named() {
    const BUFFER: &str = "          - name: envoy.filters.http.buffer\n            typed_config:\n              \
                          \"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer\n              \
                          max_request_bytes: *buffer_bytes\n";
    let filter = format!("{MANAGER}.http_filters[cloakroom]");
    let lua = "          - name: lua\n            typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua}\n";
    assert_named(&[
        (
            "pipe: {path: *admin_socket, mode: 384}",
            "socket_address: {address: 127.0.0.1, port_value: 9901}",
            "admin.address.socket_address",
            "on a TCP port",
        ),
        (BUFFER, "", &filter, "no `buffer` filter stands behind it"),
        (
            "          - name: envoy.filters.http.buffer\n",
            "          - name: envoy.filters.http.buffer\n            disabled: true\n",
            &filter,
            "no `buffer` filter",
        ),
        (BUFFER, &format!("{lua}{BUFFER}"), &filter, "does not stand directly behind it"),
        (
            "&buffer_bytes 34603008",
            "&buffer_bytes 34603007",
            "http_filters[envoy.filters.http.buffer].typed_config",
            "must be at least 34603008",
        ),
        (
            "\"max_body_bytes\": 33554432",
            "\"max_body_bytes\": 33554433",
            "http_filters[envoy.filters.http.buffer].typed_config",
            "must be at least 34603009",
        ),
        (
            "              domains: [\"*\"]\n",
            "              domains: [\"*\"]\n              request_body_buffer_limit: 65536\n",
            "virtual_hosts[providers]",
            "`request_body_buffer_limit` is 65536",
        ),
        ("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN", &filter, "passes requests on unmasked"),
        ("failure_policy: FAIL_RELOAD", "fail_open: true", &filter, "passes requests on unmasked"),
        ("failure_policy: FAIL_RELOAD", "fail_open: false", &filter, "`failure_policy` is not said"),
        ("vm_id: cloakroom  #", "# ", &filter, "`vm_config.vm_id` is not said"),
        (
            "          - name: cloakroom\n",
            &format!(
                "          - name: other\n            typed_config: {{\"@type\": {WASM}, config: {{root_id: other, vm_config: {{vm_id: cloakroom}}}}}}\n          - name: cloakroom\n"
            ),
            &filter,
            "another plugin has its `vm_id`",
        ),
        ("\"hosts\": [", "\"hots\": [", &filter, "its configuration is not valid: hots: unknown field"),
        (
            "google.protobuf.StringValue",
            "google.protobuf.Struct",
            &filter,
            "must be a `google.protobuf.StringValue`",
        ),
        (
            "                configuration:\n",
            "                konfiguration:\n",
            &filter,
            "it has no `configuration`",
        ),
        (
            "\"cluster\": \"redis-bridge\"",
            "\"cluster\": \"bridge\"",
            &filter,
            "names the bridge's cluster `bridge`, which is not there",
        ),
        (
            "[\"api.anthropic.com\", \"api.openai.com\"]",
            "[\"api.anthropic.com\", \"api.openai.com\", \"c.example\"]",
            &filter,
            "allows `c.example`, but no cluster",
        ),
    ]);
}
