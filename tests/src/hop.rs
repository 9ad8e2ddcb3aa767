//! A hop between the bridge and Redis that delays, holds, cuts and lies when it is told to, and behind which one server
//! takes another's place.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    runtime::Runtime,
    sync::watch,
    time::sleep,
};

use crate::redis::Redis;

/// Bytes that go on at a time.
const CHUNK_LEN: usize = 16 * 1024;

/// What happens to replies.
#[derive(Clone, Copy, Debug)]
pub enum Mood {
    /// They go on as they come.
    Pass,
    /// Each piece goes on after a while.
    Delay(Duration),
    /// Nothing goes on until the mood changes.
    Hold,
    /// Of the next piece the first half goes on, then the connection ends.
    Cut,
    /// These bytes go on in the place of each piece.
    Lie(&'static [u8]),
}

/// A hop with a TCP port. It has a thread of its own, so that a test may block.
#[derive(Debug)]
pub struct Hop {
    address: SocketAddr,
    state: watch::Sender<State>,
    // `None` while it is dropped.
    runtime: Option<Runtime>,
}

#[derive(Clone, Debug)]
struct State {
    mood: Mood,
    target: PathBuf,
    /// Connections of an earlier one end.
    generation: u64,
}

impl Hop {
    /// In front of this server.
    ///
    /// # Panics
    /// When no port is free.
    pub fn to(redis: &Redis) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread can be started");
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        listener.set_nonblocking(true).expect("a socket can be told not to block");
        let address = listener.local_addr().expect("it is bound");
        let (state, seen) = watch::channel(State { mood: Mood::Pass, target: redis.socket(), generation: 0 });
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("it does not block");
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, seen.clone()));
            }
        });
        Self { address, state, runtime: Some(runtime) }
    }

    /// As the bridge is told it.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// What happens to replies from now on, those that are held included.
    pub fn set(&self, mood: Mood) {
        self.state.send_modify(|state| state.mood = mood);
    }

    /// Ends all connections; new ones go to this server.
    pub fn switch_to(&self, redis: &Redis) {
        self.state.send_modify(|state| {
            state.target = redis.socket();
            state.generation += 1;
        });
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn forward(client: TcpStream, seen: watch::Receiver<State>) {
    let (target, generation) = {
        let state = seen.borrow();
        (state.target.clone(), state.generation)
    };
    let Ok(server) = UnixStream::connect(target).await else { return };
    let (mut requests, mut to_client) = client.into_split();
    let (replies, mut to_server) = server.into_split();
    let mut switched = seen.clone();
    // Whichever ends first ends the connection.
    tokio::select! {
        _ = tokio::io::copy(&mut requests, &mut to_server) => {}
        _ = reply(replies, &mut to_client, seen) => {}
        _ = switched.wait_for(|state| state.generation != generation) => {}
    }
}

async fn reply(
    mut from: impl AsyncRead + Unpin,
    to: &mut (impl AsyncWrite + Unpin),
    mut seen: watch::Receiver<State>,
) -> io::Result<()> {
    let mut piece = Vec::with_capacity(CHUNK_LEN);
    loop {
        piece.clear();
        if from.read_buf(&mut piece).await? == 0 {
            return Ok(());
        }
        let state = seen.wait_for(|state| !matches!(state.mood, Mood::Hold)).await;
        let mood = state.map_err(io::Error::other)?.mood;
        match mood {
            Mood::Pass | Mood::Hold => to.write_all(&piece).await?,
            Mood::Delay(time) => {
                sleep(time).await;
                to.write_all(&piece).await?;
            }
            Mood::Cut => {
                let (half, _) = piece.split_at(piece.len() / 2);
                return to.write_all(half).await;
            }
            Mood::Lie(lie) => to.write_all(lie).await?,
        }
    }
}
