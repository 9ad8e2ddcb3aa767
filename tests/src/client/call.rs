//! What the application sends and gets.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::provider::End;

/// A call to be made.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Whom it is for: `host` or `:authority`.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// All headers but `host` and `content-length`.
    pub headers: HeaderMap,
    /// The body in the pieces in which it is sent; empty: none.
    pub pieces: Vec<Bytes>,
    /// Whether the length is told in advance; else chunked (HTTP/1.1) or frames without a length (HTTP/2).
    pub sized: bool,
    /// Sent after the body, which must not be sized then.
    pub trailers: Option<HeaderMap>,
}

impl Call {
    /// A call without a body.
    pub fn get(host: &str, path: &str) -> Self {
        Self {
            method: Method::GET,
            host: host.to_owned(),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            pieces: Vec::new(),
            sized: true,
            trailers: None,
        }
    }

    /// A JSON body of known length.
    pub fn post(host: &str, path: &str, body: impl Into<Bytes>) -> Self {
        let call = Self { method: Method::POST, pieces: vec![body.into()], ..Self::get(host, path) };
        call.header("content-type", "application/json")
    }

    /// Sets a header, replacing an earlier one.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        self.headers.insert(name, HeaderValue::from_bytes(value.as_ref()).expect("a header value"));
        self
    }

    /// Sends the body in pieces of `size` bytes, its length not told in advance.
    #[must_use]
    pub fn chunked(mut self, size: usize) -> Self {
        self.pieces =
            self.pieces.concat().chunks(size.max(1)).map(|piece| Bytes::from(piece.to_vec())).collect();
        self.sized = false;
        self
    }

    /// Ends the body with trailers.
    #[must_use]
    pub fn trailers(mut self, trailers: HeaderMap) -> Self {
        self.trailers = Some(trailers);
        self.sized = false;
        self
    }

    /// The body as it is sent.
    pub fn body(&self) -> Bytes {
        Bytes::from(self.pieces.concat())
    }
}

/// What the application got.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Trailers, if any came.
    pub trailers: Option<HeaderMap>,
    /// Whether it ended as it should.
    pub end: End,
}

impl Answer {
    /// The body as text; bytes outside UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
