//! Drives an exchange as a host does.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

use cloakroom_core::exchange::{Counter, Refusal};
use cloakroom_core::{Actions, Config, Exchange, Headers, Input, Next, Vm};
use core::time::Duration;
use std::collections::BTreeMap;

/// Nothing here has an age.
pub(crate) const NOW: Duration = Duration::ZERO;

pub(crate) fn vm() -> Vm {
    vm_with(r#"{"hosts":["api.anthropic.com","api.openai.com","*.googleapis.com"]}"#)
}

pub(crate) fn vm_with(config: &str) -> Vm {
    Vm::new(Config::from_json(config.as_bytes()).unwrap()).unwrap()
}

pub(crate) fn headers(list: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}

/// A POST of JSON, as the head of a request.
pub(crate) fn post(host: &str, path: &str) -> Vec<(String, Vec<u8>)> {
    headers(&[
        (":method", "POST"),
        (":authority", host),
        (":path", path),
        ("content-type", "application/json"),
        ("x-request-id", "req-1"),
    ])
}

/// A request on its way: the exchange, and what the provider is sent.
pub(crate) struct Sent {
    pub(crate) exchange: Exchange,
    pub(crate) body: Vec<u8>,
}

/// Sends a request; the body is complete at once.
pub(crate) fn send(vm: &Vm, head: &[(String, Vec<u8>)], body: &[u8]) -> Result<Sent, Refusal> {
    let mut exchange = Exchange::new();
    let actions = exchange.handle(vm, NOW, Input::RequestHead { headers: Headers(head), end: false });
    settle(actions)?;
    let actions = exchange.handle(vm, NOW, Input::RequestBody(body));
    let sent = settle(actions)?.unwrap_or_else(|| body.to_vec());
    Ok(Sent { exchange, body: sent })
}

fn settle(actions: Actions) -> Result<Option<Vec<u8>>, Refusal> {
    match actions.next {
        Next::Continue => Ok(actions.body),
        Next::Refuse(refusal) => Err(refusal),
        other => panic!("unexpected: {other:?}"),
    }
}

/// Receives a response in these pieces; returns what the application got.
pub(crate) fn receive<'a>(
    vm: &Vm,
    exchange: &mut Exchange,
    content_type: &str,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<u8> {
    receive_counted(vm, exchange, content_type, pieces).0
}

/// As [`receive`], and what was counted.
pub(crate) fn receive_counted<'a>(
    vm: &Vm,
    exchange: &mut Exchange,
    content_type: &str,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, BTreeMap<Counter, u64>) {
    let head = headers(&[(":status", "200"), ("content-type", content_type)]);
    let head = if content_type.is_empty() { &head[..1] } else { &head[..] };
    exchange.handle(vm, NOW, Input::ResponseHead { headers: Headers(head), end: false });
    let (mut got, mut held, mut counted) = (Vec::new(), Vec::new(), BTreeMap::new());
    let ends = [(None, true)];
    for (piece, end) in pieces.into_iter().map(|piece| (Some(piece), false)).chain(ends) {
        held.extend_from_slice(piece.unwrap_or_default());
        let actions = exchange.handle(vm, NOW, Input::ResponseChunk { bytes: &held, end });
        for count in actions.counts {
            *counted.entry(count.counter).or_default() += count.by;
        }
        let shown = actions.body.unwrap_or_else(|| held.clone());
        match actions.next {
            Next::Hold => held = shown,
            Next::Continue => {
                got.extend(shown);
                held.clear();
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    (got, counted)
}
