//! Clusters: which are the providers', and how they are reached.

use super::Findings;
use super::chain::Chain;
use super::tree::Node;
use serde_json::Value;

/// All clusters.
pub(super) type Clusters<'a> = [Node<'a>];

pub(super) fn all<'a>(root: &Node<'a>) -> Vec<Node<'a>> {
    let mut clusters = Vec::new();
    root.walk(&mut |node| {
        let is_cluster = node.get("load_assignment").is_some()
            || node.get("cluster_type").is_some()
            || node.text("type") == Some("ORIGINAL_DST")
            || node.is("cluster.v3.Cluster");
        if is_cluster && node.text("name").is_some() {
            clusters.push(node.clone());
        }
    });
    clusters
}

/// Those that requests reach through the filter, without the bridge and further hops of our own.
pub(super) fn providers<'a>(clusters: &[Node<'a>], chains: &[Chain<'_>]) -> Vec<Node<'a>> {
    let mut named: Vec<String> = Vec::new();
    let mut by_header = false;
    for chain in chains {
        chain.manager.walk(&mut |node| {
            by_header |= node.get("cluster_header").is_some();
            named.extend(node.text("cluster").map(str::to_owned));
            named.extend(node.text("name").filter(|_| node.get("weight").is_some()).map(str::to_owned));
        });
    }
    let is_provider = |cluster: &&Node<'a>| {
        let name = cluster.text("name").unwrap_or_default();
        // A header can name every cluster; those that are named like a host are meant.
        !is_own_hop(cluster) && (named.iter().any(|known| known == name) || by_header && name.contains('.'))
    };
    clusters.iter().filter(is_provider).cloned().collect()
}

/// True for a hop to a gateway of our own, which asks for a certificate.
pub(super) fn is_own_hop(cluster: &Node<'_>) -> bool {
    tls(cluster).and_then(|tls| tls.get("common_tls_context")).is_some_and(|tls| {
        tls.get("tls_certificates").is_some() || tls.get("tls_certificate_sds_secret_configs").is_some()
    })
}

/// True if it leads wherever the caller wants.
pub(super) fn is_anywhere(cluster: &Node<'_>) -> bool {
    let kind = cluster.get("cluster_type").and_then(|kind| kind.text("name"));
    cluster.text("type") == Some("ORIGINAL_DST") || kind == Some("envoy.clusters.dynamic_forward_proxy")
}

fn tls<'a>(cluster: &Node<'a>) -> Option<Node<'a>> {
    cluster.at("transport_socket.typed_config").filter(|tls| tls.kind() == "UpstreamTlsContext")
}

/// How a provider is reached.
pub(super) fn check(cluster: &Node<'_>, findings: &mut Findings) {
    match tls(cluster) {
        None => findings.add(cluster, "the provider is reached without TLS"),
        Some(tls) => verification(cluster, &tls, findings),
    }
    cluster.walk(&mut |node| {
        if let Some(node) = node.at("common_http_protocol_options.max_stream_duration") {
            findings.add(&node, "it cuts answers that are still streaming");
        }
    });
}

fn verification(cluster: &Node<'_>, tls: &Node<'_>, findings: &mut Findings) {
    let common = tls.get("common_tls_context");
    let context = common.as_ref().and_then(|common| {
        common
            .get("validation_context")
            .or_else(|| common.at("combined_validation_context.default_validation_context"))
    });
    let from_elsewhere = common.as_ref().is_some_and(|common| {
        common.get("validation_context_sds_secret_config").is_some()
            || common.at("combined_validation_context.validation_context_sds_secret_config").is_some()
    });
    let has = |name: &str| context.as_ref().is_some_and(|context| context.get(name).is_some());
    if !(from_elsewhere
        || has("trusted_ca")
        || has("system_root_certs")
        || has("ca_certificate_provider_instance"))
    {
        findings.add(tls, "no CA is named, so Envoy takes every certificate for the provider's; set `validation_context.trusted_ca`");
    }
    let mut by_protocol_options = false;
    cluster.walk(&mut |node| by_protocol_options |= node.flag("auto_san_validation"));
    if !(tls.flag("auto_sni_san_validation") || by_protocol_options || has("match_typed_subject_alt_names")) {
        findings.add(tls, "the certificate's name is not verified; set `auto_sni_san_validation: true` with `auto_host_sni: true`");
    }
    for (name, bad) in [
        ("trust_chain_verification", Value::from("ACCEPT_UNTRUSTED")),
        ("allow_expired_certificate", true.into()),
    ] {
        if let Some(node) =
            context.as_ref().and_then(|context| context.get(name)).filter(|node| node.value() == &bad)
        {
            findings.add(&node, "it accepts certificates that nobody trusts");
        }
    }
}
