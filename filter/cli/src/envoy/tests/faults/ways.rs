//! Where requests go, how the provider is reached, and what is logged.

use super::{MANAGER, assert_named};

const TCP: &str = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
const HCM: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// A second listener whose requests go somewhere without the filter.
fn other_manager(action: &str) -> String {
    format!(
        "  - name: other\n    filter_chains: [{{filters: [{{name: http, typed_config: {{\"@type\": {HCM}, route_config: \
         {{virtual_hosts: [{{name: v, domains: ['*'], routes: [{{match: {{prefix: /}}, route: {{{action}}}}}]}}]}}}}}}]}}]\n  clusters:\n"
    )
}

/// In timeouts, routes, clusters, compression and logs.
#[test]
fn faults_on_the_way_are_named() {
    let filter = format!("{MANAGER}.http_filters[cloakroom]");
    let route = format!("{MANAGER}.route_config.virtual_hosts[providers].routes[0]");
    let action = format!("{route}.route");
    let tls = "static_resources.clusters[api.anthropic.com].transport_socket.typed_config";
    let compressor = "          - name: late\n            typed_config: {\"@type\": \
                      type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor}\n";
    let router = "          - name: envoy.filters.http.router\n";
    assert_named(&[
        ("timeout: 0s  #", "timeout: 30s  #", &action, "`timeout` cuts answers after 30 s"),
        ("                  timeout: 0s  #", "                  #", &action, "Envoy's 15 s cut answers"),
        (
            "timeout: 0s  #",
            "timeout: 0s\n                  idle_timeout: 60s  #",
            &action,
            "`idle_timeout` cuts answers after 60 s",
        ),
        (
            "num_retries: 2}",
            "num_retries: 2, per_try_timeout: 5s}",
            "retry_policy.per_try_timeout",
            "cuts answers that are still streaming",
        ),
        (
            "timeout: 0s  #",
            "timeout: 0s\n                  max_stream_duration: {max_stream_duration: 60s}  #",
            "route.max_stream_duration",
            "cuts answers that are still streaming",
        ),
        (
            "&longest_silence 900s",
            "&longest_silence 60s",
            MANAGER,
            "`stream_idle_timeout` cuts answers after 60 s",
        ),
        (
            "          stream_idle_timeout: *longest_silence\n",
            "",
            MANAGER,
            "`stream_idle_timeout` cuts answers after 300 s",
        ),
        (
            "          codec_type: AUTO\n",
            "          codec_type: AUTO\n          common_http_protocol_options: {max_stream_duration: 60s}\n",
            "common_http_protocol_options.max_stream_duration",
            "cuts answers",
        ),
        (
            "          codec_type: AUTO\n",
            "          codec_type: AUTO\n          upgrade_configs: [{upgrade_type: websocket}]\n",
            "upgrade_configs[0]",
            "cannot be masked",
        ),
        (
            "timeout: 0s  #",
            "timeout: 0s\n                  upgrade_configs: [{upgrade_type: websocket}]  #",
            "route.upgrade_configs[0]",
            "cannot be masked",
        ),
        ("[x-original-host, x-request-id,", "[x-request-id,", &route, "has no x-original-host"),
        (
            "cluster_header: x-original-host",
            "cluster: api.openai.com",
            &action,
            "every allowed host goes to the same cluster",
        ),
        (
            "cluster_header: x-original-host",
            "cluster_header: x-cluster",
            &action,
            "`cluster_header: x-cluster` is not the filter's stamp",
        ),
        (
            "              - match: {prefix: /}\n",
            "              - match: {prefix: /}\n                typed_per_filter_config: {cloakroom: {\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}\n",
            "typed_per_filter_config.cloakroom",
            "switches the filter off",
        ),
        (
            "cluster_header: x-original-host",
            "weighted_clusters: {clusters: [{name: api.openai.com, weight: 1, typed_per_filter_config: {cloakroom: {disabled: true}}}]}",
            "clusters[api.openai.com].typed_per_filter_config.cloakroom",
            "switches the filter off",
        ),
        (
            "              domains: [\"*\"]\n",
            "              domains: [\"*\"]\n              typed_per_filter_config: {envoy.filters.http.buffer: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute, disabled: true}}\n",
            "typed_per_filter_config.envoy.filters.http.buffer",
            "switches `buffer` off",
        ),
        (
            "          - name: cloakroom\n",
            "          - name: cloakroom\n            disabled: true\n",
            &filter,
            "the filter is disabled",
        ),
        (
            "  clusters:\n",
            &format!(
                "  - name: by_tcp\n    filter_chains: [{{filters: [{{name: tcp, typed_config: {{\"@type\": {TCP}, cluster: api.openai.com}}}}]}}]\n  clusters:\n"
            ),
            "listeners[by_tcp].filter_chains[0].filters[tcp].typed_config",
            "without the filter",
        ),
        (
            "  clusters:\n",
            &other_manager("cluster: api.openai.com"),
            "listeners[other]",
            "requests reach the provider's cluster `api.openai.com` without the filter",
        ),
        (
            "  clusters:\n",
            &other_manager("weighted_clusters: {clusters: [{name: api.openai.com, weight: 1}]}"),
            "listeners[other]",
            "requests reach the provider's cluster `api.openai.com` without the filter",
        ),
        (
            "  clusters:\n",
            &other_manager("cluster_header: x"),
            "listeners[other]",
            "a header chooses the cluster",
        ),
        ("        auto_sni_san_validation: true\n", "", tls, "the certificate's name is not verified"),
        ("          validation_context: {trusted_ca: {filename: *ca_file}}\n", "", tls, "no CA is named"),
        (
            "{trusted_ca: {filename: *ca_file}}",
            "{trusted_ca: {filename: *ca_file}, trust_chain_verification: ACCEPT_UNTRUSTED}",
            tls,
            "certificates that nobody trusts",
        ),
        (
            "{trusted_ca: {filename: *ca_file}}",
            "{trusted_ca: {filename: *ca_file}, allow_expired_certificate: true}",
            tls,
            "certificates that nobody trusts",
        ),
        (
            "    transport_socket: *provider_tls\n",
            "",
            "static_resources.clusters[api.openai.com]",
            "without TLS",
        ),
        (
            "common_http_protocol_options: {idle_timeout: 60s}",
            "common_http_protocol_options: {idle_timeout: 60s, max_stream_duration: 60s}",
            "max_stream_duration",
            "cuts answers",
        ),
        (
            router,
            &format!("{compressor}{router}"),
            "http_filters[late].typed_config",
            "compresses answers before the filter sees them",
        ),
        (
            "request_direction_config: &untouched_requests\n                advertise_accept_encoding: false\n                common_config: {enabled: {default_value: false, runtime_key: cloakroom.never}}",
            "request_direction_config: &untouched_requests {advertise_accept_encoding: false}",
            "",
            "",
        ),
        (
            "response_direction_config: &untouched\n                common_config: {enabled: {default_value: false, runtime_key: cloakroom.never}}",
            "response_direction_config: &untouched {}",
            "",
            "",
        ),
        (
            "              response_direction_config: &decompress_answers\n                common_config: *decompressing\n",
            "              response_direction_config: &decompress_answers {common_config: {enabled: {default_value: false}}}\n",
            "",
            "",
        ),
        (
            "path: \"%CEL(upstream.address != '' ? request.url_path : '-')%\"",
            "path: \"%REQ(:PATH)%\"",
            "json_format.path",
            "the log shows the request's `:path`",
        ),
        (
            "path: \"%CEL(upstream.address != '' ? request.url_path : '-')%\"",
            "path: \"%CEL(request.url_path)%\"",
            "json_format.path",
            "the log shows a part of the request",
        ),
        (
            "path: \"%CEL(upstream.address != '' ? request.url_path : '-')%\"",
            "path: \"%PATH(NQ)%\"",
            "json_format.path",
            "the log shows the request's path or query",
        ),
        (
            "protocol: \"%PROTOCOL%\"",
            "protocol: \"%PROTOCOL% %REQ(X-REQUEST-ID?Cookie):12%\"",
            "json_format.protocol",
            "the log shows the request's `cookie`",
        ),
        (
            "              log_format:\n",
            "              lock_format:\n",
            "access_log[envoy.access_loggers.stdout]",
            "Envoy's own format has the path",
        ),
    ]);
}

/// Found by somebody who wrote dangerous configurations on purpose.
#[test]
fn ways_around_that_look_harmless_are_named() {
    let before = "          - name: cloakroom\n";
    let mutation = "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation";
    let listener = |kind: &str, fields: &str, clusters: &str| {
        format!(
            "  - name: by_tcp\n    filter_chains: [{{filters: [{{name: tcp, typed_config: {{\"@type\": {kind}, {fields}}}}}]}}]\n  \
             clusters:\n{clusters}"
        )
    };
    let anywhere = "  - {name: anywhere, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED}\n";
    let proxy = "  - {name: anywhere, cluster_type: {name: envoy.clusters.dynamic_forward_proxy}}\n";
    let udp = "type.googleapis.com/envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig";
    let named = "listeners[by_tcp].filter_chains[0].filters[tcp].typed_config";
    assert_named(&[
        ("  clusters:\n", &listener(TCP, "cluster: anywhere", anywhere), named, "reach any host"),
        ("  clusters:\n", &listener(TCP, "cluster: anywhere", proxy), named, "reach any host"),
        ("  clusters:\n", &listener(udp, "cluster: api.openai.com", ""), named, "without the filter"),
        (
            "  clusters:\n",
            &listener(TCP, "weighted_clusters: {clusters: [{name: api.openai.com, weight: 1}]}", ""),
            "weighted_clusters.clusters[api.openai.com]",
            "without the filter",
        ),
        (
            "  clusters:\n",
            &format!("{}{anywhere}", other_manager("cluster: anywhere")),
            "listeners[other]",
            "reach any host",
        ),
        (
            before,
            &format!(
                "          - name: early\n            typed_config: {{\"@type\": \
                 type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}\n{before}"
            ),
            "http_filters[early]",
            "put it last",
        ),
        (
            "          - name: envoy.filters.http.buffer\n",
            &format!(
                "          - name: stamp\n            typed_config: {{\"@type\": {mutation}, mutations: {{request_mutations: [{{append: \
                 {{header: {{key: X-Original-Host, value: a.example}}}}}}]}}}}\n          - name: envoy.filters.http.buffer\n"
            ),
            "http_filters[stamp]",
            "over the filter's stamp",
        ),
        ("mode: 384", "mode: 438", "admin.address.pipe", "everybody may use the admin interface"),
        ("%PROTOCOL%", "%REQUEST_HEADER(AUTHORIZATION)%", "access_log", "the request's `authorization`"),
        (
            "\"%PROTOCOL%\"",
            "'%COALESCE({\"operators\": [{\"command\": \"REQ\", \"param\": \":path\"}]})%'",
            "access_log",
            "in a `COALESCE`",
        ),
    ]);
}
