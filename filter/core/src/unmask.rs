//! Restoring of a response body that arrives in pieces.
//!
//! ```text
//! Json   documents             strings ─┐
//! Sse    events, channels      strings ─┤
//! Array  events, channels      strings ─┼─▶ TextStream ─▶ Matcher ─▶ restored text
//! Plain  text                  all of it┘   (JSON in strings)  (tokens)
//! ```
//!
//! Nothing here implements `Debug`: it holds what was restored.
//!
//! Everything here has `push` and `finish`; what comes out does not depend on where the pieces were cut. What
//! is certain leaves at once. Withheld is only what may still become a token of this exchange, at most
//! [`MAX_HELD`] bytes a text.

use alloc::vec::Vec;

pub mod array;
mod events;
pub mod json;
mod lookalike;
pub mod lookups;
pub mod mapping;
pub mod matcher;
pub mod plain;
pub mod sse;
pub mod text;
pub mod url;
pub mod urls;

pub use array::ArrayUnmasker;
pub use json::JsonUnmasker;
pub use lookups::{Hole, Lookups};
pub use mapping::Mapping;
pub use plain::PlainUnmasker;
pub use sse::SseUnmasker;
pub use urls::{UrlPolicy, Urls};

/// Most bytes that one text withholds. A token that is spelled with more is not restored.
///
/// Ordinary text withholds no more than a token's length. Each character may be spelled `\uXXXX`, and a character
/// of that again in a string further out; nobody writes so.
pub const MAX_HELD: usize = 2048;

/// What happened while restoring, for the counters.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Tokens in the output that wait for the bridge, in order.
    pub holes: Vec<Hole>,
    /// Bytes withheld at the end of a piece.
    pub held: u64,
    /// Tokens replaced by their originals.
    pub restored: u64,
    /// Texts that read like a token, and stand for nothing here.
    pub unrestored: u64,
    /// Tokens that stay tokens in URLs of hosts that are not known.
    pub kept_in_urls: u64,
    /// Bodies and events that were not the JSON they should be (or not all of it), restored as text.
    pub malformed: u64,
    /// Texts beyond the bound on channels, or events beyond the bound on events: restored within the event only.
    pub unjoined: u64,
}
