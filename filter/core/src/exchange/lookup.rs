//! `restore: scope`: a response that waits for what the bridge knows.
//!
//! ```text
//! Restoring ──a token that may be known──▶ Asking ──LookupReply──▶ Restoring, or Asking again
//!     ▲                                      │
//!     └─────── more than MAX_WAITING ────────┘   the tokens stay as they are
//! ```
//!
//! While a response waits, the host holds it without a byte: what came is here, restored up to the tokens that are
//! asked for. So the host's own buffer, beyond which it would cut the response off, does not fill. A call that fails
//! costs the originals and nothing else: the answer goes on with its tokens, as without `restore: scope`.

use super::response::{Framing, counts, restore};
use super::{Actions, Count, Counter, Exchange, Next, State, StoreReply};
use crate::bridge;
use crate::config::Store;
use crate::unmask::lookups::fill;
use crate::unmask::{Hole, Mapping, Tally};
use crate::vm::Vm;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

/// Most bytes of a response that wait for the bridge. When more come before it answers, all go on with their tokens,
/// which are counted: nothing can slow the provider down.
pub(super) const MAX_WAITING: usize = 4 * 1024 * 1024;

/// A response, and what of it waits for the bridge.
pub(super) struct Asking {
    framing: Box<Framing>,
    mapping: Mapping,
    /// Restored but for the holes.
    out: Vec<u8>,
    holes: Vec<Hole>,
    /// How many of the holes, from the first one on, can be filled.
    known: usize,
    /// Nothing follows.
    ended: bool,
}

impl Asking {
    pub(super) fn new(framing: Box<Framing>, mapping: Mapping) -> Self {
        Self { framing, mapping, out: Vec::new(), holes: Vec::new(), known: 0, ended: false }
    }

    /// Takes what was restored next.
    fn take(&mut self, mut restored: Vec<u8>, holes: Vec<Hole>, end: bool) {
        let length = self.out.len();
        self.holes.extend(holes.into_iter().map(|hole| hole.behind(length)));
        if length == 0 {
            self.out = restored;
        } else {
            self.out.append(&mut restored);
        }
        self.ended |= end;
    }

    /// True if a hole cannot be filled yet.
    fn waits(&mut self) -> bool {
        let Some(lookups) = self.mapping.lookups() else { return false };
        let open = self.holes.iter().skip(self.known).position(|hole| lookups.is_open(&hole.token));
        self.known = open.map_or(self.holes.len(), |open| self.known + open);
        open.is_some()
    }

    fn is_asked(&mut self) -> bool {
        self.mapping.lookups().is_some_and(|lookups| lookups.call().is_some())
    }
}

impl Exchange {
    /// More of a response came, or its end; `shown` is what the host holds of it.
    pub(super) fn deliver(
        &mut self,
        vm: &Vm,
        now: Duration,
        mut asking: Asking,
        shown: &[u8],
        end: bool,
    ) -> Actions {
        let mut tally = Tally::default();
        let restored = restore(&mut asking.framing, &asking.mapping, shown, end, &mut tally);
        asking.take(restored, core::mem::take(&mut tally.holes), end);
        let too_much = asking.out.len() > MAX_WAITING && !asking.ended && asking.is_asked();
        if too_much || !asking.waits() {
            return self.release(asking, tally, shown);
        }
        let mut actions = self.ask_bridge(vm, now, asking, shown);
        actions.counts.extend(counts(&tally));
        actions
    }

    /// The call for a response has ended.
    pub(super) fn lookup_reply(
        &mut self,
        vm: &Vm,
        now: Duration,
        mut asking: Asking,
        reply: StoreReply<'_>,
    ) -> Actions {
        let counted = answer(&mut asking.mapping, now, reply);
        let mut actions = if asking.waits() {
            self.ask_bridge(vm, now, asking, b"")
        } else {
            self.release(asking, Tally::default(), b"")
        };
        actions.counts.extend(counted);
        actions
    }

    /// As [`lookup_reply`](Self::lookup_reply), when what waited for it has gone on.
    pub(super) fn late_reply(
        &mut self,
        framing: Box<Framing>,
        mut mapping: Mapping,
        now: Duration,
        reply: StoreReply<'_>,
    ) -> Actions {
        let counts = answer(&mut mapping, now, reply);
        self.state = State::Restoring { framing, mapping };
        Actions { counts, ..Next::Hold.into() }
    }

    /// Waits for the bridge, and asks it for what it has not been asked for.
    fn ask_bridge(&mut self, vm: &Vm, now: Duration, mut asking: Asking, shown: &[u8]) -> Actions {
        let (Store::Bridge(bridge), Some(lookups)) = (&vm.config.store, asking.mapping.lookups()) else {
            return self.release(asking, Tally::default(), shown);
        };
        let open = asking.holes.get(asking.known..).unwrap_or_default();
        let mut actions = match lookups.ask(open, now).map(|asked| asked.tokens.clone()) {
            Some(tokens) => {
                let by = u64::try_from(tokens.len()).unwrap_or(u64::MAX);
                let counts = [Count { counter: Counter::LookedUp, by }].into();
                let call = bridge::restore(bridge, lookups.scope(), &tokens, &self.request_id);
                Actions { counts, ..Next::Lookup(call).into() }
            }
            None if lookups.call().is_some() => Next::Hold.into(),
            // No more may be asked for.
            None => return self.release(asking, Tally::default(), shown),
        };
        actions.body = (!shown.is_empty()).then(Vec::new);
        self.state = State::Asking(Box::new(asking));
        actions
    }

    /// What waited goes on, in the place of what the host shows.
    fn release(&mut self, asking: Asking, mut tally: Tally, shown: &[u8]) -> Actions {
        let Asking { mut framing, mapping, out, holes, ended, .. } = asking;
        let mut out = fill(out, &holes, &mapping, &mut tally);
        let mut hold = false;
        if let Framing::Plain(plain) = framing.as_mut() {
            let shown = plain.show(out);
            (out, hold) = (shown.bytes, shown.hold);
        }
        tally.held += u64::try_from(framing.held()).unwrap_or_default();
        self.state = if ended { State::Open } else { State::Restoring { framing, mapping } };
        let changed = out != shown;
        let next = if hold { Next::Hold } else { Next::Continue };
        Actions { body: changed.then_some(out), counts: counts(&tally), ..next.into() }
    }
}

/// Takes the bridge's answer.
fn answer(mapping: &mut Mapping, now: Duration, reply: StoreReply<'_>) -> Vec<Count> {
    let Some(lookups) = mapping.lookups() else { return Vec::new() };
    let Some(asked) = lookups.call() else { return Vec::new() };
    let by = u64::try_from(now.saturating_sub(asked.since).as_millis()).unwrap_or(u64::MAX);
    let mut counts = Vec::from([Count { counter: Counter::StoreWait, by }]);
    let by = u64::try_from(asked.tokens.len()).unwrap_or(u64::MAX);
    match bridge::restored(&asked.tokens, reply) {
        Some(entries) => lookups.answer(entries.into_iter()),
        None => {
            lookups.fail();
            counts.push(Count { counter: Counter::LookupsFailed, by });
        }
    }
    counts
}
