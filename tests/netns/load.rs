//! Applications that call without a pause, and what becomes of each call.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use e2e::{
    client::{Answer, Call, Connection, Protocol, within},
    netns::Namespace,
    provider::KEY_HEADER,
    said::Api,
    world::ANTHROPIC,
};
use tokio::{sync::Notify, task::JoinSet};

use crate::{dial::tcp, world::World};

/// How many call at the same time. Every other one says what is new each time, which the bridge must be asked for.
const CALLERS: usize = 6;
/// What the identifiers of the first caller begin with; see [`assert_masked`].
const FIRST: usize = 0x100;
/// Calls over one connection.
const CALLS: usize = 5;
/// Between the calls of one caller: what is tested is not how much goes through.
const PAUSE: Duration = Duration::from_millis(10);

/// What became of a call.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) began: Instant,
    pub(crate) took: Duration,
    /// Whether its identifier was said before, so that the sidecar knows the token.
    pub(crate) known: bool,
    pub(crate) end: End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Restored, to the byte.
    Right,
    /// An error that says what it is.
    Refused(u16),
    /// No answer, or the connection broke.
    Broken(String),
}

/// Calls that go on until [`stop`](Self::stop).
pub(crate) struct Load {
    callers: JoinSet<()>,
    shared: Arc<Shared>,
}

struct Shared {
    stop: AtomicBool,
    outcomes: Mutex<Vec<Outcome>>,
    more: Notify,
}

impl Load {
    /// Begins, and waits until calls of each kind have succeeded.
    pub(crate) async fn start(world: &World) -> Self {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            outcomes: Mutex::default(),
            more: Notify::new(),
        });
        let mut load = Self { callers: JoinSet::new(), shared };
        for number in 0..CALLERS {
            let caller = Caller {
                from: world.app.clone(),
                tls: world.trust(),
                to: (crate::world::addresses(ANTHROPIC)[0], 443).into(),
                protocol: if number % 4 < 2 { Protocol::Http2 } else { Protocol::Http1 },
                known: number % 2 == 0,
                number,
                shared: Arc::clone(&load.shared),
            };
            load.callers.spawn(caller.run());
        }
        load.until("calls of each kind", |outcomes| {
            [true, false].iter().all(|known| {
                outcomes.iter().filter(|outcome| outcome.known == *known && outcome.end == End::Right).count()
                    > 10
            })
        })
        .await;
        load
    }

    /// Waits until the outcomes are as `ready` wants them.
    pub(crate) async fn until(&self, what: &str, ready: impl Fn(&[Outcome]) -> bool) {
        within(what, async {
            loop {
                let more = self.shared.more.notified();
                if ready(&self.shared.outcomes.lock().unwrap()) {
                    return;
                }
                more.await;
            }
        })
        .await;
    }

    /// Waits until this many calls of each kind that began after now are right, one after the other; returns how long it
    /// took to the first of them.
    pub(crate) async fn recovery(&self) -> Duration {
        let now = Instant::now();
        let all_well = |outcomes: &[Outcome], known: bool| -> Option<Instant> {
            let since: Vec<_> =
                outcomes.iter().filter(|outcome| outcome.began > now && outcome.known == known).collect();
            let bad = since.iter().rposition(|outcome| outcome.end != End::Right).map_or(0, |at| at + 1);
            (since.len() - bad >= 15).then(|| since[bad].began)
        };
        self.until("all to be well again", |outcomes| {
            all_well(outcomes, true).is_some() && all_well(outcomes, false).is_some()
        })
        .await;
        let outcomes = self.shared.outcomes.lock().unwrap();
        let well = [true, false].map(|known| all_well(&outcomes, known).expect("it was")).into_iter().max();
        well.expect("two") - now
    }

    /// How long the slowest of the calls took that ended after this.
    pub(crate) fn slowest_since(&self, since: Instant) -> Duration {
        let outcomes = self.shared.outcomes.lock().unwrap();
        let ended = outcomes.iter().filter(|outcome| outcome.began + outcome.took > since);
        ended.map(|outcome| outcome.took).max().unwrap_or_default()
    }

    /// Lets every call end, and returns what became of all.
    pub(crate) async fn stop(self) -> Vec<Outcome> {
        self.shared.stop.store(true, Ordering::SeqCst);
        within("the last calls", self.callers.join_all()).await;
        std::mem::take(&mut self.shared.outcomes.lock().unwrap())
    }
}

struct Caller {
    from: Namespace,
    tls: e2e::client::Tls,
    to: std::net::SocketAddr,
    protocol: Protocol,
    known: bool,
    number: usize,
    shared: Arc<Shared>,
}

impl Caller {
    async fn run(self) {
        let mut count = 0;
        while !self.shared.stop.load(Ordering::SeqCst) {
            let began = Instant::now();
            match self.connect().await {
                Err(error) => self.note(began, End::Broken(error)),
                Ok(mut connection) => {
                    for _ in 0..CALLS {
                        count += 1;
                        let began = Instant::now();
                        let end = self.call(&mut connection, count).await;
                        let broken = matches!(end, End::Broken(_));
                        self.note(began, end);
                        if broken {
                            break;
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn connect(&self) -> Result<Connection, String> {
        let stream = tcp(&self.from, self.to).map_err(|error| error.to_string())?;
        let open = self.tls.open(stream, ANTHROPIC, self.protocol);
        within("TLS", open).await.map_err(|error| error.to_string())
    }

    /// An identifier of this caller's, a new one or always the same.
    fn said(&self, count: usize) -> String {
        format!("i-0{:03x}{:013x}", self.number + FIRST, if self.known { 0 } else { count })
    }

    async fn call(&self, connection: &mut Connection, count: usize) -> End {
        let said = self.said(count);
        let call = Call::post(ANTHROPIC, "/v1/messages", Api::Anthropic.request(&said, false, false))
            .header(KEY_HEADER, format!("load-{}-{count}", self.number));
        if let Err(error) = connection.ready().await {
            return End::Broken(error.to_string());
        }
        match within("an answer under load", connection.call(&call)).await {
            Err(error) => End::Broken(error.to_string()),
            Ok(answer) => judge(&answer, &said),
        }
    }

    fn note(&self, began: Instant, end: End) {
        self.shared.outcomes.lock().unwrap().push(Outcome {
            began,
            took: began.elapsed(),
            known: self.known,
            end,
        });
        self.shared.more.notify_waiters();
    }
}

/// Right or a clear error: an answer that is neither fails the test at once.
fn judge(answer: &Answer, said: &str) -> End {
    let text = answer.text();
    if answer.end != e2e::provider::End::Complete {
        return End::Broken(format!("{} was cut: {text}", answer.status));
    }
    let json: serde_json::Value =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {answer:?}"));
    if answer.status == 200 {
        let content = json["content"][0]["text"].as_str().unwrap_or_default();
        assert!(content.contains(said) && !text.contains("AWS_"), "not restored: {text}");
        return End::Right;
    }
    assert!(
        json["error"]["message"].is_string() && json["request_id"].is_string(),
        "an unclear error: {answer:?}"
    );
    End::Refused(answer.status)
}

/// Nothing of what the load says got out as it is.
pub(crate) fn assert_masked(world: &World) {
    let mut requests = 0;
    for request in world.provider.records().all() {
        if request.header(KEY_HEADER).is_some_and(|key| key.starts_with("load-")) {
            requests += 1;
            let text = request.text();
            assert!(text.contains("AWS_EC2_") && !text.contains("\"i-0"), "not masked: {request:?}");
        }
    }
    assert!(requests > 0, "the provider received some");
    let mine =
        |bytes: &[u8]| bytes.windows(6).any(|window| matches!(window, b"i-0100" | b"i-0101" | b"i-0102"));
    let leaks = world.capture.packets_that(|packet| mine(&packet.bytes));
    assert!(leaks.is_empty(), "packets have an identifier: {leaks:?}");
    let logs = world.sidecar.envoy.logs();
    for (what, text) in
        [("Envoy's log", logs.own), ("the access log", logs.access), ("the bridge's log", world.bridge.log())]
    {
        assert!(!mine(text.as_bytes()), "{what} has an identifier: {text}");
    }
    assert!(!mine(&world.redis.dump()), "Redis has an identifier as it is");
}
