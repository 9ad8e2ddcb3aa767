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
            let stands_free = is_number || (may_start(left) && may_end(right));
            if !stands_free {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::json::shape::TEXT;
    use crate::mask::{Masked, number};
    use alloc::format;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn told_without_reading_or_read_again() {
        let config = |kinds: &str| {
            let json = format!(r#"{{"hosts":["api.anthropic.com"],"detect":{{"kinds":{kinds}}}}}"#);
            Config::from_json(json.as_bytes()).unwrap().detection
        };
        let all = Detector::new(&config("{}")).unwrap();
        let no_names = Detector::new(&config(r#"{"names":false}"#)).unwrap();
        for (detector, body, told) in [
            (&all, r#"{"m":"i-12345678"}"#, true),
            (&all, r#"{"m":"a \"i-12345678\", \\i-87654321\\ 를i-12345678를"}"#, true),
            (&all, r#"{"m":"\ni-12345678\n","x":"\\ni-12345678\\r"}"#, true),
            (&all, r#"{"m":"[\"\\ni-12345678\\n\",{\"AccountId\":123456789012}] x i-12345678"}"#, true),
            (&all, r#"{"m":"i-12345678 AWS_EC2_001 AWS\\_EC2\\_001"}"#, true),
            (&all, r#"{"AccountId":123456789012,"x":"123456789012"}"#, true),
            (&all, r#"{"m":"nothing to find"}"#, true),
            // Escapes that are longer, and what could be one.
            (&all, r#"{"m":"%2Fi-12345678"}"#, false),
            (&all, r#"{"m":"\u000ai-12345678"}"#, false),
            (&all, r#"{"m":"i-12345678\u0020"}"#, false),
            // The token of a credential passes as it is.
            (&all, r#"{"m":"AKIAIOSFODNN7EXAMPLE AWS_ACCESS_KEY_001"}"#, false),
            // What decides how something else is read.
            (&all, r#"{"i-12345678":1}"#, false),
            (&all, r#"{"m":"data:i-12345678"}"#, false),
            (&all, r#"{"m":"[1] x i-12345678"}"#, true),
            (&all, r#"{"m":"[1] i-12345678"}"#, false),
            // What is found and left out may read as a token.
            (&no_names, r#"{"m":"i-12345678 arn:aws:s3:::AWS_EC2_001"}"#, false),
            (&all, r#"{"m":"i-12345678 arn:aws:s3:::AWS_EC2_001"}"#, true),
        ] {
            let mut plan = Plan::find(detector, &TEXT, body.as_bytes()).unwrap();
            let tokens = number(detector, &plan.values);
            assert_eq!(plan.reads_back(detector, body.as_bytes(), &tokens), told, "{body}");
            let masked = plan.mask(detector, &TEXT, body.as_bytes(), &tokens).unwrap();
            assert!(matches!(masked, Masked::Body(_)) || !told, "{body}");
            let other = alloc::vec![String::from("AWS_NOPE_001"); tokens.len()];
            assert!(tokens.is_empty() || !plan.reads_back(detector, body.as_bytes(), &other), "{body}");
        }
    }
}
