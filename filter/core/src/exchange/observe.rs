//! `mode: observe`: what would be masked is counted, and bodies go on as they are. What is asked of the hosts and of
//! the head's headers holds all the same.

use super::content::{ContentType, is_identity};
use super::report::{counts, report};
use super::{Actions, Count, Counter, Exchange, Headers, Reason, Refusal, State};
use crate::mask::Plan;
use crate::provider::Api;
use crate::vm::Vm;
use alloc::vec::Vec;

/// How a body is looked at, if it can be; any other would be refused, or let through unread.
pub(super) fn readable(headers: Headers<'_>, api: Api) -> Option<Api> {
    let content_type = ContentType::of(headers);
    let request = content_type.request(api.request)?;
    (is_identity(headers) && content_type.is_utf8()).then_some(Api { request, ..api })
}

impl Exchange {
    /// A body, or as much of it as there is before it becomes too large to be held.
    pub(super) fn observe(&mut self, vm: &Vm, api: Option<Api>, body: &[u8]) -> Actions {
        self.state = State::Observed;
        let mut actions = Actions::proceed();
        let Some(api) = api.filter(|_| !body.is_empty()) else {
            actions.counts.extend((!body.is_empty()).then(unread));
            return actions;
        };
        match Plan::find(&vm.detector, api.request, body) {
            Ok(plan) if plan.spans.is_empty() => {}
            Ok(plan) => {
                actions.counts = counts(&vm.detector, &plan, Counter::Observed);
                actions.report = Some(report(&vm.detector, &plan, "observed"));
            }
            Err(unmaskable) => {
                actions.counts = would_refuse(Reason::from_unmaskable(unmaskable, |_| "".into()));
            }
        }
        actions
    }

    /// More than is held: it goes on unread.
    pub(super) fn observe_unread(&mut self) -> Actions {
        self.state = State::Observed;
        Actions { counts: [unread()].into(), ..Actions::proceed() }
    }
}

/// Counts what `mode: mask` would refuse.
pub(super) fn would_refuse(reason: Reason) -> Vec<Count> {
    let counter = Counter::WouldRefuse(Refusal::new(reason, "").code);
    [Count { counter, by: 1 }].into()
}

fn unread() -> Count {
    Count { counter: Counter::PassedUnread, by: 1 }
}
