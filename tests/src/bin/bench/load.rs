//! Many requests over a few connections, at little cost.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use e2e::wire::Connection;

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
            connections.push(Connection::open(address).await?);
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
