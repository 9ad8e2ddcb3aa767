//! One request and its response, as one state machine.
//!
//! ```text
//! Start ──RequestHead──▶ Body ──RequestBody──▶ Waiting ──StoreReply──▶ Sent ──ResponseHead──▶ Restoring
//!   │                     │        │ store: request ─────────────────▲  │                        │
//!   │ no body             │        │ nothing to mask                    │ nothing to restore     │ trailers
//!   ▼                     ▼        ▼                                    ▼                        ▼
//! Open ◀──────────────────┴────────┘                                  Open                     Open
//!
//! Start, Body, Waiting ──a request that must not go on──▶ Refused
//! Sent ──an answer that cannot be read──▶ Refused
//! Restoring ──an answer that turns out so──▶ Cut
//! ```
//!
//! With `restore: scope` an exchange that names state kept by the provider is `Sent` even if nothing is masked, and
//! between `Restoring` and `Restoring` may be `Asking`, for a `LookupReply`.
//!
//! `Open` means that nothing is left to restore: the response passes untouched. A host may tell the end of a
//! request's body twice, at its last byte and with trailers. Anything else of a request that comes out of order is
//! held for good: nothing leaves that was not looked at. Responses pass in every state but `Sent` and `Restoring`;
//! they are Envoy's own then.

use crate::config::Store;
use crate::provider::Api;
use crate::unmask::Mapping;
use crate::vm::Vm;
use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;
use core::{fmt, mem};

pub use action::{Actions, Call, Count, Counter, HeaderChange, Next};
pub use content::request_shape;
pub use input::{Headers, Input, StoreReply};
pub use refusal::{Reason, Refusal};
pub use report::Report;

mod action;
mod content;
mod input;
mod lookup;
mod observe;
mod refusal;
mod report;
mod request;
mod response;
mod target;
mod tokens;
mod usage;

/// One request and its response. Give it every [`Input`] in order, and carry out the [`Actions`].
#[derive(Default)]
pub struct Exchange {
    state: State,
    /// As the request carries it; refusals repeat it.
    request_id: String,
    /// What reads how many tokens of the model the answer took.
    usage: Option<Box<usage::Watch>>,
}

#[derive(Default)]
enum State {
    #[default]
    Start,
    /// The head went on; the body is collected by the host.
    Body {
        treatment: request::Treatment,
        /// How much of it the host holds.
        held: usize,
    },
    /// The store has been asked for tokens.
    Waiting(Box<tokens::Waiting>),
    /// The masked request went on.
    Sent { api: Api, mapping: Mapping },
    /// The response is being restored.
    Restoring(Box<lookup::Answer>),
    /// The response waits for the bridge.
    Asking(Box<lookup::Answer>),
    /// Nothing is left to restore.
    Open,
    /// What goes on is not changed: `mode: observe`.
    Observed,
    /// The client got an error, and nothing goes on.
    Refused,
    /// The client got a head, perhaps more, and nothing else goes on.
    Cut,
}

impl fmt::Debug for Exchange {
    /// The state's name: what is in it is the application's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Start => "Start",
            State::Body { .. } => "Body",
            State::Waiting(_) => "Waiting",
            State::Sent { .. } => "Sent",
            State::Restoring(_) => "Restoring",
            State::Asking(_) => "Asking",
            State::Open => "Open",
            State::Observed => "Observed",
            State::Refused => "Refused",
            State::Cut => "Cut",
        };
        f.debug_struct("Exchange").field("state", &state).finish_non_exhaustive()
    }
}

impl Exchange {
    /// Starts before the request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts behind a request that was masked earlier: `mapping` is what its answer brings back.
    ///
    /// For hosts that see the answer only, such as a command line; the first input is the response's head.
    pub fn restoring(api: Api, mapping: Mapping) -> Self {
        Self { state: State::Sent { api, mapping }, ..Self::default() }
    }

    /// Takes the next input. `now` is the time since any moment that stays the same for this VM.
    pub fn handle(&mut self, vm: &Vm, now: Duration, input: Input<'_>) -> Actions {
        self.handle_watched(vm, input, |exchange, input| exchange.step(vm, now, input))
    }

    fn step(&mut self, vm: &Vm, now: Duration, input: Input<'_>) -> Actions {
        let state = mem::replace(&mut self.state, State::Refused);
        match (state, input) {
            (State::Start, Input::RequestHead { headers, end }) => self.request_head(vm, headers, end),
            (State::Body { treatment, .. }, Input::RequestHeld(bytes)) => {
                self.request_held(vm, treatment, bytes)
            }
            (State::Body { treatment, held }, Input::RequestBody(body)) => {
                self.request_body(vm, now, treatment, held, body)
            }
            (State::Body { treatment, held }, Input::RequestTrailers { trailers, body }) => {
                let actions = self.request_body(vm, now, treatment, held, body);
                request::without(trailers, actions)
            }
            (State::Waiting(waiting), Input::StoreReply { body, .. }) if body.len() != waiting.length => {
                self.refuse(Reason::HostFailed)
            }
            (State::Waiting(waiting), Input::StoreReply { reply, body }) => {
                self.store_reply(vm, now, *waiting, reply, body)
            }
            (
                state @ State::Waiting(_),
                Input::RequestHeld(_) | Input::RequestBody(_) | Input::RequestTrailers { .. },
            ) => {
                self.state = state;
                Next::Hold.into()
            }
            (State::Sent { api, mapping }, Input::ResponseHead { headers, end }) => {
                self.response_head(api, mapping, headers, end)
            }
            (State::Restoring(answer), Input::ResponseChunk { bytes, end }) => {
                self.response_chunk(vm, now, answer, bytes, end)
            }
            (State::Asking(answer), Input::ResponseChunk { bytes, end }) => {
                self.deliver(vm, now, answer, bytes, end)
            }
            (State::Asking(answer), Input::ResponseTrailers(held)) => {
                self.deliver(vm, now, answer, held, true)
            }
            (State::Asking(answer), Input::LookupReply(reply)) => self.lookup_reply(vm, now, answer, reply),
            (State::Restoring(answer), Input::LookupReply(reply)) => self.late_reply(answer, now, reply),
            // The response has gone.
            (state, Input::LookupReply(_)) => {
                self.state = state;
                Next::Hold.into()
            }
            (State::Restoring(answer), Input::ResponseTrailers(held)) => {
                self.response_trailers(vm, now, answer, held)
            }
            (State::Cut, _) => {
                self.state = State::Cut;
                Next::Hold.into()
            }
            // An answer before the request was sent is not the provider's: Envoy's own errors, for example.
            (
                state,
                Input::ResponseHead { .. } | Input::ResponseChunk { .. } | Input::ResponseTrailers(_),
            ) => {
                self.state = state;
                Actions::proceed()
            }
            (State::Observed, Input::RequestHeld(_) | Input::RequestBody(_)) => {
                self.state = State::Observed;
                Actions::proceed()
            }
            (State::Observed, Input::RequestTrailers { trailers, .. }) => {
                self.state = State::Observed;
                request::without(trailers, Actions::proceed())
            }
            // The body is settled, and its end is told once more.
            (
                state @ (State::Open | State::Sent { .. } | State::Restoring(_) | State::Asking(_)),
                Input::RequestTrailers { trailers, body: [] },
            ) => {
                self.state = state;
                request::without(trailers, Actions::proceed())
            }
            (
                state @ (State::Open | State::Sent { .. } | State::Restoring(_) | State::Asking(_)),
                Input::RequestBody([]),
            ) => {
                self.state = state;
                Actions::proceed()
            }
            // Out of order, or after a refusal.
            _ => Next::Hold.into(),
        }
    }

    /// True while the response's body has to be shown: a host need not copy it otherwise.
    pub fn reads(&self) -> bool {
        matches!(self.state, State::Restoring(_) | State::Asking(_) | State::Cut)
            || self.usage.as_ref().is_some_and(|usage| usage.reads())
    }

    /// True if the time matters for what comes next: a host need not ask for it otherwise.
    pub fn reads_clock(&self, vm: &Vm) -> bool {
        match &self.state {
            State::Body { .. } | State::Waiting(_) => matches!(vm.config.store, Store::Bridge(_)),
            State::Restoring(answer) => answer.mapping.has_lookups(),
            State::Asking(_) => true,
            _ => false,
        }
    }

    /// True while something of the response is withheld: a host that learns of the end tells it by an empty piece.
    pub fn withholds(&self) -> bool {
        matches!(&self.state, State::Restoring(answer) if answer.framing.held() > 0)
    }

    /// For a host that could not carry out actions: what to do instead.
    pub fn host_failed(&mut self) -> Actions {
        self.refuse(Reason::HostFailed)
    }

    fn refuse(&mut self, reason: Reason) -> Actions {
        self.state = State::Refused;
        let refusal = Refusal::new(reason, &self.request_id);
        let counts = [Count { counter: Counter::Refused(refusal.code), by: 1 }].into();
        Actions { counts, ..Next::Refuse(refusal).into() }
    }
}

#[cfg(test)]
mod tests;
