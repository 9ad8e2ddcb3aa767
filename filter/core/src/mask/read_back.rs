//! Whether the masked body reads back, told without reading it again.
//!
//! The rest of the body was searched for text that reads as a token when it was read, and masking changes nothing
//! of how it is read. So the tokens that are put in are all there is, if each of them reads as itself, and if what
//! stands beside it does not bind. Where that cannot be told from the bytes beside it, the body is read again.

use super::{Form, Plan};
use crate::boundary;
use crate::detect::Detector;
use alloc::string::String;

impl Plan {
    /// True if the recogniser would find in the masked body exactly the tokens that were put in.
    pub(super) fn reads_back(&self, detector: &Detector, body: &[u8], tokens: &[String]) -> bool {
        let reads_as_itself = |token: &String| {
            let found = detector.recogniser().at(token.as_bytes(), 0);
            found.is_some_and(|found| found.range.end == token.len() && found.token == *token)
        };
        if self.doubtful || self.widened > 0 || !tokens.iter().all(reads_as_itself) {
            return false;
        }
        let mut before = 0;
        let mut spans = self.spans.iter().peekable();
        while let Some(span) = spans.next() {
            let after = spans.peek().map_or(body.len(), |next| next.raw.start);
            let left = body.get(before..span.raw.start).unwrap_or_default();
            let right = body.get(span.raw.end..after).unwrap_or_default();
            before = span.raw.end;
            // The token of a number stands in quotes of its own.
            let is_number = self.values.get(span.value).is_some_and(|value| value.form == Form::Number);
            if !is_number && !(may_start(left) && may_end(right)) {
                return false;
            }
        }
        true
    }
}

/// True if a token may begin behind these bytes of the body, however deep in JSON in strings they are. There must be one.
fn may_start(left: &[u8]) -> bool {
    match left {
        // A character that is no letter, or half of an escape that stands for one.
        [.., last] if !boundary::binds(*last) => true,
        // Whether it is an escape of JSON or text: behind both, something may begin.
        [.., b'\\', b'b' | b'f' | b'n' | b'r' | b't'] => true,
        _ => false,
    }
}

/// True if a token may end before these bytes of the body.
fn may_end(right: &[u8]) -> bool {
    let escapes = right.iter().take_while(|byte| **byte == b'\\').count();
    match right.get(escapes..) {
        Some([next, ..]) if escapes > 0 => *next != b'u',
        Some([next, ..]) => !boundary::binds(*next),
        _ => false,
    }
}
