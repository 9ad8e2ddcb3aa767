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

/// Writes these bytes and reads until `enough` says so, or the peer closes.
///
/// # Errors
/// When nobody listens there, or the connection is reset before that.
pub async fn raw_until(
    address: SocketAddr,
    request: &[u8],
    enough: impl Fn(&[u8]) -> bool,
) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    while !enough(&answer) && stream.read_buf(&mut answer).await? > 0 {}
    Ok(answer)
}

async fn read(mut stream: TcpStream) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer).await {
        // A reset after the answer is how Envoy ends a connection whose request it did not read to the end.
        Err(_) if !answer.is_empty() => Ok(answer),
        result => result.map(|_| answer),
    }
}
