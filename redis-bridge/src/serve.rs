//! Connections: HTTP/1.1, and HTTP/2 with prior knowledge, on TCP and on Unix sockets.
//!
//! A connection that does not lead to calls costs a bounded amount of memory for a bounded time:
//!
//! | a client that | is cut after |
//! | --- | --- |
//! | sends no whole head of a first call | [`FIRST_CALL_TIME`] |
//! | is silent, and never made a call that its credential permits | [`STRANGER_IDLE_TIME`] |
//! | is such a one while all connections are in use | [`CROWDED_IDLE_TIME`] |
//! | is silent | [`IDLE_TIME`] |
//! | sends a body slowly | [`BODY_TIME`](crate::body::BODY_TIME) |
//! | fetches its answer slowly | [`CALL_MAX_TIME`] after its call |

mod activity;

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::Request, http::Response};
use hyper::{body::Incoming, service::Service as _};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use crate::{
    app::{App, Phase},
    call::Admitted,
    listen::{Listener, Stream},
    routes::router,
};
use activity::{Activity, Verdict};
pub use activity::{CALL_MAX_TIME, CROWDED_IDLE_TIME, FIRST_CALL_TIME, IDLE_TIME, STRANGER_IDLE_TIME};

/// Most open connections; more wait to be accepted. Each takes a file descriptor, and the process needs some dozens
/// besides: with fewer of them (`ulimit -n`) it cannot accept so many.
pub const MAX_CONNECTIONS: usize = 1024;
/// Most calls at the same time on one HTTP/2 connection.
pub const MAX_STREAMS: u32 = 128;
/// Longest head of a call.
pub const MAX_HEAD_LEN: u32 = 32 * 1024;
/// What an HTTP/2 connection may send before it is read.
pub const WINDOW_LEN: u32 = 256 * 1024;
/// Longest that calls in flight may take to end once no connections are accepted any more.
pub const FINISH_TIME: Duration = Duration::from_secs(20);

/// How often a connection is looked at.
const SWEEP: Duration = Duration::from_secs(5);
/// HTTP/2 peers that do not answer a ping are gone.
const PING_TIME: Duration = Duration::from_secs(30);
/// Rest after a failed accept: there are no more file descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the phase is [`Phase::Closing`] and all connections have ended. False if some had to be cut.
pub async fn serve(listeners: Vec<Listener>, app: Arc<App>, phase: watch::Receiver<Phase>) -> bool {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let server = Server {
        router: router(Arc::clone(&app)),
        app,
        phase,
        room: Arc::clone(&room),
        full: Arc::default(),
    };
    let mut accepting: JoinSet<()> =
        listeners.into_iter().map(|listener| server.clone().accept(listener)).collect();
    drop(server);
    while accepting.join_next().await.is_some() {}
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    timeout(FINISH_TIME, room.acquire_many(all)).await.is_ok()
}

#[derive(Clone)]
struct Server {
    app: Arc<App>,
    router: Router,
    phase: watch::Receiver<Phase>,
    room: Arc<Semaphore>,
    /// Whether there was no room when it was last asked for.
    full: Arc<AtomicBool>,
}

impl Server {
    async fn accept(mut self, listener: Listener) {
        let mut closing = self.phase.clone();
        let mut closing = pin!(closing.wait_for(|phase| *phase == Phase::Closing));
        loop {
            let next = async {
                let place = self.place().await?;
                loop {
                    match listener.accept().await {
                        Ok(stream) => return Some((stream, place)),
                        Err(error) => {
                            tracing::warn!(%error, "a connection could not be accepted");
                            sleep(ACCEPT_PAUSE).await;
                        }
                    }
                }
            };
            let (stream, place) = tokio::select! {
                biased;
                _ = &mut closing => return,
                next = next => match next {
                    Some(next) => next,
                    None => return,
                },
            };
            let server = self.clone();
            tokio::spawn(async move {
                server.app.metrics.connections.inc();
                let connections = server.app.metrics.connections.clone();
                match stream {
                    Stream::Tcp(stream) => server.connection(stream).await,
                    Stream::Unix(stream) => server.connection(stream).await,
                }
                connections.dec();
                drop(place);
            });
            self.phase.borrow_and_update();
        }
    }

    /// Room for one connection, as soon as there is some.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.room).try_acquire_owned() {
            self.full.store(false, Ordering::Relaxed);
            return Some(place);
        }
        if !self.full.swap(true, Ordering::Relaxed) {
            tracing::warn!(limit = MAX_CONNECTIONS, "all connections are in use; more wait");
        }
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    async fn connection(self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let Self { router, mut phase, full, .. } = self;
        let activity = Arc::new(Activity::new(Instant::now()));
        let service = {
            let (router, activity) = (TowerToHyperService::new(router), Arc::clone(&activity));
            hyper::service::service_fn(move |request: Request<Incoming>| {
                let call = Activity::begin(&activity, Instant::now());
                let answering = router.call(request);
                async move {
                    let response: Response<_> = answering.await?;
                    if response.extensions().get::<Admitted>().is_some() {
                        call.admitted();
                    }
                    Ok::<_, Infallible>(response.map(|body| call.holds(body)))
                }
            })
        };
        let builder = builder();
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut closing = false;
        loop {
            let close = tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::trace!(%error, "connection ended early");
                    }
                    return;
                }
                _ = phase.wait_for(|phase| *phase == Phase::Closing), if !closing => true,
                _ = sweep.tick() => match activity.verdict(Instant::now(), full.load(Ordering::Relaxed)) {
                    Verdict::Cut => return,
                    Verdict::Close => true,
                    Verdict::Keep => false,
                },
            };
            if close && !closing {
                closing = true;
                activity.close(Instant::now());
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // It would end idle connections, too, and a pooling proxy would send its next call into the close.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_LEN as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_LEN)
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(WINDOW_LEN)
        .initial_connection_window_size(WINDOW_LEN)
        .max_send_buf_size(WINDOW_LEN as usize)
        .keep_alive_interval(PING_TIME)
        .keep_alive_timeout(PING_TIME);
    builder
}

#[cfg(test)]
mod tests;
