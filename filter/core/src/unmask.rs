//! Restoring of a response body that arrives in pieces.
//!
//! ```text
//! Json   one document          strings ─┐
//! Sse    events, channels      strings ─┼─▶ TextStream ─▶ Matcher ─▶ restored text
//! Plain  text                  all of it┘   (JSON in strings)  (tokens)
//! ```
//!
//! Everything here has `push` and `finish`; what comes out does not depend on where the pieces were cut. What
//! is certain leaves at once. Withheld is only what may still become a token of this exchange, at most
//! [`MAX_HELD`] bytes a text.

pub mod json;
pub mod mapping;
pub mod matcher;
pub mod plain;
pub mod sse;
pub mod text;

pub use json::JsonUnmasker;
pub use mapping::Mapping;
pub use plain::PlainUnmasker;
pub use sse::SseUnmasker;

use crate::json::read::MAX_LEVEL;
use crate::token::{MAX_ESCAPES, MAX_TOKEN_LEN};

/// Most bytes that one text withholds.
///
/// A token of which each character may be spelled `\uXXXX`, in as many JSON strings as are followed, and
/// whose underscores may carry backslashes. Ordinary text withholds no more than a token's length.
pub const MAX_HELD: usize = MAX_TOKEN_LEN * (1 + MAX_ESCAPES) * 6 * MAX_LEVEL;

/// What happened while restoring, for the counters.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Bytes withheld at the end of a piece.
    pub held: u64,
    /// Tokens replaced by their originals.
    pub restored: u64,
    /// Bodies (or their rest) that were not the JSON they should be, restored as text.
    pub malformed: u64,
    /// Texts beyond the bound on channels, or events beyond the bound on events: restored within the event only.
    pub unjoined: u64,
}
