//! Runs the binary.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use tempfile::TempDir;

/// The body that the project's first promise is about.
pub(crate) const BODY: &str = r#"{"messages":[{"content":"Analyze EC2 i-1234567890abcdef0"}]}"#;

/// How a run ended.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `cloakroom` with these arguments, split at white space, and this stdin.
pub(crate) fn cloakroom(arguments: &str, stdin: &[u8]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
    command.args(arguments.split_whitespace());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        // A child that refuses early does not read its stdin.
        scope.spawn(move || drop(pipe.write_all(stdin)));
        child.wait_with_output().unwrap()
    });
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A run that must succeed without a word on stderr: its stdout.
pub(crate) fn stdout(arguments: &str, stdin: &[u8]) -> String {
    let run = cloakroom(arguments, stdin);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments}");
    run.stdout
}

/// A folder with one file, and the file's path, which has no white space.
pub(crate) fn file(content: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file.json");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}
