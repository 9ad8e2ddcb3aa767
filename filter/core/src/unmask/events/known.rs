//! Most events of a stream differ from the one before in the text of one channel and in nothing else: what that one
//! said holds for them too, and they need not be read again.

use super::facts::{Facts, Text};
use crate::json::{Lexer, Piece};
use alloc::vec::Vec;
use memchr::arch::all::{is_prefix, is_suffix};

/// Most bytes around a text that are kept. Providers' events have some hundred.
const MAX_AROUND: usize = 4096;

/// What an event said that the next one may say again.
#[derive(Default)]
pub(super) struct Known {
    /// Its data before the content of the text, with the opening quote, and behind.
    before: Vec<u8>,
    behind: Vec<u8>,
    facts: Option<Facts>,
}

impl Known {
    /// The content of the text in an event with this data, if it may say the same.
    fn content<'a>(&self, data: &'a [u8]) -> Option<&'a [u8]> {
        // Much faster than the standard library's where there is no `memcmp` of the processor's own.
        let rest = data.get(self.before.len()..).filter(|_| is_prefix(data, &self.before))?;
        let length = rest.len().checked_sub(self.behind.len())?;
        rest.get(..length).filter(|_| is_suffix(rest, &self.behind))
    }

    /// The text in an event with this data, and its content, if it says the same once all of this is content.
    pub(super) fn text<'a>(&self, data: &'a [u8]) -> Option<(&Text, &'a [u8])> {
        let facts = self.facts.as_ref()?;
        Some((facts.texts.first()?, self.content(data)?))
    }

    /// What an event with this data says, if it says the same.
    pub(super) fn again(&mut self, data: &[u8]) -> Option<Facts> {
        let content = self.content(data)?;
        let mut facts = self.facts.take_if(|_| is_content(content))?;
        facts.resize_text(content.len());
        Some(facts)
    }

    /// What [`again`](Self::again) gave is to be said again.
    pub(super) fn put_back(&mut self, facts: Facts) {
        self.facts = Some(facts);
    }

    /// Keeps what was said, if it may be said again.
    pub(super) fn keep(&mut self, facts: Facts, data: &[u8]) {
        let Some(text) = facts.only_text() else { return };
        let (Some(before), Some(behind)) = (data.get(..text.start), data.get(text.end..)) else { return };
        if before.len() + behind.len() > MAX_AROUND {
            return;
        }
        for (kept, new) in [(&mut self.before, before), (&mut self.behind, behind)] {
            kept.clear();
            kept.extend_from_slice(new);
        }
        self.facts = Some(facts);
    }
}

/// True if all of this may be the content of a string, as it is spelled.
fn is_content(content: &[u8]) -> bool {
    let mut lexer = Lexer::in_string();
    let mut rest = content;
    loop {
        rest = rest.get(lexer.read_on(rest, |_, _, _| ())..).unwrap_or_default();
        match lexer.next(rest) {
            None => return true,
            Some(Ok((length, Piece::Text | Piece::Escape(_)))) => {
                rest = rest.get(length..).unwrap_or_default()
            }
            Some(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Shape;
    use crate::provider;
    use alloc::format;
    use alloc::string::String;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn after(data: &str) -> (Known, &'static Shape) {
        let (mut known, shape) = (Known::default(), provider::api("/v1/messages").event);
        known.keep(Facts::read(shape, data.as_bytes()), data.as_bytes());
        (known, shape)
    }

    fn delta(index: &str, text: &str) -> String {
        let delta = format!(r#"{{"type":"text_delta","text":"{text}"}}"#);
        format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#)
    }

    #[test]
    fn says_what_reading_says() {
        let (mut known, shape) = after(&delta("0", "a"));
        for (data, is_known) in [
            (delta("0", ""), true),
            (delta("0", r#"AWS_EC2_001 \n \u00e9 \ud83d \""#), true),
            (delta("1", "a"), false),
            (delta("0", r#"a","text":"b"#), false),
            (delta("0", r"a\"), false),
            (delta("0", r"\u00"), false),
            (delta("0", "\n"), false),
            (String::from("{}"), false),
            (delta("0", "b"), true),
        ] {
            check(&mut known, shape, &data, is_known);
        }
        let (mut known, shape) = after(&behind("1", "a"));
        for text in ["", "longer", "b"] {
            check(&mut known, shape, &behind("1", text), true);
        }
        check(&mut known, shape, &behind("2", "b"), false);
    }

    fn check(known: &mut Known, shape: &'static Shape, data: &str, is_known: bool) {
        let again = known.again(data.as_bytes());
        assert_eq!(again.is_some(), is_known, "{data}");
        if let Some(again) = again {
            assert!(again == Facts::read(shape, data.as_bytes()), "{data}");
            known.put_back(again);
        }
    }

    /// The index stands behind the text.
    fn behind(index: &str, text: &str) -> String {
        let delta = format!(r#"{{"text":"{text}","type":"text_delta"}}"#);
        format!(r#"{{"delta":{delta},"index":{index},"type":"content_block_delta"}}"#)
    }

    #[test]
    fn keeps_only_what_says_nothing_else() {
        let long = format!(r#"{{"x":"{}",{}"#, "x".repeat(MAX_AROUND), &delta("0", "a")[1..]);
        for data in [
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"message_stop"}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"},"AWS":1}"#,
            &long,
        ] {
            let (mut known, _) = after(data);
            assert!(known.again(data.as_bytes()).is_none(), "{data}");
        }
    }
}
