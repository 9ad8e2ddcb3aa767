//! A real Envoy with the shipped sidecar configuration.

mod admin;
mod config;

use std::{
    fs::{self, File},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub use self::config::Sidecar;
use crate::process::Process;

/// How long Envoy may take to load the module and listen. It takes one second; a busy machine takes several.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// How often readiness is asked for.
const POLL: Duration = Duration::from_millis(10);

/// The admin socket in an Envoy's folder.
pub const ADMIN: &str = "admin.sock";

/// What tests need that `make` builds or fetches.
#[derive(Clone, Copy, Debug)]
pub enum Artifact {
    /// The Redis bridge.
    Bridge,
    /// The command line.
    Cli,
    /// The pinned Envoy.
    Envoy,
    /// The filter that is shipped.
    Filter,
    /// The filter that traps when a header tells it to.
    TrappingFilter,
}

impl Artifact {
    /// Where it is.
    ///
    /// # Panics
    /// When it is absent: a test that cannot run must not look like one that passed.
    pub fn path(self) -> PathBuf {
        let (variable, default, make) = match self {
            Self::Bridge => ("CLOAKROOM_BRIDGE", "target/release/redis-bridge", "make bridge"),
            Self::Cli => ("CLOAKROOM_CLI", "target/debug/cloakroom", "make cli"),
            Self::Envoy => ("CLOAKROOM_ENVOY", "target/envoy/bin/envoy", "make envoy"),
            Self::Filter => ("CLOAKROOM_WASM", "target/wasm32-wasip1/wasm/cloakroom.wasm", "make wasm"),
            Self::TrappingFilter => {
                ("CLOAKROOM_TRAP_WASM", "target/wasm32-wasip1/wasm/cloakroom_trap.wasm", "make trap-wasm")
            }
        };
        let path = std::env::var_os(variable).map_or_else(|| root().join(default), PathBuf::from);
        assert!(path.is_file(), "{} is absent: run `{make}`, or set {variable}", path.display());
        path
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ lies in the repository").to_owned()
}

/// A running Envoy. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Envoy {
    // `None` while it is killed.
    process: Option<Process>,
    command: Command,
    listeners: Vec<SocketAddr>,
    dir: TempDir,
}

/// What an Envoy wrote.
#[derive(Debug)]
pub struct Logs {
    /// Its own log.
    pub own: String,
    /// The access log.
    pub access: String,
}

impl Envoy {
    /// Starts Envoy with this configuration and waits until it listens and is ready.
    ///
    /// The admin socket, if the configuration names one under `admin_socket`, is in a folder of this Envoy's own.
    ///
    /// # Panics
    /// When Envoy is absent, ends, or is not ready in time; with its log.
    pub fn start(mut sidecar: Sidecar, concurrency: u32, dir: TempDir) -> Self {
        sidecar = sidecar.set("admin_socket", dir.path().join(ADMIN).display());
        Self::launch(Command::new(Artifact::Envoy.path()), sidecar.text(), concurrency, dir)
    }

    /// Starts Envoy by `command`, which may be another program that ends up as Envoy, and waits until it is ready.
    ///
    /// The configuration has the admin socket at [`ADMIN`] in `dir`.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn launch(mut command: Command, configuration: &str, concurrency: u32, dir: TempDir) -> Self {
        let config = dir.path().join("envoy.yaml");
        fs::write(&config, configuration).expect("the configuration can be written");
        let log = |name: &str| {
            File::options().create(true).append(true).open(dir.path().join(name)).expect("a log can be made")
        };
        command
            .arg("--config-path")
            .arg(&config)
            .args(["--disable-hot-restart", "--concurrency", &concurrency.to_string()])
            .stdin(Stdio::null())
            .stdout(log("access.log"))
            .stderr(log("own.log"));
        let process = spawn(&mut command, &dir);
        let mut envoy = Self { process: Some(process), command, listeners: Vec::new(), dir };
        envoy.await_ready();
        envoy
    }

    /// Kills it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Kills it if it runs, and starts it again, with the same files.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn restart(&mut self) {
        self.kill();
        self.process = Some(spawn(&mut self.command, &self.dir));
        self.await_ready();
    }

    fn await_ready(&mut self) {
        let socket = self.dir.path().join(ADMIN);
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            if let Some(status) = self.process.as_mut().and_then(Process::ended) {
                panic!("Envoy ended with {status}:\n{}", self.logs().own);
            }
            if admin::get(&socket, "/ready").is_ok_and(|ready| ready.trim() == "LIVE") {
                let listeners = admin::get(&socket, "/listeners?format=json").expect("Envoy's admin answers");
                self.listeners = admin::addresses(&listeners);
                return;
            }
            assert!(Instant::now() < deadline, "Envoy is not ready in time:\n{}", self.logs().own);
            std::thread::sleep(POLL);
        }
    }

    /// Where applications connect: the address whose `Host` header names the provider.
    pub fn address(&self) -> SocketAddr {
        *self.listeners.first().expect("the sidecar listens")
    }

    /// All addresses it listens on, in the order of the configuration.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.listeners
    }

    /// Where its admin listens.
    pub fn admin_socket(&self) -> PathBuf {
        self.dir.path().join(ADMIN)
    }

    /// Asks the admin interface.
    ///
    /// # Errors
    /// When it does not answer, or not with 200.
    pub fn admin(&self, path: &str) -> io::Result<String> {
        admin::get(&self.dir.path().join(ADMIN), path)
    }

    /// The sum of the counters whose names end like this.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn stat(&self, name: &str) -> u64 {
        let stats = self.admin(&format!("/stats?filter={name}$")).expect("Envoy's admin answers");
        let values = stats.lines().filter_map(|line| line.rsplit_once(": ")?.1.parse::<u64>().ok());
        values.sum()
    }

    /// Resident memory in bytes, as the kernel counts it.
    ///
    /// # Panics
    /// When Envoy is gone, and on systems without `/proc`.
    pub fn resident_bytes(&self) -> u64 {
        self.process().resident_bytes()
    }

    /// The most resident memory in bytes that it ever had.
    ///
    /// # Panics
    /// When Envoy is gone, and on systems without `/proc`.
    pub fn peak_resident_bytes(&self) -> u64 {
        self.process().peak_resident_bytes()
    }

    /// CPU time, user and system, of all its threads since it started.
    ///
    /// # Panics
    /// When Envoy is gone, and on systems without `/proc`.
    pub fn cpu(&self) -> Duration {
        self.process().cpu()
    }

    /// Its process, while it runs.
    ///
    /// # Panics
    /// When it was killed.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("Envoy runs")
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.ended().is_none())
    }

    /// What it wrote until now. The access log is written with a delay; [`stop`](Self::stop) has all of it.
    pub fn logs(&self) -> Logs {
        let read = |name: &str| {
            String::from_utf8_lossy(&fs::read(self.dir.path().join(name)).unwrap_or_default()).into_owned()
        };
        Logs { own: read("own.log"), access: read("access.log") }
    }

    /// Lets Envoy end by itself, which flushes everything, and returns what it wrote.
    ///
    /// # Panics
    /// When it does not end, or ended before.
    pub fn stop(mut self) -> Logs {
        admin::post(&self.dir.path().join(ADMIN), "/quitquitquit").expect("Envoy still answers");
        self.process.as_mut().expect("Envoy runs").wait();
        self.logs()
    }
}

fn spawn(command: &mut Command, dir: &TempDir) -> Process {
    Process::spawn(command, dir.path()).unwrap_or_else(|error| panic!("{command:?} does not start: {error}"))
}
