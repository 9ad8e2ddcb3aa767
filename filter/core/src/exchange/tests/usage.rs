//! Tokens of the model, whether anything is restored or not.

use super::*;
use crate::vm::MAX_USAGE_LABELS;
use alloc::string::ToString as _;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PLAIN: &[u8] = b"[\"nothing\"]";
const MASKED: &[u8] = b"[\"i-12345678\"]";
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const EVENTS: &[(&str, &str)] = &[("content-type", "text/event-stream; charset=utf-8")];
const MESSAGE: &str =
    r#"{"model":"m-1","content":[{"text":"AWS_EC2_001"}],"usage":{"input_tokens":12,"output_tokens":34}}"#;
const STREAM: &str = "event: message_start\ndata: {\"message\":{\"model\":\"m-1\",\"usage\":{\"input_tokens\":12,\
    \"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"usage\":{\"output_tokens\":34}}\n\n";

/// What an exchange has counted and reported, and what the application got.
#[derive(Debug, Default, Eq, PartialEq)]
struct Seen {
    counts: Vec<(String, u64)>,
    line: Option<String>,
    body: Vec<u8>,
}

fn exchange(vm: &Vm, request: &[(&str, &str)], body: &[u8]) -> Exchange {
    let mut exchange = Exchange::new();
    exchange.handle(vm, NOW, Input::RequestHead { headers: Headers(&head(request)), end: false });
    exchange.handle(vm, NOW, Input::RequestBody(body));
    exchange
}

/// Shows the pieces as Envoy does: what is held is shown again, and a body that nobody reads is not shown.
fn see(vm: &Vm, exchange: &mut Exchange, list: &[(&str, &str)], pieces: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    exchange.handle(vm, NOW, Input::ResponseHead { headers: Headers(&answer_head(list)), end: false });
    let mut held = Vec::new();
    for (index, piece) in pieces.iter().chain([&b"".as_slice()]).enumerate() {
        held.extend_from_slice(piece);
        if !exchange.reads() {
            seen.body.append(&mut held);
            continue;
        }
        let end = index == pieces.len();
        let actions = exchange.handle(vm, NOW, Input::ResponseChunk { bytes: &held, end });
        held = actions.body.unwrap_or(held);
        if !matches!(actions.next, Next::Hold) {
            seen.body.append(&mut held);
        }
        seen.line = actions.report.map(|report| report.line).or(seen.line);
        for Count { counter, by } in actions.counts {
            if let (name @ ("cloakroom_input_tokens" | "cloakroom_output_tokens"), Some(label)) =
                counter.name()
            {
                seen.counts.push((format!("{name} {label}"), by));
            }
        }
    }
    seen
}

fn sums(seen: &Seen) -> (u64, u64) {
    let of = |direction: &str| {
        seen.counts.iter().filter(|(name, _)| name.contains(direction)).map(|(_, by)| by).sum()
    };
    (of("_input_"), of("_output_"))
}

#[test]
fn every_answer_is_counted_once_wherever_it_is_cut() {
    let vm = vm("");
    for (request, changed) in [(PLAIN, false), (MASKED, true)] {
        for (list, answer) in [(JSON, MESSAGE), (EVENTS, STREAM)] {
            for cut in 0..=answer.len() {
                let (first, second) = answer.as_bytes().split_at(cut);
                let seen = see(&vm, &mut exchange(&vm, &[], request), list, &[first, second]);
                assert_eq!(sums(&seen), (12, 34), "cut at {cut}: {seen:?}");
                assert_eq!(seen.line.as_deref(), Some("model=m-1,in=12,out=34"));
                let expected =
                    if changed { answer.replace("AWS_EC2_001", "i-12345678") } else { answer.into() };
                assert_eq!(String::from_utf8(seen.body).unwrap(), expected);
            }
        }
    }
}

#[test]
fn a_stream_that_is_cut_off_has_counted_what_it_said() {
    let vm = vm("");
    let first = STREAM.split_once("event: message_delta").unwrap().0;
    let seen = see(&vm, &mut exchange(&vm, &[], MASKED), EVENTS, &[first.as_bytes()]);
    let label = "host=api.anthropic.com;model=m-1;scope=default";
    assert_eq!(
        seen.counts,
        [(format!("cloakroom_input_tokens {label}"), 12), (format!("cloakroom_output_tokens {label}"), 1)]
    );
}

#[test]
fn what_is_not_the_api_s_answer_is_not_read() {
    let on = vm("");
    let off = vm(r#","usage":false"#);
    let observing = vm(r#","mode":"observe""#);
    let no_json = [("content-type", "text/plain")];
    let compressed = [("content-type", "application/json"), ("content-encoding", "gzip")];
    for (vm, request, answer, expected) in [
        (&on, &[][..], JSON, (12, 34)),
        (&observing, &[], JSON, (12, 34)),
        (&off, &[], JSON, (0, 0)),
        (&on, &[(":method", "GET")], JSON, (0, 0)),
        (&on, &[(":path", "/v1/other")], JSON, (0, 0)),
        (&on, &[(":path", "/v1/messages/batches/b/results")], JSON, (0, 0)),
        (&on, &[], &no_json, (0, 0)),
        (&on, &[], &compressed, (0, 0)),
    ] {
        let mut exchange = exchange(vm, request, PLAIN);
        let seen = see(vm, &mut exchange, answer, &[MESSAGE.as_bytes()]);
        assert_eq!(sums(&seen), expected, "{request:?} {answer:?}");
        assert_eq!(seen.body, MESSAGE.as_bytes());
    }
    // Refusals are no answers of a provider.
    let mut refused = exchange(&on, &[(":authority", "evil.example")], PLAIN);
    assert_eq!(sums(&see(&on, &mut refused, JSON, &[MESSAGE.as_bytes()])), (0, 0));
}

#[test]
fn scopes_are_shown_by_name_or_by_the_beginning_of_their_hash() {
    for (scope, headers, expected) in [
        (r#"{"static":"payments"}"#, &[][..], "payments"),
        (r#"{"header":"x-team"}"#, &[("x-team", "payments")], "x-team.df384ae9"),
        (r#""credential""#, &[("x-api-key", "sk-secret")], "Credential."),
    ] {
        let vm = vm(&format!(
            r#","scope":{scope},"mapping":{{"store":"bridge","bridge":{{"cluster":"bridge"}}}}"#
        ));
        let seen = see(&vm, &mut exchange(&vm, headers, PLAIN), JSON, &[MESSAGE.as_bytes()]);
        let (name, _) = seen.counts.first().unwrap();
        let shown = name.rsplit("scope=").next().unwrap();
        assert!(shown.starts_with(expected) && shown.len() <= expected.len() + 8, "{name}");
    }
}

#[test]
fn too_many_models_are_counted_together() {
    let vm = vm("");
    for number in 0..=MAX_USAGE_LABELS + 1 {
        let answer = MESSAGE.replace("m-1", &number.to_string());
        let seen = see(&vm, &mut exchange(&vm, &[], PLAIN), JSON, &[answer.as_bytes()]);
        let model = if number < MAX_USAGE_LABELS { number.to_string() } else { "other".into() };
        let (name, _) = seen.counts.first().unwrap();
        assert!(name.contains(&format!(";model={model};")), "{name}");
        assert_eq!(seen.line, Some(format!("model={number},in=12,out=34")));
    }
}
