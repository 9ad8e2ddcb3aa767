//! What `cloakroom render` writes, started as it is written but for what needs a network: names become this machine's
//! addresses, and ports free ones.

use crate::support::INSTANCE;
use e2e::{
    client::{Answer, Call, Connection, Protocol, Tls, within},
    envoy::{ADMIN, Artifact, Envoy},
    provider::{KEY_HEADER, Options, Pki, Provider, Recorded},
};
use serde_json::{Value, json};
use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// The names of the gateway's and the sidecars' certificates.
pub(super) const GATEWAY: &str = "gateway.example";
const SIDECAR: &str = "sidecar.cloakroom.internal";

/// The hosts that the sidecar's certificate is for.
pub(super) const HOSTS: [&str; 4] = ["api.anthropic.com", "api.openai.com", "llm.example", "plain.example"];

/// The operator's file, as a part of what all tests have in common.
pub(super) fn egress(changes: Value) -> Value {
    let mut file = json!({
        "hosts": {
            "api.anthropic.com": {},
            "api.openai.com": null,
            "llm.example": {"upstream": "https://localhost.example:8443/v9/llm/"},
            "plain.example": {"upstream": "http://plain.upstream.example:8080"},
        },
        "filter": {"mapping": {"store": "request"}},
    });
    file.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    file
}

const BODY: &str = r#"{"messages":[{"content":"i-1234567890abcdef0 AWS_EC2_007"}]}"#;
pub(super) const RESTORED: &str = r#"{"content":"i-1234567890abcdef0 AWS_EC2_007"}"#;

/// What the provider received, and what it answers.
pub(super) const ONCE: (&str, &str) = (
    r#"{"messages":[{"content":"AWS_EC2_001 AWS_LITERAL_001"}]}"#,
    r#"{"content":"AWS_EC2_001 AWS_LITERAL_001"}"#,
);
pub(super) const TWICE: (&str, &str) = (
    r#"{"messages":[{"content":"AWS_LITERAL_001 AWS_LITERAL_002"}]}"#,
    r#"{"content":"AWS_LITERAL_001 AWS_LITERAL_002"}"#,
);

pub(super) fn call(host: &str, key: &str) -> Call {
    Call::post(host, "/v1/anything", BODY)
        .header(KEY_HEADER, key)
        .header("x-api-key", "sk-scripted")
        // None of these is anybody's business.
        .header("x-original-host", "evil.example")
        .header("x-forwarded-for", "10.0.12.34")
        .header("x-request-id", INSTANCE)
        .header("x-envoy-original-path", INSTANCE)
        .header("cookie", INSTANCE)
}

pub(super) fn with_gateway(masking: &str) -> Value {
    egress(json!({
        "masking": masking,
        "gateway": {"address": "gateway.example:15443", "listen": "127.0.0.1:15443"},
    }))
}

/// Runs `cloakroom render` for this file, with everything it names in `dir`; returns where that is.
pub(super) fn render(dir: &Path, mut file: Value) -> std::path::PathBuf {
    let at = |name: &str| dir.join(name);
    file["files"] = json!({
        "wasm": Artifact::Filter.path(), "ca": at("public-ca.pem"), "admin_socket": at(ADMIN), "pki": at("pki"),
        "rendered": at("rendered"),
    });
    fs::write(at("egress.yaml"), file.to_string()).unwrap();
    let mut command = Command::new(Artifact::Cli.path());
    command.args(["render", "--file"]).arg(at("egress.yaml")).arg("--out").arg(at("rendered"));
    succeed(command.output().unwrap());
    at("rendered")
}

pub(super) fn succeed(output: Output) {
    let said = [output.stdout, output.stderr].map(|out| String::from_utf8_lossy(&out).into_owned());
    assert!(output.status.success(), "{said:?}");
}

/// The certificates of all hops; each CA signs one.
pub(super) struct Certificates {
    leaf: Pki,
    pub(super) sidecar: Pki,
    pub(super) gateway: Pki,
}

impl Certificates {
    pub(super) fn new() -> Self {
        let [leaf, sidecar, gateway] =
            [&HOSTS[..], &[SIDECAR], &[GATEWAY]].map(|names| Pki::generate(names).unwrap());
        Self { leaf, sidecar, gateway }
    }

    /// Writes them where `cloakroom pki` does, for the hop whose peer is `peer`.
    pub(super) fn write(&self, dir: &Path, peer: &Pki) {
        self.leaf.write(&dir.join("pki")).unwrap();
        self.write_hops(dir, peer);
    }

    fn write_hops(&self, dir: &Path, peer: &Pki) {
        let pki = dir.join("pki");
        for (name, certificate) in [("sidecar", &self.sidecar), ("gateway", &self.gateway)] {
            let own = dir.join(name);
            certificate.write(&own).unwrap();
            for ending in ["pem", "key"] {
                fs::rename(own.join(format!("leaf.{ending}")), pki.join(format!("{name}.{ending}"))).unwrap();
            }
        }
        fs::write(pki.join("mesh-ca.pem"), peer.ca_pem()).unwrap();
    }

    /// Replaces what the hops know each other by, each file by a rename, as `cloakroom pki` does. Applications still trust
    /// the certificate that they see.
    pub(super) fn replace(&self, dir: &Path, peer: &Pki) {
        let new = dir.join("new");
        fs::create_dir_all(new.join("pki")).unwrap();
        self.write_hops(&new, peer);
        for file in fs::read_dir(new.join("pki")).unwrap() {
            let file = file.unwrap();
            fs::rename(file.path(), dir.join("pki").join(file.file_name())).unwrap();
        }
    }
}

/// A sidecar, a gateway if there is one, and two providers behind them: one with TLS, one without.
pub(super) struct Hops {
    pub(super) sidecar: Envoy,
    pub(super) gateway: Option<Envoy>,
    pub(super) provider: Provider,
    pub(super) plain: Provider,
    pub(super) certificates: Certificates,
}

impl Hops {
    /// Renders this file for each hop, and starts them.
    pub(super) fn start(file: &Value) -> Self {
        let provider = Provider::start(&Options::default()).unwrap();
        let plain = Provider::start(&Options { plain: true, ..Options::default() }).unwrap();
        let certificates = Certificates::new();
        let start = |name: &str, gateway: Option<SocketAddr>| {
            let dir = tempfile::Builder::new().prefix("cloakroom-").tempdir().unwrap();
            let peer = if gateway.is_some() { &certificates.gateway } else { &certificates.sidecar };
            certificates.write(dir.path(), peer);
            fs::write(dir.path().join("public-ca.pem"), provider.ca_pem().unwrap()).unwrap();
            let rendered = render(dir.path(), file.clone());
            let text = fs::read_to_string(rendered.join(name)).unwrap();
            let mut moves = vec![
                // The provider's certificate is for these names and `localhost`.
                ("\"api.anthropic.com\", port_value: 443", provider.address()),
                ("\"api.openai.com\", port_value: 443", provider.address()),
                ("\"localhost.example\", port_value: 8443", provider.address()),
                ("\"plain.upstream.example\", port_value: 8080", plain.address()),
            ];
            moves.extend(gateway.map(|address| ("\"gateway.example\", port_value: 15443", address)));
            let mut text = text.replace("hostname: \"localhost.example\"", "hostname: localhost");
            for (from, to) in moves {
                text = text.replace(from, &format!("{}, port_value: {}", to.ip(), to.port()));
            }
            for port in [15001, 15443, 15021] {
                text = text.replace(&format!("port_value: {port}"), "port_value: 0");
            }
            Envoy::launch(Command::new(Artifact::Envoy.path()), &text, 1, dir)
        };
        let gateway = file.get("gateway").map(|_| start("gateway.yaml", None));
        let sidecar = start("sidecar-transparent.yaml", gateway.as_ref().map(Envoy::address));
        Self { sidecar, gateway, provider, plain, certificates }
    }

    /// What an application trusts.
    pub(super) fn trust(&self) -> Tls {
        Tls::trusting(self.certificates.leaf.ca_pem().as_bytes())
    }

    /// A connection as to `name`; without TLS if there is none.
    pub(super) async fn connect(
        &self,
        name: Option<&str>,
        protocol: Protocol,
    ) -> std::io::Result<Connection> {
        let address = self.sidecar.address();
        match name {
            None => Connection::open(address, protocol).await,
            Some(name) => self.trust().open(TcpStream::connect(address).await?, name, protocol).await,
        }
    }

    /// Makes this call over such a connection.
    pub(super) async fn call(&self, name: Option<&str>, protocol: Protocol, call: &Call) -> Answer {
        within("an answer", async { self.connect(name, protocol).await.unwrap().call(call).await.unwrap() })
            .await
    }

    /// The one request with this key that a provider received.
    pub(super) fn received(&self, key: &str) -> Recorded {
        let mut received = self.provider.records().of(key);
        received.extend(self.plain.records().of(key));
        assert_eq!(received.len(), 1, "{key}: {received:?}");
        received.remove(0)
    }

    /// True if no provider received anything.
    pub(super) fn nothing_received(&self) -> bool {
        self.provider.records().all().is_empty() && self.plain.records().all().is_empty()
    }
}

/// Has Envoy load a configuration in this folder without opening a port.
pub(super) fn validate(dir: &TempDir, name: &str) {
    let mut command = Command::new(Artifact::Envoy.path());
    command
        .args(["--mode", "validate", "--log-level", "warning", "--config-path"])
        .arg(dir.path().join(name));
    succeed(command.output().unwrap());
}
