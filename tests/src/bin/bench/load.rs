//! Many requests over a few connections, at little cost: bytes that are ready, and just enough HTTP/1.1 to read answers.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::Failure;

/// Keep-alive connections to each Envoy.
pub(crate) const CONNECTIONS: usize = 16;

/// Bounds the wait for one batch of requests: a bench that hangs has failed.
const DEADLINE: Duration = Duration::from_secs(60);

/// An application: its connections to one Envoy.
#[derive(Debug)]
pub(crate) struct Load {
    connections: Vec<Connection>,
}

impl Load {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            connections.push(Connection { stream, read: BytesMut::new() });
        }
        Ok(Self { connections })
    }

    /// Sends `request` once and returns the body of its answer.
    pub(crate) async fn once(&mut self, request: &Bytes) -> Result<Bytes, Failure> {
        let connection = self.connections.first_mut().ok_or("there are no connections")?;
        let mut body = BytesMut::new();
        tokio::time::timeout(DEADLINE, connection.call(request, &mut body)).await??;
        Ok(body.freeze())
    }

    /// Sends `request` `count` times over all connections; every answer must have this body.
    pub(crate) async fn run(&mut self, request: &Bytes, count: usize, body: &Bytes) -> Result<(), Failure> {
        let sent = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::with_capacity(CONNECTIONS);
        for mut connection in self.connections.drain(..) {
            let (request, expected, sent) = (request.clone(), body.clone(), Arc::clone(&sent));
            tasks.push(tokio::spawn(async move {
                let mut body = BytesMut::with_capacity(expected.len());
                while sent.fetch_add(1, Ordering::Relaxed) < count {
                    connection.call(&request, &mut body).await?;
                    if body != expected {
                        return Err("an answer differs from the one before".into());
                    }
                }
                Ok::<_, Failure>(connection)
            }));
        }
        for task in tasks {
            self.connections.push(tokio::time::timeout(DEADLINE, task).await???);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    read: BytesMut,
}

impl Connection {
    /// Sends a request and reads the body of its answer, which must be 200 and end properly.
    async fn call(&mut self, request: &[u8], body: &mut BytesMut) -> Result<(), Failure> {
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
            0 => Err("Envoy closed a connection".into()),
            _ => Ok(()),
        }
    }
}

/// Room for one read.
const READ: usize = 64 * 1024;
