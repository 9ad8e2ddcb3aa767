//! Tokens of the model that answers took: read beside everything else, whether anything is restored or not.
//!
//! Nothing here changes an answer, or holds it up; one that is not the JSON or the events of a known API is not read.

use super::content::{ContentType, is_identity};
use super::{Actions, Count, Counter, Exchange, Headers, Input, Next, Report, State};
use crate::config::{DEFAULT_SCOPE, Store};
use crate::provider::Api;
use crate::usage::UsageReader;
use crate::vm::Vm;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::mem;

/// How much of a scope's hash is shown: 32 bits tell scopes apart, and name nobody.
const SHOWN_DIGITS: usize = 8;
const ALL_DIGITS: usize = 64;

/// The usage of one exchange.
pub(super) struct Watch {
    api: Api,
    host: String,
    scope: String,
    /// Since the answer's head.
    reader: Option<UsageReader>,
    /// How many bytes that were read the host shows again.
    shown: usize,
    /// What has been counted: in and out.
    counted: (u64, u64),
}

impl Watch {
    /// For a request whose answer says what it took. Only what makes an answer does: one that is fetched again costs nothing.
    pub(super) fn new(vm: &Vm, headers: Headers<'_>, api: Api, host: &str) -> Option<Box<Self>> {
        let watches = vm.config.usage && api.usage.is_some() && headers.get(":method") == Some(b"POST");
        watches.then(|| {
            let scope = scope(vm, headers);
            Box::new(Self { api, host: host.to_owned(), scope, reader: None, shown: 0, counted: (0, 0) })
        })
    }

    /// Takes what the host tells; true if the answer has said something new.
    fn take(&mut self, input: &Input<'_>) -> bool {
        match input {
            Input::ResponseHead { headers, end: false } if is_identity(*headers) => {
                let content_type = ContentType::of(*headers);
                let events = content_type.essence == "text/event-stream";
                let shape = self.api.usage.filter(|_| events || content_type.is_json());
                self.reader = shape.map(|shape| UsageReader::new(shape, events));
                false
            }
            Input::ResponseChunk { bytes, .. } | Input::ResponseTrailers(bytes) => {
                let new = bytes.get(mem::take(&mut self.shown)..).unwrap_or_default();
                self.reader.as_mut().is_some_and(|reader| reader.push(new))
            }
            _ => false,
        }
    }

    pub(super) fn reads(&self) -> bool {
        self.reader.as_ref().is_some_and(UsageReader::reads)
    }

    /// Counts what is new, and says all of it.
    fn report(&mut self, vm: &Vm, actions: &mut Actions) {
        let Some(usage) = self.reader.as_ref().map(UsageReader::usage) else { return };
        let model = if usage.model.is_empty() { "unknown" } else { &usage.model };
        let label = vm.usage_label(format!("host={};model={model};scope={}", self.host, self.scope));
        let now = (usage.input(), usage.output());
        let counts = [
            (now.0.saturating_sub(self.counted.0), Counter::InputTokens(label.clone())),
            (now.1.saturating_sub(self.counted.1), Counter::OutputTokens(label)),
        ];
        self.counted = now;
        let counts = counts.into_iter().filter(|(by, _)| *by > 0);
        actions.counts.extend(counts.map(|(by, counter)| Count { counter, by }));
        let line = format!("model={model},in={},out={}", now.0, now.1);
        actions.report = Some(Report { what: "usage", line });
    }
}

impl Exchange {
    /// Reads an input beside what else becomes of it.
    pub(super) fn handle_watched(
        &mut self,
        vm: &Vm,
        input: Input<'_>,
        handle: impl FnOnce(&mut Self, Input<'_>) -> Actions,
    ) -> Actions {
        let Some(mut watch) = self.usage.take() else { return handle(self, input) };
        let length = match &input {
            Input::ResponseChunk { bytes, .. } => bytes.len(),
            _ => 0,
        };
        let is_new = match self.state {
            // What else answers is not the provider.
            State::Start | State::Body { .. } | State::Waiting(_) | State::Refused | State::Cut => false,
            _ => watch.take(&input),
        };
        let mut actions = handle(self, input);
        if is_new {
            watch.report(vm, &mut actions);
        }
        if matches!(actions.next, Next::Hold | Next::Lookup(_)) {
            watch.shown = actions.body.as_ref().map_or(length, alloc::vec::Vec::len);
        }
        self.usage = Some(watch);
        actions
    }
}

/// The scope's name as it is configured, or the beginning of its hash: neither a credential nor what a header says.
fn scope(vm: &Vm, headers: Headers<'_>) -> String {
    let Store::Bridge(bridge) = &vm.config.store else { return DEFAULT_SCOPE.to_owned() };
    let mut name = bridge.scope.name(headers).unwrap_or_else(|| "unknown".to_owned());
    if bridge.scope.is_hashed() && name.len() > ALL_DIGITS {
        name.truncate(name.len() - ALL_DIGITS + SHOWN_DIGITS);
    }
    name
}
