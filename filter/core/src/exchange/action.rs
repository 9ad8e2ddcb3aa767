//! What an exchange asks of its host.

use super::refusal::Refusal;
use super::report::Report;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// What to do about an [`Input`](super::Input), in this order: headers, body, counters, and last what is next.
pub struct Actions {
    /// Changes of the head that was the input.
    pub headers: Vec<HeaderChange>,
    /// What to put in the place of the body, or the piece of it, that was the input; `None` leaves it as it is.
    pub body: Option<Vec<u8>>,
    /// What to count.
    pub counts: Vec<Count>,
    /// What to put into the access log.
    pub report: Option<Report>,
    /// What is next.
    pub next: Next,
}

impl Actions {
    /// Go on, and nothing else.
    pub fn proceed() -> Self {
        Next::Continue.into()
    }
}

impl fmt::Debug for Actions {
    /// A restored body is the application's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.body.as_ref().map(Vec::len);
        f.debug_struct("Actions").field("next", &self.next).field("body", &body).finish_non_exhaustive()
    }
}

impl From<Next> for Actions {
    fn from(next: Next) -> Self {
        Self { headers: Vec::new(), body: None, counts: Vec::new(), report: None, next }
    }
}

/// The one thing that a host does last.
#[derive(Debug)]
pub enum Next {
    /// Let what was the input go on.
    Continue,
    /// Keep what was the input, and show it again with what follows.
    Hold,
    /// Keep the request, or the response if that was the input, and make this call; its end is an input.
    Lookup(Call),
    /// Answer the client with this, and let nothing go on.
    Refuse(Refusal),
}

/// A change of a head.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HeaderChange {
    /// Take all values of this name away.
    Remove(String),
    /// Make this the only value.
    Set(&'static str, String),
}

/// A call to the bridge.
pub struct Call {
    /// Envoy cluster.
    pub cluster: String,
    /// Path; the method is POST, the content type JSON.
    pub path: String,
    /// The request's id, which the bridge's log repeats; may be empty.
    pub request_id: String,
    /// Body.
    pub body: Vec<u8>,
    /// How long it may take.
    pub timeout: Duration,
}

impl fmt::Debug for Call {
    /// The body holds originals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("path", &self.path)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Something that operators count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Count {
    /// What.
    pub counter: Counter,
    /// How often.
    pub by: u64,
}

/// What is counted. The names are those of the metrics.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Counter {
    /// Values whose token was in the cache.
    CacheHits,
    /// Values whose token had to be asked for.
    CacheMisses,
    /// Tokens that the model read, by host, model and scope.
    InputTokens(String),
    /// Bytes of a response that were withheld at the end of one of its chunks.
    HeldBytes,
    /// Tokens of this exchange that stay tokens, in URLs of hosts that are not known.
    KeptInUrls,
    /// Tokens of responses that the bridge was asked for.
    LookedUp,
    /// Those of them that it did not answer.
    LookupsFailed,
    /// Responses, or events of one, that were not the JSON they should be, restored as text.
    MalformedResponse,
    /// Places masked, by kind.
    Masked(Cow<'static, str>),
    /// Places that `mode: observe` would have masked, by kind.
    Observed(Cow<'static, str>),
    /// Tokens that the model wrote, by host, model and scope.
    OutputTokens(String),
    /// Requests that were let through unread because the configuration says so.
    PassedUnread,
    /// Requests and answers refused, by reason.
    Refused(&'static str),
    /// Tokens restored.
    Restored,
    /// Pieces of signed thinking that passed unread.
    SignedPassed,
    /// How long a call to the bridge took, in milliseconds: a histogram.
    StoreWait,
    /// Requests that `mode: observe` would have refused, by reason.
    WouldRefuse(&'static str),
    /// Texts in answers that read like a token, and stand for nothing in their exchange.
    Unrestored,
    /// Texts that could not be joined over events or chunks, mostly because a bound was reached.
    Unjoined,
}

impl Counter {
    /// True if single values matter, and not only their sum.
    pub fn is_histogram(&self) -> bool {
        *self == Self::StoreWait
    }

    /// The metric's name, and what distinguishes it among those of the same name.
    pub fn name(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::CacheHits => ("cloakroom_cache_hits", None),
            Self::CacheMisses => ("cloakroom_cache_misses", None),
            Self::InputTokens(label) => ("cloakroom_input_tokens", Some(label)),
            Self::HeldBytes => ("cloakroom_held_bytes", None),
            Self::KeptInUrls => ("cloakroom_kept_in_urls", None),
            Self::LookedUp => ("cloakroom_looked_up_tokens", None),
            Self::LookupsFailed => ("cloakroom_failed_lookups", None),
            Self::MalformedResponse => ("cloakroom_malformed_responses", None),
            Self::Masked(kind) => ("cloakroom_masked", Some(kind)),
            Self::Observed(kind) => ("cloakroom_observed", Some(kind)),
            Self::OutputTokens(label) => ("cloakroom_output_tokens", Some(label)),
            Self::PassedUnread => ("cloakroom_passed_unread", None),
            Self::Refused(code) => ("cloakroom_refused", Some(code)),
            Self::Restored => ("cloakroom_restored", None),
            Self::SignedPassed => ("cloakroom_signed_passed", None),
            Self::StoreWait => ("cloakroom_store_wait_ms", None),
            Self::WouldRefuse(code) => ("cloakroom_would_refuse", Some(code)),
            Self::Unrestored => ("cloakroom_unrestored_tokens", None),
            Self::Unjoined => ("cloakroom_unjoined_texts", None),
        }
    }
}
