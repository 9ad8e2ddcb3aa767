//! The way back to the application.

use super::*;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn heads_of_responses() {
    let vm = vm("");
    let answer = |list: &[(&str, &str)], end| {
        let mut exchange = sent(&vm);
        let head = answer_head(list);
        let actions = exchange.handle(&vm, NOW, Input::ResponseHead { headers: Headers(&head), end });
        (actions, exchange.restores())
    };
    let json = ("content-type", "application/json");
    let (actions, restores) =
        answer(&[json, ("content-length", "5"), ("etag", "x"), ("x-ratelimit", "1")], false);
    assert!(restores);
    let removed = |name: &str| HeaderChange::Remove(name.into());
    assert_eq!(actions.headers, [removed("content-length"), removed("etag")]);
    let (actions, restores) =
        answer(&[json, ("content-encoding", "identity"), ("content-encoding", "gzip")], false);
    assert!(matches!(actions.next, Next::Refuse(Refusal { status: 502, .. })) && !restores);
    for (list, end) in
        [(&[json][..], true), (&[("content-type", "image/png"), ("content-encoding", "gzip")], false)]
    {
        let (actions, restores) = answer(list, end);
        assert!(actions.headers.is_empty() && matches!(actions.next, Next::Continue) && !restores);
    }
}

#[test]
fn without_content_type_the_first_bytes_tell() {
    let vm = vm("");
    for (body, expected) in [
        (r#" {"a":"AWS_EC2_001"}"#, r#" {"a":"i-12345678"}"#),
        ("event: x\ndata: {\"a\":\"AWS_EC2_001\"}\n\n", "event: x\ndata: {\"a\":\"i-12345678\"}\n\n"),
        ("\u{feff}data: {\"a\":\"AWS_EC2_001\"}\n\n", "\u{feff}data: {\"a\":\"i-12345678\"}\n\n"),
        ("da AWS_EC2_001", "da i-12345678"),
        ("dat", "dat"),
        ("", ""),
        (" \n", " \n"),
    ] {
        for cut in 0..=body.len() {
            let (first, second) = body.as_bytes().split_at(cut);
            let mut exchange = sent(&vm);
            exchange.handle(&vm, NOW, Input::ResponseHead { headers: Headers(&[]), end: false });
            let mut shown = first.to_vec();
            let actions = exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: &shown, end: false });
            shown = actions.body.unwrap_or(shown);
            let mut got = Vec::new();
            if !matches!(actions.next, Next::Hold) {
                got = mem::take(&mut shown);
            }
            shown.extend_from_slice(second);
            let actions = exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: &shown, end: true });
            got.extend(actions.body.unwrap_or(shown));
            assert_eq!(String::from_utf8_lossy(&got), expected, "cut at {cut}");
        }
    }
}

#[test]
fn a_text_field_stays_text_even_if_it_says_a_number() {
    let vm = vm("");
    let body = br#"{"system":"arn:aws:iam::123456789012:root","messages":[{"content":[{"type":"tool_use","input":{"acct":123456789012}}]}]}"#;
    let mut exchange = Exchange::new();
    exchange.handle(&vm, NOW, Input::RequestHead { headers: Headers(&head(&[])), end: false });
    let masked = exchange.handle(&vm, NOW, Input::RequestBody(body)).body.unwrap();
    assert!(String::from_utf8(masked).unwrap().contains(r#""acct":"AWS_ACCOUNT_002""#));
    let json = answer_head(&[("content-type", "application/json")]);
    exchange.handle(&vm, NOW, Input::ResponseHead { headers: Headers(&json), end: false });
    let answer = br#"{"content":[{"type":"text","text":"AWS_ACCOUNT_002"},{"type":"tool_use","input":{"a":"AWS_ACCOUNT_002"}}]}"#;
    let got = exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: answer, end: true }).body.unwrap();
    assert_eq!(
        String::from_utf8(got).unwrap(),
        r#"{"content":[{"type":"text","text":"123456789012"},{"type":"tool_use","input":{"a":123456789012}}]}"#
    );
}

#[test]
fn white_space_is_not_waited_for_for_ever() {
    let vm = vm("");
    let mut exchange = sent(&vm);
    exchange.handle(&vm, NOW, Input::ResponseHead { headers: Headers(&[]), end: false });
    let blank = [b' '; 2000];
    assert!(matches!(
        exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: &blank[..10], end: false }).next,
        Next::Hold
    ));
    assert!(matches!(
        exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: &blank, end: false }).next,
        Next::Continue
    ));
}
