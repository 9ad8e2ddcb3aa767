//! What access logs show.

use super::Findings;
use super::chain::Chain;
use super::tree::Node;

/// Request headers that never have an identifier: Envoy's own, or the filter's.
const HARMLESS: &[&str] = &[":method", ":scheme", "x-original-host", "x-request-id"];

pub(super) fn check(chain: &Chain<'_>, findings: &mut Findings) {
    for log in chain.manager.items("access_log") {
        let Some(config) = log.get("typed_config") else { continue };
        let formats: Vec<_> = ["log_format", "format", "json_format", "typed_json_format"]
            .iter()
            .filter_map(|name| config.get(name))
            .collect();
        if formats.is_empty() && (config.kind().ends_with("AccessLog") && !config.kind().contains("Grpc")) {
            findings.add(&log, "Envoy's own format has the path with its query, also of requests that were refused for an identifier in it");
        }
        for format in formats {
            format.walk(&mut |node| {
                if let Some(text) = node.value().as_str() {
                    shown(node, text, findings);
                }
            });
        }
    }
}

/// What shows a header of the request; Envoy has several names for it.
const READS_A_HEADER: &[&str] = &["%REQ(", "%REQ_WITHOUT_QUERY(", "%REQUEST_HEADER("];

/// Names what a format shows that may be an identifier.
fn shown(node: &Node<'_>, text: &str, findings: &mut Findings) {
    let upper = text.to_ascii_uppercase();
    for (at, command) in READS_A_HEADER.iter().flat_map(|command| upper.match_indices(command)) {
        let rest = upper.get(at.saturating_add(command.len())..).unwrap_or_default();
        let names = rest.split(')').next().unwrap_or_default().to_ascii_lowercase();
        if let Some(name) = names.split('?').find(|name| !HARMLESS.contains(name)) {
            findings.add(node, format!("the log shows the request's `{name}`, which may have identifiers, also of requests that were refused for one"));
        }
    }
    let compact: String = upper.split_whitespace().collect();
    if ["REQ", "REQ_WITHOUT_QUERY", "REQUEST_HEADER", "PATH", "QUERY_PARAM"]
        .iter()
        .any(|command| compact.contains(&format!("\"COMMAND\":\"{command}\"")))
    {
        findings.add(node, "the log shows a part of the request in a `COALESCE`, where it is not looked at; it may have identifiers");
    }
    if upper.contains("%PATH(") || upper.contains("%PATH%") || upper.contains("%QUERY_PARAM(") {
        findings.add(node, "the log shows the request's path or query, also of requests that were refused for an identifier in it");
    }
    let guarded = text.contains("upstream.address");
    let unguarded =
        ["request.path", "request.query", "request.headers", "request.referer", "request.useragent"];
    if upper.contains("%CEL(")
        && (unguarded.iter().any(|name| text.contains(name)) || text.contains("request.url_path") && !guarded)
    {
        findings.add(
            node,
            "the log shows a part of the request that may have identifiers; `upstream.address != '' ? request.url_path : '-'` shows \
             the path of what the filter let through",
        );
    }
}
