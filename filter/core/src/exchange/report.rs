//! What was found in a request, for metrics and the access log: kinds and rules with counts, never values.

use super::{Count, Counter};
use crate::detect::Detector;
use crate::mask::{Plan, Span};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A line for the access log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// `masked`, or `observed` if it went out as it was; `usage`, which is told again whenever there is more of it.
    pub what: &'static str,
    /// Rules and how many places each found, such as `arn=2,ec2-instance=1`; a kind of the operator's own stands for its
    /// rule. Of `usage`: the model, and how many tokens it read and wrote, such as `model=gpt-4o,in=12,out=34`.
    pub line: String,
}

/// Places by kind.
pub(super) fn counts(
    detector: &Detector,
    plan: &Plan,
    counter: impl Fn(Cow<'static, str>) -> Counter,
) -> Vec<Count> {
    let mut kinds: BTreeMap<&Cow<'static, str>, u64> = BTreeMap::new();
    for value in plan.spans.iter().filter_map(|span| plan.values.get(span.value)) {
        *kinds.entry(&detector.kind(value.kind).prefix).or_default() += 1;
    }
    kinds.into_iter().map(|(kind, by)| Count { counter: counter(kind.clone()), by }).collect()
}

/// Places by rule.
pub(super) fn report(detector: &Detector, plan: &Plan, what: &'static str) -> Report {
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    for Span { value, rule, .. } in &plan.spans {
        let own = plan.values.get(*value).map(|value| detector.kind(value.kind)).filter(|kind| kind.own);
        *rules.entry(own.map_or(*rule, |kind| &kind.prefix)).or_default() += 1;
    }
    let rules: Vec<String> = rules.into_iter().map(|(rule, by)| format!("{rule}={by}")).collect();
    Report { what, line: rules.join(",") }
}
