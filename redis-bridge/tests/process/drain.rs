//! How it ends: calls in flight do, and whoever balances load has time to notice.

use e2e::client::{Call, Protocol, within};

use crate::world::{Bridge, HOST, World, issue};

/// A call whose head has arrived and whose body has not.
macro_rules! in_flight {
    ($bridge:expr, $connection:expr, $call:expr) => {{
        let (sender, answering) = $connection.begin_by_hand(&$call);
        let answering = tokio::spawn(answering);
        (sender, answering)
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_flight_end_before_the_bridge_does() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let world = World::new();
        let mut bridge = world.start(&["--listen", "127.0.0.1:0"]);
        let call = issue(&["i-1"]);
        let mut connection = bridge.connect(protocol).await;
        let (mut body, answering) = in_flight!(bridge, connection, call);
        let whole = call.body();
        body.send_data(whole.slice(..10)).await.unwrap();
        await_call(&bridge).await;

        bridge.signal("INT");
        bridge.await_line("draining", |line| line["message"] == "draining");
        await_refused(&bridge).await;
        body.send_data(whole.slice(10..)).await.unwrap();
        drop(body);
        let answer = within("the answer", answering).await.unwrap().unwrap().rest().await;
        assert_eq!(answer.status, 200, "{protocol:?}: {}", answer.text());
        assert_eq!(answer.text(), r#"{"tokens":["AWS_EC2_001"],"ttl_seconds":86400}"#);
        assert!(bridge.wait().success());
        assert!(bridge.log().contains(r#""message":"ended""#), "{}", bridge.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_ends_before_connections_do() {
    let world = World::new();
    let mut bridge = world.start(&["--listen", "127.0.0.1:0", "--drain", "10m"]);
    let mut old = bridge.connect(Protocol::Http1).await;
    assert_eq!(old.call(&issue(&["i-1"])).await.unwrap().status, 200);

    bridge.signal("TERM");
    bridge.await_line("draining", |line| line["message"] == "draining");
    let ready = bridge.call(&Call::get(HOST, "/readyz")).await;
    assert_eq!(ready.status, 503);
    assert_eq!(bridge.call(&Call::get(HOST, "/healthz")).await.status, 200);
    let answer = bridge.call(&issue(&["i-1"])).await;
    assert_eq!(answer.status, 200, "new connections are taken");
    assert_eq!(answer.headers["connection"], "close", "but not for long");
    old.ready().await.unwrap();
    assert_eq!(old.call(&issue(&["i-1"])).await.unwrap().headers["connection"], "close");

    bridge.signal("TERM");
    assert!(bridge.wait().success(), "a second signal does not wait");
    assert!(bridge.log().contains("second signal"), "{}", bridge.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_hold_it() {
    let world = World::new();
    let mut bridge = world.start(&["--listen", "127.0.0.1:0", "--drain", "0s"]);
    let mut connections = Vec::new();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut connection = bridge.connect(protocol).await;
        assert_eq!(connection.call(&issue(&["i-1"])).await.unwrap().status, 200);
        connections.push(connection);
    }
    let silent = tokio::net::TcpStream::connect(bridge.address()).await.unwrap();
    bridge.signal("TERM");
    assert!(bridge.wait().success());
    assert!(bridge.log().contains(r#""message":"ended""#), "{}", bridge.log());
    drop((connections, silent));
}

/// Waits until the bridge reads a body.
async fn await_call(bridge: &Bridge) {
    within("the call's body", async {
        loop {
            let metrics = bridge.call(&Call::get(HOST, "/metrics")).await.text();
            if metrics.contains("redis_bridge_bodies_bytes 10") {
                return;
            }
        }
    })
    .await;
}

/// Waits until no connection is taken any more.
async fn await_refused(bridge: &Bridge) {
    within("refused connections", async {
        while tokio::net::TcpStream::connect(bridge.address()).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
