//! Keeps a connection while there is a server, and finds the server again when it is gone.

use std::{sync::Arc, time::Duration};

use redis::{AsyncConnectionConfig, Client};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};

use super::{
    Options,
    failure::Failure,
    link::{Demands, Link},
};
use crate::store::{ErrorKind, KeyCheck, StoreError};

/// Holds the connection that calls use, if there is one.
pub(super) struct Connector {
    client: Client,
    checks: Vec<KeyCheck>,
    time_limit: Duration,
    allow_eviction: bool,
    ttl: Duration,
    state: watch::Sender<State>,
    /// A call had no answer in time.
    late: Notify,
}

enum State {
    Down(StoreError),
    /// And what the last heartbeat found wrong, though the connection is good.
    Up(Arc<Link>, Option<StoreError>),
}

/// The first and the longest pause between attempts to connect. Recovery is a matter of seconds.
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// How often a connection that nobody needs is checked: it finds out first that the server is another now.
const HEARTBEAT: Duration = Duration::from_secs(1);

impl Connector {
    /// Tries to connect once.
    ///
    /// # Errors
    /// When the server must not be used as it is. A server that cannot be reached is no error.
    pub(super) async fn new(
        client: Client,
        options: &Options,
        checks: Vec<KeyCheck>,
    ) -> Result<Self, StoreError> {
        let down = Failure::down("Redis was not reached yet").error;
        let connector = Self {
            client,
            checks,
            time_limit: options.timeout,
            allow_eviction: options.allow_eviction,
            ttl: options.ttl,
            state: watch::Sender::new(State::Down(down)),
            late: Notify::new(),
        };
        match connector.connect().await {
            Ok(link) => connector.rise(link),
            Err(error) if error.kind == ErrorKind::Unsound => return Err(error),
            Err(error) => connector.stay_down(error),
        }
        Ok(connector)
    }

    /// The connection, or why there is none.
    pub(super) fn link(&self) -> Result<Arc<Link>, StoreError> {
        match &*self.state.borrow() {
            State::Down(error) => Err(error.clone()),
            State::Up(link, _) => Ok(Arc::clone(link)),
        }
    }

    /// Whether calls would succeed, as far as is known.
    pub(super) fn ready(&self) -> Result<(), StoreError> {
        match &*self.state.borrow() {
            State::Down(error) | State::Up(_, Some(error)) => Err(error.clone()),
            State::Up(_, None) => Ok(()),
        }
    }

    /// Does something on this connection, and gives the connection up if that says so.
    pub(super) async fn within<T>(
        &self,
        link: &Arc<Link>,
        work: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Result<T, StoreError> {
        let failure = match work.await {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        if failure.lost {
            self.fall(link, &failure.error);
        } else if failure.late {
            self.late.notify_one();
        }
        Err(failure.error)
    }

    /// Checks the connection, and gives it up when there is no answer. At most one time limit in all.
    async fn check(&self) {
        let Ok(link) = self.link() else { return };
        let demands = self.demands();
        let checked = timeout(self.time_limit, link.check(&demands)).await;
        let wrong = match checked.unwrap_or_else(|_| Err(Failure::late())) {
            Ok(()) => None,
            Err(failure) if failure.lost || failure.late => return self.fall(&link, &failure.error),
            Err(failure) => Some(failure.error),
        };
        // No news to whoever waits for another connection.
        self.state.send_if_modified(|state| {
            if let State::Up(current, known) = state
                && Arc::ptr_eq(current, &link)
            {
                *known = wrong;
            }
            false
        });
    }

    /// Keeps the connection. Never ends.
    pub(super) async fn keep(&self) {
        let mut state = self.state.subscribe();
        let mut pause = MIN_PAUSE;
        loop {
            let since = Instant::now();
            while matches!(*state.borrow_and_update(), State::Up(..)) {
                // Whichever comes first: a call lost the connection, or had no answer, or it is time to look.
                tokio::select! {
                    _ = state.changed() => {}
                    () = self.late.notified() => self.check().await,
                    () = sleep(HEARTBEAT) => self.check().await,
                }
            }
            if since.elapsed() > MAX_PAUSE {
                pause = MIN_PAUSE;
            }
            sleep(jitter(pause)).await;
            match self.connect().await {
                Ok(link) => self.rise(link),
                Err(error) => self.stay_down(error),
            }
            pause = MAX_PAUSE.min(pause * 2);
        }
    }

    async fn connect(&self) -> Result<Link, StoreError> {
        // One limit for all of it, which is ours.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connect = async {
            let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            Link::new(connection, &self.demands()).await
        };
        match timeout(self.time_limit, connect).await {
            Ok(link) => link.map_err(|failure| failure.error),
            Err(_) => Err(Failure::late().error),
        }
    }

    fn demands(&self) -> Demands<'_> {
        Demands {
            allow_eviction: self.allow_eviction,
            ttl: self.ttl,
            checks: &self.checks,
            time_limit: self.time_limit,
        }
    }

    fn rise(&self, link: Link) {
        tracing::info!("connected to Redis");
        self.state.send_replace(State::Up(Arc::new(link), None));
    }

    /// Unless another connection took its place already: a late failure of an old one is no news.
    fn fall(&self, link: &Arc<Link>, error: &StoreError) {
        let fell = self.state.send_if_modified(|state| {
            let current = matches!(state, State::Up(current, _) if Arc::ptr_eq(current, link));
            if current {
                *state = State::Down(error.clone());
            }
            current
        });
        if fell {
            tracing::warn!(reason = error.message, "lost Redis");
        }
    }

    fn stay_down(&self, error: StoreError) {
        self.state.send_if_modified(|state| {
            let news = !matches!(state, State::Down(known) if *known == error);
            if news {
                tracing::warn!(reason = error.message, "cannot use Redis");
                *state = State::Down(error);
            }
            news
        });
    }
}

/// Between half of the pause and all of it, so that bridges do not come back in step.
fn jitter(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or_default();
    pause / 2 + (pause / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}
