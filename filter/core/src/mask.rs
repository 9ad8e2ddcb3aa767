//! Masking of a request body: find, number, splice, and check what came out.
//!
//! ```text
//! body ──find──▶ Plan ──values──▶ tokens ──splice──▶ masked body ──recognise──▶ exactly what was inserted?
//!                  ▲                                                  │ no: widen the text in between
//!                  └──────────────────────────────────────────────────┘
//! ```
//!
//! A [`Plan`] keeps spans and values, not the body, so that it can wait for the store while the host holds
//! the only copy of the body.

use crate::detect::KindId;
use crate::json::escape;
use crate::json::read::Unreadable;
use crate::secret::Secret;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

mod find;
mod known;
mod number;
mod propagate;
mod read_back;
mod verify;

pub use number::number;
pub use verify::Masked;

/// Most distinct values that one request may carry; a request with more is refused.
///
/// Bounds the call to the store and what an exchange keeps until its response ends.
pub const MAX_VALUES: usize = bridge_api::MAX_VALUES;
/// Most places that are masked in one request; a request with more is refused.
///
/// Bounds the memory of a plan, which a wasm VM never gives back.
pub const MAX_SPANS: usize = 500_000;

/// How a value was spelled in the body.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Form {
    /// A JSON number: its token stands in quotes, and is restored without them.
    Number,
    /// Text in JSON in a string, spelled with escapes that it does not need. The value is that spelling, so that
    /// the string comes back as it was.
    Spelled,
    /// Text.
    Text,
}

/// One distinct value of a request.
#[derive(Clone, Debug)]
pub struct Value {
    /// What it is.
    pub kind: KindId,
    /// How it was spelled.
    pub form: Form,
    /// The original.
    pub secret: Secret,
    /// The token of a credential that this text reads as. If this very exchange issues that token, the text
    /// is one that came back in the history, and passes as it is.
    pub reads_as: Option<String>,
}

/// One place that is masked.
#[derive(Clone, Debug)]
pub struct Span {
    /// Where, in the bytes of the body.
    pub raw: Range<usize>,
    /// Which of the plan's values stands there.
    pub value: usize,
    /// How many JSON strings it is inside of.
    pub level: usize,
    /// Which rule found it.
    pub rule: &'static str,
}

/// What is to be masked in a body.
#[derive(Debug, Default)]
pub struct Plan {
    /// In order, without overlap.
    pub spans: Vec<Span>,
    /// Distinct, in order of appearance.
    pub values: Vec<Value>,
    /// How many pieces of signed text passed unread.
    pub signed: u64,
    /// How often spans were widened.
    pub widened: usize,
    /// True if reading the masked body back is the only way to know what it reads as.
    doubtful: bool,
}

/// Why a body is not masked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unmaskable {
    /// Text beside an identifier would make the result ambiguous.
    Ambiguous,
    /// An identifier stands in a field that must not be changed; at this byte.
    InField(usize),
    /// More than [`MAX_VALUES`].
    TooManyValues,
    /// It cannot be read.
    Unreadable(Unreadable),
}

/// A masked body, and where its tokens stand.
struct Spliced {
    body: Vec<u8>,
    inserted: Vec<Inserted>,
}

/// One token in a masked body.
struct Inserted {
    output: Range<usize>,
    input: Range<usize>,
    token: usize,
}

impl Plan {
    /// Puts `tokens` (those of [`values`](Self::values), in order) in the place of the plan's spans.
    fn splice(&self, body: &[u8], tokens: &[String]) -> Spliced {
        let growth = self.spans.len() * 8;
        let mut spliced = Spliced { body: Vec::with_capacity(body.len() + growth), inserted: Vec::new() };
        spliced.inserted.reserve(self.spans.len());
        let out = &mut spliced.body;
        // Text that reads as a credential's token passes if that token is issued here.
        let mut issued: BTreeSet<&str> = BTreeSet::new();
        if self.values.iter().any(|value| value.reads_as.is_some()) {
            let own = self.values.iter().zip(tokens).filter(|(value, _)| value.reads_as.is_none());
            issued.extend(own.map(|(_, token)| token.as_str()));
        }
        let mut copied = 0;
        for span in &self.spans {
            let (Some(value), Some(token)) = (self.values.get(span.value), tokens.get(span.value)) else {
                continue;
            };
            out.extend_from_slice(body.get(copied..span.raw.start).unwrap_or_default());
            copied = span.raw.end;
            let quote: &[u8] = if value.form == Form::Number { b"\"" } else { b"" };
            escape::append(quote, span.level.saturating_sub(1), out);
            let start = out.len();
            match &value.reads_as {
                Some(token) if issued.contains(token.as_str()) => {
                    out.extend_from_slice(body.get(span.raw.clone()).unwrap_or_default());
                }
                _ => out.extend_from_slice(token.as_bytes()),
            }
            let output = start..out.len();
            escape::append(quote, span.level.saturating_sub(1), out);
            spliced.inserted.push(Inserted { output, input: span.raw.clone(), token: span.value });
        }
        out.extend_from_slice(body.get(copied..).unwrap_or_default());
        spliced
    }
}

#[cfg(test)]
mod attempts;
#[cfg(test)]
mod tests;
