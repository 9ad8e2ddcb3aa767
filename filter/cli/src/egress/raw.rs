//! The file as it is written.

use super::hosts::dns_name;
use super::{BridgeAddress, Files, Limits, Masking, Sidecar};
use cloakroom_core::host::Authority;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;

/// The name in sidecars' certificates, unless the file has another.
const CLIENT: &str = "sidecar.cloakroom.internal";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    #[serde(default)]
    pub(super) masking: Masking,
    /// `api.openai.com:` without anything behind it is a host, too.
    pub(super) hosts: BTreeMap<String, Option<Host>>,
    #[serde(default)]
    pub(super) filter: Map<String, Value>,
    pub(super) bridge: Option<Bridge>,
    #[serde(default)]
    pub(super) files: Files,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) sidecar: Sidecar,
    pub(super) gateway: Option<Gateway>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Host {
    pub(super) upstream: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bridge {
    address: String,
    token_file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gateway {
    address: String,
    listen: Option<String>,
    name: Option<String>,
    client: Option<String>,
    health_port: Option<NonZeroU16>,
}

impl Bridge {
    pub(super) fn checked(self) -> Result<super::Bridge, String> {
        let address = match self.address.strip_prefix("unix:") {
            Some(path) => BridgeAddress::Unix(absolute("bridge.address", path.into())?),
            None => {
                let (host, port) = host_and_port(&self.address).ok_or_else(|| {
                    format!(
                        "bridge.address: expected a host and a port such as `127.0.0.1:8790`, or `unix:` and the path of a \
                         socket, not `{}`",
                        self.address
                    )
                })?;
                BridgeAddress::Tcp(host, port)
            }
        };
        Ok(super::Bridge { address, token_file: absolute("bridge.token_file", self.token_file)? })
    }
}

impl Gateway {
    pub(super) fn checked(self) -> Result<super::Gateway, String> {
        let (host, port) = host_and_port(&self.address).ok_or_else(|| {
            format!(
                "gateway.address: expected a host and a port such as `gateway.example:15443`, not `{}`",
                self.address
            )
        })?;
        let listen = match self.listen {
            None => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
            Some(text) => {
                text.parse().ok().filter(|address: &SocketAddr| address.port() != 0).ok_or_else(|| {
                    format!(
                        "gateway.listen: expected an address and a port such as `0.0.0.0:15443`, not `{text}`"
                    )
                })?
            }
        };
        let name = match self.name {
            None if host.parse::<IpAddr>().is_ok() => {
                return Err("gateway.name: `gateway.address` is no name, so the name in its certificate is needed here".to_owned());
            }
            None => host.clone(),
            Some(name) => certificate_name("gateway.name", &name)?,
        };
        let client = certificate_name("gateway.client", self.client.as_deref().unwrap_or(CLIENT))?;
        Ok(super::Gateway {
            host,
            port,
            listen_ip: listen.ip(),
            listen_port: listen.port(),
            name,
            client,
            health_port: self.health_port,
        })
    }
}

pub(super) fn limits(limits: Limits) -> Result<(), String> {
    if !(1..=86_400).contains(&limits.silence_seconds) {
        return Err("limits.silence_seconds: expected seconds from 1 to 86400".to_owned());
    }
    if !(1..=1_000_000).contains(&limits.connections) {
        return Err("limits.connections: expected a number from 1 to 1000000".to_owned());
    }
    Ok(())
}

pub(super) fn files(files: &Files) -> Result<(), String> {
    for (name, path) in [
        ("wasm", &files.wasm),
        ("ca", &files.ca),
        ("admin_socket", &files.admin_socket),
        ("pki", &files.pki),
        ("rendered", &files.rendered),
    ] {
        absolute(&format!("files.{name}"), path.clone())?;
    }
    Ok(())
}

fn absolute(place: &str, path: PathBuf) -> Result<PathBuf, String> {
    // Envoy takes a name that begins with `@` for an abstract socket, and resolves others where it was started.
    match path.to_str() {
        Some(text) if text.starts_with('/') && !text.contains(unreadable) => Ok(path),
        _ => Err(format!("{place}: expected an absolute path, not `{}`", path.display())),
    }
}

/// What a reader of YAML could take for the end of a line, or for none of its own.
fn unreadable(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn certificate_name(place: &str, name: &str) -> Result<String, String> {
    dns_name(name).ok_or_else(|| format!("{place}: expected a DNS name, not `{name}`"))
}

/// `host:port`, the host being a name, an IPv4 address or an IPv6 address in brackets, which it loses.
fn host_and_port(text: &str) -> Option<(String, u16)> {
    let authority = Authority::try_new(text.as_bytes()).ok()?;
    let port = authority.port().filter(|port| *port != 0)?;
    Some((bare(authority.host()).to_owned(), port))
}

/// An IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
