//! Processes that never outlive a test.

use std::{
    io,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

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
        let watchdog = Watchdog::over(child.0.id(), dir).expect("sh can be run");
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

/// What the watchdog runs. Ctrl-C goes to it as well as to the tests, and must not end it first.
const WATCH: &str = "trap '' HUP INT TERM; read -r _; kill -KILL \"$1\"; rm -rf -- \"$2\"";

#[derive(Debug)]
struct OwnChild(Child);

impl Drop for OwnChild {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Kills a process and removes its folder when this process ends in whatever way: a `static` is never dropped, nor is
/// anything on a kill.
///
/// A shell waits for the end of a pipe that only this process holds.
#[derive(Debug)]
struct Watchdog(OwnChild);

impl Watchdog {
    fn over(pid: u32, dir: &Path) -> io::Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCH, "watchdog", &pid.to_string()]).arg(dir);
        Ok(Self(OwnChild(shell.stdin(Stdio::piped()).spawn()?)))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Before `OwnChild` waits, which closes the pipe.
        let _ = self.0.0.kill();
    }
}
