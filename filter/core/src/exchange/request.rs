//! The way to the provider.

use super::content::{ContentType, is_compressed, is_identity};
use super::target::identifier_in_target;
use super::tokens::Masking;
use super::usage::Watch;
use super::{Actions, Count, Counter, Exchange, HeaderChange, Headers, Next, Reason, State};
use super::{observe, report};
use crate::config::{Mode, Multipart, SignedThinking, Store};
use crate::host::Authority;
use crate::json::pointer::{Names, pointer};
use crate::mask::{Masked, Plan, Unmaskable};
use crate::provider::{self, Api};
use crate::unmask::mapping::Entry;
use crate::unmask::urls::Seen;
use crate::unmask::{Mapping, Urls};
use crate::vm::Vm;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// The header that carries the provider's host to the router.
pub(super) const ORIGINAL_HOST: &str = "x-original-host";
/// Digests of a body that is going to change, and that speak of what must not be told.
const DIGESTS: [&str; 4] = ["content-digest", "content-md5", "digest", "repr-digest"];
/// Longest request id that is repeated.
const MAX_REQUEST_ID: usize = 128;
/// Widening a span can touch the next one; text that still does not read back after this is refused.
const MAX_ROUNDS: usize = 8;

/// Methods that go on. Any other word may be an identifier.
const METHODS: [&[u8]; 7] = [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"];

/// What becomes of a request's body.
#[derive(Debug)]
pub(super) enum Treatment {
    /// It is masked, with tokens of this scope.
    /// Its answer may hold tokens of that scope that it does not carry, if `keeps_state`.
    Mask { api: Api, scope: String, keeps_state: bool },
    /// It is looked at where it can be, and goes on as it is.
    Observe { api: Option<Api> },
    /// It goes on unread; the configuration says so.
    Pass,
    /// It is refused, unless it turns out to be empty.
    Refuse(Reason),
}

impl Exchange {
    pub(super) fn request_head(&mut self, vm: &Vm, headers: Headers<'_>, end: bool) -> Actions {
        self.request_id = request_id(headers);
        let authority = match headers.get(":authority").map(Authority::try_new) {
            Some(Ok(authority)) => authority,
            Some(Err(_)) | None => return self.refuse(Reason::HostMissing),
        };
        let Some(host) = vm.config.hosts.resolve(&authority) else {
            return self.refuse(Reason::HostNotAllowed(authority.host().into()));
        };
        let method = headers.get(":method").unwrap_or_default();
        if method == b"CONNECT" || headers.get("upgrade").is_some() || headers.get(":protocol").is_some() {
            return self.refuse(Reason::Upgrade);
        }
        if !METHODS.contains(&method) {
            return self.refuse(Reason::Method);
        }
        let target = headers.get(":path").unwrap_or_default();
        let observes = vm.config.mode == Mode::Observe;
        let mut actions = Actions::proceed();
        match identifier_in_target(vm, target).map(Reason::IdentifierInTarget) {
            Some(reason) if observes => actions.counts = observe::would_refuse(reason),
            Some(reason) => return self.refuse(reason),
            None => {}
        }
        actions.headers = kept(vm, headers, host);
        let path = target.split(|byte| *byte == b'?').next().and_then(|path| core::str::from_utf8(path).ok());
        let path = path.unwrap_or_default();
        let api = provider::api(path);
        self.usage = Watch::new(vm, headers, api, host);
        let keeps_state = vm.looks_up() && !observes && provider::state::in_path(path);
        if end && keeps_state {
            let scope = match scope(vm, headers) {
                Ok(scope) => scope,
                Err(reason) => return self.refuse(reason),
            };
            // The answer must be readable.
            actions.headers.push(HeaderChange::Set("accept-encoding", "identity".into()));
            self.sent(vm, api, Vec::new(), Seen::default(), Some(scope));
            return actions;
        }
        if end {
            self.state = State::Open;
            return actions;
        }
        let treatment = if observes {
            Treatment::Observe { api: observe::readable(headers, api) }
        } else {
            treatment(vm, headers, api, keeps_state)
        };
        let length = content_length(headers);
        match treatment {
            Treatment::Refuse(reason) if length.is_some_and(|length| length > 0) => {
                return self.refuse(reason);
            }
            Treatment::Mask { .. } => {
                let limit = vm.config.max_body_bytes;
                if length.is_some_and(|length| length > limit) {
                    return self.refuse(Reason::BodyTooLarge(limit));
                }
                // Masking changes the length, and the answer must be readable.
                actions.headers.push(HeaderChange::Remove("content-length".into()));
                actions.headers.push(HeaderChange::Set("accept-encoding", "identity".into()));
            }
            Treatment::Observe { .. } | Treatment::Pass | Treatment::Refuse(_) => {}
        }
        self.state = State::Body { treatment, held: 0 };
        actions
    }

    pub(super) fn request_held(&mut self, vm: &Vm, treatment: Treatment, bytes: usize) -> Actions {
        match treatment {
            Treatment::Observe { .. } if bytes > vm.config.max_body_bytes => return self.observe_unread(),
            Treatment::Refuse(reason) if bytes > 0 => return self.refuse(reason),
            Treatment::Mask { .. } | Treatment::Pass if bytes > vm.config.max_body_bytes => {
                return self.refuse(Reason::BodyTooLarge(vm.config.max_body_bytes));
            }
            _ => {}
        }
        self.state = State::Body { treatment, held: bytes };
        Next::Hold.into()
    }

    pub(super) fn request_body(
        &mut self,
        vm: &Vm,
        now: Duration,
        treatment: Treatment,
        held: usize,
        body: &[u8],
    ) -> Actions {
        match treatment {
            // The host holds a body that it does not show.
            _ if body.len() < held => self.refuse(Reason::HostFailed),
            Treatment::Mask { api, scope, keeps_state } if body.is_empty() => {
                self.sent(vm, api, Vec::new(), Seen::default(), keeps_state.then_some(scope));
                Actions::proceed()
            }
            _ if body.is_empty() => {
                self.state = State::Open;
                Actions::proceed()
            }
            Treatment::Observe { .. } if body.len() > vm.config.max_body_bytes => self.observe_unread(),
            Treatment::Observe { api } => self.observe(vm, api, body),
            Treatment::Refuse(reason) => self.refuse(reason),
            Treatment::Mask { .. } | Treatment::Pass if body.len() > vm.config.max_body_bytes => {
                self.refuse(Reason::BodyTooLarge(vm.config.max_body_bytes))
            }
            Treatment::Pass => {
                self.state = State::Open;
                let counts = [Count { counter: Counter::PassedUnread, by: 1 }].into();
                Actions { counts, ..Actions::proceed() }
            }
            Treatment::Mask { .. } if is_compressed(body) == Some(true) => {
                self.refuse(Reason::ContentEncoding)
            }
            Treatment::Mask { api, scope, keeps_state } => {
                match Plan::find(&vm.detector, api.request, body) {
                    Err(unmaskable) => self.refuse_body(unmaskable, body),
                    Ok(plan) if plan.signed > 0 && vm.config.signed_thinking == SignedThinking::Refuse => {
                        self.refuse(Reason::SignedThinking)
                    }
                    Ok(plan) => {
                        let keeps_state = keeps_state || (vm.looks_up() && provider::state::in_body(body));
                        if plan.spans.is_empty() {
                            self.sent(vm, api, Vec::new(), Seen::default(), keeps_state.then_some(scope));
                            return Actions { counts: signed(&plan), ..Actions::proceed() };
                        }
                        self.look_up(vm, now, Masking { api, scope, keeps_state, plan }, body)
                    }
                }
            }
        }
    }

    /// The tokens are known: splice them in.
    pub(super) fn mask(
        &mut self,
        vm: &Vm,
        now: Duration,
        masking: Masking,
        tokens: &[String],
        body: &[u8],
    ) -> Actions {
        let Masking { api, scope, keeps_state, mut plan } = masking;
        let masked = match plan.mask(&vm.detector, api.request, body, tokens) {
            Err(unmaskable) => return self.refuse_body(unmaskable, body),
            Ok(Masked::Widened) if plan.widened > MAX_ROUNDS => return self.refuse(Reason::BodyAmbiguous),
            Ok(Masked::Widened) => {
                return self.look_up(vm, now, Masking { api, scope, keeps_state, plan }, body);
            }
            Ok(Masked::Body(masked)) => masked,
        };
        if masked.len() > vm.config.max_body_bytes {
            return self.refuse(Reason::BodyTooLarge(vm.config.max_body_bytes));
        }
        let mut counts = signed(&plan);
        counts.extend(report::counts(&vm.detector, &plan, Counter::Masked));
        let report = Some(report::report(&vm.detector, &plan, "masked"));
        let entries =
            plan.values.iter().zip(tokens).filter(|(value, _)| vm.detector.kind(value.kind).restores);
        let entry = |(value, token): (&crate::mask::Value, &String)| Entry {
            token: token.clone(),
            value: value.secret.clone(),
            form: value.form,
        };
        let entries = entries.map(entry).collect();
        let seen =
            vm.config.urls.as_ref().map(|urls| urls.seen(vm.detector.recogniser(), api.request, &masked));
        self.sent(vm, api, entries, seen.unwrap_or_default(), keeps_state.then_some(scope));
        Actions { body: Some(masked), counts, report, ..Actions::proceed() }
    }

    /// The request goes on: these are its tokens, and those of `scope` may be looked up.
    fn sent(&mut self, vm: &Vm, api: Api, entries: Vec<Entry>, seen: Seen, scope: Option<String>) {
        let lookups = scope.and_then(|scope| vm.lookups(scope));
        let urls = vm.config.urls.as_ref().map(|policy| Urls::new(Arc::clone(policy), seen));
        let mapping = Mapping::new(entries).with_lookups(lookups).with_urls(urls);
        self.state = if mapping.is_empty() { State::Open } else { State::Sent { api, mapping } };
    }

    fn refuse_body(&mut self, unmaskable: Unmaskable, body: &[u8]) -> Actions {
        self.refuse(Reason::from_unmaskable(unmaskable, |at| pointer(body, at, Names::Words)))
    }
}

fn signed(plan: &Plan) -> Vec<Count> {
    let count = Count { counter: Counter::SignedPassed, by: plan.signed };
    (plan.signed > 0).then_some(count).into_iter().collect()
}

/// The request's id, if it is fit to be repeated.
fn request_id(headers: Headers<'_>) -> String {
    let id = headers.get("x-request-id").unwrap_or_default();
    let fit = id.len() <= MAX_REQUEST_ID
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    String::from_utf8_lossy(if fit { id } else { b"" }).into_owned()
}

/// Stamps the host, and takes away every header that is not on the list.
fn kept(vm: &Vm, headers: Headers<'_>, host: &str) -> Vec<HeaderChange> {
    let mut changes = Vec::from([HeaderChange::Set(ORIGINAL_HOST, host.into())]);
    for name in headers.names() {
        let kept = name.starts_with(':')
            || name == ORIGINAL_HOST
            || (!says_scope(vm, name)
                && !DIGESTS.contains(&name)
                && vm.config.forward_headers.iter().any(|pattern| pattern.matches(name)));
        let change = HeaderChange::Remove(name.into());
        if !kept && !changes.contains(&change) {
            changes.push(change);
        }
    }
    changes
}

/// True for the header that says the scope.
fn says_scope(vm: &Vm, name: &str) -> bool {
    matches!(&vm.config.store, Store::Bridge(bridge) if bridge.scope.is_said_by(name))
}

/// Takes the trailers away: no API of a provider has any, and what is in them has not been looked at.
pub(super) fn without(trailers: Headers<'_>, mut actions: Actions) -> Actions {
    actions.headers.extend(trailers.names().map(|name| HeaderChange::Remove(name.into())));
    actions
}

fn content_length(headers: Headers<'_>) -> Option<usize> {
    core::str::from_utf8(headers.get("content-length")?).ok()?.parse().ok()
}

fn treatment(vm: &Vm, headers: Headers<'_>, api: Api, keeps_state: bool) -> Treatment {
    let content_type = ContentType::of(headers);
    if content_type.essence.starts_with("multipart/") {
        return match vm.config.multipart {
            Multipart::Pass => Treatment::Pass,
            Multipart::Refuse => Treatment::Refuse(Reason::Multipart),
        };
    }
    if !is_identity(headers) {
        return Treatment::Refuse(Reason::ContentEncoding);
    }
    let Some(request) = content_type.request(api.request) else {
        return Treatment::Refuse(Reason::ContentType);
    };
    let api = Api { request, ..api };
    if !content_type.is_utf8() {
        return Treatment::Refuse(Reason::BodyCharset);
    }
    match scope(vm, headers) {
        Ok(scope) => Treatment::Mask { api, scope, keeps_state },
        Err(reason) => Treatment::Refuse(reason),
    }
}

/// Whose tokens the request gets.
fn scope(vm: &Vm, headers: Headers<'_>) -> Result<String, Reason> {
    match &vm.config.store {
        Store::Request => Ok(String::new()),
        Store::Bridge(bridge) => {
            bridge.scope.name(headers).ok_or_else(|| Reason::ScopeMissing(bridge.scope.clone()))
        }
    }
}
