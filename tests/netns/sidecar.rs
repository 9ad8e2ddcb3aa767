//! What an operator does: writes the one file, renders it, makes certificates, starts Envoy as its own user.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
};

use e2e::{
    envoy::{ADMIN, Artifact, Envoy, root},
    netns::Namespace,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::allowed;

/// Envoy's user, whose connections the rules let out.
pub(crate) const UID: u32 = 1337;

/// The operator's file, and the folder that everything is in which it names.
pub(crate) struct Operator {
    dir: TempDir,
    file: Value,
}

impl Operator {
    /// The shipped settings, for a bridge that is found here, and for providers whose certificates `public_ca` signed.
    pub(crate) fn new(bridge: SocketAddr, token: &str, public_ca: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("cloakroom-").tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("public-ca.pem"), public_ca).unwrap();
        fs::write(at("bridge-token"), token).unwrap();
        // Envoy's user need not be able to reach the folders that these are in.
        for (artifact, name) in [(Artifact::Envoy, "envoy"), (Artifact::Filter, "cloakroom.wasm")] {
            let linked = fs::hard_link(artifact.path(), at(name));
            linked.or_else(|_| fs::copy(artifact.path(), at(name)).map(drop)).unwrap();
        }
        let hosts: Value = allowed().map(|host| (host.to_owned(), json!({}))).collect();
        let file = json!({
            "masking": "sidecar",
            "hosts": hosts,
            "filter": {"mapping": {"store": "bridge"}},
            "bridge": {"address": bridge.to_string(), "token_file": at("bridge-token")},
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

    /// Has the same hops as the file of another one, and its certificates: there is one CA.
    #[must_use]
    pub(crate) fn like(self, other: &Hop) -> Self {
        let mut operator = self;
        for name in ["masking", "gateway"] {
            operator.file[name] = other.file[name].clone();
        }
        operator.file["files"]["pki"] = other.file["files"]["pki"].clone();
        operator
    }

    /// Makes everything and starts Envoy in `namespace`, with the configuration that is rendered under this name.
    pub(crate) fn start(self, namespace: &Namespace, rendered: &str) -> Hop {
        let at = |name: &str| self.dir.path().join(name);
        render(self.dir.path(), &self.file);
        certificates(self.dir.path(), &self.file, &[]);
        // It makes its admin socket here, and nobody else may read the token.
        for path in [self.dir.path(), &at("bridge-token")] {
            chown(path, Some(UID), Some(UID)).unwrap();
        }
        let text = fs::read_to_string(at("rendered").join(rendered)).unwrap();
        let command = namespace.command_as(UID, at("envoy"));
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
        self.certificates().join("ca.pem")
    }

    /// The folder of the certificates.
    pub(crate) fn certificates(&self) -> PathBuf {
        PathBuf::from(self.file["files"]["pki"].as_str().expect("a path"))
    }

    /// Changes the filter's own configuration in the operator's file, and renders it again, under the running Envoy.
    pub(crate) fn render_with(&mut self, filter: Value) {
        self.file["filter"] = filter;
        render(self.envoy.dir(), &self.file);
    }

    /// Runs `cloakroom pki` again.
    pub(crate) fn renew(&self, arguments: &[&str]) {
        certificates(self.envoy.dir(), &self.file, arguments);
    }
}

fn certificates(dir: &Path, file: &Value, arguments: &[&str]) {
    let folder = file["files"]["pki"].as_str().expect("a path");
    cloakroom(dir, &[&["pki", "--owner", &UID.to_string(), "--dir", folder], arguments].concat());
}

fn render(dir: &Path, file: &Value) {
    fs::write(dir.join("egress.yaml"), file.to_string()).unwrap();
    let rendered = file["files"]["rendered"].as_str().expect("a path");
    cloakroom(dir, &["render", "--out", rendered]);
}

/// Runs the command line with the operator's file.
fn cloakroom(dir: &Path, arguments: &[&str]) {
    let mut command = Command::new(Artifact::Cli.path());
    let output = command.args(arguments).arg("--file").arg(dir.join("egress.yaml")).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Installs the rules for everybody but Envoy's user.
pub(crate) fn redirect(app: &Namespace) {
    app.sh(&format!("{} install", root().join("envoy/iptables.sh").display()));
}
