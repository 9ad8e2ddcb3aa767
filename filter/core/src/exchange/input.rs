//! What a host tells an exchange.

use alloc::string::String;
use alloc::vec::Vec;

/// The next thing that happened to the request or its response.
pub enum Input<'a> {
    /// The request's head; `end` if it has no body.
    RequestHead {
        /// All of its headers, the pseudo-headers of HTTP/2 included.
        headers: Headers<'a>,
        /// True if there is no body.
        end: bool,
    },
    /// More of the request's body came, and more may come: how many bytes the host holds of it in all.
    RequestHeld(usize),
    /// The request's body is complete.
    RequestBody(&'a [u8]),
    /// The request's trailers came, and with them the end of its body.
    RequestTrailers {
        /// All of them.
        trailers: Headers<'a>,
        /// What the host holds of the body.
        body: &'a [u8],
    },
    /// The call to the bridge that was asked for has ended.
    StoreReply {
        /// How.
        reply: StoreReply<'a>,
        /// The request's body, which the host has held meanwhile.
        body: &'a [u8],
    },
    /// The call to the bridge that was asked for while the response was restored has ended.
    LookupReply(StoreReply<'a>),
    /// The response's head; `end` if it has no body.
    ResponseHead {
        /// All of its headers.
        headers: Headers<'a>,
        /// True if there is no body.
        end: bool,
    },
    /// A piece of the response's body. After [`Next::Hold`](super::Next::Hold) it begins with what is held.
    ResponseChunk {
        /// The bytes.
        bytes: &'a [u8],
        /// True if nothing follows, trailers neither.
        end: bool,
    },
    /// The response's trailers, and with them its end; what the host was asked to hold of the body.
    ResponseTrailers(&'a [u8]),
}

/// How a call to the bridge ended.
#[derive(Clone, Copy)]
pub enum StoreReply<'a> {
    /// It was answered.
    Answered {
        /// HTTP status.
        status: u16,
        /// The body.
        body: &'a [u8],
    },
    /// It could not be made, was cut off, or took too long.
    Failed,
}

/// Headers as bytes: a name in lower case, a value that may be anything.
#[derive(Clone, Copy)]
pub struct Headers<'a>(pub &'a [(String, Vec<u8>)]);

impl<'a> Headers<'a> {
    /// The first value of `name`.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    /// All values of `name`.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl core::fmt::Debug for Headers<'_> {
    /// Names only: values hold credentials.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
