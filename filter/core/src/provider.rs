//! What the APIs' JSON looks like: one file of data per provider.
//!
//! An API that is not listed, or a path that is not, is read by the generic rule: every string is text.

use crate::json::shape::{Shape, TEXT};

mod anthropic;
mod openai;
pub mod state;

/// The shapes of one API.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// Of a request's body.
    pub request: &'static Shape,
    /// Of a response that is one document.
    pub response: &'static Shape,
    /// Of an event's data in a streamed response.
    pub event: &'static Shape,
}

/// Every string is text.
pub const GENERIC: Api = Api { request: &TEXT, response: &TEXT, event: &TEXT };

/// The API behind a path, without its query. Hosts do not matter: gateways serve these paths under other names.
pub fn api(path: &str) -> Api {
    let is = |known: &str| path.split('/').filter(|part| !part.is_empty()).eq(known.split('/'));
    if is("v1/messages") || is("v1/messages/count_tokens") {
        anthropic::MESSAGES
    } else if is("v1/chat/completions") {
        openai::CHAT_COMPLETIONS
    } else {
        GENERIC
    }
}
