//! The operator's own kinds: a regular expression or a list of words each.

use crate::boundary;
use aho_corasick::{AhoCorasick, Input};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::ops::Range;
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;

/// Most words in all lists together.
pub const MAX_WORDS: usize = 200_000;
/// Shortest word of a list: shorter ones are in every text.
pub const MIN_WORD: usize = 2;
/// Longest word of a list.
pub const MAX_WORD: usize = 256;
/// Largest compiled expression, in bytes: what a bounded repetition may grow to.
pub const MAX_REGEX_SIZE: usize = 1024 * 1024;

/// A kind of the operator's own.
#[derive(Clone)]
pub struct OwnKind {
    /// Its tokens are this and a number.
    pub prefix: String,
    /// False if its tokens stay in the answer.
    pub restores: bool,
    pattern: Pattern,
}

#[derive(Clone)]
enum Pattern {
    /// Matched in linear time; boundaries are its own business.
    Regex(Regex),
    /// Whole words, by the boundary rule.
    Words(AhoCorasick),
}

impl fmt::Debug for OwnKind {
    /// What is to be masked must not print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnKind").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl OwnKind {
    /// What `pattern` matches.
    ///
    /// # Errors
    ///
    /// One sentence, if it does not compile, grows too large, or matches what every text has.
    pub fn regex(prefix: String, restores: bool, pattern: &str, ignore_case: bool) -> Result<Self, String> {
        let syntax = ParserBuilder::new().utf8(true).case_insensitive(ignore_case).build().parse(pattern);
        let syntax = syntax.map_err(|error| format!("cannot be read: {}", last_line(&error.to_string())))?;
        if syntax.properties().minimum_len().is_none_or(|length| length == 0) {
            return Err("matches the empty text; expected one that needs at least one character".to_owned());
        }
        let regex =
            RegexBuilder::new(pattern).case_insensitive(ignore_case).size_limit(MAX_REGEX_SIZE).build();
        let regex = regex.map_err(|error| match error {
            regex::Error::CompiledTooBig(limit) => {
                format!("grows to more than {limit} bytes; expected smaller repetitions or a list of words")
            }
            error => format!("cannot be read: {}", last_line(&error.to_string())),
        })?;
        let everything =
            |length: usize| ["a", "Z", "0"].iter().all(|text| regex.is_match(text.repeat(length).as_bytes()));
        if everything(1) || everything(4) {
            return Err("matches any letter and any digit, which is everything; expected one that tells a value from text".to_owned());
        }
        Ok(Self { prefix, restores, pattern: Pattern::Regex(regex) })
    }

    /// These words.
    ///
    /// # Errors
    ///
    /// The place of the word that is wrong, and one sentence.
    pub fn words(
        prefix: String,
        restores: bool,
        words: &[String],
        ignore_case: bool,
    ) -> Result<Self, (usize, String)> {
        if words.is_empty() {
            return Err((0, "expected at least one word".to_owned()));
        }
        let is_word = |word: &String| (MIN_WORD..=MAX_WORD).contains(&word.len()) && word.trim() == word;
        if let Some(at) = words.iter().position(|word| !is_word(word)) {
            let message = format!("expected {MIN_WORD} to {MAX_WORD} bytes without white space around them");
            return Err((at, message));
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(ignore_case)
            .build(words)
            .map_err(|_| (0, "are too many for one automaton; expected fewer or shorter words".to_owned()))?;
        Ok(Self { prefix, restores, pattern: Pattern::Words(automaton) })
    }

    /// The name of its rule.
    pub fn rule(&self) -> &'static str {
        match self.pattern {
            Pattern::Regex(_) => "own-regex",
            Pattern::Words(_) => "own-words",
        }
    }

    /// Calls `found` for every place in `text` from `from` on. Words may overlap.
    pub(super) fn find(&self, text: &[u8], from: usize, mut found: impl FnMut(Range<usize>)) {
        match &self.pattern {
            Pattern::Regex(regex) => {
                let mut at = from;
                // What stands before `from` is context.
                while let Some(hit) = regex.find_at(text, at) {
                    // An expression without empty matches moves on.
                    at = hit.end().max(at + 1);
                    if !hit.is_empty() {
                        found(hit.range());
                    }
                }
            }
            Pattern::Words(words) => {
                // All matches, as the longest one at a place may not be a whole word where a shorter one is.
                let hits = words.try_find_overlapping_iter(Input::new(text).range(from..));
                for hit in hits.into_iter().flatten().filter(|hit| stands_alone(text, &hit.range())) {
                    found(hit.range());
                }
            }
        }
    }
}

/// True if no word goes on before or after `range`.
fn stands_alone(text: &[u8], range: &Range<usize>) -> bool {
    let word = text.get(range.clone()).unwrap_or_default();
    let binds = |byte: Option<&u8>| byte.is_some_and(|byte| boundary::binds(*byte));
    (!binds(word.first()) || boundary::may_start(text.get(..range.start).unwrap_or_default()))
        && (!binds(word.last()) || boundary::may_end(text.get(range.end..).unwrap_or_default()))
}

/// What is wrong, without the picture of where.
fn last_line(error: &str) -> &str {
    error.lines().last().unwrap_or_default().trim_start_matches("error: ")
}

#[cfg(test)]
mod tests;
