//! A provider that costs little: the processor is Envoy's. It works an answer out once and then only repeats it.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use e2e::provider::{HOST_NAMES, KEY_HEADER, Pki};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What the provider says when it does not echo.
pub(crate) const SHORT: &str = "Two of these instances failed their status checks; the others are healthy.";

/// Deltas of a streamed answer.
pub(crate) const DELTAS: usize = 500;

/// How the provider answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// [`SHORT`].
    Short,
    /// The text it was sent.
    Echo,
    /// The text it was sent, in [`DELTAS`] events, each in a frame and a TLS record of its own.
    Stream,
    /// [`SHORT`] in one event: what the first text of a stream is like that no other follows at once.
    First,
}

impl Reply {
    /// True if it is a stream of events.
    pub(crate) fn streams(self) -> bool {
        matches!(self, Self::Stream | Self::First)
    }

    /// What the answer says to this text.
    pub(crate) fn said(self, text: &str) -> &str {
        if matches!(self, Self::Short | Self::First) { SHORT } else { text }
    }
}

/// A running provider, on a thread of its own until the process ends.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    plans: Arc<Plans>,
}

/// By the key of the request.
type Plans = Mutex<HashMap<String, Plan>>;

#[derive(Clone, Debug)]
struct Plan {
    reply: Reply,
    /// The first body that came, and the pieces of its answer.
    first: Option<(Bytes, Arc<[Bytes]>)>,
}

impl Provider {
    /// Starts it, with its `ca.pem` in `dir`.
    pub(crate) fn start(dir: &Path) -> io::Result<Self> {
        let acceptor = acceptor(dir)?;
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let plans = Arc::<Plans>::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = Arc::clone(&plans);
        std::thread::Builder::new()
            .name("provider".to_owned())
            .spawn(move || runtime.block_on(serve(listener, acceptor, served)))?;
        Ok(Self { address, plans })
    }

    /// Answers requests with this key like this. They must all have the same body: any other is answered with 500.
    pub(crate) fn plan(&self, key: &str, reply: Reply) {
        lock(&self.plans).insert(key.to_owned(), Plan { reply, first: None });
    }

    /// The body of the requests with this key; `None` when none came.
    pub(crate) fn received(&self, key: &str) -> Option<Bytes> {
        Some(lock(&self.plans).get(key)?.first.as_ref()?.0.clone())
    }
}

fn acceptor(dir: &Path) -> io::Result<TlsAcceptor> {
    Pki::generate(&HOST_NAMES)?.write(dir)?;
    let leaf = CertificateDer::from_pem_file(dir.join("leaf.pem")).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(dir.join("leaf.key")).map_err(io::Error::other)?;
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![leaf], key))
            .map_err(io::Error::other)?;
    // As real providers do; Envoy takes HTTP/2.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(listener: std::net::TcpListener, acceptor: TlsAcceptor, plans: Arc<Plans>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(stream, acceptor.clone(), Arc::clone(&plans)));
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, plans: Arc<Plans>) {
    let _ = stream.set_nodelay(true);
    // What goes wrong here is an answer that is not complete, which the other end notices.
    if let Ok(stream) = acceptor.accept(stream).await {
        let service = service_fn(move |request| answer(request, Arc::clone(&plans)));
        let builder = auto::Builder::new(TokioExecutor::new());
        drop(builder.serve_connection(TokioIo::new(stream), service).await);
    }
}

async fn answer(request: Request<Incoming>, plans: Arc<Plans>) -> Result<Response<Pieces>, hyper::Error> {
    let key = request.headers().get(KEY_HEADER).and_then(|key| key.to_str().ok()).map(str::to_owned);
    let body = request.into_body().collect().await?.to_bytes();
    let planned = {
        let mut plans = lock(&plans);
        key.and_then(|key| plans.get_mut(&key)).and_then(|plan| {
            let (first, pieces) = plan.first.get_or_insert_with(|| (body.clone(), pieces(plan.reply, &body)));
            (*first == body).then(|| (plan.reply, Arc::clone(pieces)))
        })
    };
    let Some((reply, pieces)) = planned else {
        let mut response = Response::new(Pieces { pieces: Arc::new([]), next: 0, flush: false });
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return Ok(response);
    };
    let content_type = if reply.streams() { "text/event-stream; charset=utf-8" } else { "application/json" };
    let mut response = Response::new(Pieces { pieces, next: 0, flush: false });
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(response)
}

fn pieces(reply: Reply, request: &[u8]) -> Arc<[Bytes]> {
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    let text = request.pointer("/messages/0/content").and_then(Value::as_str).unwrap_or_default();
    match reply {
        Reply::Short => Arc::new([message(SHORT)]),
        Reply::Echo => Arc::new([message(text)]),
        Reply::Stream => stream(text, DELTAS).into(),
        Reply::First => stream(SHORT, 1).into(),
    }
}

fn message(text: &str) -> Bytes {
    let message = json!({
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant", "model": "scripted-model",
        "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 12, "output_tokens": 34},
    });
    message.to_string().into()
}

fn stream(text: &str, deltas: usize) -> Vec<Bytes> {
    let event = |data: Value| {
        let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
        Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
    };
    let characters: Vec<char> = text.chars().collect();
    let mut events = vec![
        event(json!({"type": "message_start", "message": {"id": "msg_01XFDUDYJgAACzvnptvVoYEL",
            "type": "message", "role": "assistant", "model": "scripted-model", "content": [],
            "stop_reason": null, "usage": {"input_tokens": 12, "output_tokens": 1}}})),
        event(
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
    ];
    events.extend((0..deltas).map(|n| {
        let cut = |n: usize| n * characters.len() / deltas;
        let delta: String = characters.get(cut(n)..cut(n + 1)).unwrap_or_default().iter().collect();
        event(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": delta}}))
    }));
    events.extend([
        event(json!({"type": "content_block_stop", "index": 0})),
        event(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 34}})),
        event(json!({"type": "message_stop"})),
    ]);
    events
}

/// Sends one piece after the other, each flushed before the next.
struct Pieces {
    pieces: Arc<[Bytes]>,
    next: usize,
    flush: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // "Not yet" makes hyper flush what it has.
        if std::mem::take(&mut self.flush) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = self.pieces.get(self.next).cloned();
        self.next += 1;
        self.flush = self.next < self.pieces.len();
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.next >= self.pieces.len()
    }

    fn size_hint(&self) -> SizeHint {
        match &*self.pieces {
            // Of one piece, the length is told in advance.
            [piece] if self.next == 0 => SizeHint::with_exact(piece.len() as u64),
            _ => SizeHint::default(),
        }
    }
}

fn lock(plans: &Plans) -> MutexGuard<'_, HashMap<String, Plan>> {
    plans.lock().unwrap_or_else(PoisonError::into_inner)
}
