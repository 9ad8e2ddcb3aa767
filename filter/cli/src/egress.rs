//! The operator's file (`envoy/egress.yaml`): which hosts may be called, where they are reached, and where the filter runs.
//!
//! Everything else is made from it: Envoy's configuration by `cloakroom render`, certificates by `cloakroom pki`. An
//! [`Egress`] that exists is valid.

use self::hosts::{Upstream, host_name};
use crate::yaml;
use cloakroom_core::Config;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

pub(crate) mod hosts;
mod raw;

/// Envoy's cluster of the bridge. No allowed host has this name, as those have a dot.
pub(crate) const BRIDGE_CLUSTER: &str = "redis-bridge";

/// The operator's file.
#[derive(Debug)]
pub(crate) struct Egress {
    /// The hops where the filter runs.
    pub(crate) masking: Masking,
    /// The allowed hosts, in lower case, and where each is reached.
    pub(crate) hosts: BTreeMap<String, Upstream>,
    /// The filter's own configuration, complete and valid.
    pub(crate) filter: Value,
    /// The largest request body, as the filter's configuration has it.
    pub(crate) max_body_bytes: usize,
    /// Where the bridge is, if the mapping is there.
    pub(crate) bridge: Option<Bridge>,
    /// Files, as Envoy sees them.
    pub(crate) files: Files,
    /// What both hops keep to.
    pub(crate) limits: Limits,
    /// The sidecar.
    pub(crate) sidecar: Sidecar,
    /// The gateway, if sidecars go through one.
    pub(crate) gateway: Option<Gateway>,
}

/// The hops where the filter runs; another hop only stamps and forwards.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Masking {
    /// At the sidecar: identifiers never leave the application's pod.
    #[default]
    Sidecar,
    /// At the gateway: sidecars need no filter.
    Gateway,
    /// At both.
    Both,
}

impl Masking {
    /// True if the sidecar runs the filter.
    pub(crate) fn at_sidecar(self) -> bool {
        self != Self::Gateway
    }

    /// True if the gateway runs the filter.
    pub(crate) fn at_gateway(self) -> bool {
        self != Self::Sidecar
    }
}

/// The Redis bridge.
#[derive(Debug)]
pub(crate) struct Bridge {
    /// Where it listens.
    pub(crate) address: BridgeAddress,
    /// The file with the caller's token.
    pub(crate) token_file: PathBuf,
}

/// Where the bridge listens.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum BridgeAddress {
    /// A name or an address, and a port.
    Tcp(String, u16),
    /// A Unix socket.
    Unix(PathBuf),
}

/// Files, as Envoy sees them; absolute.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Files {
    /// The filter.
    pub(crate) wasm: PathBuf,
    /// The CAs of the providers.
    pub(crate) ca: PathBuf,
    /// The socket of Envoy's admin interface.
    pub(crate) admin_socket: PathBuf,
    /// The folder of what `cloakroom pki` makes.
    pub(crate) pki: PathBuf,
    /// The folder of what `cloakroom render` writes.
    pub(crate) rendered: PathBuf,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            wasm: "/etc/cloakroom/cloakroom.wasm".into(),
            ca: "/etc/ssl/certs/ca-certificates.crt".into(),
            admin_socket: "/run/cloakroom/admin.sock".into(),
            pki: "/run/cloakroom/pki".into(),
            rendered: "/etc/cloakroom/envoy".into(),
        }
    }
}

/// What `cloakroom pki` makes in [`Files::pki`] and Envoy reads there. Each certificate's key lies beside it, with the
/// ending `.key`.
pub(crate) mod pki {
    /// The CA that applications trust: it signs [`LEAF`].
    pub(crate) const CA: &str = "ca.pem";
    /// The certificate for all allowed hosts, which the sidecar shows applications.
    pub(crate) const LEAF: &str = "leaf.pem";
    /// The CA of the hop between sidecars and gateway: it signs [`SIDECAR`] and [`GATEWAY`].
    pub(crate) const MESH_CA: &str = "mesh-ca.pem";
    /// What a sidecar shows the gateway; its name is [`super::Gateway::client`].
    pub(crate) const SIDECAR: &str = "sidecar.pem";
    /// What the gateway shows sidecars; its name is [`super::Gateway::name`].
    pub(crate) const GATEWAY: &str = "gateway.pem";
}

/// What both hops keep to.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// The longest silence in an answer before it is cut.
    pub(crate) silence_seconds: u32,
    /// How many connections one Envoy takes, and how many requests at a time it sends to one host.
    pub(crate) connections: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { silence_seconds: 900, connections: 20_000 }
    }
}

/// The sidecar.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sidecar {
    /// Where redirected connections arrive.
    pub(crate) port: u16,
    /// Whether `http://` to an allowed host is taken, and asked by https.
    pub(crate) plain_http: bool,
    /// Where it tells whether it is ready, if anywhere.
    pub(crate) health_port: Option<NonZeroU16>,
}

impl Default for Sidecar {
    fn default() -> Self {
        Self { port: 15001, plain_http: true, health_port: None }
    }
}

/// The gateway.
#[derive(Debug, Serialize)]
pub(crate) struct Gateway {
    /// The name or address by which sidecars reach it.
    pub(crate) host: String,
    /// And the port.
    pub(crate) port: u16,
    /// The address where it listens.
    pub(crate) listen_ip: IpAddr,
    /// And the port.
    pub(crate) listen_port: u16,
    /// The name in its certificate.
    pub(crate) name: String,
    /// The name in the sidecars' certificates.
    pub(crate) client: String,
    /// Where it tells whether it is ready, if anywhere.
    pub(crate) health_port: Option<NonZeroU16>,
}

impl Egress {
    /// Reads the file at `path`. An error is one sentence that names the file.
    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Self::from_yaml(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Reads YAML. An error is one sentence that names the place.
    pub(crate) fn from_yaml(text: &str) -> Result<Self, String> {
        let raw: raw::Raw = yaml::read(text)?;
        let mut hosts = BTreeMap::new();
        for (name, host) in raw.hosts {
            let host = host.unwrap_or_default();
            let name = host_name(&name).map_err(|wrong| format!("hosts: `{name}` {wrong}"))?;
            let upstream = match host.upstream {
                None => Upstream::of(&name),
                Some(url) => Upstream::parse(&url)
                    .map_err(|wrong| format!("hosts.{name}.upstream: `{url}` {wrong}"))?,
            };
            if hosts.insert(name.clone(), upstream).is_some() {
                return Err(format!("hosts: `{name}` stands here twice"));
            }
        }
        if hosts.is_empty() {
            return Err("hosts: expected at least one host that may be called".to_owned());
        }
        let bridge = raw.bridge.map(raw::Bridge::checked).transpose()?;
        let (filter, max_body_bytes) = filter(raw.filter, &hosts, bridge.is_some())?;
        let gateway = raw.gateway.map(raw::Gateway::checked).transpose()?;
        if raw.masking.at_gateway() && gateway.is_none() {
            return Err(
                "gateway: `masking` says that the filter runs there, so its address is needed".to_owned()
            );
        }
        raw::limits(raw.limits)?;
        raw::files(&raw.files)?;
        if raw.sidecar.port == 0 {
            return Err("sidecar.port: expected a port from 1 to 65535".to_owned());
        }
        Ok(Self {
            masking: raw.masking,
            hosts,
            filter,
            max_body_bytes,
            bridge,
            files: raw.files,
            limits: raw.limits,
            sidecar: raw.sidecar,
            gateway,
        })
    }
}

/// The filter's configuration, completed by what the rest of the file says, and its largest body.
fn filter(
    mut filter: Map<String, Value>,
    hosts: &BTreeMap<String, Upstream>,
    bridge: bool,
) -> Result<(Value, usize), String> {
    for (name, reason) in [
        ("hosts", "comes from `hosts` of this file"),
        ("base_urls", "is for applications whose base URL can be set; here they use the providers' own"),
    ] {
        if filter.contains_key(name) {
            return Err(format!("filter.{name}: leave it out, it {reason}"));
        }
    }
    filter.insert("hosts".to_owned(), hosts.keys().cloned().collect());
    let mapping = filter.entry("mapping").or_insert_with(|| json!({}));
    let at_bridge = mapping.get("store").and_then(Value::as_str) == Some("bridge");
    if at_bridge != bridge {
        return Err(if bridge {
            "bridge: leave it out, or say `filter: {mapping: {store: bridge}}`: nothing else uses it"
                .to_owned()
        } else {
            "bridge: `filter.mapping.store: bridge` needs its address here".to_owned()
        });
    }
    if let (true, Some(mapping)) = (at_bridge, mapping.as_object_mut()) {
        let bridge = mapping.entry("bridge").or_insert_with(|| json!({}));
        match bridge.as_object_mut() {
            Some(bridge) if bridge.contains_key("cluster") => {
                return Err("filter.mapping.bridge.cluster: leave it out, the cluster is made from `bridge`"
                    .to_owned());
            }
            Some(bridge) => drop(bridge.insert("cluster".to_owned(), BRIDGE_CLUSTER.into())),
            // The core says what is wrong with it.
            None => {}
        }
    }
    let filter = Value::Object(filter);
    let config =
        Config::from_json(filter.to_string().as_bytes()).map_err(|error| format!("filter.{error}"))?;
    Ok((filter, config.max_body_bytes))
}

#[cfg(test)]
mod tests;
