//! `restore: scope`: what an answer takes from state kept by the provider.

use super::*;
use crate::exchange::lookup::MAX_WAITING;
use crate::unmask::lookups::MAX_LOOKUPS;
use bridge_api::{RestoreRequest, RestoreResponse};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const STATE: &[u8] = br#"{"previous_response_id":"resp_1","input":"and now?"}"#;
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

fn scope_vm(more: &str) -> Vm {
    vm(&format!(r#","restore":"scope","mapping":{{"store":"bridge","bridge":{{"cluster":"bridge"}}}}{more}"#))
}

/// What the bridge knows of the scope.
fn known(token: &str) -> Option<&'static str> {
    Some(match token {
        "AWS_EC2_001" => "i-0abcdef0123456789",
        "AWS_EC2_1015" => "i-1015",
        "AWS_ACCOUNT_001" => "123456789012",
        "AWS_ACCOUNT_002" => "#210987654321",
        "AWS_LITERAL_001" => "=#AWS_EC2_001\"",
        "AWS_LITERAL_002" => r"~i-\u0030abc",
        _ => return None,
    })
}

/// A host, with a bridge that answers a call this many pieces of the response later.
struct Host<'a> {
    vm: &'a Vm,
    exchange: Exchange,
    delay: usize,
    /// What it holds of the response, and what it let go.
    held: Vec<u8>,
    got: Vec<u8>,
    due: Option<(Call, usize)>,
    asked: Vec<Vec<String>>,
    counts: Vec<Count>,
    fails: bool,
}

impl<'a> Host<'a> {
    /// After a request of this body, whose answer has this type.
    fn new(vm: &'a Vm, body: &[u8], content_type: &str) -> Self {
        let mut exchange = Exchange::new();
        let head = head(&[(":path", "/v1/responses")]);
        exchange.handle(vm, NOW, Input::RequestHead { headers: Headers(&head), end: false });
        if let Next::Lookup(call) = exchange.handle(vm, NOW, Input::RequestBody(body)).next {
            let asked: bridge_api::IssueRequest<'_> = serde_json::from_slice(&call.body).unwrap();
            let tokens = asked.values.iter().map(|value| format!("AWS_{}_009", value.kind)).collect();
            let issued = bridge_api::IssueResponse { tokens, ttl_seconds: None };
            let issued = serde_json::to_vec(&issued).unwrap();
            let reply = StoreReply::Answered { status: 200, body: &issued };
            exchange.handle(vm, NOW, Input::StoreReply { reply, body });
        }
        Self::answered(vm, exchange, content_type)
    }

    fn answered(vm: &'a Vm, mut exchange: Exchange, content_type: &str) -> Self {
        let head = answer_head(&[("content-type", content_type)]);
        exchange.handle(vm, NOW, Input::ResponseHead { headers: Headers(&head), end: false });
        let (held, got, asked, counts) = Default::default();
        Self { vm, exchange, delay: 0, held, got, due: None, asked, counts, fails: false }
    }

    fn perform(&mut self, actions: Actions) {
        self.counts.extend(actions.counts);
        if let Some(body) = actions.body {
            self.held = body;
        }
        match actions.next {
            Next::Continue => self.got.append(&mut self.held),
            Next::Hold => {}
            Next::Lookup(call) => {
                assert!(self.due.is_none(), "one call at a time");
                assert_eq!(call.path, "/v1/scopes/default/values");
                self.due = Some((call, self.delay));
            }
            Next::Refuse(refusal) => panic!("{refusal:?}"),
        }
    }

    fn chunk(&mut self, bytes: &[u8], end: bool) {
        self.tick();
        self.held.extend_from_slice(bytes);
        let held = self.held.clone();
        if !self.exchange.reads() {
            self.got.append(&mut self.held);
            return;
        }
        let input = Input::ResponseChunk { bytes: &held, end };
        let actions = self.exchange.handle(self.vm, NOW, input);
        self.perform(actions);
    }

    fn trailers(&mut self) {
        let held = self.held.clone();
        let actions = self.exchange.handle(self.vm, NOW, Input::ResponseTrailers(&held));
        self.perform(actions);
    }

    /// Time passes.
    fn tick(&mut self) {
        if let Some((call, delay)) = self.due.take() {
            match delay.checked_sub(1) {
                Some(delay) => self.due = Some((call, delay)),
                None => self.answer(&call),
            }
        }
    }

    fn answer(&mut self, call: &Call) {
        let request: RestoreRequest<'_> = serde_json::from_slice(&call.body).unwrap();
        self.asked.push(request.tokens.iter().map(|token| token.clone().into_owned()).collect());
        let values = request.tokens.iter().map(|token| known(token).map(String::from)).collect();
        let body = serde_json::to_vec(&RestoreResponse { values }).unwrap();
        let reply = StoreReply::Answered { status: if self.fails { 403 } else { 200 }, body: &body };
        self.reply(reply);
    }

    fn reply(&mut self, reply: StoreReply<'_>) {
        let actions = self.exchange.handle(self.vm, NOW, Input::LookupReply(reply));
        self.perform(actions);
    }

    fn finish(mut self) -> (String, Vec<Vec<String>>) {
        while self.due.is_some() {
            self.tick();
        }
        (String::from_utf8(mem::take(&mut self.got)).unwrap(), self.asked)
    }

    fn count(&self, counter: &Counter) -> u64 {
        self.counts.iter().filter(|count| count.counter == *counter).map(|count| count.by).sum()
    }
}

fn flat(asked: &[Vec<String>]) -> Vec<&str> {
    let mut asked: Vec<&str> = asked.iter().flatten().map(String::as_str).collect();
    asked.sort_unstable();
    asked
}

/// Restores `text` at every cut, however late the bridge is, and whatever ends the response.
fn at_every_cut(content_type: &str, text: &str, expected: &str, asked: &[&str]) {
    let vm = scope_vm("");
    let bytes = text.as_bytes();
    let run = |parts: &[&[u8]], delay: usize, ending: usize| {
        let mut host = Host { delay, ..Host::new(&vm, STATE, content_type) };
        for (index, part) in parts.iter().enumerate() {
            host.chunk(part, ending == 0 && index + 1 == parts.len());
        }
        match ending {
            0 => {}
            1 => host.chunk(b"", true),
            _ => host.trailers(),
        }
        let (got, calls) = host.finish();
        let what = format!("{content_type} in {} parts, delay {delay}, ending {ending}", parts.len());
        assert_eq!(got, expected, "{what}: {:?}", parts.first().map(|part| part.len()));
        assert_eq!(flat(&calls), asked, "{what}");
    };
    for delay in [0, 1, 4] {
        for ending in 0..3 {
            for cut in 0..=bytes.len() {
                run(&[&bytes[..cut], &bytes[cut..]], delay, ending);
                if ending == 0 {
                    let (second, third) = bytes[cut..].split_at((bytes.len() - cut) / 2);
                    run(&[&bytes[..cut], second, third], delay, ending);
                }
            }
            run(&bytes.chunks(1).collect::<Vec<_>>(), delay, ending);
            run(&bytes.chunks(7).collect::<Vec<_>>(), delay, ending);
        }
    }
}

#[test]
fn documents() {
    at_every_cut(
        JSON,
        r#"{"output":[{"text":"AWS_EC2_001, AWS\\_EC2_1015 and AWS_EC2_002; AWS_EC2_001!","n":"AWS_ACCOUNT_002","s":"AWS_ACCOUNT_002 "}]}"#,
        r#"{"output":[{"text":"i-0abcdef0123456789, i-1015 and AWS_EC2_002; i-0abcdef0123456789!","n":210987654321,"s":"210987654321 "}]}"#,
        &["AWS_ACCOUNT_002", "AWS_EC2_001", "AWS_EC2_002", "AWS_EC2_1015"],
    );
}

#[test]
fn documents_in_strings() {
    at_every_cut(
        JSON,
        r#"{"arguments":"{\"id\":\"AWS_EC2_001\",\"owner\":\"AWS_ACCOUNT_002\",\"x\":\"AWS_LITERAL_001\"}","y":"AWS_LITERAL_002"}"#,
        r##"{"arguments":"{\"id\":\"i-0abcdef0123456789\",\"owner\":210987654321,\"x\":\"#AWS_EC2_001\\\"\"}","y":"i-\\u0030abc"}"##,
        &["AWS_ACCOUNT_002", "AWS_EC2_001", "AWS_LITERAL_001", "AWS_LITERAL_002"],
    );
}

#[test]
fn plain_text() {
    at_every_cut(
        "text/plain",
        "on AWS_EC2_001: AWS_EC2_1015,\nAWS_EC2_002",
        "on i-0abcdef0123456789: i-1015,\nAWS_EC2_002",
        &["AWS_EC2_001", "AWS_EC2_002", "AWS_EC2_1015"],
    );
}

#[test]
fn results_of_a_batch_in_a_file() {
    at_every_cut(
        "application/octet-stream",
        "{\"a\":\"AWS_EC2_001\"}\n{\"a\":\"AWS_EC2_1015\"}\n",
        "{\"a\":\"i-0abcdef0123456789\"}\n{\"a\":\"i-1015\"}\n",
        &["AWS_EC2_001", "AWS_EC2_1015"],
    );
    at_every_cut("application/octet-stream", "%PDF AWS_EC2_001 ", "%PDF AWS_EC2_001 ", &[]);
}

/// Only what may become a token waits, not what was found not to be one; and no event waits for another's text.
#[test]
fn what_cannot_be_a_token_is_not_asked_for() {
    at_every_cut(
        JSON,
        r#"["AWS_ACCESS_KEY_001 AWS_NOPE_001 AWS_EC2_01 AWS_EC2_0012 xAWS_EC2_001 AWS_EC2_001x AWS_EC2_12345678901 AWS_EC2_000 AWS_"]"#,
        r#"["AWS_ACCESS_KEY_001 AWS_NOPE_001 AWS_EC2_01 AWS_EC2_0012 xAWS_EC2_001 AWS_EC2_001x AWS_EC2_12345678901 AWS_EC2_000 AWS_"]"#,
        &[],
    );
}

/// A value stands whole in the event that completes its token.
#[test]
fn events() {
    let event = |text: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    let vm = scope_vm("");
    let stop =
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let body =
        [event("on AWS_E"), event("C2_00"), event("1. AWS_EC2_1015 "), event("AWS_EC2_001"), stop.into()]
            .concat();
    let expected = [
        event("on "),
        event(""),
        event("i-0abcdef0123456789. i-1015 "),
        event(""),
        event("i-0abcdef0123456789"),
        stop.into(),
    ]
    .concat();
    for delay in [0, 1, 3] {
        for cut in 0..=body.len() {
            let mut exchange = Exchange::new();
            let head = head(&[(":path", "/v1/chat/completions")]);
            exchange.handle(&vm, NOW, Input::RequestHead { headers: Headers(&head), end: false });
            let request = br#"{"messages":[{"content":[{"type":"file","file":{"file_id":"file-1"}}]}]}"#;
            exchange.handle(&vm, NOW, Input::RequestBody(request));
            let mut host = Host { delay, ..Host::answered(&vm, exchange, EVENTS) };
            let (first, second) = body.as_bytes().split_at(cut);
            host.chunk(first, false);
            host.chunk(second, false);
            host.chunk(b"", true);
            let (got, asked) = host.finish();
            let values = |text: &str| -> Vec<serde_json::Value> {
                text.split("\n\n")
                    .filter_map(|event| serde_json::from_str(event.strip_prefix("data: ")?).ok())
                    .collect()
            };
            assert_eq!(values(&got), values(&expected), "cut at {cut}");
            assert!(got.ends_with(stop));
            assert_eq!(flat(&asked), ["AWS_EC2_001", "AWS_EC2_1015"]);
        }
    }
}

/// What the exchange carried itself is not asked for, and goes before what the bridge says.
#[test]
fn own_tokens_are_not_asked_for() {
    let vm = scope_vm("");
    let body = br#"{"previous_response_id":"resp_1","input":"i-12345678 AKIAIOSFODNN7EXAMPLE"}"#;
    let mut host = Host::new(&vm, body, JSON);
    host.chunk(br#"["AWS_EC2_009 AWS_ACCESS_KEY_009 AWS_EC2_001"]"#, true);
    let (got, asked) = host.finish();
    assert_eq!(got, r#"["i-12345678 AWS_ACCESS_KEY_009 i-0abcdef0123456789"]"#);
    assert_eq!(asked, [["AWS_EC2_001"]]);
}

#[test]
fn without_state_nothing_is_asked_for() {
    for (vm, body) in [
        (scope_vm(""), br#"{"input":"previous_response_id"}"#.as_slice()),
        (vm(r#","mapping":{"store":"bridge","bridge":{"cluster":"bridge"}}"#), STATE),
        (vm(""), STATE),
    ] {
        let mut host = Host::new(&vm, body, JSON);
        host.chunk(b"[\"AWS_EC2_001\"]", true);
        assert_eq!(host.finish(), ("[\"AWS_EC2_001\"]".into(), Vec::new()));
    }
}

/// The answer goes on with its tokens, nothing more is asked for, and it is counted.
#[test]
fn a_bridge_that_fails_costs_the_originals() {
    let vm = scope_vm("");
    let answered = |status, body| StoreReply::Answered { status, body };
    for reply in [
        StoreReply::Failed,
        answered(403, b"{}"),
        answered(503, b""),
        answered(200, b"nonsense"),
        answered(200, br#"{"values":[]}"#),
        answered(200, br#"{"values":["a","b","c"]}"#),
    ] {
        let mut host = Host { delay: usize::MAX, ..Host::new(&vm, STATE, JSON) };
        host.chunk(br#"["AWS_EC2_001 and AWS_EC2_1015","#, false);
        assert!(host.got.is_empty() && host.held.is_empty() && host.due.take().is_some());
        host.reply(reply);
        assert_eq!(host.got, br#"["AWS_EC2_001 and AWS_EC2_1015","#);
        host.chunk(br#""AWS_EC2_002"]"#, true);
        assert_eq!(host.count(&Counter::LookedUp), 2);
        assert_eq!(host.count(&Counter::LookupsFailed), 2);
        assert_eq!(host.count(&Counter::Unrestored), 3);
        assert_eq!(host.count(&Counter::Restored), 0);
        assert_eq!(host.finish().0, r#"["AWS_EC2_001 and AWS_EC2_1015","AWS_EC2_002"]"#);
    }
}

/// A value on the wire that no filter of ours wrote there is no value.
#[test]
fn values_that_are_none_are_unknown() {
    let vm = scope_vm("");
    let long = format!("{{\"values\":[\"{}\"]}}", "x".repeat(bridge_api::MAX_VALUE_LEN + 1));
    for body in [
        r##"{"values":["#"]}"##,
        r##"{"values":["#1,2"]}"##,
        r#"{"values":["~"]}"#,
        r#"{"values":[""]}"#,
        &long,
    ] {
        let mut host = Host { delay: usize::MAX, ..Host::new(&vm, STATE, JSON) };
        host.chunk(br#"["AWS_EC2_001"]"#, true);
        host.due = None;
        host.reply(StoreReply::Answered { status: 200, body: body.as_bytes() });
        assert_eq!(host.got, br#"["AWS_EC2_001"]"#, "{body}");
    }
}

#[test]
fn what_waits_is_bounded() {
    let vm = scope_vm("");
    let mut host = Host { delay: usize::MAX, ..Host::new(&vm, STATE, JSON) };
    host.chunk(br#"["AWS_EC2_001 "#, false);
    let more = b"x".repeat(64 * 1024);
    let mut sent = 0;
    while host.got.is_empty() {
        assert!(sent <= MAX_WAITING && host.held.is_empty());
        host.chunk(&more, false);
        sent += more.len();
    }
    assert_eq!(host.got.len(), sent + br#"["AWS_EC2_001 "#.len());
    assert_eq!(host.count(&Counter::Unrestored), 1);
    // It is awaited again only for what is not on its way any more.
    let before = host.got.len();
    host.chunk(b" AWS_EC2_001 ", false);
    assert_eq!(host.got.len(), before);
    host.delay = 0;
    let call = host.due.take().unwrap().0;
    host.answer(&call);
    host.chunk(br#" AWS_EC2_001"]"#, true);
    assert!(host.finish().0.ends_with(r#"x i-0abcdef0123456789  i-0abcdef0123456789"]"#));
}

/// The answer to a call for which nothing waits any more is kept for what comes.
#[test]
fn a_late_answer_is_of_use() {
    let vm = scope_vm("");
    let mut host = Host { delay: usize::MAX, ..Host::new(&vm, STATE, JSON) };
    host.chunk(br#"["AWS_EC2_001 "#, false);
    host.chunk(&b"x".repeat(MAX_WAITING), false);
    let call = host.due.take().unwrap().0;
    host.answer(&call);
    let before = host.got.len();
    assert!(before > MAX_WAITING);
    host.chunk(br#" AWS_EC2_001"]"#, true);
    assert_eq!(&host.got[before..], br#" i-0abcdef0123456789"]"#);
    host.reply(StoreReply::Failed);
    assert_eq!(host.asked.len(), 1);
}

#[test]
fn lookups_are_bounded() {
    let vm = scope_vm("");
    let mut host = Host::new(&vm, STATE, JSON);
    let tokens: Vec<String> =
        (1..=MAX_LOOKUPS + 5).map(|number| crate::token::write("AWS_EC2", number as u64)).collect();
    let (first, second) = tokens.split_at(MAX_LOOKUPS - 1);
    host.chunk(format!("[\"{} ", first.join(" ")).as_bytes(), false);
    host.chunk(format!("{}\"]", second.join(" ")).as_bytes(), true);
    while host.due.is_some() {
        host.tick();
    }
    assert_eq!(host.count(&Counter::LookedUp), MAX_LOOKUPS as u64);
    assert_eq!(host.asked.concat(), tokens[..MAX_LOOKUPS]);
    let restored = tokens.iter().filter(|token| known(token).is_some()).count();
    assert_eq!(restored, 2);
    assert_eq!(host.count(&Counter::Restored), 2);
    assert_eq!(host.count(&Counter::Unrestored), (tokens.len() - 2) as u64);
}

/// A request without a body, to a path that names something kept.
#[test]
fn what_is_kept_is_fetched() {
    let vm = scope_vm(r#","scope":{"header":"x-team"}"#);
    let get = |path, more: &[(&str, &str)]| {
        let list = [&[(":method", "GET"), (":path", path), ("content-type", "-")], more].concat();
        let mut exchange = Exchange::new();
        let head = head(&list);
        let actions = exchange.handle(&vm, NOW, Input::RequestHead { headers: Headers(&head), end: true });
        (exchange, actions)
    };
    let identity = HeaderChange::Set("accept-encoding", "identity".into());
    let team = ("x-team", "a");
    let (exchange, actions) = get("/v1/messages/batches/msgbatch_1/results?limit=2", &[team]);
    assert!(actions.headers.contains(&identity) && matches!(actions.next, Next::Continue));
    let head = answer_head(&[("content-type", JSON)]);
    let mut exchange = exchange;
    let actions = exchange.handle(&vm, NOW, Input::ResponseHead { headers: Headers(&head), end: false });
    assert!(matches!(actions.next, Next::Continue) && exchange.reads());
    let actions = exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: b"[\"AWS_EC2_001\"]", end: true });
    let Next::Lookup(call) = actions.next else { panic!("{actions:?}") };
    assert!(call.path.starts_with("/v1/scopes/x-team."));

    let (_, actions) = get("/v1/messages/batches/msgbatch_1/results", &[]);
    assert!(matches!(actions.next, Next::Refuse(Refusal { code: "scope_missing", .. })));
    let (_, actions) = get("/v1/models", &[]);
    assert!(!actions.headers.contains(&identity) && matches!(actions.next, Next::Continue));
}
