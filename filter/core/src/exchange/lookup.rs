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
use core::mem;
use core::time::Duration;

/// Most bytes of a response that wait for the bridge. When more come before it answers, all go on with their tokens,
/// which are counted: nothing can slow the provider down.
pub(super) const MAX_WAITING: usize = 4 * 1024 * 1024;

/// A response that is being restored, and what of it waits for the bridge.
pub(super) struct Answer {
    pub(super) framing: Framing,
    pub(super) mapping: Mapping,
    /// Its first bytes tell whether it is compressed, although its headers do not say so.
    pub(super) may_be_compressed: bool,
    /// Restored but for the holes.
    out: Vec<u8>,
    holes: Vec<Hole>,
    /// How many of the holes, from the first one on, can be filled.
    known: usize,
    /// Nothing follows.
    ended: bool,
}

impl Answer {
    pub(super) fn new(framing: Framing, mapping: Mapping, may_be_compressed: bool) -> Self {
        let (out, holes) = (Vec::new(), Vec::new());
        Self { framing, mapping, may_be_compressed, out, holes, known: 0, ended: false }
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
        mut answer: Box<Answer>,
        shown: &[u8],
        end: bool,
    ) -> Actions {
        let mut tally = Tally::default();
        let restored = restore(&mut answer.framing, &answer.mapping, shown, end, &mut tally);
        answer.take(restored, mem::take(&mut tally.holes), end);
        let too_much = answer.out.len() > MAX_WAITING && !answer.ended && answer.is_asked();
        if too_much || !answer.waits() {
            return self.release(answer, tally, shown);
        }
        let mut actions = self.ask_bridge(vm, now, answer, shown);
        actions.counts.extend(counts(&tally));
        actions
    }

    /// The call for a response has ended.
    pub(super) fn lookup_reply(
        &mut self,
        vm: &Vm,
        now: Duration,
        mut answer: Box<Answer>,
        reply: StoreReply<'_>,
    ) -> Actions {
        let counted = learn(&mut answer.mapping, now, reply);
        let mut actions = if answer.waits() {
            self.ask_bridge(vm, now, answer, b"")
        } else {
            self.release(answer, Tally::default(), b"")
        };
        actions.counts.extend(counted);
        actions
    }

    /// As [`lookup_reply`](Self::lookup_reply), when what waited for it has gone on.
    pub(super) fn late_reply(
        &mut self,
        mut answer: Box<Answer>,
        now: Duration,
        reply: StoreReply<'_>,
    ) -> Actions {
        let counts = learn(&mut answer.mapping, now, reply);
        self.state = State::Restoring(answer);
        Actions { counts, ..Next::Hold.into() }
    }

    /// Waits for the bridge, and asks it for what it has not been asked for.
    fn ask_bridge(&mut self, vm: &Vm, now: Duration, mut answer: Box<Answer>, shown: &[u8]) -> Actions {
        let Answer { mapping, holes, known, .. } = &mut *answer;
        let (Store::Bridge(bridge), Some(lookups)) = (&vm.config.store, mapping.lookups()) else {
            return self.release(answer, Tally::default(), shown);
        };
        let open = holes.get(*known..).unwrap_or_default();
        let mut actions = match lookups.ask(open, now).map(|asked| asked.tokens.clone()) {
            Some(tokens) => {
                let by = u64::try_from(tokens.len()).unwrap_or(u64::MAX);
                let counts = [Count { counter: Counter::LookedUp, by }].into();
                let call = bridge::restore(bridge, lookups.scope(), &tokens, &self.request_id);
                Actions { counts, ..Next::Lookup(call).into() }
            }
            None if lookups.call().is_some() => Next::Hold.into(),
            // No more may be asked for.
            None => return self.release(answer, Tally::default(), shown),
        };
        actions.body = (!shown.is_empty()).then(Vec::new);
        self.state = State::Asking(answer);
        actions
    }

    /// What waited goes on, in the place of what the host shows.
    fn release(&mut self, mut answer: Box<Answer>, mut tally: Tally, shown: &[u8]) -> Actions {
        let mut out = fill(mem::take(&mut answer.out), &answer.holes, &answer.mapping, &mut tally);
        answer.holes.clear();
        answer.known = 0;
        let mut hold = false;
        if let Framing::Plain(plain) = &mut answer.framing {
            let shown = plain.show(out);
            (out, hold) = (shown.bytes, shown.hold);
        }
        tally.held += u64::try_from(answer.framing.held()).unwrap_or_default();
        self.state = if answer.ended { State::Open } else { State::Restoring(answer) };
        let changed = out != shown;
        let next = if hold { Next::Hold } else { Next::Continue };
        Actions { body: changed.then_some(out), counts: counts(&tally), ..next.into() }
    }
}

/// Takes the bridge's answer.
fn learn(mapping: &mut Mapping, now: Duration, reply: StoreReply<'_>) -> Vec<Count> {
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
