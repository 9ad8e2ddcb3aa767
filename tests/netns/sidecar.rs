//! What an operator does: writes the one file, renders it, makes certificates, starts Envoy as its own user.

use std::{
    fs,
    os::unix::fs::{chown, lchown},
    path::{Path, PathBuf},
    process::Command,
};

use e2e::{
    bridge::Bridge,
    envoy::{ADMIN, Artifact, Envoy, root},
    netns::Namespace,
    provider::Pki,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::PROVIDERS;

/// Envoy's user, whose connections the rules let out.
pub(crate) const UID: u32 = 1337;

/// The operator's file, and the folder that everything is in which it names.
pub(crate) struct Operator {
    dir: TempDir,
    file: Value,
}

impl Operator {
    /// The shipped settings, for this bridge and for providers whose certificates `public_ca` signed.
    pub(crate) fn new(bridge: &Bridge, public_ca: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("cloakroom-").tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("public-ca.pem"), public_ca).unwrap();
        fs::write(at("bridge-token"), bridge.token()).unwrap();
        // Envoy's user need not be able to reach the folders that these are in.
        for (artifact, name) in [(Artifact::Envoy, "envoy"), (Artifact::Filter, "cloakroom.wasm")] {
            let linked = fs::hard_link(artifact.path(), at(name));
            linked.or_else(|_| fs::copy(artifact.path(), at(name)).map(drop)).unwrap();
        }
        let hosts: Value = PROVIDERS.iter().map(|(host, _)| ((*host).to_owned(), json!({}))).collect();
        let file = json!({
            "masking": "sidecar",
            "hosts": hosts,
            "filter": {"mapping": {"store": "bridge"}},
            "bridge": {"address": bridge.address().to_string(), "token_file": at("bridge-token")},
            "files": {
                "wasm": at("cloakroom.wasm"),
                "ca": at("public-ca.pem"),
                "admin_socket": at(ADMIN),
                "pki": at("pki"),
                "rendered": at("rendered"),
            },
        });
        Self { dir, file }
    }

    /// Changes a part of the file.
    #[must_use]
    pub(crate) fn set(mut self, name: &str, value: Value) -> Self {
        self.file[name] = value;
        self
    }

    /// Makes everything and starts Envoy in `namespace`, with the configuration that is rendered under this name.
    pub(crate) fn start(self, namespace: &Namespace, rendered: &str) -> Hop {
        let at = |name: &str| self.dir.path().join(name);
        certificates(&at("pki"));
        render(self.dir.path(), &self.file);
        let text = fs::read_to_string(at("rendered").join(rendered)).unwrap();
        let command = namespace.command_as(UID, at("envoy"));
        give(self.dir.path());
        Hop { envoy: Envoy::launch(command, &text, 1, self.dir), file: self.file }
    }
}

/// A running Envoy.
pub(crate) struct Hop {
    pub(crate) envoy: Envoy,
    file: Value,
}

impl Hop {
    /// The CA that applications must trust.
    pub(crate) fn ca(&self) -> PathBuf {
        self.envoy.dir().join("pki/ca.pem")
    }

    /// Changes the filter's own configuration in the operator's file, and renders it again, under the running Envoy.
    pub(crate) fn render_with(&mut self, filter: Value) {
        self.file["filter"] = filter;
        render(self.envoy.dir(), &self.file);
        give(&self.envoy.dir().join("rendered"));
    }
}

fn certificates(dir: &Path) {
    Pki::generate(&PROVIDERS.map(|(host, _)| host)).unwrap().write(dir).unwrap();
}

fn render(dir: &Path, file: &Value) {
    fs::write(dir.join("egress.yaml"), file.to_string()).unwrap();
    let mut command = Command::new(Artifact::Cli.path());
    command.args(["render", "--file"]).arg(dir.join("egress.yaml")).arg("--out").arg(dir.join("rendered"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "render: {}", String::from_utf8_lossy(&output.stderr));
}

/// Installs the rules for everybody but Envoy's user.
pub(crate) fn redirect(app: &Namespace) {
    app.sh(&format!("{} install", root().join("envoy/iptables.sh").display()));
}

/// Lets Envoy's user have all of this folder.
fn give(path: &Path) {
    if path.is_dir() {
        chown(path, Some(UID), Some(UID)).unwrap();
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path()));
    } else if !linked(path) {
        lchown(path, Some(UID), Some(UID)).unwrap();
    }
}

/// Whether the file has another name outside of the folder: then it stays its owner's.
fn linked(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(path).unwrap().nlink() > 1
}
