//! The states of `mapping.store: bridge`.

use super::*;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const BODY: &[u8] = br#"["i-12345678 AKIAIOSFODNN7EXAMPLE"]"#;

fn waiting(vm: &Vm) -> (Exchange, Call) {
    let mut exchange = Exchange::new();
    exchange.handle(vm, NOW, Input::RequestHead { headers: Headers(&head(&[])), end: false });
    match exchange.handle(vm, NOW, Input::RequestBody(BODY)).next {
        Next::Lookup(call) => (exchange, call),
        other => panic!("{other:?}"),
    }
}

fn bridge_vm() -> Vm {
    vm(r#","mapping":{"store":"bridge","bridge":{"cluster":"bridge","timeout_ms":250.0}}"#)
}

/// A request whose tokens are not all known: the exchange that waits, and what it asks.
fn asks(vm: &Vm, now: Duration, body: &[u8]) -> (Exchange, Call) {
    let mut exchange = Exchange::new();
    exchange.handle(vm, now, Input::RequestHead { headers: Headers(&head(&[])), end: false });
    match exchange.handle(vm, now, Input::RequestBody(body)).next {
        Next::Lookup(call) => (exchange, call),
        other => panic!("{other:?}"),
    }
}

/// What a request becomes whose tokens are all known.
fn masked(vm: &Vm, now: Duration, body: &[u8]) -> String {
    let mut exchange = Exchange::new();
    exchange.handle(vm, now, Input::RequestHead { headers: Headers(&head(&[])), end: false });
    let actions = exchange.handle(vm, now, Input::RequestBody(body));
    assert!(matches!(actions.next, Next::Continue), "{actions:?}");
    String::from_utf8(actions.body.unwrap()).unwrap()
}

fn answer(vm: &Vm, exchange: &mut Exchange, now: Duration, answer: &[u8], body: &[u8]) -> Actions {
    let reply = StoreReply::Answered { status: 200, body: answer };
    exchange.handle(vm, now, Input::StoreReply { reply, body })
}

fn values(call: &Call) -> Vec<String> {
    let request: bridge_api::IssueRequest<'_> = serde_json::from_slice(&call.body).unwrap();
    request.values.into_iter().map(|value| value.value.into_owned()).collect()
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn what_was_issued_is_asked_for_once_while_it_is_fresh() {
    let vm = bridge_vm();
    let (mut exchange, _) = asks(&vm, at(100), BODY);
    answer(
        &vm,
        &mut exchange,
        at(101),
        br#"{"tokens":["AWS_EC2_007","AWS_ACCESS_KEY_003"],"ttl_seconds":60}"#,
        BODY,
    );
    assert_eq!(masked(&vm, at(130), BODY), r#"["AWS_EC2_007 AWS_ACCESS_KEY_003"]"#, "no call");

    let more = br#"["i-12345678 i-87654321 AKIAIOSFODNN7EXAMPLE"]"#;
    let (mut exchange, call) = asks(&vm, at(130), more);
    assert_eq!(values(&call), ["i-87654321"], "only what is missing");
    let actions =
        answer(&vm, &mut exchange, at(131), br#"{"tokens":["AWS_EC2_009"],"ttl_seconds":60}"#, more);
    assert_eq!(
        actions.body.as_deref(),
        Some(br#"["AWS_EC2_007 AWS_EC2_009 AWS_ACCESS_KEY_003"]"#.as_slice())
    );

    // Half of what the bridge promised has passed.
    let (_, call) = asks(&vm, at(131), BODY);
    assert_eq!(values(&call), ["i-12345678", "AKIAIOSFODNN7EXAMPLE"]);
    assert!(!format!("{vm:?}").contains("12345678"));
}

#[test]
fn hits_misses_and_waiting_are_counted() {
    let vm = bridge_vm();
    let mut exchange = Exchange::new();
    let by = |actions: &Actions, counter| -> Option<u64> {
        actions.counts.iter().find(|count| count.counter == counter).map(|count| count.by)
    };
    exchange.handle(&vm, at(1), Input::RequestHead { headers: Headers(&head(&[])), end: false });
    let asked = exchange.handle(&vm, at(1), Input::RequestBody(BODY));
    assert_eq!((by(&asked, Counter::CacheHits), by(&asked, Counter::CacheMisses)), (None, Some(2)));
    let answered =
        answer(&vm, &mut exchange, at(3), br#"{"tokens":["AWS_EC2_007","AWS_ACCESS_KEY_003"]}"#, BODY);
    assert_eq!(by(&answered, Counter::StoreWait), Some(2000));
    assert_eq!(by(&answered, Counter::Masked("AWS_EC2".into())), Some(1));

    let mut exchange = Exchange::new();
    exchange.handle(&vm, at(4), Input::RequestHead { headers: Headers(&head(&[])), end: false });
    let cached = exchange.handle(&vm, at(4), Input::RequestBody(BODY));
    assert_eq!((by(&cached, Counter::CacheHits), by(&cached, Counter::CacheMisses)), (Some(2), None));

    let (mut exchange, _) = asks(&vm, at(4), br#"["i-00000000"]"#);
    let failed = exchange.handle(
        &vm,
        at(5),
        Input::StoreReply { reply: StoreReply::Failed, body: br#"["i-00000000"]"# },
    );
    assert_eq!(by(&failed, Counter::StoreWait), Some(1000));
    assert_eq!(by(&failed, Counter::Refused("store_unavailable")), Some(1));
}

/// With trailers the body's end is told with them; Envoy holds both while the bridge is asked.
#[test]
fn trailers_wait_with_the_body() {
    let vm = bridge_vm();
    let mut exchange = Exchange::new();
    exchange.handle(&vm, NOW, Input::RequestHead { headers: Headers(&head(&[])), end: false });
    assert!(matches!(exchange.handle(&vm, NOW, Input::RequestHeld(BODY.len())).next, Next::Hold));
    let trailers = [("x-sum".into(), b"i-12345678".to_vec())];
    let asked =
        exchange.handle(&vm, NOW, Input::RequestTrailers { trailers: Headers(&trailers), body: BODY });
    assert!(matches!(asked.next, Next::Lookup(_)), "{asked:?}");
    assert!(asked.headers.contains(&HeaderChange::Remove("x-sum".into())));
    let actions =
        answer(&vm, &mut exchange, NOW, br#"{"tokens":["AWS_EC2_007","AWS_ACCESS_KEY_003"]}"#, BODY);
    assert!(matches!(actions.next, Next::Continue));
    assert_eq!(actions.body.as_deref(), Some(br#"["AWS_EC2_007 AWS_ACCESS_KEY_003"]"#.as_slice()));
}

/// The status tells an operator where to look.
#[test]
fn a_refusal_by_the_bridge_is_told_with_its_status() {
    let vm = bridge_vm();
    for (reply, says) in [
        (StoreReply::Answered { status: 401, body: b"{}" }, "status 401"),
        (StoreReply::Answered { status: 200, body: b"{}" }, "did not answer"),
        (StoreReply::Failed, "did not answer"),
    ] {
        let (mut exchange, _) = waiting(&vm);
        let actions = exchange.handle(&vm, NOW, Input::StoreReply { reply, body: BODY });
        let Next::Refuse(refusal) = actions.next else { panic!("goes on") };
        assert!(refusal.message.contains(says), "{}", refusal.message);
    }
}

/// A store that lost writes gave out a number twice: nobody may be sent the wrong identifier.
#[test]
fn one_token_for_two_values_is_refused_and_what_is_cached_is_dropped() {
    let vm = bridge_vm();
    let (first, second) = (br#"["i-12345678"]"#.as_slice(), br#"["i-12345678 i-87654321"]"#.as_slice());
    let (mut exchange, _) = asks(&vm, at(1), first);
    answer(&vm, &mut exchange, at(1), br#"{"tokens":["AWS_EC2_001"]}"#, first);
    let (mut exchange, _) = asks(&vm, at(1), second);
    let actions = answer(&vm, &mut exchange, at(1), br#"{"tokens":["AWS_EC2_001"]}"#, second);
    let Next::Refuse(refusal) = actions.next else { panic!("goes on") };
    assert_eq!((refusal.status, refusal.code, refusal.retry_after), (503, "store_inconsistent", Some(1)));
    assert!(actions.body.is_none());
    // The next request asks for both, and gets what the store has now.
    let (mut exchange, call) = asks(&vm, at(2), second);
    assert_eq!(values(&call), ["i-12345678", "i-87654321"]);
    let actions = answer(&vm, &mut exchange, at(2), br#"{"tokens":["AWS_EC2_002","AWS_EC2_001"]}"#, second);
    assert_eq!(actions.body.as_deref(), Some(br#"["AWS_EC2_002 AWS_EC2_001"]"#.as_slice()));
}

#[test]
fn a_cache_of_no_entries_is_off() {
    let vm = vm(r#","mapping":{"store":"bridge","bridge":{"cluster":"bridge"},"cache":{"max_entries":0}}"#);
    for _ in 0..2 {
        let (mut exchange, _) = asks(&vm, at(1), br#"["i-12345678"]"#);
        answer(&vm, &mut exchange, at(1), br#"{"tokens":["AWS_EC2_001"]}"#, br#"["i-12345678"]"#);
    }
}

#[test]
fn a_scope_has_tokens_of_its_own() {
    let vm = vm(r#","mapping":{"store":"bridge","bridge":{"cluster":"bridge"}},"scope":{"header":"X-Team"}"#);
    let ask = |team: &str, now| {
        let mut exchange = Exchange::new();
        let head = head(&[("x-team", team)]);
        let actions = exchange.handle(&vm, now, Input::RequestHead { headers: Headers(&head), end: false });
        assert!(actions.headers.contains(&HeaderChange::Remove("x-team".into())));
        (exchange.handle(&vm, now, Input::RequestBody(br#"["i-12345678"]"#)).next, exchange)
    };
    for (team, token) in [("a", "AWS_EC2_001"), ("b", "AWS_EC2_002")] {
        let (Next::Lookup(call), mut exchange) = ask(team, at(1)) else { panic!("{team}: not asked") };
        assert!(call.path.starts_with("/v1/scopes/x-team."), "{}", call.path);
        let reply = format!(r#"{{"tokens":["{token}"]}}"#);
        answer(&vm, &mut exchange, at(1), reply.as_bytes(), br#"["i-12345678"]"#);
    }
    let (next, mut exchange) = ask("a", at(2));
    assert!(matches!(next, Next::Continue), "cached by scope");
    exchange.handle(&vm, at(2), Input::ResponseHead { headers: Headers(&[]), end: false });
    let chunk = Input::ResponseChunk { bytes: br#"["AWS_EC2_001 AWS_EC2_002"]"#, end: true };
    let restored = exchange.handle(&vm, at(2), chunk).body.unwrap();
    assert_eq!(String::from_utf8(restored).unwrap(), r#"["i-12345678 AWS_EC2_002"]"#, "no crossing");
}

#[test]
fn without_a_scope_nothing_is_masked_and_nothing_goes_on() {
    let header = r#","mapping":{"store":"bridge","bridge":{"cluster":"bridge"}},"scope":{"header":"x-team"}"#;
    let credential = r#","mapping":{"store":"bridge","bridge":{"cluster":"bridge"}},"scope":"credential""#;
    for (config, says) in [(header, "x-team"), (credential, "credential")] {
        let vm = vm(config);
        let refusal = run(&vm, &[("x-team", "")], b"[]").unwrap_err();
        assert_eq!((refusal.status, refusal.code), (400, "scope_missing"));
        assert!(refusal.message.contains(says), "{}", refusal.message);
        // Where there is no body, there is nothing to be masked.
        let mut exchange = Exchange::new();
        let head = head(&[(":method", "GET"), ("content-type", "-")]);
        let next = exchange.handle(&vm, NOW, Input::RequestHead { headers: Headers(&head), end: true }).next;
        assert!(matches!(next, Next::Continue));
    }
}

#[test]
fn what_the_bridge_would_not_take_is_refused_here() {
    let vm = bridge_vm();
    let name = "x".repeat(bridge_api::MAX_VALUE_LEN + 1);
    let body = format!(r#"["arn:aws:sqs:us-east-1:123456789012:{name}"]"#);
    let refusal = run(&vm, &[], body.as_bytes()).unwrap_err();
    assert_eq!((refusal.status, refusal.code), (413, "body_too_large"));
    assert!(!refusal.message.contains("xxx"));
}

#[test]
fn one_batched_call_then_the_request_goes_on() {
    let vm = bridge_vm();
    let (mut exchange, call) = waiting(&vm);
    assert_eq!((call.cluster.as_str(), call.path.as_str()), ("bridge", "/v1/scopes/default/tokens"));
    assert_eq!(call.request_id, "abc-1");
    assert_eq!(call.timeout.as_millis(), 250);
    assert_eq!(
        String::from_utf8(call.body.clone()).unwrap(),
        r#"{"values":[{"kind":"EC2","value":"i-12345678","keep":true},{"kind":"ACCESS_KEY","value":"AKIAIOSFODNN7EXAMPLE","keep":false}]}"#
    );
    let printed = format!("{call:?} {exchange:?}");
    assert!(!printed.contains("12345678") && !printed.contains("49, 50, 51, 52"), "{printed}");
    // Nothing goes on while it waits.
    assert!(matches!(exchange.handle(&vm, NOW, Input::RequestHeld(1)).next, Next::Hold));
    let reply =
        StoreReply::Answered { status: 200, body: br#"{"tokens":["AWS_EC2_007","AWS_ACCESS_KEY_1234"]}"# };
    let actions = exchange.handle(&vm, NOW, Input::StoreReply { reply, body: BODY });
    assert_eq!(actions.body.as_deref(), Some(br#"["AWS_EC2_007 AWS_ACCESS_KEY_1234"]"#.as_slice()));
    exchange.handle(&vm, NOW, Input::ResponseHead { headers: Headers(&[]), end: false });
    let chunk =
        Input::ResponseChunk { bytes: br#"["AWS_EC2_007 AWS_EC2_001 AWS_ACCESS_KEY_1234"]"#, end: true };
    let got = exchange.handle(&vm, NOW, chunk).body.unwrap();
    assert_eq!(String::from_utf8(got).unwrap(), r#"["i-12345678 AWS_EC2_001 AWS_ACCESS_KEY_1234"]"#);
}

#[test]
fn anything_but_good_tokens_is_refused() {
    let vm = bridge_vm();
    let answered = |status, body| StoreReply::Answered { status, body };
    for reply in [
        StoreReply::Failed,
        answered(500, br#"{"tokens":["AWS_EC2_007","AWS_ACCESS_KEY_001"]}"#),
        answered(200, b""),
        answered(200, b"<html>"),
        answered(200, br#"{"tokens":[]}"#),
        answered(200, br#"{"tokens":["AWS_EC2_007"]}"#),
        answered(200, br#"{"tokens":["AWS_EC2_007","AWS_ACCESS_KEY_001","AWS_EC2_008"]}"#),
        answered(200, br#"{"tokens":["AWS_EC2_007","AWS_EC2_007"]}"#),
        answered(200, br#"{"tokens":["AWS_ACCESS_KEY_001","AWS_EC2_007"]}"#),
        answered(200, br#"{"tokens":["i-12345678","AWS_ACCESS_KEY_001"]}"#),
        answered(200, br#"{"tokens":["AWS_EC2_7","AWS_ACCESS_KEY_001"]}"#),
        answered(200, br#"{"tokens":["AWS_EC2_007 ","AWS_ACCESS_KEY_001"]}"#),
    ] {
        let (mut exchange, _) = waiting(&vm);
        let actions = exchange.handle(&vm, NOW, Input::StoreReply { reply, body: BODY });
        let Next::Refuse(refusal) = actions.next else { panic!("goes on") };
        assert_eq!((refusal.status, refusal.code, refusal.retry_after), (503, "store_unavailable", Some(1)));
        assert!(actions.body.is_none());
    }
}
