//! Where the bridge listens.

use std::{
    fmt, fs,
    io::{self, ErrorKind},
    net::SocketAddr,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixSocket, UnixStream};

/// An address to listen at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// `127.0.0.1:8790`
    Tcp(SocketAddr),
    /// `unix:/run/redis-bridge.sock`
    Unix(PathBuf),
}

/// An open address.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener, SocketFile),
}

/// An accepted connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The file of a Unix socket; removed on drop, unless somebody has put another one there.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    inode: Option<u64>,
}

impl Address {
    /// True if only processes on this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl Listener {
    /// Listens. A Unix socket's file gets `mode`; one that a bridge has left behind is replaced.
    ///
    /// # Errors
    /// When the address is in use or not permitted, or when something else than a socket is there.
    pub fn bind(address: &Address, mode: u32) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => {
                let listener = std::net::TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(Self::Tcp(TcpListener::from_std(listener)?))
            }
            Address::Unix(path) => {
                remove_stale(path)?;
                let socket = UnixSocket::new_stream()?;
                socket.bind(path)?;
                let file = SocketFile { path: path.clone(), inode: inode(path) };
                // Nobody can connect before `listen`, so nobody does before the mode is right.
                fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
                Ok(Self::Unix(socket.listen(BACKLOG)?, file))
            }
        }
    }

    /// Where it listens; a port of 0 has become a real one.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Unix(_, file) => Ok(Address::Unix(file.path.clone())),
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Answers are small and somebody waits for each.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.inode.is_some() && inode(&self.path) == self.inode {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err("expected a path after `unix:`".to_owned()),
                path => Ok(Self::Unix(path.into())),
            };
        }
        text.parse().map(Self::Tcp).map_err(|_| {
            "expected an IP address with a port, such as 127.0.0.1:8790 or [::1]:8790, or unix:/path"
                .to_owned()
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Removes the socket file of a bridge that is dead.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(io::Error::new(ErrorKind::AlreadyExists, "a file that is no socket is there"));
        }
        Ok(_) => {}
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(ErrorKind::AddrInUse, "another process listens there")),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

fn inode(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|metadata| metadata.ino())
}

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, local) in [
            ("127.0.0.1:8790", true),
            ("127.8.0.1:0", true),
            ("[::1]:8790", true),
            ("[::ffff:127.0.0.1]:8790", true),
            ("unix:/run/redis-bridge.sock", true),
            ("0.0.0.0:8790", false),
            ("[::]:8790", false),
            ("10.0.0.1:8790", false),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(address.is_local(), local, "{text}");
        }
        for text in ["", "8790", ":8790", "localhost:8790", "127.0.0.1", "unix:", "http://127.0.0.1:8790"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn socket_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.sock");
        let address = Address::Unix(path.clone());
        let mode = || fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777;

        let first = Listener::bind(&address, 0o600).unwrap();
        assert_eq!(mode(), 0o600);
        let error = Listener::bind(&address, 0o600).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse, "a live one stays");
        drop(first);
        assert!(!path.exists(), "removed with its listener");

        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "left behind");
        let second = Listener::bind(&address, 0o660).unwrap();
        assert_eq!(mode(), 0o660);

        fs::remove_file(&path).unwrap();
        fs::write(&path, "something else").unwrap();
        drop(second);
        assert!(path.exists(), "not ours");
        assert_eq!(Listener::bind(&address, 0o600).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert!(path.exists());
    }
}
