//! Requests that no HTTP library would send.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Writes these bytes and reads until the peer closes the connection, so say `connection: close` in them.
///
/// # Errors
/// When nobody listens there, or the connection is reset before a byte came.
pub async fn raw(address: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(request).await?;
    read(stream).await
}

/// Writes these bytes, closes the sending half, and reads until the peer closes its half.
///
/// # Errors
/// When nobody listens there, or the connection is reset before a byte came.
pub async fn raw_half_closed(address: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(request).await?;
    stream.shutdown().await?;
    read(stream).await
}

async fn read(mut stream: TcpStream) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer).await {
        // A reset after the answer is how Envoy ends a connection whose request it did not read to the end.
        Err(_) if !answer.is_empty() => Ok(answer),
        result => result.map(|_| answer),
    }
}
