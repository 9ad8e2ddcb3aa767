//! The Envoys that are compared: the shipped sidecar with one worker; its filter differs, and nothing else.

use std::{fs, net::SocketAddr, path::Path};

use e2e::bridge::Bridge;
use e2e::envoy::{Artifact, Envoy, Sidecar};
use e2e::world::socket_address;
use serde_json::json;

use crate::Failure;

/// Which Envoy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Without the filter.
    Bare,
    /// Tokens are numbered within each request.
    Filter,
    /// The bridge numbers them, and the filter knows all of them already.
    Cached,
    /// The bridge numbers them, and the filter asks it at every request.
    Uncached,
}

/// All there are, the one that others are compared with first.
pub(crate) const SIDES: [Side; 4] = [Side::Bare, Side::Filter, Side::Cached, Side::Uncached];

/// Where the side is that the gates are for; bare is the first.
pub(crate) const CACHED: usize = 2;

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Filter => "filter",
            Self::Cached => "cached",
            Self::Uncached => "uncached",
        }
    }

    /// Starts one that trusts the certificate `ca.pem` in `dir`, and waits until it is ready.
    ///
    /// What the filter tells the route, `x-original-host`, the client of the bench says itself; the filter overwrites it.
    pub(crate) fn start(self, dir: &Path, provider: SocketAddr, bridge: &Bridge) -> Result<Envoy, Failure> {
        let token = dir.join("bridge-token");
        fs::write(&token, bridge.token())?;
        let sidecar = Sidecar::shipped()
            .set("listen_port", 0)
            .set("anthropic_port", 0)
            .set("openai_port", 0)
            .set("wasm_file", Artifact::Filter.path().display())
            .set("ca_file", dir.join("ca.pem").display())
            .set("anthropic_address", provider.ip())
            .set("anthropic_tls_port", provider.port())
            .set("bridge_endpoint", socket_address(bridge.address()))
            .set("bridge_token_file", token.display());
        let bridge = json!({"cluster": "redis-bridge", "timeout_ms": 500});
        let sidecar = match self {
            Self::Bare => sidecar.without_filter(),
            Self::Filter => sidecar.set_in_filter("mapping", json!({"store": "request"})),
            Self::Cached => sidecar.set_in_filter("mapping", json!({"store": "bridge", "bridge": bridge})),
            Self::Uncached => sidecar.set_in_filter(
                "mapping",
                json!({"store": "bridge", "bridge": bridge, "cache": {"max_entries": 0}}),
            ),
        };
        let dir = tempfile::Builder::new().prefix("cloakroom-bench-").tempdir()?;
        Ok(Envoy::start(sidecar, 1, dir))
    }
}
