//! `envoy/compose.yaml` without containers: what its services run, with their own arguments, on files in one folder. Network
//! namespaces and iptables are tested elsewhere.

use std::{
    fs::{self, File},
    net::SocketAddr,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use e2e::{
    client::{Call, Protocol, Tls, within},
    envoy::{ADMIN, Artifact, Envoy, root},
    process::Process,
    provider::{KEY_HEADER, Options, Provider},
    world::ANTHROPIC,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::support::{Api, MASKED, TEXT};

/// The compose file, its paths being in a folder of this machine.
struct Compose {
    file: Value,
    dir: TempDir,
}

impl Compose {
    fn new(provider: &Provider) -> Self {
        let text = fs::read_to_string(root().join("envoy/compose.yaml")).unwrap();
        let file = serde_saphyr::from_str(&text).unwrap();
        let dir = tempfile::Builder::new().prefix("cloakroom-compose-").tempdir().unwrap();
        fs::write(dir.path().join("ca.pem"), provider.ca_pem().unwrap()).unwrap();
        let compose = Self { file, dir };
        let egress = compose.file["configs"]["egress"]["content"].as_str().unwrap();
        fs::write(compose.path("egress.yaml"), compose.here(egress)).unwrap();
        let programs = compose.path("bin");
        fs::create_dir(&programs).unwrap();
        symlink(Artifact::Cli.path(), programs.join("cloakroom")).unwrap();
        symlink(Artifact::Bridge.path(), programs.join("redis-bridge")).unwrap();
        symlink(root().join("envoy/docker/setup.sh"), programs.join("setup.sh")).unwrap();
        compose
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// A text of the file, with the places where its volumes are.
    fn here(&self, text: &str) -> String {
        let at = |name: &str| self.path(name).display().to_string();
        // First, because what is put in has it, too.
        text.replace("/state", &at("state"))
            .replace("/etc/cloakroom/egress.yaml", &at("egress.yaml"))
            .replace("/etc/cloakroom/cloakroom.wasm", &Artifact::Filter.path().display().to_string())
            .replace("${CA_FILE:-/etc/ssl/certs/ca-certificates.crt}", &at("ca.pem"))
            .replace("/run/cloakroom/admin.sock", &at(ADMIN))
            .replace("/run/redis", &at("state/socket"))
            .replace("/data", &at("state/redis"))
            // A machine that runs many tests may be slower than one that serves requests.
            .replace("mapping: {store: bridge}", "mapping: {store: bridge, bridge: {timeout_ms: 20000}}")
    }

    /// The words of a service's `entrypoint`, `command` or `healthcheck.test`.
    fn words(&self, words: &Value) -> Vec<String> {
        words.as_array().unwrap().iter().map(|word| self.here(word.as_str().unwrap())).collect()
    }

    fn command(&self, words: &[String]) -> Command {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env("PATH", path).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Runs `setup` to its end.
    fn setup(&self) {
        let mut command = self.command(&self.words(&self.file["services"]["setup"]["entrypoint"]));
        let done = command.env("SYSTEM_CAS", self.path("ca.pem")).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    async fn redis(&self) -> Process {
        let service = &self.file["services"]["redis"];
        let process =
            Process::spawn(&mut self.command(&self.words(&service["entrypoint"])), self.dir.path()).unwrap();
        let health = self.words(&service["healthcheck"]["test"]);
        assert_eq!(health[0], "CMD");
        let healthy = async {
            while !self
                .command(&health[1..])
                .stdout(Stdio::piped())
                .output()
                .unwrap()
                .stdout
                .starts_with(b"PONG")
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        within("Redis", healthy).await;
        process
    }

    /// The bridge, on a free port, which its log tells.
    async fn bridge(&self) -> (Process, SocketAddr) {
        let mut words = vec![String::from("redis-bridge")];
        words.extend(self.words(&self.file["services"]["bridge"]["command"]));
        for word in &mut words {
            *word = word.replace("--listen=0.0.0.0:8790", "--listen=127.0.0.1:0");
        }
        let log = self.path("bridge.log");
        let mut command = self.command(&words);
        let process = Process::spawn(command.stderr(File::create(&log).unwrap()), self.dir.path()).unwrap();
        let listening = async {
            loop {
                let lines = fs::read_to_string(&log).unwrap();
                let line = lines.lines().find(|line| line.contains("\"listening\""));
                if let Some(line) = line {
                    let line: Value = serde_json::from_str(line).unwrap();
                    break line["address"].as_str().unwrap().parse().unwrap();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let address = within("the bridge", listening).await;
        (process, address)
    }

    /// The sidecar, with the provider and the bridge where they are.
    fn sidecar(&self, provider: &Provider, bridge: SocketAddr) -> Envoy {
        let dir = tempfile::Builder::new().prefix("cloakroom-compose-").tempdir().unwrap();
        let config = self.words(&self.file["services"]["sidecar"]["command"]).remove(0);
        let mut text = fs::read_to_string(config).unwrap();
        for (from, to) in [
            ("\"bridge\", port_value: 8790", bridge),
            ("\"api.anthropic.com\", port_value: 443", provider.address()),
            ("port_value: 15001", SocketAddr::from(([127, 0, 0, 1], 0))),
        ] {
            assert!(text.contains(from), "{from}");
            let to = if from.starts_with('"') {
                format!("{}, port_value: {}", to.ip(), to.port())
            } else {
                String::from("port_value: 0")
            };
            text = text.replace(from, &to);
        }
        let text = text
            .replace(&self.path(ADMIN).display().to_string(), &dir.path().join(ADMIN).display().to_string());
        Envoy::launch(Command::new(Artifact::Envoy.path()), &text, 1, dir)
    }
}

/// `setup`, `redis`, `bridge` and `sidecar` as the file has them: masked at the provider, restored at the application, which
/// trusts the bundle that it is given.
#[tokio::test]
async fn its_services_fit_each_other() {
    let provider = Provider::start(&Options::default()).unwrap();
    let compose = Compose::new(&provider);
    compose.setup();
    let _redis = compose.redis().await;
    let (_bridge, bridge) = compose.bridge().await;
    let envoy = compose.sidecar(&provider, bridge);

    let bundle = fs::read(compose.path("state/trust/bundle.pem")).unwrap();
    let call = Call::post(ANTHROPIC, "/v1/messages", Api::Anthropic.request(TEXT, false, false))
        .header(KEY_HEADER, "compose");
    let stream = TcpStream::connect(envoy.address()).await.unwrap();
    let connection = Tls::trusting(&bundle).open(stream, ANTHROPIC, Protocol::Http2).await;
    let answer = within("an answer", async { connection.unwrap().call(&call).await.unwrap() }).await;
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), envoy.logs().own);
    let received = provider.records().of("compose");
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].text(), Api::Anthropic.request(MASKED, false, false));
    assert!(answer.text().contains("i-0abc1234def567890"), "{}", answer.text());
}

/// What `setup` made stays when it runs again, and only the application's part can be read by others.
#[test]
fn setup_keeps_what_is_there_and_secrets_to_itself() {
    let provider = Provider::start(&Options::default()).unwrap();
    let compose = Compose::new(&provider);
    compose.setup();
    let kept = [
        "bridge/keys.json",
        "bridge/callers.json",
        "sidecar/bridge-token",
        "ca/ca.pem",
        "pki/ca.pem",
        "trust/bundle.pem",
    ];
    let read = |name: &str| fs::read(compose.path("state").join(name)).unwrap();
    let before = kept.map(read);
    compose.setup();
    assert_eq!(kept.map(read), before);

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for secret in
        ["bridge/keys.json", "bridge/callers.json", "sidecar/bridge-token", "ca/ca.pem", "pki/leaf.key"]
    {
        assert_eq!(mode(&compose.path("state").join(secret)), 0o600, "{secret}");
    }
    assert_eq!(mode(&compose.path("state/trust/bundle.pem")), 0o644);
    let trusted: Vec<_> =
        fs::read_dir(compose.path("state/trust")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(trusted, ["bundle.pem"]);
    let bundle = String::from_utf8(read("trust/bundle.pem")).unwrap();
    assert!(!bundle.contains("PRIVATE KEY"));
    assert_eq!(bundle.matches("BEGIN CERTIFICATE").count(), 2, "the system's, and the sidecar's");
}
