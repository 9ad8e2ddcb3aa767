//! Just enough HTTP/1.1 to send bytes that are ready and to read the answers, for the benches.

use std::{error::Error, io, net::SocketAddr};

use bytes::{Buf as _, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Why there is no answer.
type Failure = Box<dyn Error + Send + Sync>;

/// A keep-alive connection. It costs whoever measures the other end little.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    read: BytesMut,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: BytesMut::new() })
    }

    /// Sends a request and reads the body of its answer into `body`.
    ///
    /// # Errors
    /// When the answer is not 200 or does not end properly.
    pub async fn call(&mut self, request: &[u8], body: &mut BytesMut) -> Result<(), Failure> {
        self.call_watched(request, body, |_| {}).await
    }

    /// As [`call`](Self::call); `watch` is shown the body whenever more of one that comes in pieces has come.
    ///
    /// # Errors
    /// When the answer is not 200 or does not end properly.
    pub async fn call_watched(
        &mut self,
        request: &[u8],
        body: &mut BytesMut,
        mut watch: impl FnMut(&[u8]),
    ) -> Result<(), Failure> {
        body.clear();
        self.stream.write_all(request).await?;
        let head = self.take_to(b"\r\n\r\n").await?;
        let head = str::from_utf8(&head)?;
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(format!("an answer is not 200: {head}").into());
        }
        if let Some(length) = head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
            return self.take(length.parse()?, body).await;
        }
        loop {
            let line = self.take_to(b"\r\n").await?;
            let size = usize::from_str_radix(str::from_utf8(&line)?.trim_end(), 16)?;
            self.take(size, body).await?;
            watch(body);
            self.take_to(b"\r\n").await?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    /// Takes everything up to and with `end`.
    async fn take_to(&mut self, end: &[u8]) -> Result<BytesMut, Failure> {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|window| window == end) {
                return Ok(self.read.split_to(at + end.len()));
            }
            self.fill().await?;
        }
    }

    /// Moves `length` bytes to `body`.
    async fn take(&mut self, length: usize, body: &mut BytesMut) -> Result<(), Failure> {
        let mut missing = length;
        loop {
            let part = self.read.get(..missing.min(self.read.len())).unwrap_or_default();
            body.extend_from_slice(part);
            let taken = part.len();
            self.read.advance(taken);
            missing -= taken;
            if missing == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), Failure> {
        self.read.reserve(READ);
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err("the server closed a connection".into()),
            _ => Ok(()),
        }
    }
}

/// Room for one read.
const READ: usize = 64 * 1024;
