//! The states of `mapping.store: bridge`.

use super::*;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const BODY: &[u8] = br#"["i-12345678 AKIAIOSFODNN7EXAMPLE"]"#;

fn waiting(vm: &Vm) -> (Exchange, Call) {
    let mut exchange = Exchange::new();
    exchange.handle(vm, Input::RequestHead { headers: Headers(&head(&[])), end: false });
    match exchange.handle(vm, Input::RequestBody(BODY)).next {
        Next::Lookup(call) => (exchange, call),
        other => panic!("{other:?}"),
    }
}

fn bridge_vm() -> Vm {
    vm(r#","mapping":{"store":"bridge","bridge":{"cluster":"bridge","timeout_ms":250.0}}"#)
}

#[test]
fn one_batched_call_then_the_request_goes_on() {
    let vm = bridge_vm();
    let (mut exchange, call) = waiting(&vm);
    assert_eq!((call.cluster.as_str(), call.path.as_str()), ("bridge", "/v1/scopes/default/tokens"));
    assert_eq!(call.timeout.as_millis(), 250);
    assert_eq!(
        String::from_utf8(call.body.clone()).unwrap(),
        r#"{"values":[{"kind":"EC2","value":"i-12345678","keep":true},{"kind":"ACCESS_KEY","value":"AKIAIOSFODNN7EXAMPLE","keep":false}]}"#
    );
    let printed = format!("{call:?} {exchange:?}");
    assert!(!printed.contains("12345678") && !printed.contains("49, 50, 51, 52"), "{printed}");
    // Nothing goes on while it waits.
    assert!(matches!(exchange.handle(&vm, Input::RequestHeld(1)).next, Next::Hold));
    let reply =
        StoreReply::Answered { status: 200, body: br#"{"tokens":["AWS_EC2_007","AWS_ACCESS_KEY_1234"]}"# };
    let actions = exchange.handle(&vm, Input::StoreReply { reply, body: BODY });
    assert_eq!(actions.body.as_deref(), Some(br#"["AWS_EC2_007 AWS_ACCESS_KEY_1234"]"#.as_slice()));
    exchange.handle(&vm, Input::ResponseHead { headers: Headers(&[]), end: false });
    let chunk =
        Input::ResponseChunk { bytes: br#"["AWS_EC2_007 AWS_EC2_001 AWS_ACCESS_KEY_1234"]"#, end: true };
    let got = exchange.handle(&vm, chunk).body.unwrap();
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
        let actions = exchange.handle(&vm, Input::StoreReply { reply, body: BODY });
        let Next::Refuse(refusal) = actions.next else { panic!("goes on") };
        assert_eq!((refusal.status, refusal.code, refusal.retry_after), (503, "store_unavailable", Some(1)));
        assert!(actions.body.is_none());
    }
}
