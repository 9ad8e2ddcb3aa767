//! Network namespaces: machines of their own for a test, with links between them that it can cut.
//!
//! They need root, `ip` and `iptables`. Nothing outside of them is changed: links are made between two namespaces, and
//! rules only inside of one.

mod capture;
mod link;

use std::{
    ffi::OsStr,
    fs,
    io::Write as _,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, LazyLock, Once,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

pub use self::{
    capture::{Capture, Packet},
    link::Link,
};
use crate::process::Watchdog;

/// What every name begins with; the id of the process that made it follows.
const PREFIX: &str = "cloakroom";
/// Removes a namespace with what runs in it and with its hosts file. It also cleans up behind an earlier run.
const REMOVE: &str = "for n in \"$@\"; do ip netns pids \"$n\" | xargs -r kill -KILL; \
                      ip netns del \"$n\"; rm -rf -- \"/etc/netns/$n\"; done 2>/dev/null";

/// Whether namespaces can be made here. If not, this says so on standard error, where `cargo test` does not hide it.
///
/// # Panics
/// When they cannot although they must: with `CLOAKROOM_NETNS=required`, and as root where `CI=true`.
pub fn available() -> bool {
    static TOLD: Once = Once::new();
    static PROBE: LazyLock<Result<(), String>> = LazyLock::new(probe);
    let Err(why) = &*PROBE else { return true };
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let required = is("CLOAKROOM_NETNS", "required") || (is("CI", "true") && root());
    assert!(!required, "network namespaces are required here, but {why}");
    TOLD.call_once(|| {
        let line = format!("\nSKIPPED: every test in network namespaces, because {why}\n\n");
        std::io::stderr().write_all(line.as_bytes()).expect("standard error can be written");
    });
    false
}

fn root() -> bool {
    rustix::process::geteuid().is_root()
}

fn probe() -> Result<(), String> {
    if !root() {
        return Err("they need root".to_owned());
    }
    let name = format!("{PREFIX}-{}-probe", std::process::id());
    let inside = |command: &[&str]| {
        let inside = [&["ip", "netns", "exec", &name], command].concat();
        try_run(Command::new(inside[0]).args(&inside[1..]))
    };
    let usable = try_run(Command::new("ip").args(["netns", "add", &name]))
        .and_then(|()| inside(&["iptables", "-t", "nat", "-L", "-n"]))
        .and_then(|()| inside(&["ip6tables", "-t", "nat", "-L", "-n"]))
        .and_then(|()| inside(&["setpriv", "--reuid=1337", "true"]));
    remove(&name);
    usable
}

fn remove(name: &str) {
    // Without `xargs` or `ip` there is nothing to remove.
    let _ = Command::new("sh").args(["-c", REMOVE, "remove", name]).stderr(Stdio::null()).status();
}

/// A namespace. It is removed, with what runs in it, when the last clone is dropped or this process ends.
#[derive(Clone, Debug)]
pub struct Namespace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    _watchdog: Watchdog,
}

impl Drop for Inner {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

impl Namespace {
    /// Makes one with a loopback interface. `label` says what it is for.
    ///
    /// # Panics
    /// When it cannot be made: see [`available`].
    pub fn new(label: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        static SWEEP: Once = Once::new();
        SWEEP.call_once(sweep);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}-{}-{number}-{label}", std::process::id());
        let watchdog = Watchdog::over(REMOVE, &[OsStr::new(&name)]).expect("sh can be run");
        run(Command::new("ip").args(["netns", "add", &name]));
        let namespace = Self(Arc::new(Inner { name, _watchdog: watchdog }));
        namespace.ip("link set lo up");
        namespace
    }

    /// Its name, as `ip netns` knows it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What programs in it find in `/etc/hosts`, and that no name server answers.
    ///
    /// # Panics
    /// When the files cannot be written.
    pub fn hosts(&self, lines: &str) {
        let dir = PathBuf::from("/etc/netns").join(self.name());
        fs::create_dir_all(&dir).expect("a folder under /etc/netns can be made");
        let hosts = format!("127.0.0.1 localhost\n::1 localhost\n{lines}");
        fs::write(dir.join("hosts"), hosts).expect("the hosts file can be written");
        fs::write(dir.join("resolv.conf"), "nameserver 127.0.0.1\n").expect("the file can be written");
    }

    /// A program that runs in it; arguments can be added. It keeps its process id through all of this.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", self.name()]).arg(program);
        command
    }

    /// [`command`](Self::command) as a user without any right.
    pub fn command_as(&self, uid: u32, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.command("setpriv");
        let ids = [format!("--reuid={uid}"), format!("--regid={uid}")];
        command.args(ids).args(["--clear-groups", "--inh-caps=-all", "--no-new-privs", "--"]).arg(program);
        command
    }

    /// Runs a line of shell in it, which must succeed, and returns what it printed.
    ///
    /// # Panics
    /// When it fails; with what it wrote.
    pub fn sh(&self, line: &str) -> String {
        let output = self.command("sh").args(["-ec", line]).output().expect("ip can be run");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\nin {}: {error}", self.name());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs `ip` with these words on it.
    ///
    /// # Panics
    /// When it fails; with what it wrote.
    pub fn ip(&self, words: &str) {
        run(Command::new("ip").args(["-n", self.name()]).args(words.split_whitespace()));
    }

    /// Runs `work` on a thread inside. Sockets that it makes stay inside, whoever uses them; files are the usual ones.
    ///
    /// # Panics
    /// When `work` does.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let file = fs::File::open(Path::new("/run/netns").join(self.name())).expect("the namespace is there");
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                let moved = move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network));
                moved.expect("root may enter");
                work()
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

/// Removes what processes left behind that are no more.
fn sweep() {
    for dir in ["/run/netns", "/etc/netns"] {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let mut parts = name.split('-');
            let (prefix, pid) = (parts.next(), parts.next());
            if prefix == Some(PREFIX) && pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                remove(&name);
            }
        }
    }
}

fn run(command: &mut Command) {
    try_run(command).unwrap_or_else(|why| panic!("{why}"));
}

/// `Err` says what was run and what it wrote.
fn try_run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?} cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?} fails: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
