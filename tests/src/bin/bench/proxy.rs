//! An Envoy whose CPU time is read: the shipped sidecar with one worker, with the filter or with only the filter removed.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    net::SocketAddr,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use e2e::envoy::{Artifact, Sidecar};

use crate::Failure;

/// How long Envoy may take to load the module and listen. It takes one second; a busy machine takes several.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// How often readiness is asked for.
const POLL: Duration = Duration::from_millis(10);

/// The unit of `/proc/PID/stat`, one hundredth of a second on every architecture that Envoy runs on.
const TICK: Duration = Duration::from_millis(10);

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
}

/// A running Envoy. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Envoy {
    // Before `process`: the watchdog must be gone before the process id can be another's.
    _watchdog: Killed,
    process: Killed,
    pub(crate) address: SocketAddr,
}

impl Envoy {
    /// Starts one in `dir`, where the provider's `ca.pem` is, and waits until it is ready.
    pub(crate) fn start(side: Side, dir: &Path, provider: SocketAddr) -> Result<Self, Failure> {
        let file = |extension: &str| dir.join(format!("{}.{extension}", side.name()));
        let socket = file("sock");
        let config = Sidecar::shipped()
            .set("admin_socket", socket.display())
            .set("listen_port", 0)
            .set("anthropic_port", 0)
            .set("openai_port", 0)
            .set("wasm_file", Artifact::Filter.path().display())
            .set("ca_file", dir.join("ca.pem").display())
            .set("anthropic_address", provider.ip())
            .set("anthropic_tls_port", provider.port());
        let config = match side {
            Side::Bare => without_filter(config.text())?,
            Side::Filter => config.text().to_owned(),
        };
        fs::write(file("yaml"), config)?;
        let child = Command::new(Artifact::Envoy.path())
            .arg("--config-path")
            .arg(file("yaml"))
            .args(["--disable-hot-restart", "--concurrency", "1"])
            .stdin(Stdio::null())
            .stdout(File::create(file("access.log"))?)
            .stderr(File::create(file("log"))?)
            .spawn()?;
        let process = Killed(child);
        let watchdog = watchdog(&process, dir)?;
        let mut envoy = Self { _watchdog: watchdog, process, address: SocketAddr::from(([0; 4], 0)) };
        envoy.address = envoy.await_ready(&socket, &file("log"))?;
        Ok(envoy)
    }

    fn await_ready(&mut self, socket: &Path, log: &PathBuf) -> Result<SocketAddr, Failure> {
        let deadline = Instant::now() + START_DEADLINE;
        while !admin(socket, "/ready").is_ok_and(|ready| ready.contains("LIVE")) {
            if self.process.0.try_wait()?.is_some() || Instant::now() > deadline {
                return Err(format!("Envoy does not start:\n{}", fs::read_to_string(log)?).into());
            }
            std::thread::sleep(POLL);
        }
        let listeners = admin(socket, "/listeners")?;
        let address = listeners.lines().find_map(|line| line.trim().strip_prefix("base_url::"));
        Ok(address.ok_or("Envoy has no listener of this name")?.parse()?)
    }

    /// CPU time, user and system, of all its threads since it started.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.0.id()))?;
        // The second field is a name that may contain spaces; it ends with the last bracket.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let mut times = fields.split_whitespace().skip(11).map(str::parse::<u32>);
        match (times.next(), times.next()) {
            (Some(user), Some(system)) => Ok(TICK * (user? + system?)),
            _ => Err("/proc has no times of Envoy".into()),
        }
    }
}

/// The configuration without the list item of the filter.
///
/// What the filter tells the route, `x-original-host`, the client of the bench says itself; the filter overwrites it.
fn without_filter(config: &str) -> Result<String, Failure> {
    const ITEM: &str = "          - name: cloakroom\n";
    let (before, item) = config.split_once(ITEM).ok_or("the sidecar has no filter called cloakroom")?;
    let within = |line: &&str| line.starts_with("           ") || line.trim().is_empty();
    let length: usize = item.split_inclusive('\n').take_while(within).map(str::len).sum();
    Ok(format!("{before}{}", item.get(length..).unwrap_or_default()))
}

/// Asks Envoy's admin interface.
fn admin(socket: &Path, path: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(START_DEADLINE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Kills Envoy and removes its folder when this process ends in whatever way: a shell waits for the end of a pipe that only
/// this process holds.
fn watchdog(envoy: &Killed, dir: &Path) -> io::Result<Killed> {
    let script = "trap '' HUP INT TERM; read -r _; kill -KILL \"$1\"; rm -rf -- \"$2\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "watchdog", &envoy.0.id().to_string()]).arg(dir);
    shell.stdin(Stdio::piped()).spawn().map(Killed)
}

/// A process that is killed when it is dropped.
#[derive(Debug)]
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already. Waiting closes its input, so it must come second.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
