//! How tests talk out of the application's namespace: as programs that know nothing of a sidecar, and as worse ones.

use std::{
    ffi::OsStr,
    fs, io,
    net::SocketAddr,
    process::{Command, Output},
    time::Duration,
};

use e2e::{
    client::{Answer, Call, Connection, Protocol, Tls, within},
    netns::Namespace,
};
use tokio::net::TcpStream;

use crate::world::{World, addresses};

/// How long the network may take to say that nobody is there.
const DEADLINE: Duration = Duration::from_secs(10);

/// Connects out of a namespace.
pub(crate) fn tcp(from: &Namespace, to: SocketAddr) -> io::Result<TcpStream> {
    let stream = from.enter(|| std::net::TcpStream::connect_timeout(&to, DEADLINE))?;
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}

impl World {
    /// Begins the command of a program that the application is: it trusts the sidecar's CA, as the environment says.
    pub(crate) fn application(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.app.command(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for variable in ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"] {
            command.env(variable, self.sidecar.ca());
        }
        command
    }

    /// Runs curl, which must not hang.
    pub(crate) fn curl(&self, arguments: &[&str]) -> Output {
        let mut command = self.application("curl");
        command.args(["--silent", "--show-error", "--max-time", "30"]).args(arguments);
        command.output().unwrap()
    }

    /// Trusts what the application trusts.
    pub(crate) fn trust(&self) -> Tls {
        Tls::trusting(&fs::read(self.sidecar.ca()).unwrap())
    }

    /// Connects to a host as its name says, by IPv4.
    pub(crate) async fn connect(&self, host: &str, protocol: Protocol) -> io::Result<Connection> {
        let [v4, _] = addresses(host);
        self.trust().open(tcp(&self.app, (v4, 443).into())?, host, protocol).await
    }

    /// Makes a call to a host over a connection of its own.
    pub(crate) async fn call(&self, protocol: Protocol, call: &Call) -> io::Result<Answer> {
        within("an answer", async {
            let mut connection = self.connect(&call.host, protocol).await?;
            connection.call(call).await.map_err(io::Error::other)
        })
        .await
    }
}
