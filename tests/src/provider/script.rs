//! Answers written out to the byte, and the body that plays them.

use std::{
    collections::VecDeque,
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body::{Body, Frame};
use tokio::sync::Semaphore;

use super::{echo::Echo, record::Answering};

/// How to answer a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Say what was said.
    Echo(Echo),
    /// Say exactly this.
    Script(Script),
}

/// Lets a test decide when the provider goes on, instead of sleeping.
///
/// Each [`open`](Self::open) lets one [`Step::Wait`] pass, before or after it is reached.
#[derive(Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets one waiting step pass.
    pub fn open(&self) {
        self.0.add_permits(1);
    }

    async fn pass(self) {
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gate").field(&self.0.available_permits()).finish()
    }
}

/// One thing that a scripted answer does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Closes the whole connection, without TLS's goodbye.
    Disconnect,
    /// Sends these bytes, and in the same frame (HTTP/2) says that they are the last ones.
    Last(Bytes),
    /// Breaks the answer off: `RST_STREAM` on HTTP/2, a close before the end on HTTP/1.1.
    Reset,
    /// Sends these bytes as one frame (HTTP/2) or one chunk (HTTP/1.1).
    Send(Bytes),
    /// Ends the answer with trailers.
    Trailers(HeaderMap),
    /// Waits until the test opens the gate.
    Wait(Gate),
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) before_head: Vec<Step>,
    pub(super) steps: Vec<Step>,
    pub(super) early: bool,
}

impl Script {
    /// A 200 with this content type and nothing in it yet.
    pub fn new(content_type: &'static str) -> Self {
        Self::without_content_type().header("content-type", HeaderValue::from_static(content_type))
    }

    /// A 200 that does not say what it is.
    pub fn without_content_type() -> Self {
        Self {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            before_head: Vec::new(),
            steps: Vec::new(),
            early: false,
        }
    }

    /// A 200 with this content type and these bytes, sent whole.
    pub fn whole(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::new(content_type).send(body)
    }

    /// The status to answer with.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Adds a header; an earlier one of that name stays.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    /// Answers as soon as the head is there, without waiting for the request's body.
    #[must_use]
    pub fn early(mut self) -> Self {
        self.early = true;
        self
    }

    /// Does this before the head of the answer: only [`Step::Wait`], [`Step::Reset`] and [`Step::Disconnect`]
    /// mean something there.
    #[must_use]
    pub fn before_head(mut self, step: Step) -> Self {
        self.before_head.push(step);
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Sends these bytes in one piece.
    #[must_use]
    pub fn send(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Send(bytes.into()))
    }

    /// Sends these bytes in pieces of `size` (0: whole).
    #[must_use]
    pub fn send_in_pieces(mut self, bytes: impl Into<Bytes>, size: usize) -> Self {
        self.steps.extend(pieces(bytes.into(), size).map(Step::Send));
        self
    }

    /// Waits for `gate`.
    #[must_use]
    pub fn wait(self, gate: &Gate) -> Self {
        self.step(Step::Wait(gate.clone()))
    }

    /// What happens before the head; `Err` when the answer is never to begin.
    pub(super) async fn run_before_head(&self, answering: &Answering) -> io::Result<()> {
        for step in &self.before_head {
            match step {
                Step::Wait(gate) => gate.clone().pass().await,
                Step::Disconnect => {
                    answering.disconnect();
                    return Err(broken_off());
                }
                Step::Reset => return Err(broken_off()),
                Step::Last(_) | Step::Send(_) | Step::Trailers(_) => {}
            }
        }
        Ok(())
    }
}

/// Cuts `bytes` every `size` bytes, also inside a UTF-8 character; 0 leaves it whole.
pub(super) fn pieces(mut bytes: Bytes, size: usize) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let end = if size == 0 { bytes.len() } else { size.min(bytes.len()) };
        Some(bytes.split_to(end))
    })
}

/// Plays the steps of a [`Script`].
///
/// After each piece it says "not yet" once, so that hyper flushes it: a piece is a frame or a chunk of its own.
pub(super) struct ScriptBody {
    steps: VecDeque<Step>,
    state: State,
    answering: Answering,
}

enum State {
    Ready,
    Flush,
    Waiting(Pin<Box<dyn Future<Output = ()> + Send>>),
    Over,
}

impl ScriptBody {
    pub(super) fn new(steps: Vec<Step>, answering: Answering) -> Self {
        Self { steps: steps.into(), state: State::Ready, answering }
    }
}

impl Body for ScriptBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            match &mut self.state {
                State::Ready => {}
                State::Flush => {
                    self.state = State::Ready;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                State::Waiting(gate) => match gate.as_mut().poll(cx) {
                    Poll::Ready(()) => self.state = State::Ready,
                    Poll::Pending => return Poll::Pending,
                },
                State::Over => return Poll::Ready(None),
            }
            match self.steps.pop_front() {
                Some(Step::Send(bytes)) => {
                    self.state = State::Flush;
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Step::Last(bytes)) => {
                    self.answering.sent();
                    self.state = State::Over;
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Step::Trailers(trailers)) => {
                    self.answering.sent();
                    self.state = State::Over;
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Some(Step::Wait(gate)) => self.state = State::Waiting(Box::pin(gate.pass())),
                Some(Step::Reset) => return Poll::Ready(Some(Err(broken_off()))),
                Some(Step::Disconnect) => {
                    self.answering.disconnect();
                    // Polled again before the connection is dropped, it must not end as if all were well.
                    self.state = State::Waiting(Box::pin(std::future::pending()));
                }
                None => {
                    self.answering.sent();
                    self.state = State::Over;
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Over)
    }
}

fn broken_off() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "broken off by the script")
}
