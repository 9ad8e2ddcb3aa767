//! Where requests go, and ways around the filter.

use super::Findings;
use super::chain::{Chain, SHORTEST_SILENCE};
use super::clusters::{self, Clusters, is_own_hop};
use super::tree::Node;
use serde_json::Value;

/// The header that the filter stamps.
const STAMP: &str = "x-original-host";

/// A route and what it stands in.
struct Route<'a> {
    config: Node<'a>,
    host: Node<'a>,
    route: Node<'a>,
}

fn routes<'a>(chain: &Chain<'a>) -> Vec<Route<'a>> {
    let mut routes = Vec::new();
    if let Some(config) = chain.manager.get("route_config") {
        for host in config.items("virtual_hosts") {
            for route in host.items("routes") {
                routes.push(Route { config: config.clone(), host: host.clone(), route });
            }
        }
    }
    routes
}

/// True if clusters are chosen by the filter's stamp.
pub(super) fn go_by_stamp(chain: &Chain<'_>) -> bool {
    routes(chain).iter().any(|route| route.route.at("route.cluster_header").is_some())
}

/// True if a route is for requests that are stamped with this host.
pub(super) fn is_matched(chain: &Chain<'_>, host: &str) -> bool {
    routes(chain).iter().any(|Route { route, .. }| {
        let headers = route.get("match").map(|conditions| conditions.items("headers")).unwrap_or_default();
        headers.iter().any(|header| {
            is_stamp(header.text("name"))
                && header.at("string_match").and_then(|text| text.text("exact")) == Some(host)
        })
    })
}

pub(super) fn check(chain: &Chain<'_>, clusters: &Clusters<'_>, findings: &mut Findings) {
    if chain.manager.get("route_config").is_none() {
        findings.unchecked(&chain.manager, "its routes come from elsewhere");
    }
    chain.manager.walk(&mut |node| {
        if let Some(matcher) = node.get("matcher").filter(|_| node.get("domains").is_some()) {
            findings.unchecked(&matcher, "routes in a matcher are not read; write them as `routes`");
        }
    });
    for route in routes(chain) {
        let Some(action) = route.route.get("route") else { continue };
        timeouts(&action, findings);
        upgrades(&action, findings);
        switched_off(chain, &route, findings);
        stamp(&route, &action, clusters, findings);
    }
}

fn timeouts(action: &Node<'_>, findings: &mut Findings) {
    match action.seconds("timeout") {
        Some(0.0) => {}
        Some(seconds) => findings.add(
            action,
            format!("`timeout` cuts answers after {seconds} s; say 0s, and let silence end the dead ones"),
        ),
        None => findings.add(
            action,
            "`timeout` is not said, and Envoy's 15 s cut answers; say 0s, and let silence end the dead ones",
        ),
    }
    if let Some(silence) = action.seconds("idle_timeout")
        && silence != 0.0
        && silence < SHORTEST_SILENCE
    {
        findings.add(action, format!("`idle_timeout` cuts answers after {silence} s of silence, and models think for minutes; say 900s"));
    }
    for name in ["max_stream_duration", "retry_policy.per_try_timeout"] {
        if let Some(node) = action.at(name) {
            findings.add(&node, "it cuts answers that are still streaming");
        }
    }
}

fn upgrades(action: &Node<'_>, findings: &mut Findings) {
    for upgrade in action.items("upgrade_configs") {
        if upgrade.get("enabled").is_none_or(|enabled| enabled.value() != &Value::Bool(false)) {
            findings
                .add(&upgrade, "an upgraded connection, such as a WebSocket, cannot be masked; take it out");
        }
    }
}

/// A route can switch filters off for itself.
fn switched_off(chain: &Chain<'_>, route: &Route<'_>, findings: &mut Findings) {
    let clusters = route
        .route
        .at("route.weighted_clusters")
        .map(|weighted| weighted.items("clusters"))
        .unwrap_or_default();
    for scope in [&route.config, &route.host, &route.route].into_iter().chain(&clusters) {
        for config in
            scope.get("typed_per_filter_config").map(|configs| configs.children()).unwrap_or_default()
        {
            let off =
                config.flag("disabled") || config.get("config").is_some_and(|inner| inner.flag("disabled"));
            // Its name stands at the end of its place, and may have dots in it.
            let is = |name: Option<&str>| {
                name.is_some_and(|name| config.place().ends_with(&format!("typed_per_filter_config.{name}")))
            };
            let filter = chain.entry().is_some_and(|entry| is(entry.text("name")));
            let buffer = chain.filters.iter().any(|(entry, filter)| {
                filter.as_ref().is_some_and(|filter| filter.kind() == "Buffer") && is(entry.text("name"))
            });
            if off && filter {
                findings.add(&config, "it switches the filter off, so requests go out unmasked");
            }
            if off && buffer {
                findings.add(&config, "it switches `buffer` off, so the provider sees a request's head before the body is masked");
            }
        }
    }
}

/// The stamp decides where a request goes, and does not leave.
fn stamp(route: &Route<'_>, action: &Node<'_>, clusters: &Clusters<'_>, findings: &mut Findings) {
    let cluster = action
        .text("cluster")
        .and_then(|name| clusters.iter().find(|cluster| cluster.text("name") == Some(name)));
    if cluster.is_some_and(is_own_hop) {
        return;
    }
    let is_removed = |node: &&Node<'_>| {
        let names = node.items("request_headers_to_remove");
        names.iter().any(|name| is_stamp(name.value().as_str()))
    };
    if ![&route.config, &route.host, &route.route].iter().any(is_removed) {
        findings.add(
            &route.route,
            "`request_headers_to_remove` has no x-original-host: the provider would get the filter's stamp",
        );
    }
    match action.text("cluster_header") {
        Some(header) if is_stamp(Some(header)) => {}
        Some(header) => {
            findings.add(action, format!("`cluster_header: {header}` is not the filter's stamp, and may be the caller's; say x-original-host"));
        }
        None => {
            let conditions =
                route.route.get("match").map(|conditions| conditions.items("headers")).unwrap_or_default();
            let by_stamp = conditions.iter().any(|header| is_stamp(header.text("name")));
            let any_host = route
                .host
                .items("domains")
                .iter()
                .any(|domain| domain.value().as_str().is_none_or(|name| name.contains('*')));
            if any_host && !by_stamp {
                findings.add(
                    action,
                    "every allowed host goes to the same cluster; say `cluster_header: x-original-host`, or match that header",
                );
            }
        }
    }
}

/// True if no filter is needed: every request goes on to a gateway of our own, or comes from a sidecar that showed its
/// certificate. Whether that one masks cannot be seen here.
pub(super) fn leave_it_to_another_hop(
    root: &Node<'_>,
    without: &[Chain<'_>],
    clusters: &Clusters<'_>,
    findings: &mut Findings,
) -> bool {
    let mut from_sidecars = Vec::new();
    root.walk(&mut |node| {
        if node.at("transport_socket.typed_config").is_some_and(|tls| tls.flag("require_client_certificate"))
        {
            from_sidecars.extend(
                node.items("filters").iter().filter_map(|filter| Some(filter.get("typed_config")?.value())),
            );
        }
    });
    let mut hops = Vec::new();
    for chain in without {
        let actions: Vec<_> =
            routes(chain).into_iter().filter_map(|route| route.route.get("route")).collect();
        if actions.is_empty() {
            continue;
        }
        let to_gateway = actions.iter().all(|action| {
            let named = |cluster: &&Node<'_>| cluster.text("name") == action.text("cluster");
            action.text("cluster").is_some() && clusters.iter().find(named).is_some_and(is_own_hop)
        });
        if to_gateway {
            hops.push((
                &chain.manager,
                "nothing is masked here, and requests go on to a gateway, which must",
            ));
        } else if from_sidecars.contains(&chain.manager.value()) {
            hops.push((
                &chain.manager,
                "nothing is masked here, and requests come from sidecars, which must have",
            ));
        } else {
            return false;
        }
    }
    hops.iter().for_each(|(manager, sentence)| findings.unchecked(manager, *sentence));
    !hops.is_empty()
}

/// Whatever else reaches a provider.
pub(super) fn ways_around(
    root: &Node<'_>,
    without: &[Chain<'_>],
    clusters: &Clusters<'_>,
    providers: &[Node<'_>],
    findings: &mut Findings,
) {
    let is_provider = |name: &str| providers.iter().any(|cluster| cluster.text("name") == Some(name));
    let is_anywhere = |name: &str| {
        clusters.iter().any(|cluster| cluster.text("name") == Some(name) && clusters::is_anywhere(cluster))
    };
    for chain in without {
        chain.manager.walk(&mut |node| {
            if node.get("cluster_header").is_some() {
                findings.add(node, "a header chooses the cluster, also a provider's, and this connection manager has no filter");
            }
            match named(node) {
                Some(name) if is_provider(name) => {
                    findings.add(node, format!("requests reach the provider's cluster `{name}` without the filter"));
                }
                Some(name) if is_anywhere(name) => {
                    findings.add(node, format!("requests reach any host through the cluster `{name}`, without the filter"));
                }
                _ => {}
            }
        });
    }
    root.walk(&mut |proxy| {
        if !["TcpProxy", "UdpProxyConfig"].contains(&proxy.kind()) {
            return;
        }
        proxy.walk(&mut |node| match named(node) {
            Some(name) if is_provider(name) => {
                findings.add(
                    node,
                    format!("connections reach the provider's cluster `{name}` without the filter"),
                );
            }
            Some(name) if is_anywhere(name) => {
                findings.add(
                    node,
                    format!("connections reach any host through the cluster `{name}`, without the filter"),
                );
            }
            _ => {}
        });
    });
}

/// The cluster that a route or a proxy names, alone or with a weight.
fn named<'a>(node: &Node<'a>) -> Option<&'a str> {
    node.text("cluster").or_else(|| node.text("name").filter(|_| node.get("weight").is_some()))
}

pub(super) fn is_stamp(name: Option<&str>) -> bool {
    name.is_some_and(|name| name.eq_ignore_ascii_case(STAMP))
}
