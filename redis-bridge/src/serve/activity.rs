//! How long a connection has been doing what.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{Error, body::Body};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::time::Instant;

/// Longest that a new connection may take to send the head of its first call.
pub const FIRST_CALL_TIME: Duration = Duration::from_secs(10);
/// Longest silence of who never made a call that a credential permits.
pub const STRANGER_IDLE_TIME: Duration = Duration::from_secs(60);
/// The same while all connections are in use: callers with a credential may be waiting.
pub const CROWDED_IDLE_TIME: Duration = Duration::from_secs(5);
/// Longest silence. Envoy keeps idle connections for an hour: it should be the one who closes, because a call that it
/// sends into our close is lost.
pub const IDLE_TIME: Duration = Duration::from_secs(65 * 60);
/// Longest that a call may take until its answer is fetched.
pub const CALL_MAX_TIME: Duration = Duration::from_secs(40);
/// How long a connection without calls may stay once its peer was told that it closes.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// The calls of one connection.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    /// When those in flight began, by number.
    calls: BTreeMap<u64, Instant>,
    next: u64,
    admitted: bool,
    idle_since: Instant,
    /// When the peer was told.
    closing_since: Option<Instant>,
}

/// What to do with a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Keep,
    /// Tell the peer, and wait for it.
    Close,
    Cut,
}

/// A call in flight; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct InFlight {
    activity: Arc<Activity>,
    number: u64,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(State {
            calls: BTreeMap::new(),
            next: 0,
            admitted: false,
            idle_since: now,
            closing_since: None,
        }))
    }

    pub(super) fn begin(this: &Arc<Self>, now: Instant) -> InFlight {
        let mut state = this.state();
        let number = state.next;
        state.next += 1;
        state.calls.insert(number, now);
        InFlight { activity: Arc::clone(this), number }
    }

    /// The peer was told that the connection closes.
    pub(super) fn close(&self, now: Instant) {
        self.state().closing_since = Some(now);
    }

    /// `crowded`: all connections are in use.
    pub(super) fn verdict(&self, now: Instant, crowded: bool) -> Verdict {
        let state = self.state();
        if let Some((_, began)) = state.calls.first_key_value() {
            return if now.duration_since(*began) > CALL_MAX_TIME { Verdict::Cut } else { Verdict::Keep };
        }
        if let Some(told) = state.closing_since {
            let since = told.max(state.idle_since);
            return if now.duration_since(since) > CLOSE_TIME { Verdict::Cut } else { Verdict::Keep };
        }
        let (limit, verdict) = match (state.next, state.admitted) {
            // There is nobody to tell.
            (0, _) => (FIRST_CALL_TIME, Verdict::Cut),
            (_, true) => (IDLE_TIME, Verdict::Close),
            (_, false) if crowded => (CROWDED_IDLE_TIME, Verdict::Close),
            (_, false) => (STRANGER_IDLE_TIME, Verdict::Close),
        };
        if now.duration_since(state.idle_since) > limit { verdict } else { Verdict::Keep }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlight {
    /// The caller's credential permits calls.
    pub(super) fn admitted(&self) {
        self.activity.state().admitted = true;
    }

    /// The call ends with its answer.
    pub(super) fn holds(self, body: Body) -> Answer {
        Answer { body, _call: self }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.calls.remove(&self.number);
        state.idle_since = Instant::now();
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    _call: InFlight,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn silence_and_slow_calls_end() {
        let start = Instant::now();
        let activity = Arc::new(Activity::new(start));
        assert_eq!(activity.verdict(start + FIRST_CALL_TIME, false), Verdict::Keep);
        assert_eq!(activity.verdict(start + FIRST_CALL_TIME + SECOND, false), Verdict::Cut);

        let (first, second) = (Activity::begin(&activity, start), Activity::begin(&activity, start + SECOND));
        assert_eq!(activity.verdict(start + CALL_MAX_TIME, false), Verdict::Keep);
        assert_eq!(activity.verdict(start + CALL_MAX_TIME + SECOND, false), Verdict::Cut);
        drop(first);
        assert_eq!(activity.verdict(start + CALL_MAX_TIME + SECOND, false), Verdict::Keep);
        drop(second);

        assert_eq!(activity.verdict(start + STRANGER_IDLE_TIME, false), Verdict::Keep);
        assert_eq!(activity.verdict(start + STRANGER_IDLE_TIME + SECOND, false), Verdict::Close);

        assert_eq!(activity.verdict(start + CROWDED_IDLE_TIME, true), Verdict::Keep);
        assert_eq!(activity.verdict(start + CROWDED_IDLE_TIME + SECOND, true), Verdict::Close);

        Activity::begin(&activity, start).admitted();
        assert_eq!(activity.verdict(start + IDLE_TIME, true), Verdict::Keep, "crowded, but no stranger");
        assert_eq!(activity.verdict(start + IDLE_TIME, false), Verdict::Keep);
        assert_eq!(activity.verdict(start + IDLE_TIME + SECOND, false), Verdict::Close);

        activity.close(start);
        let last = Activity::begin(&activity, start);
        assert_eq!(activity.verdict(start + CLOSE_TIME + SECOND, false), Verdict::Keep, "calls may end");
        drop(last);
        assert_eq!(activity.verdict(start + CLOSE_TIME, false), Verdict::Keep);
        assert_eq!(activity.verdict(start + CLOSE_TIME + SECOND, false), Verdict::Cut);
    }
}
