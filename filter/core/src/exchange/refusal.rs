//! Refusals: what the client is told, with which status. One place decides, for every reason there is.

use crate::json::Malformed;
use crate::json::read::{Problem, Unreadable};
use crate::mask::{MAX_VALUES, Unmaskable};
use crate::scope::{MAX_HEADER_LEN, Scope};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bridge_api::{MAX_REQUEST_LEN, MAX_VALUE_LEN};

/// Why a request or a response does not go on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// The body holds text that cannot be told from a token.
    BodyAmbiguous,
    /// The body's charset is not UTF-8.
    BodyCharset,
    /// The body is larger than `max_body_bytes`, before masking or after.
    BodyTooLarge(usize),
    /// The body cannot be read.
    BodyUnreadable(Unreadable, String),
    /// The body is compressed.
    ContentEncoding,
    /// The body is of a type that is not masked.
    ContentType,
    /// The filter's host did not do what it was asked for.
    HostFailed,
    /// The host is not on the allowlist.
    HostNotAllowed(String),
    /// The request names no host, or nothing that is one.
    HostMissing,
    /// An identifier stands in a field that must not be changed; its JSON pointer.
    IdentifierInField(String),
    /// An identifier stands in the path or the query.
    IdentifierInTarget(&'static str),
    /// The request's method is none that is known: over HTTP/2 it may be any word.
    Method,
    /// The body is multipart.
    Multipart,
    /// The response ended with trailers while some of it was withheld.
    ResponseCut,
    /// The response is compressed, and tokens wait in it.
    ResponseEncoding,
    /// The request carries signed thinking, and the configuration refuses it.
    SignedThinking,
    /// The request does not say its scope.
    ScopeMissing(Scope),
    /// The mapping store gave one token to two values.
    StoreInconsistent,
    /// The mapping store cannot be reached or does not answer as it should; the status of its answer, if that tells why.
    StoreUnavailable(Option<u16>),
    /// The body holds too many identifiers.
    TooManyValues,
    /// An identifier is longer than the bridge takes.
    ValueTooLong,
    /// All new identifiers together are longer than the bridge takes.
    ValuesTooLong,
    /// The request wants to become something else than HTTP.
    Upgrade,
}

/// What the client is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Stable name of the reason.
    pub code: &'static str,
    /// What is wrong and what to do, in one sentence. Never holds an identifier.
    pub message: String,
    /// Value of `retry-after`, in seconds.
    pub retry_after: Option<u32>,
    /// Value of the request's `x-request-id`, as access log and events have it.
    pub request_id: String,
}

impl Refusal {
    /// The refusal of the request `request_id` for `reason`.
    pub fn new(reason: Reason, request_id: &str) -> Self {
        let retry_after =
            matches!(reason, Reason::StoreInconsistent | Reason::StoreUnavailable(_)).then_some(1);
        let (status, code, message) = describe(reason);
        Self { status, code, message, retry_after, request_id: request_id.into() }
    }

    /// The body: errors of Anthropic and OpenAI both read like this.
    pub fn json(&self) -> Vec<u8> {
        let error = serde_json::json!({
            "type": "error",
            "error": { "type": self.code, "code": self.code, "message": self.message },
            "request_id": self.request_id,
        });
        serde_json::to_vec(&error).unwrap_or_default()
    }
}

fn describe(reason: Reason) -> (u16, &'static str, String) {
    match reason {
        Reason::BodyAmbiguous => (
            400,
            "body_unreadable",
            "The body has text beside an identifier that cannot be told from a token.".into(),
        ),
        Reason::BodyCharset => (400, "body_unreadable", "The body must be UTF-8.".into()),
        Reason::BodyTooLarge(limit) => (
            413,
            "body_too_large",
            format!("The body, before or after masking, is larger than `max_body_bytes` ({limit} bytes)."),
        ),
        Reason::BodyUnreadable(unreadable, place) => {
            (400, "body_unreadable", unreadable_message(unreadable, &place))
        }
        Reason::ContentEncoding => (
            415,
            "content_encoding_unsupported",
            "The body is compressed and cannot be read; send it without content-encoding.".into(),
        ),
        Reason::ContentType => (
            415,
            "content_type_unsupported",
            "Only JSON, NDJSON and plain text can be masked; send the body with a content-type that says so."
                .into(),
        ),
        Reason::HostFailed => {
            (500, "host_failed", "The proxy did not carry out what masking needs; try again.".into())
        }
        Reason::HostNotAllowed(host) => (
            403,
            "host_not_allowed",
            format!("The host {host} is not in `hosts`, the list of hosts that may be called."),
        ),
        Reason::HostMissing => (400, "host_missing", "The request names no host that can be read.".into()),
        Reason::IdentifierInField(pointer) => (
            422,
            "identifier_in_field",
            format!("There is an identifier at {pointer}, a field that cannot be masked; take it out."),
        ),
        Reason::IdentifierInTarget(place) => (
            422,
            "identifier_in_target",
            format!("There is an identifier in the request's {place}; take it out."),
        ),
        Reason::Method => (
            405,
            "method_not_allowed",
            "The request's method is none of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS.".into(),
        ),
        Reason::Multipart => (
            415,
            "content_type_unsupported",
            "Multipart bodies cannot be masked; set `multipart` to `pass` to let them out as they are."
                .into(),
        ),
        Reason::ResponseEncoding => (
            502,
            "response_unreadable",
            "The provider's answer is compressed and cannot be restored, although identity was asked for."
                .into(),
        ),
        Reason::ResponseCut => (
            502,
            "response_cut",
            "The provider's answer ended with trailers before its last text was complete.".into(),
        ),
        Reason::SignedThinking => (
            422,
            "signed_thinking_refused",
            "The request carries signed thinking, which `signed_thinking: refuse` keeps in; leave it out."
                .into(),
        ),
        Reason::ScopeMissing(Scope::Header(name)) => (
            400,
            "scope_missing",
            format!("The request must say its scope in one header {name} of 1 to {MAX_HEADER_LEN} bytes."),
        ),
        Reason::ScopeMissing(_) => (
            400,
            "scope_missing",
            "The request has no credential, such as x-api-key or authorization, whose scope it could have."
                .into(),
        ),
        Reason::StoreInconsistent => (
            503,
            "store_inconsistent",
            "The mapping store gave one token to two identifiers, as after a loss of data; try again.".into(),
        ),
        Reason::StoreUnavailable(None) => {
            (503, "store_unavailable", "The mapping store did not answer; try again.".into())
        }
        Reason::StoreUnavailable(Some(status)) => (
            503,
            "store_unavailable",
            format!("The mapping store answered with status {status}; its log says why."),
        ),
        Reason::ValuesTooLong => (
            413,
            "body_too_large",
            format!(
                "The identifiers in the body are longer than {MAX_REQUEST_LEN} bytes together; send it in parts."
            ),
        ),
        Reason::TooManyValues => (
            413,
            "body_too_large",
            format!("The body holds more than {MAX_VALUES} different identifiers; send it in parts."),
        ),
        Reason::ValueTooLong => (
            413,
            "body_too_large",
            format!("The body has an identifier of about {MAX_VALUE_LEN} bytes or more."),
        ),
        Reason::Upgrade => {
            (403, "upgrade_refused", "Upgrades such as WebSocket cannot be masked and are refused.".into())
        }
    }
}

fn unreadable_message(Unreadable { problem, at }: Unreadable, place: &str) -> String {
    match problem {
        Problem::ByteOrderMark => "The body begins with a byte order mark; leave it out.".into(),
        Problem::Duplicate => format!("The body has the member {place} twice; send it once."),
        Problem::Malformed(Malformed::Syntax) => format!("The body is not valid JSON at byte {at}."),
        Problem::Malformed(Malformed::TooDeep) => "The body is nested more than 128 levels deep.".into(),
        Problem::Media => format!("The media at {place} is not base64."),
        Problem::NotUtf8 => format!("The body is not UTF-8 at byte {at}."),
    }
}

impl Reason {
    /// Why masking `body` failed; `pointer` turns an offset into a JSON pointer.
    pub fn from_unmaskable(unmaskable: Unmaskable, pointer: impl Fn(usize) -> String) -> Self {
        match unmaskable {
            Unmaskable::Ambiguous => Self::BodyAmbiguous,
            Unmaskable::InField(at) => Self::IdentifierInField(pointer(at)),
            Unmaskable::TooManyValues => Self::TooManyValues,
            Unmaskable::Unreadable(unreadable) => Self::BodyUnreadable(unreadable, pointer(unreadable.at)),
        }
    }
}
