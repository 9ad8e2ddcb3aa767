//! Envoy's admin interface over its Unix socket: just enough HTTP for it.

use std::{
    io::{self, Read as _, Write as _},
    net::SocketAddr,
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use serde_json::Value;

/// Bounds one answer, so that a test cannot hang on a stuck Envoy.
const DEADLINE: Duration = Duration::from_secs(10);

pub(super) fn get(socket: &Path, path: &str) -> io::Result<String> {
    ask(socket, "GET", path)
}

pub(super) fn post(socket: &Path, path: &str) -> io::Result<String> {
    ask(socket, "POST", path)
}

fn ask(socket: &Path, method: &str, path: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: admin\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(head.to_owned()));
    }
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return Ok(unchunk(body));
    }
    Ok(body.to_owned())
}

fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        body.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    body
}

/// The addresses in an answer of `/listeners?format=json`, each listener's own before its additional ones.
pub(super) fn addresses(listeners: &str) -> Vec<SocketAddr> {
    let listeners: Value = serde_json::from_str(listeners).expect("the listeners are JSON");
    let mut addresses = Vec::new();
    for listener in listeners["listener_statuses"].as_array().expect("there are listeners") {
        let additional = listener["additional_local_addresses"].as_array();
        for address in std::iter::once(&listener["local_address"]).chain(additional.into_iter().flatten()) {
            let socket = &address["socket_address"];
            let ip = socket["address"].as_str().expect("a TCP listener").parse().expect("an IP address");
            let port = socket["port_value"].as_u64().and_then(|port| u16::try_from(port).ok());
            addresses.push(SocketAddr::new(ip, port.expect("a port")));
        }
    }
    addresses
}
