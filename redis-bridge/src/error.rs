//! Why a call is refused: a fixed status, a stable code, and one sentence that never holds what the caller sent.

use std::borrow::Cow;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bridge_api::{ErrorBody, ErrorResponse, MAX_REQUEST_LEN, MAX_VALUES};

use crate::store::{ErrorKind, StoreError};

/// A call that is not answered with 200.
///
/// As a response it has no body yet: [`ErrorResponse`] needs the request id, which the layer around all routes knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// Too much is in flight.
    Busy,
    /// The caller may not do this, or not in this scope.
    Forbidden(&'static str),
    /// A bug.
    Internal,
    /// JSON of the right shape, with something in it that is not valid.
    Invalid {
        place: String,
        expected: Cow<'static, str>,
    },
    MethodNotAllowed,
    NotFound,
    /// Not JSON, or not of the right shape.
    NotTheBody(String),
    NotReady(&'static str),
    Store(ErrorKind),
    /// The body was too slow.
    SlowBody,
    /// The call took too long.
    TimedOut,
    TooLarge,
    TooMany,
    Unauthenticated,
    UnsupportedMediaType(&'static str),
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Invalid { .. } | Self::NotTheBody(_) => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Busy | Self::NotReady(_) | Self::Store(_) | Self::TimedOut => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge | Self::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Forbidden(_) => "forbidden",
            Self::Internal => "internal",
            Self::Invalid { .. } => "invalid",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::NotTheBody(_) => "malformed",
            Self::NotReady(_) => "not_ready",
            Self::Store(ErrorKind::Full) => "store_full",
            Self::Store(ErrorKind::Unavailable) => "store_unavailable",
            Self::Store(ErrorKind::Unsound) => "store_unsound",
            Self::SlowBody | Self::TimedOut => "timeout",
            Self::TooLarge | Self::TooMany => "too_large",
            Self::Unauthenticated => "unauthenticated",
            Self::UnsupportedMediaType(_) => "unsupported_media_type",
        }
    }

    fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Busy => "The bridge holds as many bodies as it may; try again.",
            Self::Forbidden(what) | Self::NotReady(what) | Self::UnsupportedMediaType(what) => what,
            Self::Internal => "The bridge failed; its log has this request id.",
            Self::Invalid { place, expected } => {
                return Cow::Owned(format!("`{place}`: expected {expected}."));
            }
            Self::MethodNotAllowed => "This path has other methods; see /openapi.json.",
            Self::NotFound => "There is nothing at this path; see /openapi.json.",
            Self::NotTheBody(what) => return Cow::Owned(format!("{what}; see /openapi.json.")),
            Self::Store(ErrorKind::Full) => "The store has no space left; give it more, or shorten the TTL.",
            Self::Store(ErrorKind::Unavailable) => "The store does not answer; try again.",
            Self::Store(ErrorKind::Unsound) => {
                "The store must not be used as it is; the bridge's log says why."
            }
            Self::SlowBody => "The body did not arrive in time; send it faster.",
            Self::TimedOut => "The call took too long; try again.",
            Self::TooLarge => {
                return Cow::Owned(format!("The body is longer than {MAX_REQUEST_LEN} bytes; send less."));
            }
            Self::TooMany => {
                return Cow::Owned(format!("The call has more than {MAX_VALUES} entries; split it."));
            }
            Self::Unauthenticated => {
                "The call needs `authorization: Bearer …` with the token of a known caller."
            }
        })
    }

    /// The header that belongs to the status.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self.status() {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, HeaderValue::from_static("1"))),
            _ => None,
        }
    }

    /// Whether the rest of the body is not worth reading.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self, Self::SlowBody | Self::TooLarge)
    }

    /// The body of the answer.
    pub(crate) fn body(&self, request_id: &str) -> ErrorResponse {
        ErrorResponse {
            error: ErrorBody { code: self.code().to_owned(), message: self.message().into_owned() },
            request_id: request_id.to_owned(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.headers_mut().extend(self.header());
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error.kind)
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        refusal.into_response()
    }
}
