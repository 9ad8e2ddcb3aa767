//! How long the first text of a streamed answer takes.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use e2e::wire::Connection;

use crate::proxy::{CACHED, SIDES};
use crate::rows::median;
use crate::{Failure, Job, Runner};

/// Requests on each side, one after the other, the sides in turns.
const REQUESTS: usize = 300;

/// Most that the filter may add at the median.
const GATE: Duration = Duration::from_millis(1);

/// What the first event with text has, and no event before it.
const MARK: &[u8] = b"text_delta";

/// Measures how long the first text takes on all sides, and says what came of it.
///
/// Of answers with one event of text: where hundreds come at once, Envoy writes none of them to the application before all
/// of them were read, and no model writes like that.
pub(crate) async fn measure(runners: &[Runner<'_>], jobs: &[Job]) -> Result<String, Failure> {
    let mut connections = Vec::new();
    for runner in runners {
        connections.push(Connection::open(runner.envoy.address()).await?);
    }
    let mut times = [const { Vec::new() }; SIDES.len()];
    for _ in 0..REQUESTS {
        for ((connection, job), times) in connections.iter_mut().zip(jobs).zip(&mut times) {
            times.push(first(connection, &job.request).await?.as_secs_f64() * 1e6);
        }
    }
    let [bare, with] = [&times[0], &times[CACHED]].map(|times| median(times.iter().copied()));
    let verdict = if with - bare < GATE.as_secs_f64() * 1e6 { "met" } else { "missed" };
    Ok(format!(
        "first text        streamed  at most {} µs more than bare at the median: {:.0} more ({bare:.0}, {with:.0}), {verdict}",
        GATE.as_micros(),
        with - bare,
    ))
}

/// Until the first text has come; the rest of the answer is read and forgotten.
async fn first(connection: &mut Connection, request: &Bytes) -> Result<Duration, Failure> {
    let start = Instant::now();
    let mut time = None;
    let mut body = BytesMut::new();
    connection
        .call_watched(request, &mut body, |body| {
            if time.is_none() && body.windows(MARK.len()).any(|window| window == MARK) {
                time = Some(start.elapsed());
            }
        })
        .await?;
    Ok(time.ok_or("an answer has no text")?)
}
