//! Clients that are slow on purpose, on a clock that the test moves.

use super::*;
use crate::{
    callers::Callers,
    keys::{Keys, generate},
    mappings::Mappings,
    store::embedded::{Embedded, Place, system_clock},
    vault::Vault,
};
use e2e::{
    client::{Call, Connection, Protocol},
    provider::End,
};
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

struct World {
    server: Server,
    phase: watch::Sender<Phase>,
}

impl World {
    fn new() -> Self {
        let vault = Arc::new(Vault::new(&Keys::from_json(generate().unwrap().as_bytes()).unwrap()));
        let ttl = Duration::from_secs(3600);
        let store = Embedded::open(Place::Memory, ttl, vault.checks().to_vec(), system_clock()).unwrap();
        let (phase, watching) = watch::channel(Phase::Serving);
        let app = App::new(Mappings::new(vault, Arc::new(store), ttl), Callers::Everybody, watching.clone());
        let server = Server {
            router: router(Arc::clone(&app)),
            app,
            phase: watching,
            room: Arc::new(Semaphore::new(1)),
            full: Arc::default(),
        };
        Self { server, phase }
    }

    /// A connection, with room for so many bytes on their way.
    fn connect(&self, room: usize) -> DuplexStream {
        let (client, stream) = duplex(room);
        tokio::spawn(self.server.clone().connection(stream));
        client
    }
}

/// Waits until the bridge closes the connection; how long that took.
async fn closed(mut client: DuplexStream) -> (Duration, String) {
    let began = Instant::now();
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    (began.elapsed(), String::from_utf8_lossy(&answer).into_owned())
}

fn within(time: Duration, limit: Duration) {
    assert!(time >= limit && time <= limit + 2 * SWEEP, "{time:?}, expected {limit:?}");
}

#[tokio::test(start_paused = true)]
async fn who_makes_no_call_is_cut() {
    let world = World::new();
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n\r\n", "GET /healthz HTTP/1.1\r\nhost: a\r\n"] {
        let mut client = world.connect(1024);
        client.write_all(beginning.as_bytes()).await.unwrap();
        let (time, answer) = closed(client).await;
        within(time, FIRST_CALL_TIME);
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn idle_strangers_go_sooner_than_callers() {
    let world = World::new();
    let issue = "POST /v1/scopes/a/tokens HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                 content-length: 13\r\n\r\n{\"values\":[]}";
    for (call, limit) in
        [("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n", STRANGER_IDLE_TIME), (issue, IDLE_TIME)]
    {
        let mut client = world.connect(1024);
        client.write_all(call.as_bytes()).await.unwrap();
        let (time, answer) = closed(client).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        within(time, limit);
    }
}

#[tokio::test(start_paused = true)]
async fn idle_strangers_make_room() {
    let world = World::new();
    let first = world.server.place().await.unwrap();
    assert!(world.server.place().now_or_never().is_none(), "there is room for one");
    let mut client = world.connect(1024);
    client.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let (time, _) = closed(client).await;
    within(time, CROWDED_IDLE_TIME);

    drop(first);
    drop(world.server.place().await);
    let mut client = world.connect(1024);
    client.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let (time, _) = closed(client).await;
    within(time, STRANGER_IDLE_TIME);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_fetch_an_answer_is_cut_and_it_is_let_go() {
    let mut world = World::new();
    let app = Arc::clone(&world.server.app);
    // More than any window or buffer on the way.
    world.server.router = Router::new().fallback(async move || app.budget.send(vec![b'x'; ANSWER_LEN]));
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut connection = Connection::over(world.connect(1024), protocol).await.unwrap();
        let began = Instant::now();
        let answer = connection.begin(&Call::get("a", "/")).await.unwrap();
        assert_eq!((answer.status, held(&world)), (200, ANSWER_LEN), "{protocol:?}");
        while held(&world) > 0 {
            sleep(Duration::from_secs(1)).await;
        }
        within(began.elapsed(), CALL_MAX_TIME);
        assert_eq!(answer.rest().await.end, End::Cut);
    }
}

#[tokio::test(start_paused = true)]
async fn who_fetches_an_answer_gets_all_of_it() {
    let mut world = World::new();
    let app = Arc::clone(&world.server.app);
    world.server.router = Router::new().fallback(async move || app.budget.send(vec![b'x'; ANSWER_LEN]));
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut connection = Connection::over(world.connect(1024), protocol).await.unwrap();
        let answer = connection.call(&Call::get("a", "/")).await.unwrap();
        assert_eq!((answer.body.len(), answer.end), (ANSWER_LEN, End::Complete), "{protocol:?}");
        assert_eq!(held(&world), 0);
    }
}

const ANSWER_LEN: usize = 16 * 1024 * 1024;

/// Bytes of bodies that the bridge holds.
fn held(world: &World) -> usize {
    usize::try_from(world.server.app.metrics.body_bytes.get()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_end_closes_what_is_idle() {
    let world = World::new();
    let mut client = world.connect(1024);
    client.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = [0; 15];
    client.read_exact(&mut answer).await.unwrap();
    world.phase.send_replace(Phase::Closing);
    let (time, _) = closed(client).await;
    assert!(time < Duration::from_secs(1), "{time:?}");
}
