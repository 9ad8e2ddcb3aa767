//! Drives exchanges as the proxy does, and tells what they did.

use crate::failure::Failure;
use crate::tokens::{Token, WireForm};
use crate::url::Url;
use cloakroom_core::config::{Mode, Store};
use cloakroom_core::detect::Detector;
use cloakroom_core::exchange::{Reason, Refusal, request_shape};
use cloakroom_core::host::{Authority, HostPattern};
use cloakroom_core::mask::{self, Form, Plan, Span, Value};
use cloakroom_core::unmask::Mapping;
use cloakroom_core::{Actions, Config, Exchange, Headers, Input, Next, Vm, provider};
use std::mem;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

/// The filter's part of the sidecar that is shipped in `envoy/`; a test compares the two.
const SIDECAR: &[u8] = include_bytes!("sidecar.json");

/// Nothing here has an age.
const NOW: Duration = Duration::ZERO;

/// A configured filter.
pub(crate) struct Filter {
    vm: Vm,
    /// Without a configuration, the host of each URL is allowed beside this many of the sidecar.
    shipped_hosts: Option<usize>,
}

impl Filter {
    /// The filter that the file at `config` describes, or that of the shipped sidecar.
    ///
    /// There is no bridge here: tokens are numbered within the request, whatever `mapping.store` says,
    /// and it masks, whatever `mode` says.
    pub(crate) fn new(config: Option<&Path>) -> Result<Self, Failure> {
        let (name, json) = match config {
            None => ("the sidecar's configuration".into(), SIDECAR.to_vec()),
            Some(path) => (
                path.display().to_string(),
                std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?,
            ),
        };
        let parsed = Config::from_json(&json).map_err(|error| Failure::Failed(format!("{name}: {error}")))?;
        let parsed = Config { store: Store::Request, mode: Mode::Mask, ..parsed };
        let shipped_hosts = config.is_none().then_some(parsed.hosts.allowed.len());
        Ok(Self { vm: Vm::new(parsed).ok_or(Failure::Catalogue)?, shipped_hosts })
    }

    pub(crate) fn detector(&self) -> &Detector {
        &self.vm.detector
    }

    /// Sends a request with this body through an exchange.
    ///
    /// # Errors
    ///
    /// The [`Refusal`] that the client would get.
    pub(crate) fn mask(&mut self, url: &Url<'_>, content_type: &str, body: &[u8]) -> Result<Masked, Refusal> {
        self.allow(url);
        let headers = [
            (":method", "POST"),
            (":scheme", url.scheme),
            (":authority", url.authority),
            (":path", url.target),
            ("content-type", content_type),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        let mut exchange = Exchange::new();
        let head = Input::RequestHead { headers: Headers(&headers), end: false };
        settled(exchange.handle(&self.vm, NOW, head))?;
        let actions = settled(exchange.handle(&self.vm, NOW, Input::RequestBody(body)))?;
        let Some(masked) = actions.body else {
            return Ok(Masked { body: body.to_vec(), plan: Plan::default(), tokens: Vec::new() });
        };
        let (plan, tokens) = self.plan(url, content_type, body);
        Ok(Masked { body: masked, plan, tokens })
    }

    /// What the exchange has just done with `body`: it keeps only what the answer needs, so plan once more.
    fn plan(&self, url: &Url<'_>, content_type: &str, body: &[u8]) -> (Plan, Vec<String>) {
        let (detector, api) = (&self.vm.detector, provider::api(url.path()));
        let shape = request_shape(api, content_type).unwrap_or(api.request);
        let mut plan = Plan::find(detector, shape, body).unwrap_or_default();
        loop {
            let tokens = mask::number(detector, &plan.values);
            // The exchange came to an end with the same steps, and so does this.
            match plan.mask(detector, shape, body, &tokens) {
                Ok(mask::Masked::Widened) => {}
                Ok(mask::Masked::Body(_)) | Err(_) => return (plan, tokens),
            }
        }
    }

    fn allow(&mut self, url: &Url<'_>) {
        let Some(shipped) = self.shipped_hosts else { return };
        let hosts = &mut self.vm.config.hosts;
        hosts.allowed.truncate(shipped);
        if let Ok(authority) = Authority::try_new(url.authority.as_bytes()) {
            hosts.allowed.push(HostPattern::Exact(authority.host().to_owned()));
        }
    }
}

/// Whatever keeps the request back is a refusal: nothing here could be waited for.
fn settled(actions: Actions) -> Result<Actions, Refusal> {
    match actions.next {
        Next::Continue => Ok(actions),
        Next::Refuse(refusal) => Err(refusal),
        Next::Hold | Next::Lookup(_) => Err(Refusal::new(Reason::StoreUnavailable(None), "")),
    }
}

/// A body on its way to the provider, and what was done to it.
pub(crate) struct Masked {
    /// What the provider gets.
    pub(crate) body: Vec<u8>,
    plan: Plan,
    tokens: Vec<String>,
}

/// One place where a token stands.
pub(crate) struct Place<'a> {
    /// Offset of the token in the masked body.
    pub(crate) at: usize,
    pub(crate) rule: &'static str,
    pub(crate) value: &'a Value,
    pub(crate) token: &'a str,
}

impl Masked {
    /// Where tokens stand, in order.
    pub(crate) fn places(&self) -> Vec<Place<'_>> {
        let mut places = Vec::with_capacity(self.plan.spans.len());
        // What is between spans went out byte for byte.
        let (mut read, mut written) = (0, 0);
        for Span { raw: Range { start, end }, value, level, rule } in &self.plan.spans {
            let (Some(value), Some(token)) = (self.plan.values.get(*value), self.token(*value)) else {
                continue;
            };
            let passed = value.reads_as.as_deref() == Some(token);
            let length = if passed { end - start } else { token.len() };
            // A token in the place of a number stands in quotes, escaped for each string around it.
            let quote = if value.form == Form::Number { 1 << (level - 1) } else { 0 };
            let at = written + (start - read) + quote;
            places.push(Place { at, rule, value, token });
            (read, written) = (*end, at + length + quote);
        }
        places
    }

    /// Which token stands for which value; each token once, in order of appearance.
    pub(crate) fn tokens(&self, detector: &Detector) -> Vec<Token> {
        let issued = |(at, value): (usize, &Value)| {
            let token = self.token(at)?;
            // The token of a credential that came back in the history: it stands for itself.
            let passed = value.reads_as.as_deref() == Some(token);
            (!passed).then(|| Token {
                token: token.to_owned(),
                kind: detector.kind(value.kind).name().to_owned(),
                value: String::from_utf8_lossy(value.secret.expose()).into_owned(),
                form: WireForm::new(value.form),
            })
        };
        self.plan.values.iter().enumerate().filter_map(issued).collect()
    }

    /// The token that stands for a value: what it reads as, if this very body issues that.
    fn token(&self, value: usize) -> Option<&str> {
        let reads_as = self.plan.values.get(value)?.reads_as.as_ref();
        let own = self.tokens.get(value)?;
        Some(reads_as.filter(|token| self.tokens.contains(token)).unwrap_or(own))
    }
}

/// Restores an answer piece by piece.
pub(crate) struct Restorer<'a> {
    vm: &'a Vm,
    exchange: Exchange,
    /// What the exchange asked to hold.
    held: Vec<u8>,
}

impl<'a> Restorer<'a> {
    /// An answer of `content_type` to a request that was sent to `url`.
    pub(crate) fn new(filter: &'a Filter, url: &Url<'_>, mapping: Mapping, content_type: &str) -> Self {
        let mut exchange = Exchange::restoring(provider::api(url.path()), mapping);
        let headers = [
            (":status".to_owned(), b"200".to_vec()),
            ("content-type".to_owned(), content_type.as_bytes().to_vec()),
        ];
        // Only an encoding is refused at the head, and none is given.
        exchange.handle(&filter.vm, NOW, Input::ResponseHead { headers: Headers(&headers), end: false });
        Self { vm: &filter.vm, exchange, held: Vec::new() }
    }

    /// Takes the next piece, and returns what leaves at once.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.show(piece, false)
    }

    /// The answer ends: returns what was withheld.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.show(b"", true)
    }

    fn show(&mut self, piece: &[u8], end: bool) -> Vec<u8> {
        let mut shown = mem::take(&mut self.held);
        shown.extend_from_slice(piece);
        let actions = self.exchange.handle(self.vm, NOW, Input::ResponseChunk { bytes: &shown, end });
        let bytes = actions.body.unwrap_or(shown);
        match actions.next {
            Next::Hold => {
                self.held = bytes;
                Vec::new()
            }
            Next::Continue | Next::Lookup(_) | Next::Refuse(_) => bytes,
        }
    }
}
