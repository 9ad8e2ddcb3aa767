//! The filter's own entry: its VM, what happens when it fails, its configuration.

use super::Findings;
use super::chain::Chain;
use super::tree::Node;
use cloakroom_core::Config;
use cloakroom_core::config::Store;
use cloakroom_core::host::HostPattern;

/// What must fit into Envoy's buffers beside the largest body: one read.
const READ_BYTES: u64 = 1024 * 1024;

pub(super) fn check(chain: &Chain<'_>, clusters: &[Node<'_>], root: &Node<'_>, findings: &mut Findings) {
    let (Some(entry), Some(plugin)) = (chain.entry(), chain.plugin()) else { return };
    if let Some(instead) = entry.at("config_discovery.default_config") {
        findings.add(
            &instead,
            "while the filter's file cannot be read, requests pass through this instead; take it out",
        );
    }
    failure(entry, &plugin, findings);
    vm(entry, &plugin, root, findings);
    let Some(config) = config(entry, &plugin, findings) else { return };
    if let Store::Bridge(bridge) = &config.store
        && clusters.iter().all(|cluster| cluster.text("name") != Some(&bridge.cluster))
    {
        findings.add(
            entry,
            format!("its configuration names the bridge's cluster `{}`, which is not there", bridge.cluster),
        );
    }
    let needed = u64::try_from(config.max_body_bytes).unwrap_or(u64::MAX).saturating_add(READ_BYTES);
    for limit in limits(chain) {
        let (node, name) = limit;
        if let Some(bytes) = node.number(name)
            && bytes < needed
        {
            findings.add(
                &node,
                format!(
                    "`{name}` is {bytes}, and must be at least {needed} (`max_body_bytes` and 1 MiB), or Envoy refuses what the \
                     filter accepts"
                ),
            );
        }
    }
    if super::routes::go_by_stamp(chain) {
        for pattern in &config.hosts.allowed {
            if let HostPattern::Exact(host) = pattern
                && !super::routes::is_matched(chain, host)
                && clusters.iter().all(|cluster| cluster.text("name") != Some(host))
            {
                findings.add(
                    entry,
                    format!(
                        "the filter allows `{host}`, but no cluster has that name: requests to it get 503"
                    ),
                );
            }
        }
    }
}

/// Where Envoy limits a request's body.
fn limits<'a>(chain: &Chain<'a>) -> Vec<(Node<'a>, &'static str)> {
    let mut limits: Vec<_> = chain.buffer().map(|buffer| (buffer, "max_request_bytes")).into_iter().collect();
    chain.manager.walk(&mut |node| {
        for name in ["request_body_buffer_limit", "per_request_buffer_limit_bytes"] {
            if node.get(name).is_some() {
                limits.push((node.clone(), name));
            }
        }
        // A route's own `buffer`.
        if let Some(buffer) = node.get("buffer").filter(|_| node.kind() == "BufferPerRoute") {
            limits.push((buffer, "max_request_bytes"));
        }
    });
    limits
}

fn failure(entry: &Node<'_>, plugin: &Node<'_>, findings: &mut Findings) {
    if plugin.flag("fail_open") || plugin.text("failure_policy") == Some("FAIL_OPEN") {
        findings.add(
            entry,
            "after a trap FAIL_OPEN passes requests on unmasked; say `failure_policy: FAIL_RELOAD`",
        );
    } else if !matches!(plugin.text("failure_policy"), Some("FAIL_CLOSED" | "FAIL_RELOAD")) {
        findings.add(entry, "`failure_policy` is not said; say FAIL_RELOAD, or FAIL_CLOSED, so that it never depends on a default");
    }
}

/// Plugins with the same `vm_id` and module share a VM and its traps.
fn vm(entry: &Node<'_>, plugin: &Node<'_>, root: &Node<'_>, findings: &mut Findings) {
    let id = |plugin: &Node<'_>| {
        plugin.at("vm_config").and_then(|vm| vm.text("vm_id")).unwrap_or_default().to_owned()
    };
    let ours = id(plugin);
    if ours.is_empty() {
        findings.add(
            entry,
            "`vm_config.vm_id` is not said, so other plugins may share its VM and its traps; give it its own",
        );
        return;
    }
    let mut shared = false;
    root.walk(&mut |node| {
        if let Some(other) = node.get("config").filter(|_| node.is("wasm.v3.Wasm")) {
            shared |= id(&other) == ours && other.text("root_id") != plugin.text("root_id");
        }
    });
    if shared {
        findings.add(entry, format!("another plugin has its `vm_id`, `{ours}`, and could share its VM and its traps; give each its own"));
    }
}

/// The filter's own configuration.
fn config(entry: &Node<'_>, plugin: &Node<'_>, findings: &mut Findings) -> Option<Config> {
    let Some(configuration) = plugin.get("configuration") else {
        findings.add(entry, "it has no `configuration`, and refuses every request");
        return None;
    };
    if configuration.kind() != "StringValue" {
        findings.add(entry, "`configuration` must be a `google.protobuf.StringValue` with the JSON as text: of a Struct the filter gets protobuf's bytes");
        return None;
    }
    match Config::from_json(configuration.text("value").unwrap_or_default().as_bytes()) {
        Ok(config) => Some(config),
        Err(error) => {
            findings.add(entry, format!("its configuration is not valid: {error}"));
            None
        }
    }
}
