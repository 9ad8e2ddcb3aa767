//! `mode: observe`, and reports.

use super::*;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const BODY: &[u8] = br#"["i-12345678 i-12345678 arn:aws:iam::123456789012:role/R PRJ-1 \u00e9"]"#;
const OWN: &str = r#","detect":{"own_kinds":[{"token":"ORG_PROJECT","regex":"PRJ-\\d"}]}"#;

fn counted(actions: &Actions) -> Vec<(String, u64)> {
    let one = |count: &Count| {
        let (name, label) = count.counter.name();
        (label.map_or(name.into(), |label| format!("{name}_{label}")), count.by)
    };
    actions.counts.iter().map(one).collect()
}

#[test]
fn bodies_go_on_as_they_are_and_are_counted() {
    let vm = vm(&format!(r#"{OWN},"mode":"observe","max_body_bytes":200"#));
    let actions = run(&vm, &[], BODY).unwrap();
    assert!(actions.body.is_none());
    let expected = [("AWS_ACCOUNT", 1), ("AWS_EC2", 2), ("AWS_IAM_ROLE", 1), ("ORG_PROJECT", 1)];
    let expected = expected.map(|(kind, by)| (format!("cloakroom_observed_{kind}"), by));
    assert_eq!(counted(&actions), expected);
    let report = Report { what: "observed", line: "ORG_PROJECT=1,arn=2,ec2-instance=2".into() };
    assert_eq!(actions.report, Some(report));
}

#[test]
fn what_would_be_refused_is_counted() {
    let vm = vm(r#","mode":"observe","max_body_bytes":200"#);
    for (list, body, expected) in [
        (&[][..], b"{".as_slice(), "cloakroom_would_refuse_body_unreadable"),
        (&[], br#"{"model":"i-12345678"}"#, "cloakroom_would_refuse_identifier_in_field"),
        (&[("content-type", "text/html")], b"i-12345678", "cloakroom_passed_unread"),
        (&[("content-encoding", "gzip")], b"{}", "cloakroom_passed_unread"),
        (&[], &[b' '; 500], "cloakroom_passed_unread"),
    ] {
        let actions = run(&vm, list, body).unwrap();
        assert!(actions.body.is_none() && matches!(actions.next, Next::Continue));
        // A body that is too large was let go while it came.
        let counted = counted(&actions);
        if body.len() <= 200 {
            assert_eq!(counted, [(expected.into(), 1)]);
        }
    }
    let mut exchange = Exchange::new();
    let list = head(&[(":path", "/v1/i-12345678")]);
    let actions = exchange.handle(&vm, NOW, Input::RequestHead { headers: Headers(&list), end: false });
    assert_eq!(counted(&actions), [("cloakroom_would_refuse_identifier_in_target".into(), 1)]);
    assert!(matches!(actions.next, Next::Continue));
}

#[test]
fn what_becomes_too_large_goes_on_while_it_comes() {
    let vm = vm(r#","mode":"observe","max_body_bytes":200"#);
    let mut exchange = Exchange::new();
    let list = head(&[]);
    exchange.handle(&vm, NOW, Input::RequestHead { headers: Headers(&list), end: false });
    assert!(matches!(exchange.handle(&vm, NOW, Input::RequestHeld(200)).next, Next::Hold));
    let actions = exchange.handle(&vm, NOW, Input::RequestHeld(201));
    assert_eq!(counted(&actions), [("cloakroom_passed_unread".into(), 1)]);
    for input in [Input::RequestHeld(50), Input::RequestBody(b"the rest"), Input::RequestBody(b"")] {
        let actions = exchange.handle(&vm, NOW, input);
        assert!(
            actions.body.is_none() && actions.counts.is_empty() && matches!(actions.next, Next::Continue)
        );
    }
}

#[test]
fn hosts_are_asked_of_all_the_same_and_answers_pass() {
    let vm = vm(r#","mode":"observe""#);
    assert_eq!(run(&vm, &[(":authority", "evil.example")], b"{}").unwrap_err().code, "host_not_allowed");
    let mut exchange = Exchange::new();
    let list = head(&[("x-original-host", "forged"), ("cookie", "a=b")]);
    let actions = exchange.handle(&vm, NOW, Input::RequestHead { headers: Headers(&list), end: false });
    let changes = format!("{:?}", actions.headers);
    assert!(changes.contains("api.anthropic.com") && changes.contains("cookie"), "{changes}");
    assert!(!changes.contains("content-length") && !changes.contains("accept-encoding"), "{changes}");
    exchange.handle(&vm, NOW, Input::RequestBody(BODY));
    let answer = [("content-type".into(), b"application/json".to_vec())];
    exchange.handle(&vm, NOW, Input::ResponseHead { headers: Headers(&answer), end: false });
    let actions = exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: b"AWS_EC2_001", end: true });
    assert!(actions.body.is_none() && matches!(actions.next, Next::Continue));
}

#[test]
fn what_is_masked_is_reported_by_rule() {
    let actions = run(&vm(OWN), &[], BODY).unwrap();
    let report = Report { what: "masked", line: "ORG_PROJECT=1,arn=2,ec2-instance=2".into() };
    assert_eq!(actions.report, Some(report));
    assert_eq!(run(&vm(""), &[], b"{}").unwrap().report, None);
}
