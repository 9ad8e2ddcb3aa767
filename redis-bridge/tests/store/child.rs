//! A second process: this test binary again, running one test that is ignored otherwise.

use std::{
    env,
    ffi::OsStr,
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

/// Ended with SIGKILL when dropped.
pub(crate) struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Runs `test` with this store; `before` is the shell's to do first.
    pub(crate) fn start(test: &str, store: &Path, before: &str) -> Self {
        let script = format!("{before} exec \"$@\"");
        let mut child = Command::new("sh")
            .args(["-c", &script, "sh"].map(OsStr::new))
            .arg(env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(STORE, store)
            .stdout(Stdio::piped())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// What it said next. `None`: it has ended.
    pub(crate) fn line(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            // Killed in the middle of a line, it has not said it.
            if self.output.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
                return None;
            }
            if let Some((_, said)) = line.trim_end().split_once(MARK) {
                return Some(said.to_owned());
            }
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In the child: its store. `None` when the test was run by itself.
pub(crate) fn store() -> Option<PathBuf> {
    let store = env::var_os(STORE).map(PathBuf::from)?;
    // A child never outlives its parent, whose end closes this pipe.
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(1);
    });
    Some(store)
}

/// In the child: tells the parent.
pub(crate) fn say(what: &str) {
    let mut output = io::stdout().lock();
    output.write_all(format!("{MARK}{what}\n").as_bytes()).unwrap();
    output.flush().unwrap();
}

/// Longest wait for something that must come by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const STORE: &str = "STORE_OF_THE_CHILD";
const MARK: &str = "said: ";
