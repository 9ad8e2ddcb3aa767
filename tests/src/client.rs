//! The application: one HTTP call over a connection of its own, with control over every piece.

mod call;
mod raw;
mod tls;

use std::{future::Future, io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{
    BodyExt as _, Empty, Full,
    channel::{Channel, Sender},
    combinators::BoxBody,
};
use hyper::{body::Incoming, client::conn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinHandle};

pub use self::{
    call::{Answer, Call},
    raw::{raw, raw_until},
    tls::Tls,
};
use crate::provider::End;

/// Bounds every wait of a test: long enough for a busy machine, short enough to see which test hangs.
const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for `future`, but not for ever.
///
/// # Panics
/// After the deadline, saying what was waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited {DEADLINE:?} in vain for {what}"),
    }
}

/// How the application talks to Envoy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
}

/// A connection to Envoy. Dropping it closes the socket at once, whatever is under way.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest,
    socket: JoinHandle<()>,
    scheme: &'static str,
}

#[derive(Debug)]
enum SendRequest {
    Http1(conn::http1::SendRequest<Body>),
    Http2(conn::http2::SendRequest<Body>),
}

type Body = BoxBody<Bytes, io::Error>;

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there, or does not speak the protocol.
    pub async fn open(address: SocketAddr, protocol: Protocol) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Self::over(stream, protocol).await.map_err(io::Error::other)
    }

    /// Uses a connection that is there already, TLS for example.
    ///
    /// # Errors
    /// When the handshake fails.
    pub async fn over<S>(stream: S, protocol: Protocol) -> Result<Self, hyper::Error>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let stream = TokioIo::new(stream);
        match protocol {
            Protocol::Http1 => {
                let (sender, connection) = conn::http1::handshake(stream).await?;
                let socket = tokio::spawn(async { drop(connection.await) });
                Ok(Self { sender: SendRequest::Http1(sender), socket, scheme: "http" })
            }
            Protocol::Http2 => {
                let (sender, connection) = conn::http2::handshake(TokioExecutor::new(), stream).await?;
                let socket = tokio::spawn(async { drop(connection.await) });
                Ok(Self { sender: SendRequest::Http2(sender), socket, scheme: "http" })
            }
        }
    }

    /// Says `https` in HTTP/2's `:scheme`.
    #[must_use]
    pub fn https(mut self) -> Self {
        self.scheme = "https";
        self
    }

    /// Makes a call and waits for its whole answer.
    ///
    /// # Errors
    /// When no head of an answer comes.
    pub async fn call(&mut self, call: &Call) -> Result<Answer, hyper::Error> {
        Ok(self.begin(call).await?.rest().await)
    }

    /// Makes a call and waits for the head of its answer.
    ///
    /// # Errors
    /// When none comes.
    pub async fn begin(&mut self, call: &Call) -> Result<Live, hyper::Error> {
        self.dispatch(call, whole(call)).await
    }

    /// Sends a call's head; its body, whatever [`Call::pieces`] says, is what the sender is given.
    ///
    /// The answer must be awaited at the same time: nothing is sent before the future is polled.
    pub fn begin_by_hand(
        &mut self,
        call: &Call,
    ) -> (Sender<Bytes, io::Error>, impl Future<Output = Result<Live, hyper::Error>> + use<>) {
        let (sender, body) = Channel::new(1);
        (sender, self.dispatch(call, body.boxed()))
    }

    fn dispatch(
        &mut self,
        call: &Call,
        body: Body,
    ) -> impl Future<Output = Result<Live, hyper::Error>> + use<> {
        let request = Request::builder().method(call.method.clone());
        let mut request = match &self.sender {
            SendRequest::Http1(_) => request.uri(&call.path).header("host", &call.host),
            SendRequest::Http2(_) => request.uri(format!("{}://{}{}", self.scheme, call.host, call.path)),
        }
        .body(body)
        .expect("a call that can be sent");
        request.headers_mut().extend(call.headers.clone());
        type Answering =
            std::pin::Pin<Box<dyn Future<Output = Result<http::Response<Incoming>, hyper::Error>> + Send>>;
        let answering: Answering = match &mut self.sender {
            SendRequest::Http1(sender) => Box::pin(sender.send_request(request)),
            SendRequest::Http2(sender) => Box::pin(sender.send_request(request)),
        };
        async {
            let (head, body) = answering.await?.into_parts();
            Ok(Live { status: head.status.as_u16(), headers: head.headers, body })
        }
    }

    /// Waits until the connection can take another call; on HTTP/1.1 after the answer before is read.
    ///
    /// # Errors
    /// When it is closed.
    pub async fn ready(&mut self) -> Result<(), hyper::Error> {
        match &mut self.sender {
            SendRequest::Http1(sender) => sender.ready().await,
            SendRequest::Http2(sender) => sender.ready().await,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.socket.abort();
    }
}

/// An answer that is still coming. Dropping it cancels it.
#[derive(Debug)]
pub struct Live {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
}

impl Live {
    /// Reads until what was read in this call satisfies `enough`, or the answer ends; returns what was read.
    pub async fn read_until(&mut self, enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let mut read = Vec::new();
        while !enough(&read) {
            match self.body.frame().await {
                Some(Ok(frame)) => read.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
                Some(Err(_)) | None => break,
            }
        }
        read
    }

    /// Reads to the end and keeps nothing: each piece is only shown.
    pub async fn each(mut self, mut piece: impl FnMut(&[u8])) -> End {
        loop {
            match self.body.frame().await {
                None => return End::Complete,
                Some(Err(_)) => return End::Cut,
                Some(Ok(frame)) => frame.data_ref().into_iter().for_each(|data| piece(data)),
            }
        }
    }

    /// Reads to the end.
    pub async fn rest(mut self) -> Answer {
        let (mut body, mut trailers) = (Vec::new(), None);
        let end = loop {
            match self.body.frame().await {
                None => break End::Complete,
                Some(Err(_)) => break End::Cut,
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => body.extend_from_slice(&data),
                    Err(frame) => trailers = frame.into_trailers().ok(),
                },
            }
        };
        Answer { status: self.status, headers: self.headers, body: Bytes::from(body), trailers, end }
    }
}

fn whole(call: &Call) -> Body {
    if call.pieces.is_empty() && call.trailers.is_none() {
        return Empty::new().map_err(|never| match never {}).boxed();
    }
    if call.sized && call.trailers.is_none() {
        return Full::new(call.body()).map_err(|never| match never {}).boxed();
    }
    let (mut sender, body) = Channel::new(1);
    let (pieces, trailers) = (call.pieces.clone(), call.trailers.clone());
    tokio::spawn(async move {
        for piece in pieces {
            // Sending ends early when the peer has answered or gone.
            if sender.send_data(piece).await.is_err() {
                return;
            }
            // So that each piece leaves as a chunk or a frame of its own.
            tokio::task::yield_now().await;
        }
        if let Some(trailers) = trailers {
            let _ = sender.send_trailers(trailers).await;
        }
    });
    body.boxed()
}
