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
        (actions, exchange.reads())
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

/// An exchange whose answer has this type and no body yet.
fn answering(vm: &Vm, content_type: &str) -> Exchange {
    let mut exchange = sent(vm);
    let head = answer_head(&[("content-type", content_type)]);
    exchange.handle(vm, NOW, Input::ResponseHead { headers: Headers(&head), end: false });
    exchange
}

#[test]
fn compression_that_is_not_declared_ends_the_answer() {
    let vm = vm("");
    let marks: [&[u8]; 6] =
        [b"\x1f\x8b", b"x\x01", b"x\x9c", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"PK\x03\x04"];
    for mark in marks {
        assert_eq!(run(&vm, &[], mark).unwrap_err().code, "content_encoding_unsupported");
        let body = [mark, b"AWS_EC2_001"].concat();
        for content_type in ["", "application/json", "text/event-stream", "text/plain"] {
            for cut in 0..=body.len() {
                let mut exchange = answering(&vm, content_type);
                let first = &body[..cut];
                let mut actions =
                    exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: first, end: false });
                if let Next::Hold = actions.next {
                    assert!(cut < mark.len() && actions.body.is_none(), "{content_type} {cut}");
                    actions = exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: &body, end: true });
                }
                let Next::Refuse(refusal) = actions.next else { panic!("{content_type} {cut}") };
                assert_eq!(refusal.code, "response_unreadable");
                // Nothing goes on, whatever else a host tells.
                assert!(exchange.reads());
                for input in [
                    Input::ResponseChunk { bytes: b"AWS_EC2_001", end: true },
                    Input::ResponseTrailers(b"AWS_EC2_001"),
                    Input::ResponseHead { headers: Headers(&[]), end: true },
                ] {
                    assert!(matches!(exchange.handle(&vm, NOW, input).next, Next::Hold));
                }
            }
        }
    }
}

#[test]
fn what_only_begins_like_compression_is_text() {
    let vm = vm("");
    for (body, expected) in [
        ("x AWS_EC2_001", "x i-12345678"),
        ("x\u{698}AWS_EC2_001", "x\u{698}i-12345678"),
        ("(AWS_EC2_001", "(i-12345678"),
        ("PKAWS_EC2_001", "PKAWS_EC2_001"),
        ("PK", "PK"),
        ("x", "x"),
    ] {
        for cut in 0..=body.len() {
            let mut exchange = answering(&vm, "text/plain");
            let (first, second) = body.as_bytes().split_at(cut);
            let actions = exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: first, end: false });
            let shown = actions.body.unwrap_or_else(|| first.to_vec());
            let (mut got, held) =
                if let Next::Hold = actions.next { (Vec::new(), shown) } else { (shown, Vec::new()) };
            // With nothing left to come, the end is told by trailers as well.
            let more = [held.as_slice(), second].concat();
            let end = if second.is_empty() {
                Input::ResponseTrailers(&held)
            } else {
                Input::ResponseChunk { bytes: &more, end: true }
            };
            got.extend(exchange.handle(&vm, NOW, end).body.unwrap_or_else(|| more.clone()));
            assert_eq!(String::from_utf8_lossy(&got), expected, "cut at {cut}");
        }
    }
}

/// Nothing can be added once trailers have come. What is withheld then is lost, and the answer must not look whole.
#[test]
fn trailers_end_an_answer_only_if_nothing_is_withheld() {
    let vm = vm("");
    let event =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"see AWS_EC2_00"}}"#;
    let event = format!("data: {event}\n\n");
    for (content_type, body, whole) in [
        ("application/json", r#"{"a":"AWS_EC2_001"}"#, true),
        ("application/json", r#"{"a":"AWS_EC2_001","#, true),
        ("application/json", r#"{"a":"AWS_EC2_001"#, false),
        ("application/json", r#"{"a":"AWS_E"#, false),
        ("text/event-stream", "data: {\"a\":\"AWS_EC2_001\"}\n\n", true),
        ("text/event-stream", "data: {\"a\":\"AWS_EC2_001\"}\n\ndata: [DONE]\n\n", true),
        ("text/event-stream", "data: {\"a\":\"b\"}\n\ndata: [DONE]", false),
        ("text/event-stream", &event, false),
    ] {
        let mut exchange = answering(&vm, content_type);
        exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: body.as_bytes(), end: false });
        let actions = exchange.handle(&vm, NOW, Input::ResponseTrailers(b""));
        match actions.next {
            Next::Continue => assert!(whole, "{body}"),
            Next::Refuse(refusal) => assert!(!whole && refusal.code == "response_cut", "{body}"),
            next => panic!("{body}: {next:?}"),
        }
    }
}
