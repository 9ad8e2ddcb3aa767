//! Inputs of any kind in any order: nothing panics, and what was planted in a request never goes on.

use crate::{Dice, headers};
use cloakroom_core::exchange::StoreReply;
use cloakroom_core::{Actions, Config, Exchange, Headers, Input, Next, Vm};
use std::time::Duration;

/// Stands with spaces around it wherever it stands, so that it is an identifier wherever text is masked.
const PLANTED: &str = " i-0abcdef0123456789 ";

const CONFIGS: [&[u8]; 3] = [
    br#"{"hosts":["api.anthropic.com"]}"#,
    br#"{"hosts":["api.anthropic.com"],"restore":"scope","mapping":{"store":"bridge","bridge":{"cluster":"b"}}}"#,
    br#"{"hosts":["api.anthropic.com"],"scope":{"header":"x-team"},
        "mapping":{"store":"bridge","bridge":{"cluster":"b"},"cache":{"max_entries":2}}}"#,
];

thread_local! {
    static VMS: Vec<Vm> = CONFIGS
        .iter()
        .map(|config| Vm::new(Config::from_json(config).expect("valid")).expect("a catalogue that compiles"))
        .collect();
}

const NAMES: [&str; 16] = [
    ":authority",
    ":method",
    ":path",
    ":status",
    "accept-encoding",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "digest",
    "etag",
    "upgrade",
    "x-api-key",
    "x-original-host",
    "x-request-id",
    "x-team",
];

const VALUES: [&str; 26] = [
    "",
    "0",
    "7",
    "99999999999",
    "200",
    "429",
    "POST",
    "GET",
    "CONNECT",
    "api.anthropic.com",
    "API.anthropic.com.:443",
    "other.example",
    "/v1/messages",
    "/v1/responses",
    "/v1/responses/resp_1",
    "/v1/files/f/content",
    "/v1beta/models/m:streamGenerateContent",
    "/v1/i-0abcdef0123456789",
    "application/json",
    "application/x-ndjson",
    "application/octet-stream",
    "text/event-stream",
    "text/plain; charset=utf-8",
    "multipart/form-data",
    "gzip",
    "identity",
];

/// What bodies are made of. No opaque field stands here: what such a field holds passes as it is.
const PIECES: [&str; 34] = [
    PLANTED,
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\\"",
    "\\",
    "\\n",
    "\\u0041",
    "\n",
    "\r\n\r\n",
    "null",
    "12",
    "data: ",
    "event: x\n",
    "{\"messages\":[{\"role\":\"user\",\"content\":\"",
    "\"}]}",
    "{\"input\":\"",
    "\"previous_response_id\":\"r\"",
    "{\"delta\":{\"text\":\"",
    "\"}}",
    "AWS_EC2_001",
    "AWS_EC",
    "2_001",
    "AWS\\\\_EC2\\\\_001",
    "AWS_ACCOUNT_001",
    "{\"tokens\":[\"",
    "{\"values\":[\"",
    "\"]}",
    "\u{feff}",
    "한",
];

/// Whole bodies, which get further than pieces do.
const BODIES: [&str; 5] = [
    "{\"messages\":[{\"role\":\"user\",\"content\":\"on i-0abcdef0123456789 now\"}]}",
    "{\"previous_response_id\":\"resp_1\",\"input\":\"on i-0abcdef0123456789 now\"}",
    "{\"input\":\"{\\\"a\\\":\\\"on i-0abcdef0123456789 now\\\"}\"}",
    "on i-0abcdef0123456789 now",
    "{\"tokens\":[\"AWS_EC2_001\"]}",
];

fn body(dice: &mut Dice<'_>) -> Vec<u8> {
    if dice.byte() % 2 == 0 {
        return dice.pick(&BODIES).into();
    }
    let mut body = Vec::new();
    for _ in 0..dice.below(12) {
        match dice.byte() {
            byte if byte < 230 => body.extend_from_slice(PIECES[usize::from(byte) % PIECES.len()].as_bytes()),
            _ => body.extend_from_slice(dice.bytes()),
        }
    }
    body
}

fn head(dice: &mut Dice<'_>) -> Vec<(String, Vec<u8>)> {
    let mut head = match dice.byte() % 4 {
        0 => Vec::new(),
        1 => headers(&[
            (":status", "200"),
            ("content-type", dice.pick(&["application/json", "text/event-stream"])),
        ]),
        _ => headers(&[
            (":method", "POST"),
            (":authority", "api.anthropic.com"),
            (":path", dice.pick(&["/v1/messages", "/v1/responses", "/v1/chat/completions"])),
            ("content-type", "application/json"),
            ("x-team", "red"),
        ]),
    };
    for _ in 0..dice.byte() % 4 {
        let value = if dice.byte() < 250 { dice.pick(&VALUES).as_bytes() } else { dice.bytes() };
        let name = dice.pick(&NAMES).to_owned();
        match head.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) if dice.byte() % 2 == 0 => *known = value.into(),
            _ => head.push((name, value.into())),
        }
    }
    head
}

fn reply<'a>(dice: &mut Dice<'_>, body: &'a [u8]) -> StoreReply<'a> {
    match dice.byte() % 8 {
        0 => StoreReply::Failed,
        1 => StoreReply::Answered { status: 503, body },
        2 => StoreReply::Answered { status: 200, body: br#"{"values":[" i-0abcdef0123456789 "]}"# },
        3 | 4 => StoreReply::Answered { status: 200, body },
        _ => StoreReply::Answered { status: 200, body: br#"{"tokens":["AWS_EC2_001"],"ttl_seconds":60}"# },
    }
}

/// Nothing that a request's input lets go on has what was planted.
fn nothing_leaves(actions: &Actions, shown: &[u8]) {
    if matches!(actions.next, Next::Continue) {
        let body = actions.body.as_deref().unwrap_or(shown);
        // With the spaces around it, or at either end: nothing binds to it.
        let padded = [b" ", body, b" "].concat();
        let leaks = padded.windows(PLANTED.len()).any(|window| window == PLANTED.as_bytes());
        assert!(!leaks, "goes on: {}", String::from_utf8_lossy(body));
    }
    for change in &actions.headers {
        let change = format!("{change:?}");
        assert!(!change.contains(PLANTED.trim()), "{change}");
    }
}

/// One exchange of inputs that the dice choose.
pub fn run(dice: &mut Dice<'_>) {
    VMS.with(|vms| {
        let vm = &vms[dice.below(vms.len())];
        let mut exchange = Exchange::new();
        // What a host would hold of the request's body.
        let mut held = Vec::new();
        let mut steps = 0;
        while dice.goes_on() && steps < 40 {
            steps += 1;
            let now = Duration::from_secs(u64::from(dice.byte() % 4) * 1000);
            let (head, other, end) = (head(dice), body(dice), dice.byte() % 4 == 0);
            let (headers, choice) = (Headers(&head), dice.byte() % 12);
            let (input, shown) = match choice {
                0 | 1 => (Input::RequestHead { headers, end }, &[][..]),
                2 => (Input::RequestHeld(dice.below(300)), &[][..]),
                3 | 4 => {
                    held = other;
                    (Input::RequestBody(&held), held.as_slice())
                }
                5 => {
                    held = other;
                    (Input::RequestTrailers { trailers: headers, body: &held }, held.as_slice())
                }
                6 | 7 => {
                    // A host has held the body meanwhile; one of another length is another one.
                    let same = dice.byte() % 4 > 0 || other.len() == held.len();
                    let body = if same { &held } else { &other };
                    (Input::StoreReply { reply: reply(dice, &other), body }, body.as_slice())
                }
                8 => (Input::LookupReply(reply(dice, &other)), &[][..]),
                9 => (Input::ResponseHead { headers, end }, &[][..]),
                10 => (Input::ResponseChunk { bytes: &other, end }, &[][..]),
                _ => (Input::ResponseTrailers(&other), &[][..]),
            };
            let actions = exchange.handle(vm, now, input);
            if choice < 8 {
                nothing_leaves(&actions, shown);
            }
            let _ = (exchange.reads(), exchange.withholds(), format!("{exchange:?} {actions:?}"));
        }
        if dice.byte() == 1 {
            let _ = exchange.host_failed();
        }
    });
}
