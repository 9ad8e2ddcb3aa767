//! Real clients: the providers' own SDKs, unmodified and pinned, driven by the scripts of `tests/clients`.

mod compare;
mod mapping;

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

pub use self::{
    compare::{Job, Tokens, assert_parsed_the_same, by_key},
    mapping::Mapping,
};
use crate::{
    envoy::root,
    process::Process,
    world::{ANTHROPIC, GEMINI, OPENAI},
};

/// How long a driver may take. It takes some seconds; a busy machine takes longer.
const DEADLINE: Duration = Duration::from_secs(300);
/// How often it is looked whether it has ended.
const POLL: Duration = Duration::from_millis(10);

/// An SDK with its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// `@anthropic-ai/sdk`.
    NodeAnthropic,
    /// `openai` on npm.
    NodeOpenAi,
    /// `anthropic` on PyPI.
    PythonAnthropic,
    /// `google-genai`.
    PythonGemini,
    /// `openai` on PyPI.
    PythonOpenAi,
}

impl Sdk {
    /// What its requests' keys begin with: `name/scenario`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NodeAnthropic => "node_anthropic",
            Self::NodeOpenAi => "node_openai",
            Self::PythonAnthropic => "python_anthropic",
            Self::PythonGemini => "python_gemini",
            Self::PythonOpenAi => "python_openai",
        }
    }

    /// The provider that it is for.
    pub fn host(self) -> &'static str {
        match self {
            Self::NodeAnthropic | Self::PythonAnthropic => ANTHROPIC,
            Self::NodeOpenAi | Self::PythonOpenAi => OPENAI,
            Self::PythonGemini => GEMINI,
        }
    }

    /// Runs the driver against this base URL. Returns what it printed of each scenario, in their order.
    ///
    /// # Panics
    /// When it is not installed, fails, or does not end in time; with what it wrote.
    pub fn run(self, base_url: &str, job: &Job) -> Vec<Scenario> {
        self.drive(without_environment, Some(base_url), job)
    }

    /// Runs the driver with the SDK's own base URL. `start` begins the command that runs a program, arguments to follow,
    /// with what the program needs to trust whom it talks to.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_unchanged(self, start: impl FnOnce(&OsStr) -> Command, job: &Job) -> Vec<Scenario> {
        self.drive(start, None, job)
    }

    fn drive(
        self,
        start: impl FnOnce(&OsStr) -> Command,
        base_url: Option<&str>,
        job: &Job,
    ) -> Vec<Scenario> {
        let dir = tempfile::Builder::new().prefix("cloakroom-sdk-").tempdir().expect("a temporary folder");
        let file = |name: &str| dir.path().join(name);
        let mut job = job.job();
        let members = job.as_object_mut().expect("a job is an object");
        members.insert("name".to_owned(), json!(self.name()));
        members.insert("base_url".to_owned(), json!(base_url));
        fs::write(file("job"), job.to_string()).expect("a job can be written");
        let create = |name: &str| File::create(file(name)).expect("a file can be made");
        let mut command = self.command(start);
        command
            .stdin(File::open(file("job")).expect("it is there"))
            .stdout(create("out"))
            .stderr(create("err"));
        let mut process = Process::spawn(&mut command, dir.path()).expect("the driver can be run");
        let deadline = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = process.ended() {
                break status;
            }
            assert!(Instant::now() < deadline, "{self:?} does not end in time");
            std::thread::sleep(POLL);
        };
        let read = |name: &str| fs::read_to_string(file(name)).expect("drivers write UTF-8");
        assert!(status.success(), "{self:?} ended with {status}:\n{}", read("err"));
        read("out").lines().map(Scenario::read).collect()
    }

    fn command(self, start: impl FnOnce(&OsStr) -> Command) -> Command {
        let installed = |path: &str| {
            let path = root().join("target/clients").join(path);
            assert!(path.exists(), "{} is absent: run `make clients`", path.display());
            path
        };
        let script = |kind: &str| -> PathBuf { root().join(format!("tests/clients/{}.{kind}", self.name())) };
        let (program, arguments) = match self {
            Self::NodeAnthropic | Self::NodeOpenAi => (PathBuf::from("node"), vec![script("js")]),
            // No compiled files beside the sources.
            _ => (installed("python/bin/python"), vec![PathBuf::from("-B"), script("py")]),
        };
        let mut command = start(program.as_os_str());
        command.args(arguments).env("PYTHONUTF8", "1");
        if matches!(self, Self::NodeAnthropic | Self::NodeOpenAi) {
            command.env("NODE_PATH", installed("node/node_modules"));
        }
        command
    }
}

/// Proxies, keys and certificates in the environment are not for the drivers.
fn without_environment(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// What a driver printed of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Canonical JSON: what the SDK parsed.
    pub line: String,
}

impl Scenario {
    fn read(line: &str) -> Self {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        let name = value.get("scenario").and_then(Value::as_str).expect("a line names its scenario");
        Self { name: name.to_owned(), line: line.to_owned() }
    }
}
