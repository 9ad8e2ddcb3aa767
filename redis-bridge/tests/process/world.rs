//! A running program with files of its own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use e2e::{
    client::{Answer, Call, Connection, Protocol, within},
    process::Process,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Bounds every wait.
const DEADLINE: Duration = Duration::from_secs(30);
/// How often is looked whether something is so.
const POLL: Duration = Duration::from_millis(5);

pub(crate) const HOST: &str = "bridge.test";
pub(crate) const TOKENS: &str = "/v1/scopes/default/tokens";
pub(crate) const VALUES: &str = "/v1/scopes/default/values";

/// A folder with keys, and nothing of the environment's.
pub(crate) struct World {
    dir: TempDir,
}

/// The program, running. Dropping it kills it.
pub(crate) struct Bridge {
    process: Process,
    log: PathBuf,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap() };
        let keygen = world.run(&["keygen", "--out", "keys.json"]);
        assert!(keygen.status.success(), "{keygen:?}");
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redis-bridge"));
        command.args(arguments).current_dir(self.dir.path()).env_clear().stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts a bridge with the keys and a store in memory, and waits until it listens.
    pub(crate) fn start(&self, arguments: &[&str]) -> Bridge {
        let arguments = [&["--keys", "keys.json", "--store", "memory:"], arguments].concat();
        self.start_command(self.command(&arguments))
    }

    pub(crate) fn start_command(&self, mut command: Command) -> Bridge {
        let log =
            tempfile::Builder::new().tempfile_in(self.dir.path()).unwrap().into_temp_path().keep().unwrap();
        command.stdout(Stdio::null()).stderr(File::create(&log).unwrap());
        // The watchdog removes a folder; this one's is removed with the world.
        let process = Process::spawn(&mut command, &self.path("nothing")).unwrap();
        let mut bridge = Bridge { process, log };
        bridge.await_line("that it listens", |line| line["message"] == "listening");
        bridge
    }
}

impl Bridge {
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The lines of the log that are whole.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let log = self.log();
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        whole.lines().map(parse).collect()
    }

    /// Waits for a line of the log.
    pub(crate) fn await_line(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(line) = self.lines().into_iter().find(|line| is_it(line)) {
                return line;
            }
            assert!(self.process.ended().is_none(), "it ended: {}", self.log());
            assert!(Instant::now() < deadline, "waited in vain for {what}: {}", self.log());
            std::thread::sleep(POLL);
        }
    }

    /// The first address it listens at.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        let line = self.lines().into_iter().find(|line| line["message"] == "listening").unwrap();
        line["address"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) async fn connect(&self, protocol: Protocol) -> Connection {
        Connection::open(self.address(), protocol).await.unwrap()
    }

    /// One call on a connection of its own.
    pub(crate) async fn call(&self, call: &Call) -> Answer {
        within("an answer", self.connect(Protocol::Http1).await.call(call)).await.unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.process.ended() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.log());
            std::thread::sleep(POLL);
        }
    }
}

/// A call for the tokens of these values.
pub(crate) fn issue(values: &[&str]) -> Call {
    let values: Vec<Value> =
        values.iter().map(|value| json!({"kind": "EC2", "value": value, "keep": true})).collect();
    Call::post(HOST, TOKENS, json!({ "values": values }).to_string())
}

pub(crate) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
