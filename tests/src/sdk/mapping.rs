//! What was masked, found by walking through both texts at once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A request to Gemini whose history was streamed: its SDK remembers a content for each chunk, and a restored value stands
/// whole in one of them. Without where the text was cut.
pub(super) fn without_cuts(body: &str) -> String {
    let mut body: Value = serde_json::from_str(body).expect("a request is JSON");
    let mut joined: Vec<Value> = Vec::new();
    for content in body["contents"].as_array().expect("a list") {
        for part in content["parts"].as_array().expect("a list") {
            match joined.last_mut() {
                Some(last)
                    if last["role"] == content["role"]
                        && last["text"].is_string()
                        && part["text"].is_string() =>
                {
                    last["text"] = json!(
                        [last["text"].as_str(), part["text"].as_str()]
                            .map(Option::unwrap_or_default)
                            .concat()
                    );
                }
                _ => {
                    let mut part = part.clone();
                    part["role"] = content["role"].clone();
                    joined.push(part);
                }
            }
        }
    }
    body["contents"] = joined.into();
    body.to_string()
}

/// Which token stands for which identifier.
#[derive(Debug, Default)]
pub struct Mapping {
    identifiers: BTreeMap<String, String>,
    tokens: BTreeMap<String, String>,
}

impl Mapping {
    /// Walks through both bodies at once: they differ only where a token stands for an identifier.
    ///
    /// # Panics
    /// When they differ elsewhere, or a token has two meanings, or nothing is masked.
    #[track_caller]
    pub fn learn(&mut self, what: &str, mut masked: &str, mut plain: &str, identifiers: &[String]) {
        let mut found = 0;
        while let Some(at) = masked.find("AWS_") {
            assert_same(what, &masked[..at], &plain[..at.min(plain.len())]);
            (masked, plain) = (&masked[at..], &plain[at..]);
            let length = masked.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
            let token = &masked[..length.unwrap_or(masked.len())];
            let longest =
                identifiers.iter().filter(|id| plain.starts_with(id.as_str())).max_by_key(|id| id.len());
            let identifier = longest.unwrap_or_else(|| {
                panic!("{what}: {token} stands for none of the identifiers: {}", begin(plain))
            });
            let known = self.identifiers.insert(token.to_owned(), identifier.clone());
            assert!(known.is_none_or(|known| known == *identifier), "{what}: {token} has two meanings");
            let known = self.tokens.insert(identifier.clone(), token.to_owned());
            assert!(known.is_none_or(|known| known == token), "{what}: {identifier} has two tokens");
            (masked, plain) = (&masked[token.len()..], &plain[identifier.len()..]);
            found += 1;
        }
        assert_same(what, masked, plain);
        assert!(found > 0, "{what}: the provider received a token");
    }
}

/// Shows where they begin to differ, for they are long.
#[track_caller]
pub(super) fn assert_same(what: &str, got: &str, expected: &str) {
    if got == expected {
        return;
    }
    let same: usize =
        got.chars().zip(expected.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let before = got[..same].char_indices().rev().nth(80).map_or(0, |(at, _)| at);
    panic!(
        "{what}: behind …{}…\n  got      {}\n  expected {}",
        &got[before..same],
        begin(&got[same..]),
        begin(&expected[same..])
    );
}

fn begin(text: &str) -> &str {
    text.char_indices().nth(200).map_or(text, |(at, _)| &text[..at])
}
