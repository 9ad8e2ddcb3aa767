//! Follows URLs through text that streams, character by character: where one begins, its host, where it ends.
//!
//! A URL is what a reader's program may fetch or link: `http`, `https`, `ftp`, `ws`, `wss`, what begins with `//` where
//! Markdown or HTML expects a URL, and `www.` in prose. Others (`s3:`, `arn:`, `postgres:`) are names that nobody
//! follows by himself. Where the syntaxes disagree (the URL standard, Markdown, HTML), the longer URL counts: a
//! token that is taken for a part of a URL too many stays a token, the other way round it would leave the company.
//!
//! ```text
//! Outside ──scheme:──▶ Slashes ──▶ Authority ──/ ? # \──▶ Rest
//!    ▲  └── www. ─────────────────▶    │                   │
//!    └──────────────── its end ────────┴───────────────────┘
//! ```

use alloc::vec::Vec;
use lead::Lead;
use until::Until;

/// Longest authority that is kept. A longer one is no host.
const MAX_AUTHORITY: usize = 512;
/// What programs follow by themselves.
pub(super) const SCHEMES: [&[u8]; 5] = [b"http", b"https", b"ftp", b"ws", b"wss"];
/// Those of them that become links in prose.
const WEB: [&[u8]; 2] = [b"http", b"https"];
/// Stands for characters outside ASCII.
const FOREIGN: u8 = 0xff;
/// Longest scheme.
const MAX_SCHEME: usize = 5;

/// One text. See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct UrlTracker {
    state: State,
    /// The last eight characters outside of URLs, the last one in the lowest byte.
    recent: u64,
    /// Of the URL that is open, or was last: what stands between the slashes and the path.
    authority: Vec<u8>,
    /// False if programs may read another host there than this one does.
    is_clean: bool,
    /// Outside of URLs: what opened the place of one, and the word that may become one.
    lead: Option<Lead>,
    /// Outside of URLs: the quote that the attribute ends with in which the text is. Some have many URLs: `srcset`.
    attribute: Option<u8>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Outside,
    Slashes {
        until: Until,
        seen: u8,
        start: Start,
    },
    Authority {
        until: Until,
        start: Start,
    },
    Rest {
        until: Until,
    },
}

/// How a URL began.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Start {
    Scheme,
    /// What may be a scheme in disguise needs its two slashes.
    Disguised,
    /// `//`: the host of a path that is none must have a dot, or an entity that may be one.
    Relative,
}

/// Where a character stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UrlPlace {
    /// In no URL.
    Outside,
    /// Where the host stands, which is not known yet.
    Authority,
    /// Behind the host.
    Rest,
}

impl UrlTracker {
    /// Where the next character stands, if it is not the URL's end.
    pub fn place(&self) -> UrlPlace {
        match self.state {
            State::Outside => UrlPlace::Outside,
            State::Slashes { .. } | State::Authority { .. } => UrlPlace::Authority,
            State::Rest { .. } => UrlPlace::Rest,
        }
    }

    /// What stands where the host stands, of the URL that is open or has just ended, in lower case; empty if that was no
    /// URL.
    pub fn authority(&self) -> &[u8] {
        &self.authority
    }

    /// The host of that URL without its port, if every program reads this very host there.
    pub fn host(&self) -> Option<&[u8]> {
        let mut parts = self.authority.splitn(2, |byte| *byte == b':');
        let host = parts.next().filter(|host| self.is_clean && !host.is_empty());
        host.filter(|_| parts.next().is_none_or(|port| port.iter().all(u8::is_ascii_digit)))
    }

    /// A new text begins.
    pub fn start(&mut self) {
        self.state = State::Outside;
        self.recent = 0;
        self.lead = None;
        self.attribute = None;
    }

    /// Takes characters until an authority ends, and that one too; returns how many it took.
    pub fn take(&mut self, text: &[u8]) -> usize {
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            if self.state == State::Outside && self.lead.is_none() {
                let rest = text.get(at..).unwrap_or_default();
                let begins = |byte: &u8| matches!(byte, b':' | b'/' | b'\\' | b'.' | b'(' | b'<' | b'=');
                let plain = match self.attribute {
                    None => rest.iter().position(begins),
                    Some(quote) => rest.iter().position(|byte| *byte == quote || begins(byte)),
                };
                let plain = plain.unwrap_or(rest.len());
                if plain > 0 {
                    self.remember(rest.get(..plain).unwrap_or_default());
                    at += plain;
                    continue;
                }
            }
            let before = self.place();
            self.character(byte);
            at += 1;
            if before == UrlPlace::Authority && self.place() != UrlPlace::Authority {
                break;
            }
        }
        at
    }

    /// The text ends, and any URL in it.
    pub fn end(&mut self) {
        if let State::Authority { start, .. } = self.state {
            self.settle(start);
        }
        self.start();
    }

    fn character(&mut self, byte: u8) {
        match self.state {
            State::Outside => self.outside(byte),
            State::Slashes { until, seen, start } => match byte {
                b'/' | b'\\' => self.state = State::Slashes { until, seen: seen.saturating_add(1), start },
                _ if start == Start::Disguised && seen < 2 => self.leave(byte),
                _ => {
                    self.state = State::Authority { until, start };
                    self.character(byte);
                }
            },
            State::Authority { mut until, start } => {
                // Programs refuse a host with a space in it.
                let ended = until.is_reached(byte) || byte == b' ';
                if !ended && !matches!(byte, b'/' | b'?' | b'#' | b'\\') {
                    self.state = State::Authority { until, start };
                    return self.extend(byte);
                }
                self.is_clean &= byte != b'\\';
                self.settle(start);
                if ended || self.authority.is_empty() {
                    self.leave(byte);
                } else {
                    self.state = State::Rest { until };
                }
            }
            State::Rest { mut until } => {
                if until.is_reached(byte) {
                    self.leave(byte);
                } else {
                    self.state = State::Rest { until };
                }
            }
        }
    }

    fn outside(&mut self, byte: u8) {
        // How long what begins the URL is so far, and what it is.
        let start = match byte {
            b':' => self.scheme(),
            b'/' | b'\\' => self.is_relative().then_some((1, Start::Relative)),
            b'.' if (0..3).all(|back| self.nth(back).eq_ignore_ascii_case(&b'w')) => Some((3, Start::Scheme)),
            _ => None,
        };
        let lead = self.lead.take();
        let (until, start) = match (start, &lead) {
            (Some((_, start)), Some(lead)) => (lead.until(), start),
            (Some((length, start)), None) => {
                let opener = self.nth(length);
                let listed = self.attribute.filter(|_| !matches!(opener, b'"' | b'\''));
                (listed.map_or_else(|| Until::behind(self.nth(length + 1), opener), Until::Listed), start)
            }
            (None, Some(lead)) if lead.is_entity(byte, self.recent) => {
                self.open(State::Slashes { until: lead.until(), seen: 0, start: Start::Relative });
                if byte != b';' {
                    self.character(byte);
                }
                return;
            }
            (None, _) => {
                self.attribute = self.attribute.filter(|quote| *quote != byte);
                self.lead = self.opened(lead, byte).or_else(|| lead?.and(byte));
                if let Some(Until::Quoted(quote)) = self.lead.map(|lead| lead.until()) {
                    self.attribute = Some(quote);
                }
                return self.remember(&[byte]);
            }
        };
        if byte == b'.' {
            self.open(State::Authority { until, start });
            self.authority.extend_from_slice(b"www.");
        } else {
            self.open(State::Slashes { until, seen: 0, start });
        }
    }

    fn open(&mut self, state: State) {
        self.authority.clear();
        self.is_clean = true;
        self.state = state;
    }

    /// True if the slash that comes is the second one, where a URL may begin.
    fn is_relative(&self) -> bool {
        // Programs leave tabs and line breaks out.
        let is_left_out = |byte: u8| self.lead.is_some() && matches!(byte, b'\t' | b'\n' | b'\r');
        let first = (0..7).find(|back| !is_left_out(self.nth(*back))).unwrap_or_default();
        let opens =
            |byte: u8| byte <= b' ' || matches!(byte, b'"' | b'\'' | b'(' | b'<' | b'=' | b';' | b',');
        matches!(self.nth(first), b'/' | b'\\') && opens(self.nth(first + 1))
    }

    /// What the word before a colon is.
    fn scheme(&self) -> Option<(usize, Start)> {
        let length = (0..=MAX_SCHEME).take_while(|back| self.nth(*back).is_ascii_alphanumeric()).count();
        let is_end = |scheme: &[u8], length: usize| {
            let mut letters = scheme.iter().rev().take(length).enumerate();
            letters.all(|(back, letter)| letter.eq_ignore_ascii_case(&self.nth(back)))
        };
        let ends_so = |scheme: &&[u8]| length <= scheme.len() && is_end(scheme, length);
        if SCHEMES.iter().any(|scheme| scheme.len() == length && ends_so(scheme)) {
            return Some((length, Start::Scheme));
        }
        // Programs leave tabs and line breaks out, read Markdown's escapes and the entities of HTML: `ht&#116;ps:`.
        let disguised = match self.nth(length) {
            b'\t' | b'\n' | b'\r' | b';' | b'\\' => SCHEMES.iter().any(ends_so),
            b'#' => true,
            _ => false,
        };
        // Links in prose begin inside of words too: https://github.github.com/gfm/#autolinks-extension-.
        let in_word = |scheme: &&[u8]| is_end(scheme, scheme.len());
        (disguised || WEB.iter().any(in_word)).then_some((length, Start::Disguised))
    }

    /// What opens with this character.
    fn opened(&self, lead: Option<Lead>, byte: u8) -> Option<Lead> {
        let until = match byte {
            b'(' if self.nth(0) == b']' => Until::Parenthesis { open: 0, escaped: false },
            b':' if self.nth(0) == b']' => Until::White,
            b'=' => Until::Attribute,
            b'<' if self.nth(0) != b'\\' => Until::Angle { escaped: false },
            b'"' | b'\'' if lead.is_some_and(|lead| lead.is_attribute()) => Until::Quoted(byte),
            _ => return None,
        };
        Some(Lead::new(until))
    }

    fn extend(&mut self, byte: u8) {
        let belongs = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
        self.is_clean &= belongs && self.authority.len() < MAX_AUTHORITY;
        // Characters outside ASCII come as bytes or, where they are spelled with escapes, as one sign: all are alike here.
        let byte = if byte.is_ascii() { byte.to_ascii_lowercase() } else { FOREIGN };
        let again = byte == FOREIGN && self.authority.last() == Some(&FOREIGN);
        if self.authority.len() <= MAX_AUTHORITY && !again {
            self.authority.push(byte);
        }
    }

    /// An authority ends: empties it if it was none.
    fn settle(&mut self, start: Start) {
        if start == Start::Relative && !self.authority.iter().any(|byte| matches!(byte, b'.' | b'&')) {
            self.authority.clear();
        }
    }

    fn leave(&mut self, byte: u8) {
        self.state = State::Outside;
        self.recent = 0;
        self.attribute = self.attribute.filter(|quote| *quote != byte);
        self.lead = self.opened(None, byte);
        self.recent = u64::from(byte);
    }

    fn remember(&mut self, text: &[u8]) {
        for byte in text.get(text.len().saturating_sub(8)..).unwrap_or_default() {
            self.recent = self.recent << 8 | u64::from(*byte);
        }
    }

    /// The last character before, for 0, or one further back.
    fn nth(&self, back: usize) -> u8 {
        self.recent.to_le_bytes().get(back).copied().unwrap_or_default()
    }
}

mod lead;
#[cfg(test)]
mod tests;
mod until;
