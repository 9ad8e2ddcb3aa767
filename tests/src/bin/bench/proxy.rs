//! The two Envoys that are compared: the shipped sidecar with one worker, with the filter or with only the filter removed.

use std::{net::SocketAddr, path::Path};

use e2e::envoy::{Artifact, Envoy, Sidecar};

use crate::Failure;

/// Which Envoy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Bare,
    Filter,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Filter => "filter",
        }
    }

    /// Starts one that trusts the certificate in `ca_file`, and waits until it is ready.
    ///
    /// What the filter tells the route, `x-original-host`, the client of the bench says itself; the filter overwrites it.
    pub(crate) fn start(self, ca_file: &Path, provider: SocketAddr) -> Result<Envoy, Failure> {
        let sidecar = Sidecar::shipped()
            .set("listen_port", 0)
            .set("anthropic_port", 0)
            .set("openai_port", 0)
            .set("wasm_file", Artifact::Filter.path().display())
            .set("ca_file", ca_file.display())
            .set("anthropic_address", provider.ip())
            .set("anthropic_tls_port", provider.port());
        let sidecar = match self {
            Self::Bare => sidecar.without_filter(),
            Self::Filter => sidecar,
        };
        let dir = tempfile::Builder::new().prefix("cloakroom-bench-").tempdir()?;
        Ok(Envoy::start(sidecar, 1, dir))
    }
}
