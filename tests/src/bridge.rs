//! A real Redis bridge.

mod fake;

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

pub use self::fake::{FakeBridge, Saying};
use crate::{envoy::Artifact, netns::Namespace, process::Process};

/// How long a bridge may take to listen. It takes some milliseconds; a busy machine takes longer.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// How often its log is looked at.
const POLL: Duration = Duration::from_millis(5);
/// The token of the one caller.
const TOKEN: &str = "scripted-token-of-the-only-caller-0123456789";

/// How a bridge is started.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it runs, if not here.
    pub namespace: Option<Namespace>,
    /// `--listen`; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `--store`.
    pub store: String,
    /// The text of its key file. Bridges that share a store have the same.
    pub keys: String,
    /// Further arguments.
    pub arguments: Vec<String>,
    /// What its one caller may do.
    pub rights: &'static [&'static str],
    /// How large a file of its may grow, in bytes; see [`Bridge::lift_file_limit`].
    pub file_limit: Option<u32>,
}

impl Settings {
    /// A bridge over this store, with new keys.
    ///
    /// # Panics
    /// When the bridge makes no keys.
    pub fn over(store: impl Into<String>) -> Self {
        let keygen = Command::new(Artifact::Bridge.path()).arg("keygen").output().expect("the bridge runs");
        assert!(keygen.status.success(), "keygen: {}", String::from_utf8_lossy(&keygen.stderr));
        let keys = String::from_utf8(keygen.stdout).expect("keys are text");
        Self {
            namespace: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            store: store.into(),
            keys,
            arguments: Vec::new(),
            rights: &["issue", "restore", "admin"],
            file_limit: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// In a network namespace, at this address.
    #[must_use]
    pub fn within(mut self, namespace: &Namespace, listen: SocketAddr) -> Self {
        (self.namespace, self.listen) = (Some(namespace.clone()), listen);
        self
    }

    /// Over another store, with the same keys.
    #[must_use]
    pub fn with_store(mut self, store: impl Into<String>) -> Self {
        self.store = store.into();
        self
    }

    /// What is run: the bridge, by a shell if there is a limit to set.
    fn command(&self) -> Command {
        let bridge = Artifact::Bridge.path();
        if let Some(namespace) = &self.namespace {
            return namespace.command(bridge);
        }
        let Some(limit) = self.file_limit else { return Command::new(bridge) };
        // Writing beyond the limit fails as it does on a full disk; without the trap it would end the process.
        let script = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$@\"", limit / 512);
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]).arg(bridge);
        command
    }
}

/// A running bridge. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Bridge {
    // `None` while it is killed.
    process: Option<Process>,
    settings: Settings,
    address: SocketAddr,
    dir: TempDir,
}

impl Bridge {
    /// Starts one, on a free port of 127.0.0.1 unless told otherwise, and waits until it listens.
    ///
    /// # Panics
    /// When it is absent, ends, or does not listen in time; with its log.
    pub fn start(settings: &Settings) -> Self {
        let dir = tempfile::Builder::new().prefix("cloakroom-bridge-").tempdir().expect("a temporary folder");
        let callers = json!({"callers": [{
            "name": "sidecar", "token": TOKEN, "rights": settings.rights, "scopes": ["*"],
        }]});
        fs::write(dir.path().join("keys.json"), &settings.keys).expect("keys can be written");
        fs::write(dir.path().join("callers.json"), callers.to_string()).expect("callers can be written");
        let mut bridge = Self { process: None, settings: settings.clone(), address: settings.listen, dir };
        bridge.spawn();
        bridge
    }

    /// Where it listens. A bridge that is started again listens there again.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The token of the one caller, who has every scope.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// Its process, while it runs.
    ///
    /// # Panics
    /// When it was killed.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the bridge runs")
    }

    /// Kills it as a power cut does.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Kills it if it runs, and starts it again.
    ///
    /// # Panics
    /// When it does not start; with its log.
    pub fn restart(&mut self) {
        self.kill();
        self.spawn();
    }

    /// Ends it as an operator does, and waits for it.
    ///
    /// # Panics
    /// When it was killed before.
    pub fn stop(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the bridge runs");
        process.signal("TERM");
        process.wait()
    }

    /// Lifts [`Settings::file_limit`] off the running bridge: there is room on the disk again.
    ///
    /// # Panics
    /// When it does not run, or there is no `prlimit`.
    pub fn lift_file_limit(&self) {
        let pid = self.process().id().to_string();
        let lifted = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
        assert!(lifted.expect("prlimit can be run").success(), "the limit stays");
    }

    /// What it wrote until now.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    fn log_file(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn spawn(&mut self) {
        let file = |name: &str| self.dir.path().join(name);
        let from = self.log().len();
        let log = File::options().create(true).append(true).open(self.log_file()).expect("a log can be made");
        let mut command = self.settings.command();
        command
            .args(["--listen", &self.address.to_string(), "--drain", "0s"])
            // A URL may hold a password, and arguments can be read by everybody on the machine.
            .env("REDIS_BRIDGE_STORE", &self.settings.store)
            .arg("--keys")
            .arg(file("keys.json"))
            .arg("--callers")
            .arg(file("callers.json"))
            .args(&self.settings.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let mut process = Process::spawn(&mut command, self.dir.path()).expect("the bridge can be run");
        self.address = self.await_address(&mut process, from);
        self.process = Some(process);
    }

    /// Reads the log from `from` on until it names the address.
    fn await_address(&self, process: &mut Process, from: usize) -> SocketAddr {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            let log = self.log();
            if let Some(address) = log.get(from..).and_then(listening) {
                return address;
            }
            if let Some(status) = process.ended() {
                panic!("the bridge ended with {status}:\n{}", self.log());
            }
            assert!(Instant::now() < deadline, "the bridge does not listen in time:\n{log}");
            std::thread::sleep(POLL);
        }
    }
}

/// The TCP address in a log line that says `listening`.
fn listening(log: &str) -> Option<SocketAddr> {
    let line = |line: &str| -> Option<SocketAddr> {
        let line: Value = serde_json::from_str(line).ok()?;
        (line["message"] == "listening").then(|| line["address"].as_str()?.parse().ok())?
    };
    log.lines().find_map(line)
}
