//! Envoy's configuration, made from the operator's file.
//!
//! ```text
//! Egress ──▶ Hop (what a template may know) ──▶ envoy/templates/*.j2 ──▶ folder
//! ```
//!
//! Every value goes into a template as JSON, which YAML contains: nothing in the file can become structure.

use crate::egress::{BRIDGE_CLUSTER, Bridge, BridgeAddress, Egress, Files, Gateway, Limits, Sidecar, pki};
use crate::failure::Failure;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::json;
use std::num::NonZeroU16;
use std::path::Path;

mod folder;

/// The templates; those that begin with `_` are parts of others.
const TEMPLATES: &[(&str, &str)] = &[
    ("_bridge.yaml.j2", include_str!("../../../envoy/templates/_bridge.yaml.j2")),
    ("_filters.yaml.j2", include_str!("../../../envoy/templates/_filters.yaml.j2")),
    ("_health.yaml.j2", include_str!("../../../envoy/templates/_health.yaml.j2")),
    ("_hcm.yaml.j2", include_str!("../../../envoy/templates/_hcm.yaml.j2")),
    ("_head.yaml.j2", include_str!("../../../envoy/templates/_head.yaml.j2")),
    ("_log.yaml.j2", include_str!("../../../envoy/templates/_log.yaml.j2")),
    ("_masking.yaml.j2", include_str!("../../../envoy/templates/_masking.yaml.j2")),
    ("_providers.yaml.j2", include_str!("../../../envoy/templates/_providers.yaml.j2")),
    ("_routes.yaml.j2", include_str!("../../../envoy/templates/_routes.yaml.j2")),
    ("_secrets.yaml.j2", include_str!("../../../envoy/templates/_secrets.yaml.j2")),
    ("_to_gateway.yaml.j2", include_str!("../../../envoy/templates/_to_gateway.yaml.j2")),
    ("authority.yaml.j2", include_str!("../../../envoy/templates/authority.yaml.j2")),
    ("certificate.yaml.j2", include_str!("../../../envoy/templates/certificate.yaml.j2")),
    ("filter.yaml.j2", include_str!("../../../envoy/templates/filter.yaml.j2")),
    ("gateway.yaml.j2", include_str!("../../../envoy/templates/gateway.yaml.j2")),
    ("sidecar-transparent.yaml.j2", include_str!("../../../envoy/templates/sidecar-transparent.yaml.j2")),
];

/// What the buffer filter takes beyond the filter's largest body: one read.
const READ_BYTES: u64 = 1024 * 1024;

/// Writes what Envoy needs into `folder`, which is made if it is not there. Each file is replaced as a whole, so that an
/// Envoy that watches it never reads half of one.
pub(crate) fn render(file: &Path, folder: &Path) -> Result<(), Failure> {
    let egress = Egress::load(file).map_err(Failure::Failed)?;
    let rendered = files(&egress)?;
    folder::write(folder, &rendered)
}

/// The names of the files and what stands in them.
fn files(egress: &Egress) -> Result<Vec<(&'static str, String)>, Failure> {
    let templates = templates()?;
    let Egress { files, .. } = egress;
    let secret = |name, certificate| {
        let certificate = files.pki.join(certificate);
        let key = certificate.with_extension("key");
        let values = json!({"name": name, "certificate": certificate, "key": key, "files": files});
        render_one(&templates, "certificate.yaml.j2", &values)
    };
    let filter = json!({"files": files, "filter": block(&egress.filter, 10)?});
    let sidecar = Hop::sidecar(egress);
    let mut out = vec![
        ("hosts", egress.hosts.keys().flat_map(|host| [host, "\n"]).collect()),
        ("sds-leaf.yaml", secret("leaf", pki::LEAF)?),
        ("sidecar-transparent.yaml", render_one(&templates, "sidecar-transparent.yaml.j2", &sidecar)?),
    ];
    if let Some(gateway) = Hop::gateway(egress) {
        let authority = json!({"authority": files.pki.join(pki::MESH_CA), "files": files});
        out.extend([
            ("sds-sidecar.yaml", secret("sidecar", pki::SIDECAR)?),
            ("sds-gateway.yaml", secret("gateway", pki::GATEWAY)?),
            ("sds-mesh-ca.yaml", render_one(&templates, "authority.yaml.j2", &authority)?),
            ("gateway.yaml", render_one(&templates, "gateway.yaml.j2", &gateway)?),
        ]);
    }
    // Last, because a running Envoy takes it up at once.
    out.push(("filter.yaml", render_one(&templates, "filter.yaml.j2", &filter)?));
    Ok(out)
}

/// A template that does not render is a fault of this program: every value was checked before.
fn render_one(templates: &Environment<'_>, name: &str, values: &impl Serialize) -> Result<String, Failure> {
    let template = templates.get_template(name).map_err(broken)?;
    template.render(minijinja::value::Serde(values)).map_err(broken)
}

fn broken(error: minijinja::Error) -> Failure {
    Failure::Failed(format!("a template is broken: {error:#}"))
}

fn templates() -> Result<Environment<'static>, Failure> {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Json);
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    templates.set_syntax(syntax.build().map_err(broken)?);
    for (name, source) in TEMPLATES {
        templates.add_template(name, source).map_err(broken)?;
    }
    Ok(templates)
}

/// JSON on lines of their own, `indent` spaces in: the inside of a literal block. Whatever is not printable ASCII is escaped,
/// so that no character means anything to a reader of YAML.
fn block(json: &serde_json::Value, indent: usize) -> Result<String, Failure> {
    let pretty = serde_json::to_string_pretty(json).map_err(|error| Failure::Failed(error.to_string()))?;
    let mut out = String::new();
    for line in pretty.lines() {
        out.extend(std::iter::repeat_n(' ', indent));
        for character in line.chars() {
            match character {
                ' '..='~' => out.push(character),
                other => {
                    let mut units = [0; 2];
                    for unit in other.encode_utf16(&mut units) {
                        out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
            }
        }
        out.push('\n');
    }
    Ok(out.trim_end().to_owned())
}

/// What the templates of one Envoy know.
#[derive(Serialize)]
struct Hop<'a> {
    hop: &'static str,
    /// True if the filter runs here.
    masks: bool,
    /// True if the next hop is the gateway.
    forwards: bool,
    /// True if what arrives at the next hop has no identifiers in its path.
    path_is_clean: bool,
    hosts: Vec<Host<'a>>,
    files: &'a Files,
    limits: Limits,
    sidecar: Sidecar,
    gateway: Option<&'a Gateway>,
    bridge: Option<BridgeCluster<'a>>,
    buffer_bytes: u64,
    health_port: Option<NonZeroU16>,
}

/// An allowed host.
#[derive(Serialize)]
struct Host<'a> {
    name: &'a str,
    /// True if it is not reached under its own name at the usual port and path.
    elsewhere: bool,
    tls: bool,
    host: &'a str,
    port: u16,
    prefix: &'a str,
    authority: String,
}

/// The bridge.
#[derive(Serialize)]
struct BridgeCluster<'a> {
    cluster: &'static str,
    socket: Option<&'a Path>,
    host: Option<&'a str>,
    port: Option<u16>,
    token_file: &'a Path,
}

impl<'a> Hop<'a> {
    fn sidecar(egress: &'a Egress) -> Self {
        let masks = egress.masking.at_sidecar();
        Self {
            path_is_clean: masks,
            forwards: egress.gateway.is_some(),
            health_port: egress.sidecar.health_port,
            ..Self::of(egress, "sidecar", masks)
        }
    }

    /// A gateway that does not mask gets what sidecars have masked.
    fn gateway(egress: &'a Egress) -> Option<Self> {
        let health_port = egress.gateway.as_ref()?.health_port;
        Some(Self { health_port, ..Self::of(egress, "gateway", egress.masking.at_gateway()) })
    }

    fn of(egress: &'a Egress, hop: &'static str, masks: bool) -> Self {
        let hosts = egress.hosts.iter().map(|(name, upstream)| {
            let authority = upstream.authority();
            Host {
                name,
                elsewhere: authority != upstream.host || !upstream.prefix.is_empty(),
                tls: upstream.tls,
                host: &upstream.host,
                port: upstream.port,
                prefix: &upstream.prefix,
                authority,
            }
        });
        Self {
            hop,
            masks,
            forwards: false,
            path_is_clean: true,
            hosts: hosts.collect(),
            files: &egress.files,
            limits: egress.limits,
            sidecar: egress.sidecar,
            gateway: egress.gateway.as_ref(),
            bridge: egress.bridge.as_ref().map(BridgeCluster::of),
            buffer_bytes: u64::try_from(egress.max_body_bytes).unwrap_or(u64::MAX).saturating_add(READ_BYTES),
            health_port: None,
        }
    }
}

impl<'a> BridgeCluster<'a> {
    fn of(bridge: &'a Bridge) -> Self {
        let (socket, host, port) = match &bridge.address {
            BridgeAddress::Unix(path) => (Some(path.as_path()), None, None),
            BridgeAddress::Tcp(host, port) => (None, Some(host.as_str()), Some(*port)),
        };
        Self { cluster: BRIDGE_CLUSTER, socket, host, port, token_file: &bridge.token_file }
    }
}
