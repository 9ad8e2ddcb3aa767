//! Calls that get or create tokens, as many as a bridge takes.

use std::{
    cell::Cell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use e2e::{bridge::Bridge, wire::Connection};
use tokio::task::LocalSet;

use crate::Failure;

/// The scope of all calls.
const SCOPE: &str = "default";
/// The kind of all values: one run of the script a call, as in redis-benchmark.
pub(crate) const KIND: &str = "EC2";
/// Bounds the wait for an answer: a bench that hangs has failed.
const DEADLINE: Duration = Duration::from_secs(10);
/// Hex digits of a value.
const DIGITS: usize = 17;

/// The bytes of calls that differ only in their values.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    /// Where the digits of each value stand.
    places: Vec<usize>,
}

/// Which values a call has.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    /// The first one's number.
    pub(crate) first: u64,
    /// The calls after which they begin again; none: they are always new.
    pub(crate) cycle: Option<u64>,
}

/// What became of the calls.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) calls: u64,
    pub(crate) time: Duration,
    /// Of each call, in order of length.
    latencies: Vec<Duration>,
}

/// An Envoy: its connections to the bridge.
#[derive(Debug)]
pub(crate) struct Load {
    connections: Vec<Connection>,
}

impl Template {
    /// With so many values a call.
    pub(crate) fn new(bridge: &Bridge, values: usize) -> Self {
        let value = format!(r#"{{"kind":"{KIND}","value":"i-{}","keep":true}}"#, "#".repeat(DIGITS));
        let body = format!(r#"{{"values":[{}]}}"#, vec![value; values].join(","));
        // What Envoy sends.
        let head = format!(
            "POST /v1/scopes/{SCOPE}/tokens HTTP/1.1\r\nhost: redis-bridge\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nauthorization: Bearer {}\r\nx-request-id: 5e1f4a0c-8f0e-4f6e-9d57-0a3f7c1b2d3e\r\n\
             x-envoy-expected-rq-timeout-ms: 500\r\n\r\n",
            body.len(),
            bridge.token()
        );
        let text = head + &body;
        let mark = format!("i-{}", "#".repeat(DIGITS));
        let places = text.match_indices(&mark).map(|(at, _)| at + 2).collect();
        Self { bytes: text.into_bytes(), places }
    }

    /// Puts values into the places, from this number on.
    fn fill(&mut self, first: u64) {
        for (&place, number) in self.places.iter().zip(first..) {
            let digits = self.bytes.iter_mut().skip(place).take(DIGITS).rev();
            for (digit, shift) in digits.zip((0..).step_by(4)) {
                let nibble = number.checked_shr(shift).unwrap_or_default() & 0xf;
                *digit = b"0123456789abcdef".get(nibble as usize).copied().unwrap_or_default();
            }
        }
    }
}

impl Load {
    pub(crate) async fn open(address: SocketAddr, connections: usize) -> Result<Self, Failure> {
        let mut load = Self { connections: Vec::with_capacity(connections) };
        for _ in 0..connections {
            load.connections.push(Connection::open(address).await?);
        }
        Ok(load)
    }

    /// Calls for so long, over all connections.
    pub(crate) async fn run_for(
        &mut self,
        time: Duration,
        template: &Template,
        values: &Values,
    ) -> Result<Answered, Failure> {
        let until = Instant::now() + time;
        self.run(template, values, move |_| Instant::now() < until).await
    }

    /// Makes so many calls, over all connections.
    pub(crate) async fn run_count(
        &mut self,
        count: u64,
        template: &Template,
        values: &Values,
    ) -> Result<Answered, Failure> {
        self.run(template, values, move |sent| sent < count).await
    }

    async fn run(
        &mut self,
        template: &Template,
        values: &Values,
        more: impl Fn(u64) -> bool + Copy + 'static,
    ) -> Result<Answered, Failure> {
        let sent = Rc::new(Cell::new(0));
        let start = Instant::now();
        let tasks = LocalSet::new();
        let mut running = Vec::with_capacity(self.connections.len());
        for mut connection in self.connections.drain(..) {
            let (mut template, values, sent) = (template.clone(), values.clone(), Rc::clone(&sent));
            running.push(tasks.spawn_local(async move {
                let (mut latencies, mut body) = (Vec::new(), BytesMut::new());
                while more(sent.get()) {
                    let number = sent.replace(sent.get() + 1);
                    let call = values.cycle.map_or(number, |cycle| number % cycle);
                    template.fill(values.first + call * template.places.len() as u64);
                    let start = Instant::now();
                    tokio::time::timeout(DEADLINE, connection.call(&template.bytes, &mut body)).await??;
                    latencies.push(start.elapsed());
                    let tokens = body.iter().filter(|&&byte| byte == b'_').count();
                    // `AWS_EC2_…` each, and one in `ttl_seconds`.
                    if tokens != 2 * template.places.len() + 1 {
                        return Err("an answer has another count of tokens than there were values".into());
                    }
                }
                Ok::<_, Failure>((connection, latencies))
            }));
        }
        let mut latencies = Vec::new();
        let connections = &mut self.connections;
        tasks
            .run_until(async {
                for task in running {
                    let (connection, mut times) = task.await??;
                    connections.push(connection);
                    latencies.append(&mut times);
                }
                Ok::<_, Failure>(())
            })
            .await?;
        let time = start.elapsed();
        latencies.sort_unstable();
        Ok(Answered { calls: latencies.len() as u64, time, latencies })
    }
}

impl Answered {
    pub(crate) fn per_second(&self) -> f64 {
        self.calls as f64 / self.time.as_secs_f64()
    }

    /// The latency that this part of the calls did not exceed, in µs.
    pub(crate) fn latency(&self, part: f64) -> f64 {
        let at = ((self.latencies.len() as f64 * part) as usize).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    }
}
