//! Thousands of streamed answers through one sidecar at once: most of them silent, as models are that think.

use std::env;

use e2e::{
    client::{Call, Connection, Live, Protocol, within},
    provider::{End, Gate, KEY_HEADER, Reply, Script},
    said::{Api, INSTANCE},
    world::ANTHROPIC,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;

use crate::{
    clients::{delta, token_of_instance},
    world::World,
};

/// Silent streams, unless `CLOAKROOM_TEST_STREAMS` says how many; a tenth as many talk.
const SILENT: usize = 500;
/// Events of a stream that talks, each of which is read before the next one is sent.
const EVENTS: usize = 10;
/// Streams over one connection of HTTP/2, below the sidecar's limit.
const OVER_ONE: usize = 100;
/// How many connect at the same time.
const AT_ONCE: usize = 16;
/// Memory of Envoy for a stream of either protocol, with its part of the connections.
const KIB: u64 = 128;

/// Half of the streams have connections of their own, half share some, and all of them stay right to the last event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_silent_streams_and_some_that_talk() {
    lift_file_limit();
    let Some(world) = World::start() else { return };
    let silent: usize = env::var("CLOAKROOM_TEST_STREAMS").map_or(SILENT, |number| number.parse().unwrap());
    let talking = silent / 10;
    let token = token_of_instance(&world).await;
    // What the first calls need is no stream's.
    drop(open(&world, &token, Protocol::Http1, 2, "warm").await);
    drop(open(&world, &token, Protocol::Http2, 2, "warm").await);

    let mut streams = Vec::new();
    for (protocol, count) in [(Protocol::Http1, silent / 2), (Protocol::Http2, silent - silent / 2)] {
        let before = world.sidecar.envoy.resident_bytes();
        streams.extend(open(&world, &token, protocol, count, "silent").await);
        let of_each =
            world.sidecar.envoy.resident_bytes().saturating_sub(before) / 1024 / count.max(1) as u64;
        println!("{count} silent streams, {protocol:?}: {of_each} KiB of Envoy for each");
        assert!(of_each < KIB, "{protocol:?}: {of_each} KiB a stream");
    }

    let before = world.sidecar.envoy.resident_bytes();
    let mut active = open(&world, &token, Protocol::Http2, talking, "talking").await;
    for _ in 1..EVENTS {
        for stream in &mut active {
            stream.next().await;
        }
    }
    let grown = world.sidecar.envoy.resident_bytes().saturating_sub(before) / 1024;
    println!("{talking} streams that talk, {EVENTS} events each: {grown} KiB of Envoy for all");

    // Nobody was forgotten meanwhile.
    let count = streams.len() + active.len();
    for stream in streams.into_iter().chain(active) {
        stream.end().await;
    }
    println!("all {count} streams ended as they should");
}

/// A stream whose first event was read.
struct Stream {
    gate: Gate,
    live: Live,
    /// Shared by those over HTTP/2.
    _connection: std::sync::Arc<Connection>,
}

impl Stream {
    /// Lets the provider send an event, and reads it.
    async fn next(&mut self) {
        self.gate.open();
        self.read().await;
    }

    async fn read(&mut self) {
        let event = delta(&format!("{INSTANCE} is up. "));
        let got = within("an event", self.live.read_until(|got| got.ends_with(b"\n\n"))).await;
        assert_eq!(String::from_utf8_lossy(&got), event);
    }

    /// Lets the provider send whatever is left, and reads it.
    async fn end(self) {
        for _ in 0..EVENTS {
            self.gate.open();
        }
        let answer = within("the end of a stream", self.live.rest()).await;
        let event = delta(&format!("{INSTANCE} is up. "));
        assert_eq!((answer.end, answer.text().replace(&event, "")), (End::Complete, String::new()));
    }
}

/// Opens this many streams and reads the first event of each.
async fn open(world: &World, token: &str, protocol: Protocol, count: usize, kind: &str) -> Vec<Stream> {
    let over_one = if protocol == Protocol::Http2 { OVER_ONE } else { 1 };
    let mut opening = JoinSet::new();
    let mut streams = Vec::new();
    for first in (0..count).step_by(over_one) {
        if opening.len() >= AT_ONCE {
            streams.extend(opening.join_next().await.expect("there are some").expect("they open"));
        }
        let keys = (first..count.min(first + over_one)).map(|number| format!("{kind}-{protocol:?}-{number}"));
        let calls: Vec<_> = keys.map(|key| prepare(world, token, &key)).collect();
        let from = world.app.clone();
        let tls = world.trust();
        opening.spawn(async move {
            let to = (crate::world::addresses(ANTHROPIC)[0], 443).into();
            let stream = crate::dial::tcp(&from, to).unwrap();
            let mut connection = within("TLS", tls.open(stream, ANTHROPIC, protocol)).await.unwrap();
            let mut answers = Vec::new();
            for (call, gate) in calls {
                answers.push((within("a stream", connection.begin(&call)).await.unwrap(), gate));
            }
            let connection = std::sync::Arc::new(connection);
            let mut streams = Vec::new();
            for (live, gate) in answers {
                assert_eq!(live.status, 200);
                let mut stream = Stream { gate, live, _connection: connection.clone() };
                stream.read().await;
                streams.push(stream);
            }
            streams
        });
    }
    streams.extend(opening.join_all().await.into_iter().flatten());
    streams
}

/// The call, and the gate for each event of its answer but the first.
fn prepare(world: &World, token: &str, key: &str) -> (Call, Gate) {
    let gate = Gate::new();
    let event = delta(&format!("{token} is up. "));
    let script = (1..EVENTS).fold(Script::new("text/event-stream").send(event.clone()), |script, _| {
        script.wait(&gate).send(event.clone())
    });
    world.provider.reply(key, Reply::Script(script));
    let call = Call::post(ANTHROPIC, "/v1/messages", Api::Anthropic.request(INSTANCE, true, false));
    (call.header(KEY_HEADER, key), gate)
}

/// Each stream takes files here and in Envoy, which inherits the limit.
fn lift_file_limit() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}
