//! Where the tokens of a plan come from: numbered here, out of the cache, or from the bridge.

use super::{Actions, Count, Counter, Exchange, Next, Reason, State, StoreReply};
use crate::bridge;
use crate::cache::Key;
use crate::config::{BridgeConfig, Store};
use crate::mask::{self, Plan, Value};
use crate::provider::Api;
use crate::vm::Vm;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use sha2::{Digest as _, Sha256};

/// What is to be masked, how it is read, and whose tokens it gets.
pub(super) struct Masking {
    pub(super) api: Api,
    pub(super) scope: String,
    /// The answer may hold other tokens of that scope.
    pub(super) keeps_state: bool,
    pub(super) plan: Plan,
}

/// A request whose tokens the bridge has been asked for. The host holds the body.
pub(super) struct Waiting {
    masking: Masking,
    /// One a value; what is missing has been asked for.
    tokens: Vec<Option<String>>,
    /// Length of the body that was planned.
    pub(super) length: usize,
    asked: Duration,
}

impl Exchange {
    /// Gets the tokens of a plan, and masks with them.
    pub(super) fn look_up(&mut self, vm: &Vm, now: Duration, masking: Masking, body: &[u8]) -> Actions {
        let Masking { scope, plan, .. } = &masking;
        let bridge = match &vm.config.store {
            Store::Request => {
                let tokens = mask::number(&vm.detector, &plan.values);
                return self.mask(vm, now, masking, &tokens, body);
            }
            Store::Bridge(bridge) => bridge,
        };
        let tokens: Vec<Option<String>> =
            plan.values.iter().map(|value| cached(vm, scope, value, now)).collect();
        let missing = tokens.iter().filter(|token| token.is_none()).count();
        let counts = [(Counter::CacheHits, tokens.len() - missing), (Counter::CacheMisses, missing)]
            .into_iter()
            .filter(|(_, by)| *by > 0)
            .map(|(counter, by)| Count { counter, by: u64::try_from(by).unwrap_or(u64::MAX) });
        let mut actions = if missing == 0 {
            self.mask_distinct(vm, now, masking, tokens, body)
        } else {
            self.ask(vm, bridge, Waiting { masking, tokens, length: body.len(), asked: now })
        };
        actions.counts.extend(counts);
        actions
    }

    fn ask(&mut self, vm: &Vm, bridge: &BridgeConfig, waiting: Waiting) -> Actions {
        match bridge::issue(
            bridge,
            &vm.detector,
            &waiting.masking.scope,
            &waiting.missing(),
            &self.request_id,
        ) {
            Err(reason) => self.refuse(reason),
            Ok(call) => {
                self.state = State::Waiting(Box::new(waiting));
                Next::Lookup(call).into()
            }
        }
    }

    pub(super) fn store_reply(
        &mut self,
        vm: &Vm,
        now: Duration,
        waiting: Waiting,
        reply: StoreReply<'_>,
        body: &[u8],
    ) -> Actions {
        let waited = now.saturating_sub(waiting.asked);
        let mut actions = match bridge::issued(&vm.detector, &waiting.missing(), reply) {
            None => self.refuse(Reason::StoreUnavailable(match reply {
                StoreReply::Answered { status, .. } if status != 200 => Some(status),
                _ => None,
            })),
            Some(issued) => {
                let Waiting { masking, mut tokens, .. } = waiting;
                let mut new = issued.tokens.into_iter();
                let all = masking.plan.values.iter().zip(&mut tokens);
                for (value, token) in all.filter(|(_, token)| token.is_none()) {
                    *token = new.next();
                    if let Some(token) = token {
                        keep(vm, &masking.scope, value, token, now, issued.ttl);
                    }
                }
                self.mask_distinct(vm, now, masking, tokens, body)
            }
        };
        let by = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        actions.counts.push(Count { counter: Counter::StoreWait, by });
        actions
    }

    /// Masks, if no two values have one token: a store that lost writes could have issued one again.
    fn mask_distinct(
        &mut self,
        vm: &Vm,
        now: Duration,
        masking: Masking,
        tokens: Vec<Option<String>>,
        body: &[u8],
    ) -> Actions {
        let tokens: Vec<String> = tokens.into_iter().flatten().collect();
        let distinct: BTreeSet<&String> = tokens.iter().collect();
        if distinct.len() != masking.plan.values.len() {
            // What is cached and what the store knows cannot both be right.
            vm.with_cache(|cache| cache.forget(&masking.scope));
            return self.refuse(Reason::StoreInconsistent);
        }
        self.mask(vm, now, masking, &tokens, body)
    }
}

impl Waiting {
    fn missing(&self) -> Vec<&Value> {
        let all = self.masking.plan.values.iter().zip(&self.tokens);
        all.filter(|(_, token)| token.is_none()).map(|(value, _)| value).collect()
    }
}

fn cached(vm: &Vm, scope: &str, value: &Value, now: Duration) -> Option<String> {
    with_key(vm, value, |key| vm.with_cache(|cache| cache.get(scope, key, now))).flatten()
}

fn keep(vm: &Vm, scope: &str, value: &Value, token: &str, now: Duration, ttl: Option<Duration>) {
    with_key(vm, value, |key| vm.with_cache(|cache| cache.insert(scope, key, token, now, ttl)));
}

/// Credentials are not kept anywhere longer than their request: their hash is.
fn with_key<T>(vm: &Vm, value: &Value, with: impl FnOnce(Key<'_>) -> T) -> T {
    let plain = value.secret.expose();
    let key = Key { kind: value.kind, form: value.form, value: plain };
    if vm.detector.kind(value.kind).restores {
        with(key)
    } else {
        with(Key { value: &Sha256::digest(plain), ..key })
    }
}
