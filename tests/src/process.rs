//! Processes that never outlive a test.

use std::{
    ffi::OsStr,
    fs, io,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

/// The unit of `/proc/PID/stat`, one hundredth of a second on every architecture that Envoy runs on.
const TICK: Duration = Duration::from_millis(10);

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    // First: the watchdog must be gone before the process id can be another's.
    _watchdog: Watchdog,
    child: OwnChild,
}

impl Process {
    /// Starts it. When this process ends, in whatever way, it is killed and `dir`, which is its own, is removed.
    ///
    /// # Errors
    /// When it cannot be run.
    ///
    /// # Panics
    /// When there is no `sh`.
    pub fn spawn(command: &mut Command, dir: &Path) -> io::Result<Self> {
        let child = OwnChild(command.spawn()?);
        let pid = child.0.id().to_string();
        let arguments = [OsStr::new(&pid), dir.as_os_str()];
        let watchdog = Watchdog::over(KILL, &arguments).expect("sh can be run");
        Ok(Self { _watchdog: watchdog, child })
    }

    /// Its id, while it is not dropped.
    pub fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.0.try_wait().expect("it is our child")
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.0.wait().expect("it is our child")
    }

    /// CPU time, user and system, of all its threads since it started.
    ///
    /// # Panics
    /// When it is gone, and on systems without `/proc`.
    pub fn cpu(&self) -> Duration {
        times(&self.id().to_string(), 11)
    }

    /// Resident memory in bytes, as the kernel counts it.
    ///
    /// # Panics
    /// When it is gone, and on systems without `/proc`.
    pub fn resident_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most resident memory in bytes that it ever had.
    ///
    /// # Panics
    /// When it is gone, and on systems without `/proc`.
    pub fn peak_resident_bytes(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> u64 {
        let status = format!("/proc/{}/status", self.id());
        let status = fs::read_to_string(status).expect("the process is running");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("its memory is told");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("memory is in kB");
        kib * 1024
    }

    /// Sends a signal, named as `kill` knows it: `TERM`, `STOP`, `CONT`.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn signal(&self, name: &str) {
        let kill = ["-c", "kill -\"$1\" \"$2\"", "signal", name, &self.id().to_string()];
        let status = Command::new("sh").args(kill).status().expect("sh can be run");
        assert!(status.success(), "process {} takes no {name}", self.id());
    }
}

/// CPU time, user and system, of the children of this process that have ended and were waited for.
///
/// # Panics
/// On systems without `/proc`.
pub fn children_cpu() -> Duration {
    times("self", 13)
}

/// The two times from this field of `/proc/…/stat` on, counted from after the name.
fn times(process: &str, field: usize) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("the process is running");
    // The second field is a name that may contain spaces; it ends with the last bracket.
    let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
    let ticks = fields.split_whitespace().skip(field).take(2).map(str::parse::<u32>);
    TICK * ticks.map(|ticks| ticks.expect("times are numbers")).sum::<u32>()
}

/// What the watchdog of a process runs.
const KILL: &str = "kill -KILL \"$1\"; rm -rf -- \"$2\"";

#[derive(Debug)]
struct OwnChild(Child);

impl Drop for OwnChild {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Cleans up when this process ends in whatever way: a `static` is never dropped, nor is anything on a kill. Dropping it
/// calls it off.
///
/// A shell waits for the end of a pipe that only this process holds.
#[derive(Debug)]
pub struct Watchdog(OwnChild);

impl Watchdog {
    /// Runs these lines of shell, with these arguments, when this process ends.
    ///
    /// # Errors
    /// When there is no `sh`.
    pub fn over(lines: &str, arguments: &[&OsStr]) -> io::Result<Self> {
        // Ctrl-C goes to it as well as to the tests, and must not end it first.
        let lines = format!("trap '' HUP INT TERM; read -r _; {lines}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &lines, "watchdog"]).args(arguments);
        Ok(Self(OwnChild(shell.stdin(Stdio::piped()).spawn()?)))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Before `OwnChild` waits, which closes the pipe.
        let _ = self.0.0.kill();
    }
}
