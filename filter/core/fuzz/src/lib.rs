//! What the targets share: one VM with every group on, and one exchange a body, as a host drives it.

use cloakroom_core::{Config, Exchange, Headers, Input, Next, Vm};
use std::time::Duration;

pub mod conversation;
pub mod disorder;

const NOW: Duration = Duration::ZERO;
const CONFIG: &[u8] = br#"{"hosts":["api.anthropic.com"],"detect":{"kinds":{"pii":true,"secrets":true},
    "own_kinds":[{"token":"ORG_WORD","words":["blue harbour","harbour"]},{"token":"ORG_NUMBER","regex":"PRJ-[0-9]{2,4}"}]}}"#;

thread_local! {
    /// A VM serves one thread.
    pub static VM: &'static Vm = {
        let config = Config::from_json(CONFIG).expect("a valid configuration");
        Box::leak(Box::new(Vm::new(config).expect("a catalogue that compiles")))
    };
}

/// The VM of this thread.
pub fn vm() -> &'static Vm {
    VM.with(|vm| *vm)
}

/// A body on its way: the exchange, and what the provider is sent. `None` if it is refused.
pub fn send(path: &str, body: &[u8]) -> Option<(Exchange, Vec<u8>)> {
    let head = headers(&[
        (":method", "POST"),
        (":authority", "api.anthropic.com"),
        (":path", path),
        ("content-type", "application/json"),
    ]);
    let mut exchange = Exchange::new();
    exchange.handle(vm(), NOW, Input::RequestHead { headers: Headers(&head), end: false });
    let actions = exchange.handle(vm(), NOW, Input::RequestBody(body));
    match actions.next {
        Next::Continue => Some((exchange, actions.body.unwrap_or_else(|| body.to_vec()))),
        Next::Refuse(_) => None,
        other => panic!("unexpected: {other:?}"),
    }
}

/// What the application gets of an answer of JSON that comes in these pieces.
pub fn receive(mut exchange: Exchange, pieces: [&[u8]; 2]) -> Vec<u8> {
    let head = headers(&[(":status", "200"), ("content-type", "application/json")]);
    exchange.handle(vm(), NOW, Input::ResponseHead { headers: Headers(&head), end: false });
    let mut got = Vec::new();
    for (bytes, end) in [(pieces[0], false), (pieces[1], true)] {
        let actions = exchange.handle(vm(), NOW, Input::ResponseChunk { bytes, end });
        got.extend(actions.body.unwrap_or_else(|| bytes.to_vec()));
    }
    got
}

/// The fuzzer's bytes as a body: as they are, as text in a request, or as text in JSON in a string.
pub fn body(data: &[u8]) -> Option<Vec<u8>> {
    let (how, data) = data.split_first()?;
    if how % 4 == 0 {
        return Some(data.to_vec()).filter(|body| !body.is_empty());
    }
    let text = std::str::from_utf8(data).ok()?;
    let mut value = serde_json::json!({"messages": [{"role": "user", "content": text}]});
    for _ in 1..how % 4 {
        value = serde_json::json!({"messages": [{"role": "user", "content": value.to_string()}]});
    }
    Some(value.to_string().into_bytes())
}

/// Reads the fuzzer's bytes as choices; when they are used up, every choice is the first.
pub struct Dice<'a>(pub &'a [u8]);

impl<'a> Dice<'a> {
    /// One byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit.max(1)
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Some of the bytes as they are.
    pub fn bytes(&mut self) -> &'a [u8] {
        let length = self.below(32).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    /// True while bytes are left.
    pub fn goes_on(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Names and values as a host has them.
pub fn headers(list: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}
