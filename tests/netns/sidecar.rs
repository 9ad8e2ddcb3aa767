//! The transparent sidecar, set up as its operator does: rules, certificates, configuration, Envoy as its own user.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
};

use e2e::{
    bridge::Bridge,
    envoy::{Artifact, Envoy, root},
    netns::Namespace,
    provider::Pki,
};

use crate::world::PROVIDERS;

/// Envoy's user, whose connections the rules let out.
pub(crate) const UID: u32 = 1337;

/// Envoy beside an application.
pub(crate) struct Sidecar {
    pub(crate) envoy: Envoy,
}

impl Sidecar {
    pub(crate) fn start(app: &Namespace, bridge: &Bridge, public_ca: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("cloakroom-").tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let put = |name: &str, text: &str| fs::write(at(name), text).unwrap();
        put("public-ca.pem", public_ca);
        put("bridge-token", bridge.token());
        fs::hard_link(Artifact::Envoy.path(), at("envoy"))
            .or_else(|_| fs::copy(Artifact::Envoy.path(), at("envoy")).map(drop))
            .unwrap();
        fs::copy(Artifact::Filter.path(), at("cloakroom.wasm")).unwrap();
        Pki::generate(&PROVIDERS.map(|(host, _)| host)).unwrap().write(&at("pki")).unwrap();
        let fill = |text: &str| {
            text.replace("{{dir}}", &dir.path().display().to_string())
                .replace("{{bridge}}", &bridge.address().ip().to_string())
        };
        for (host, _) in PROVIDERS {
            let sds = format!(
                "{{\"resources\": [{{\"@type\": \"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\", \"name\": \"{host}\", \"tls_certificate\": {{\"certificate_chain\": {{\"filename\": \"{{{{dir}}}}/pki/leaf.pem\"}}, \"private_key\": {{\"filename\": \"{{{{dir}}}}/pki/leaf.key\"}}}}}}]}}"
            );
            put(&format!("pki/sds-{host}.yaml"), &fill(&sds));
        }
        put("filter.yaml", &fill(include_str!("draft-filter.json")));
        let config = fill(include_str!("draft-sidecar.json"));
        give(dir.path());
        app.sh(&format!("{} install", root().join("envoy/iptables.sh").display()));
        let command = app.command_as(UID, at("envoy"));
        Self { envoy: Envoy::launch(command, &config, 1, dir) }
    }

    /// The CA that the application must trust.
    pub(crate) fn ca(&self) -> PathBuf {
        self.envoy.dir().join("pki/ca.pem")
    }
}

/// Lets Envoy's user have all of this folder.
fn give(path: &Path) {
    chown(path, Some(UID), Some(UID)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path()));
    }
}
