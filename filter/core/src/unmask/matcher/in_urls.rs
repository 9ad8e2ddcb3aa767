//! A matcher's text as it goes out, and the URLs in it: a token where the host stands waits until the host is known.

use super::Context;
use crate::unmask::url::{UrlPlace, UrlTracker};
use crate::unmask::{MAX_HELD, Mapping};
use alloc::string::String;
use alloc::vec::Vec;

/// The end of one text. Everything that it lets out goes through here.
#[derive(Default)]
pub(super) struct InUrls {
    url: UrlTracker,
    waiting: Option<Waiting>,
}

/// What came since the first token of a host, which is not known yet.
#[derive(Default)]
struct Waiting {
    as_it_came: Vec<u8>,
    restored: Vec<u8>,
    tokens: Vec<String>,
}

impl InUrls {
    pub(super) fn held(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| waiting.as_it_came.len())
    }

    /// A new string begins.
    pub(super) fn start(&mut self) {
        self.url.start();
    }

    /// The text ends, and a host with it.
    pub(super) fn end(&mut self, to: &mut Context<'_>) {
        self.url.end();
        self.settle(to);
    }

    /// Plain text, and how it is spelled.
    pub(super) fn pass(&mut self, text: &[u8], raw: &[u8], to: &mut Context<'_>) {
        self.follow(text, to);
        self.put(raw, raw, to);
    }

    /// As [`pass`](Self::pass), if nothing waits: then it goes out as it came. False if something does.
    pub(super) fn passes(&mut self, text: &[u8], mapping: &Mapping) -> bool {
        let mut rest = text;
        while self.waiting.is_none() && mapping.urls().is_some() && !rest.is_empty() {
            rest = rest.get(self.url.take(rest)..).unwrap_or_default();
        }
        self.waiting.is_none()
    }

    /// A token of the exchange, what is put in its place, and how it is spelled.
    pub(super) fn token(&mut self, token: &str, value: &[u8], raw: &[u8], to: &mut Context<'_>) {
        let urls = to.mapping.urls();
        match self.url.place() {
            UrlPlace::Authority if urls.is_some() => {
                self.waiting.get_or_insert_default().tokens.push(token.into());
                self.put(value, raw, to);
            }
            UrlPlace::Rest if urls.is_some_and(|urls| !urls.restores(token, &self.url)) => {
                to.tally.kept_in_urls += 1;
                self.put(raw, raw, to);
            }
            _ => {
                to.tally.restored += 1;
                self.put(value, raw, to);
            }
        }
        self.follow(token.as_bytes(), to);
    }

    /// True if a token that the bridge may know can be restored here: not in a host, for which nothing can wait.
    pub(super) fn may_open(&self, token: &str, to: &Context<'_>) -> bool {
        let Some(urls) = to.mapping.urls() else { return true };
        match self.url.place() {
            UrlPlace::Outside => true,
            UrlPlace::Authority => false,
            UrlPlace::Rest => urls.restores(token, &self.url),
        }
    }

    /// A token that stays.
    pub(super) fn keep(&mut self, token: &str, raw: &[u8], to: &mut Context<'_>) {
        to.tally.kept_in_urls += 1;
        self.put(raw, raw, to);
        self.follow(token.as_bytes(), to);
    }

    fn follow(&mut self, text: &[u8], to: &mut Context<'_>) {
        let mut rest = text;
        while !rest.is_empty() && to.mapping.urls().is_some() {
            rest = rest.get(self.url.take(rest)..).unwrap_or_default();
            if self.url.place() != UrlPlace::Authority {
                self.settle(to);
            }
        }
    }

    fn put(&mut self, restored: &[u8], raw: &[u8], to: &mut Context<'_>) {
        match &mut self.waiting {
            None => to.out.extend_from_slice(restored),
            Some(waiting) => {
                waiting.restored.extend_from_slice(restored);
                waiting.as_it_came.extend_from_slice(raw);
                if waiting.as_it_came.len() > MAX_HELD {
                    // Nobody's host is that long.
                    to.tally.kept_in_urls += waiting.count();
                    to.out.append(&mut waiting.as_it_came);
                    self.waiting = None;
                }
            }
        }
    }

    /// The host is known, or there is none.
    fn settle(&mut self, to: &mut Context<'_>) {
        let Some(mut waiting) = self.waiting.take() else { return };
        let urls = to.mapping.urls();
        if urls.is_none_or(|urls| urls.restores_host(&waiting.tokens, &self.url)) {
            to.tally.restored += waiting.count();
            to.out.append(&mut waiting.restored);
        } else {
            to.tally.kept_in_urls += waiting.count();
            to.out.append(&mut waiting.as_it_came);
        }
    }
}

impl Waiting {
    fn count(&self) -> u64 {
        u64::try_from(self.tokens.len()).unwrap_or_default()
    }
}
