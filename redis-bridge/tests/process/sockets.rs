//! TCP and Unix sockets, HTTP/1.1 and HTTP/2, and what no HTTP library would send.

use std::{fs, os::unix::fs::PermissionsExt as _};

use e2e::client::{Call, Connection, Protocol, raw, within};
use tokio::net::UnixStream;

use crate::world::{HOST, VALUES, World, exists, issue};

#[tokio::test]
async fn both_protocols_keep_their_connection() {
    let world = World::new();
    let bridge = world.start(&["--listen", "127.0.0.1:0"]);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut connection = bridge.connect(protocol).await;
        for _ in 0..3 {
            connection.ready().await.unwrap();
            let call = issue(&["i-1"]).header("x-request-id", "mine");
            let answer = within("an answer", connection.call(&call)).await.unwrap();
            assert_eq!(answer.status, 200, "{protocol:?}: {}", answer.text());
            assert_eq!(answer.headers["x-request-id"], "mine");
        }
        // A head that is refused before its body is read.
        connection.ready().await.unwrap();
        let answer = connection.call(&Call::get(HOST, VALUES)).await.unwrap();
        assert_eq!(answer.status, 405);
    }
    let many = issue(&["x".repeat(8192).as_str(); 1000]).chunked(1 << 16);
    let mut connection = bridge.connect(Protocol::Http2).await;
    assert_eq!(within("an answer", connection.call(&many)).await.unwrap().status, 200);
}

#[tokio::test]
async fn large_answers_come_whole() {
    let world = World::new();
    let bridge = world.start(&["--listen", "127.0.0.1:0"]);
    let values: Vec<String> = (0..200).map(|at| format!("{at:08192}")).collect();
    let call = issue(&values.iter().map(String::as_str).collect::<Vec<_>>());
    let issued = bridge.call(&call).await;
    assert_eq!(issued.status, 200, "{}", issued.text());
    let tokens = issued.text();
    let tokens: serde_json::Value = serde_json::from_str(&tokens).unwrap();
    let call = Call::post(HOST, VALUES, serde_json::json!({"tokens": tokens["tokens"]}).to_string());
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let answer = within("an answer", bridge.connect(protocol).await.call(&call)).await.unwrap();
        let restored: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(restored["values"] == serde_json::json!(values), "{protocol:?}");
    }
}

#[tokio::test]
async fn unix_sockets() {
    let world = World::new();
    let path = world.path("bridge.sock");
    let address = format!("unix:{}", path.display());
    let mut bridge = world.start(&["--listen", &address, "--socket-mode", "0660"]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let stream = UnixStream::connect(&path).await.unwrap();
        let mut connection = Connection::over(stream, protocol).await.unwrap();
        let answer = within("an answer", connection.call(&issue(&["i-1"]))).await.unwrap();
        assert_eq!(answer.status, 200);
    }

    let second = world.run(&["--keys", "keys.json", "--store", "memory:", "--listen", &address]);
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another process listens there"), "{second:?}");

    bridge.signal("KILL");
    bridge.wait();
    assert!(exists(&path), "left behind");
    let mut next = world.start(&["--listen", &address]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    next.signal("INT");
    assert!(next.wait().success());
    assert!(!exists(&path), "removed at the end");
}

#[tokio::test]
async fn what_is_no_http_harms_nobody() {
    let world = World::new();
    let bridge = world.start(&["--listen", "127.0.0.1:0"]);
    let head = |more: &str| format!("POST {VALUES} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{more}\r\n");
    for (request, status) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01".to_vec(), ""),
        (b"GET / HTTP/9.9\r\n\r\n".to_vec(), ""),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nthis is no frame at all, by no means".to_vec(), ""),
        (head(&format!("x: {}\r\n", "y".repeat(100_000))).into_bytes(), "431"),
        (head(&"x: y\r\n".repeat(1000)).into_bytes(), "431"),
        (head("content-length: -1\r\n").into_bytes(), "400"),
        (head("content-length: 1\r\ncontent-length: 2\r\n").into_bytes(), "400"),
        (head("content-type: application/json\r\ncontent-length: 99999999999\r\n").into_bytes(), "413"),
        (
            head("content-type: application/json\r\ntransfer-encoding: chunked\r\n")
                .into_bytes()
                .into_iter()
                .chain(*b"zz\r\n")
                .collect(),
            "400",
        ),
    ] {
        let answer = within("an answer", raw(bridge.address(), &request)).await;
        let answer = String::from_utf8_lossy(&answer.unwrap_or_default()).into_owned();
        let shown = String::from_utf8_lossy(&request[..request.len().min(120)]).into_owned();
        if !status.is_empty() {
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{shown}: {answer}");
        }
        assert!(!answer.starts_with("HTTP/1.1 5") && !answer.starts_with("HTTP/1.1 2"), "{shown}: {answer}");
    }
    assert_eq!(bridge.call(&issue(&["i-1"])).await.status, 200);
}
