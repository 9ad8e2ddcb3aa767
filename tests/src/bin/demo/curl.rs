//! The application: curl.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    process::{Command, Stdio},
};

/// Ends a curl that waits for an answer that never comes.
const MAX_SECONDS: &str = "30";

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    /// The host in the base URL, one that the shipped sidecar knows whatever its port.
    pub(crate) name: &'static str,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) path: &'static str,
    pub(crate) headers: &'static [&'static str],
    pub(crate) body: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: String,
    pub(crate) body: Vec<u8>,
}

impl Call {
    /// Sends it and waits for the whole answer.
    pub(crate) fn run(&self) -> io::Result<Answer> {
        let address = self.address.ok_or_else(|| io::Error::other("the sidecar has no listener for this"))?;
        let (name, port) = (self.name, address.port());
        let mut curl = Command::new("curl");
        // First: without it, a ~/.curlrc would have its say.
        curl.arg("--disable");
        curl.args(["--silent", "--show-error", "--no-buffer", "--noproxy", "*", "--max-time", MAX_SECONDS]);
        curl.arg("--resolve").arg(format!("{name}:{port}:{}", address.ip()));
        curl.args(["--write-out", "\n%{http_code}", "--header", "content-type: application/json"]);
        for header in self.headers {
            curl.arg("--header").arg(header);
        }
        curl.args(["--data-binary", "@-"]).arg(format!("http://{name}:{port}{}", self.path));
        let mut child = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(self.body.as_bytes())?;
        }
        let mut body = child.wait_with_output()?.stdout;
        let status = body.iter().rposition(|&byte| byte == b'\n').map(|end| body.split_off(end));
        let status = String::from_utf8_lossy(status.as_deref().unwrap_or_default()).trim().to_owned();
        Ok(Answer { status, body })
    }
}
