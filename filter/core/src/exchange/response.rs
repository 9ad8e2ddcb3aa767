//! The way back to the application.

use super::content::{ContentType, is_compressed, is_identity};
use super::lookup::Answer;
use super::{Actions, Count, Counter, Exchange, HeaderChange, Headers, Next, Reason, State};
use crate::provider::Api;
use crate::unmask::{ArrayUnmasker, JsonUnmasker, Mapping, PlainUnmasker, SseUnmasker, Tally};
use crate::vm::Vm;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

/// Headers that speak of the bytes of the body, and are wrong once it is restored.
const OF_THE_BYTES: [&str; 7] =
    ["accept-ranges", "content-digest", "content-length", "content-md5", "digest", "etag", "repr-digest"];

/// White space after which an answer without content type is taken for text.
const MAX_BLANK: usize = 1024;

/// How a response's body is read.
pub(super) enum Framing {
    Array(ArrayUnmasker),
    Events(SseUnmasker),
    Json(JsonUnmasker),
    Plain(PlainUnmasker),
    /// No content type: the first bytes tell.
    Unknown(Api),
    /// A file that the provider keeps: the first byte tells whether it is JSON, such as the results of a batch.
    File(Api),
}

impl Framing {
    fn json(api: Api) -> Self {
        if api.streams_array {
            Self::Array(ArrayUnmasker::new(api.event, api.response))
        } else {
            Self::Json(JsonUnmasker::new(api.response))
        }
    }

    pub(super) fn held(&self) -> usize {
        match self {
            Self::Array(array) => array.held(),
            Self::Events(events) => events.held(),
            Self::Json(json) => json.held(),
            Self::Plain(plain) => plain.held(),
            // The host holds what there is.
            Self::File(_) | Self::Unknown(_) => 0,
        }
    }
}

impl Exchange {
    pub(super) fn response_head(
        &mut self,
        api: Api,
        mapping: Mapping,
        headers: Headers<'_>,
        end: bool,
    ) -> Actions {
        let content_type = ContentType::of(headers);
        let is_file = content_type.essence == "application/octet-stream" && mapping.has_lookups();
        if end || mapping.is_empty() || (is_media(&content_type.essence) && !is_file) {
            self.state = State::Open;
            return Actions::proceed();
        }
        if !is_identity(headers) {
            return self.refuse(Reason::ResponseEncoding);
        }
        let framing = match content_type.essence.as_str() {
            "" => Framing::Unknown(api),
            _ if is_file => Framing::File(api),
            "text/event-stream" => Framing::Events(SseUnmasker::new(api.event)),
            _ if content_type.is_json() => Framing::json(api),
            _ if content_type.is_json_lines() => Framing::Json(JsonUnmasker::new(api.response)),
            _ => Framing::Plain(PlainUnmasker::default()),
        };
        // A file may be compressed for all we know: only JSON in it is read.
        self.state = State::Restoring(Box::new(Answer::new(framing, mapping, !is_file)));
        let present = |name: &&str| headers.get(name).is_some();
        let removed = OF_THE_BYTES.into_iter().filter(present).map(|name| HeaderChange::Remove(name.into()));
        Actions { headers: removed.collect(), ..Actions::proceed() }
    }

    pub(super) fn response_chunk(
        &mut self,
        vm: &Vm,
        now: Duration,
        mut answer: Box<Answer>,
        bytes: &[u8],
        end: bool,
    ) -> Actions {
        if answer.may_be_compressed {
            match is_compressed(bytes) {
                Some(true) => return self.cut(Reason::ResponseEncoding),
                None if !end => {
                    self.state = State::Restoring(answer);
                    return Next::Hold.into();
                }
                _ => answer.may_be_compressed = false,
            }
        }
        if let Framing::File(api) = answer.framing {
            match bytes.trim_ascii_start().first() {
                Some(b'{' | b'[') => answer.framing = Framing::Json(JsonUnmasker::new(api.response)),
                Some(_) => {
                    self.state = State::Open;
                    return Actions::proceed();
                }
                None => {}
            }
        }
        if let Framing::Unknown(api) = answer.framing {
            match recognise(api, bytes, end) {
                // The host shows these bytes again, with what follows.
                None => {
                    self.state = State::Restoring(answer);
                    return Next::Hold.into();
                }
                Some(known) => answer.framing = known,
            }
        }
        if let Framing::Events(events) = &mut answer.framing
            && !end
            && events.passes(bytes, &answer.mapping)
        {
            self.state = State::Restoring(answer);
            return Actions::proceed();
        }
        self.deliver(vm, now, answer, bytes, end)
    }

    /// Trailers end the body. Only what the host holds can still be changed: what is withheld here is lost, and that
    /// must not look like a whole answer.
    pub(super) fn response_trailers(
        &mut self,
        vm: &Vm,
        now: Duration,
        answer: Box<Answer>,
        held: &[u8],
    ) -> Actions {
        match &answer.framing {
            _ if answer.may_be_compressed && !held.is_empty() => {
                self.response_chunk(vm, now, answer, held, true)
            }
            Framing::Plain(_) | Framing::Unknown(_) if !held.is_empty() => {
                self.response_chunk(vm, now, answer, held, true)
            }
            Framing::Array(_) | Framing::Events(_) | Framing::Json(_) if answer.framing.held() > 0 => {
                self.cut(Reason::ResponseCut)
            }
            Framing::Plain(plain) if plain.kept() > 0 => self.cut(Reason::ResponseCut),
            _ => {
                self.state = State::Open;
                Actions::proceed()
            }
        }
    }

    /// Ends an answer whose head has gone out: a host can only reset it.
    fn cut(&mut self, reason: Reason) -> Actions {
        let actions = self.refuse(reason);
        self.state = State::Cut;
        actions
    }
}

/// Restores the next bytes, or at the end the last ones. What plain text settles is not shown yet.
pub(super) fn restore(
    framing: &mut Framing,
    mapping: &Mapping,
    bytes: &[u8],
    end: bool,
    tally: &mut Tally,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    match framing {
        Framing::Array(array) => {
            array.push(bytes, mapping, &mut out, tally);
            if end {
                array.finish(mapping, &mut out, tally);
            }
        }
        Framing::Json(json) => {
            json.push(bytes, mapping, &mut out, tally);
            if end {
                json.finish(mapping, &mut out, tally);
            }
        }
        Framing::Events(events) => {
            events.push(bytes, mapping, &mut out, tally);
            if end {
                events.finish(mapping, &mut out, tally);
            }
        }
        Framing::Plain(plain) => out = plain.take(bytes, end, mapping, tally),
        Framing::File(_) | Framing::Unknown(_) => out.extend_from_slice(bytes),
    }
    out
}

/// Types that carry no text.
fn is_media(essence: &str) -> bool {
    ["audio/", "font/", "image/", "video/"].iter().any(|family| essence.starts_with(family))
        || matches!(
            essence,
            "application/gzip" | "application/octet-stream" | "application/pdf" | "application/zip"
        )
}

/// What an answer without content type is: JSON opens a bracket, an event stream begins with a field.
fn recognise(api: Api, seen: &[u8], end: bool) -> Option<Framing> {
    const FIELDS: [&[u8]; 5] = [b":", b"data:", b"event:", b"id:", b"retry:"];
    let text = seen.strip_prefix(b"\xef\xbb\xbf").unwrap_or(seen).trim_ascii_start();
    match text.first() {
        // White space is no reason to wait for ever.
        None if !end && seen.len() < MAX_BLANK => None,
        None => Some(Framing::Plain(PlainUnmasker::default())),
        Some(b'{' | b'[') => Some(Framing::json(api)),
        _ if FIELDS.iter().any(|field| text.starts_with(field)) => {
            Some(Framing::Events(SseUnmasker::new(api.event)))
        }
        // The beginning of a field's name, or of the byte order mark: wait.
        _ if !end && FIELDS.iter().any(|field| field.starts_with(text)) => None,
        _ if !end && b"\xef\xbb\xbf".starts_with(seen) => None,
        _ => Some(Framing::Plain(PlainUnmasker::default())),
    }
}

pub(super) fn counts(tally: &Tally) -> Vec<Count> {
    let counts = [
        (Counter::HeldBytes, tally.held),
        (Counter::KeptInUrls, tally.kept_in_urls),
        (Counter::MalformedResponse, tally.malformed),
        (Counter::Restored, tally.restored),
        (Counter::Unjoined, tally.unjoined),
        (Counter::Unrestored, tally.unrestored),
    ];
    counts.into_iter().filter(|(_, by)| *by > 0).map(|(counter, by)| Count { counter, by }).collect()
}
