use super::*;
use crate::config::Config;
use alloc::format;
use alloc::vec::Vec;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

mod bridge;
mod observe;
mod response;
mod scope;
mod usage;

const NOW: Duration = Duration::ZERO;
const HOSTS: &str =
    r#""hosts":["api.anthropic.com","*.openai.com"],"base_urls":{"a.localhost":"api.anthropic.com"}"#;

fn vm(more: &str) -> Vm {
    Vm::new(Config::from_json(format!("{{{HOSTS}{more}}}").as_bytes()).unwrap()).unwrap()
}

fn head(list: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    let defaults = [
        (":method", "POST"),
        (":authority", "api.anthropic.com"),
        (":path", "/v1/messages"),
        ("content-type", "application/json"),
        ("x-request-id", "abc-1"),
    ];
    let kept = defaults.iter().filter(|(name, _)| !list.iter().any(|(other, _)| other == name));
    let all = kept.chain(list).filter(|(_, value)| *value != "-");
    all.map(|(name, value)| ((*name).into(), value.as_bytes().to_vec())).collect()
}

/// Runs a request; the refusal if there is one, and the states it went through.
fn run(vm: &Vm, list: &[(&str, &str)], body: &[u8]) -> Result<Actions, Refusal> {
    let mut exchange = Exchange::new();
    let head = head(list);
    let actions = exchange.handle(vm, NOW, Input::RequestHead { headers: Headers(&head), end: false });
    if let Next::Refuse(refusal) = actions.next {
        return Err(refusal);
    }
    let (half, _) = body.split_at(body.len() / 2);
    if let Next::Refuse(refusal) = exchange.handle(vm, NOW, Input::RequestHeld(half.len())).next {
        return Err(refusal);
    }
    let actions = exchange.handle(vm, NOW, Input::RequestBody(body));
    match actions.next {
        Next::Refuse(refusal) => Err(refusal),
        _ => Ok(actions),
    }
}

#[test]
fn refusals() {
    let vm = vm(r#","max_body_bytes":200"#);
    let ok = br#"{"messages":[]}"#.as_slice();
    let big = [b"\"".as_slice(), &[b'x'; 300], b"\""].concat();
    let grows = format!("[{}\"1.1.1.1\"]", "\"1.1.1.1\",".repeat(14));
    assert!(grows.len() <= 200);
    // Headers, body; status, code and what the message says.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [u8], u16, &'a str, &'a str);
    let cases: &[Case<'_>] = &[
        (&[(":authority", "-")], ok, 400, "host_missing", "host"),
        (&[(":authority", "")], ok, 400, "host_missing", "host"),
        (&[(":authority", "a b")], ok, 400, "host_missing", "host"),
        (&[(":authority", "Evil.com:443")], ok, 403, "host_not_allowed", "evil.com"),
        (&[(":authority", "[::1]")], ok, 403, "host_not_allowed", "[::1]"),
        (&[("upgrade", "websocket")], ok, 403, "upgrade_refused", "WebSocket"),
        (&[(":method", "CONNECT")], ok, 403, "upgrade_refused", "WebSocket"),
        // A WebSocket over HTTP/2 (RFC 8441 §4); some proxies make a GET of it.
        (&[(":method", "CONNECT"), (":protocol", "websocket")], ok, 403, "upgrade_refused", "WebSocket"),
        (&[(":method", "GET"), (":protocol", "websocket")], ok, 403, "upgrade_refused", "WebSocket"),
        (&[(":method", "i-12345678")], ok, 405, "method_not_allowed", "method"),
        (&[(":method", "post")], ok, 405, "method_not_allowed", "method"),
        (&[(":path", "/v1/x/i-12345678")], ok, 422, "identifier_in_target", "path"),
        (
            &[(":path", "/v1/x?a=arn%3Aaws%3Aiam%3A%3A123456789012%3Aroot")],
            ok,
            422,
            "identifier_in_target",
            "query",
        ),
        (&[(":path", "/v1/x?a=%69-12345678")], ok, 422, "identifier_in_target", "query"),
        (&[(":path", "/v1/x?AccountId=123456789012")], ok, 422, "identifier_in_target", "query"),
        (&[(":path", "/v1/x?a=b&bucketName=my-bucket-7")], ok, 422, "identifier_in_target", "query"),
        (&[(":path", "/v1/x?key=AKIAIOSFODNN7EXAMPLE&alt=sse")], ok, 422, "identifier_in_target", "query"),
        (&[("content-length", "201")], ok, 413, "body_too_large", "max_body_bytes"),
        (&[], &big, 413, "body_too_large", "max_body_bytes"),
        (&[], grows.as_bytes(), 413, "body_too_large", "after masking"),
        (&[("content-type", "-")], ok, 415, "content_type_unsupported", "JSON"),
        (
            &[("content-type", "text/html"), ("content-length", "15")],
            ok,
            415,
            "content_type_unsupported",
            "JSON",
        ),
        (
            &[("content-type", "multipart/form-data; boundary=x")],
            ok,
            415,
            "content_type_unsupported",
            "`multipart`",
        ),
        (
            &[("content-encoding", "identity"), ("content-encoding", "gzip")],
            ok,
            415,
            "content_encoding_unsupported",
            "content-encoding",
        ),
        (
            &[("content-type", "application/json"), ("content-type", "text/plain")],
            ok,
            415,
            "content_type_unsupported",
            "JSON",
        ),
        (
            &[("content-type", "application/json; charset=utf-8; charset = utf-7")],
            ok,
            400,
            "body_unreadable",
            "UTF-8",
        ),
        (&[("content-encoding", "gzip")], ok, 415, "content_encoding_unsupported", "content-encoding"),
        (&[("content-type", "application/json; charset=latin1")], ok, 400, "body_unreadable", "UTF-8"),
        (&[], b"not json", 400, "body_unreadable", "byte 1"),
        (&[], b"{\"a\":1", 400, "body_unreadable", "not valid JSON"),
        (&[], b"\xef\xbb\xbf{}", 400, "body_unreadable", "byte order mark"),
        (&[], b"[\"\xff\"]", 400, "body_unreadable", "not UTF-8"),
        (&[], br#"{"messages":[{"role":"user","role":"user"}]}"#, 400, "body_unreadable", "/messages/0/role"),
        (&[], br#"{"model":"i-12345678"}"#, 422, "identifier_in_field", "/model"),
        (
            &[],
            br#"{"messages":[{"content":[{"source":{"type":"base64","data":"i-1 x"}}]}]}"#,
            400,
            "body_unreadable",
            "/messages/0/content/0/source/data",
        ),
    ];
    for (list, body, status, code, says) in cases {
        let refusal = run(&vm, list, body).expect_err(code);
        assert_eq!((refusal.status, refusal.code), (*status, *code), "{list:?}");
        assert!(refusal.message.contains(says), "{}", refusal.message);
        assert_eq!(refusal.request_id, "abc-1");
        assert!(!refusal.message.contains("12345678"), "{}", refusal.message);
        let json: serde_json::Value = serde_json::from_slice(&refusal.json()).unwrap();
        assert_eq!(json["error"]["type"], *code);
        assert_eq!(json["request_id"], "abc-1");
    }
}

#[test]
fn what_is_accepted() {
    let vm = vm("");
    let ok = br#"{"messages":[]}"#.as_slice();
    for list in [
        &[][..],
        &[(":authority", "API.Anthropic.com.:443")],
        &[(":authority", "a.localhost:8081")],
        &[(":authority", "eu.api.openai.com")],
        &[("content-type", "Application/JSON; charset=\"UTF-8\"")],
        &[("content-type", "application/vnd.x+json")],
        &[("content-encoding", "identity")],
        &[(":path", "/v1/messages?beta=true")],
    ] {
        let actions = run(&vm, list, ok).unwrap();
        assert!(actions.body.is_none() && matches!(actions.next, Next::Continue), "{list:?}");
    }
    assert!(run(&vm, &[("content-type", "-")], b"").is_ok(), "an empty body needs no type");
}

#[test]
fn identifiers_in_places_that_pass_are_refused() {
    let vm = vm("");
    let account = r#""system":"arn:aws:iam::123456789012:root","#;
    let block = |block: &str| format!(r#"{{{account}"messages":[{{"content":[{block}]}}]}}"#);
    let cases = [
        // Opaque members, whatever they are said to be, and everything below them.
        block(r#"{"type":"text","text":"x","data":"i-1234567890abcdef0"}"#),
        block(r#"{"type":"redacted_thinking","data":{"i-12345678":["vpc-12345678"]}}"#),
        block(r#"{"type":"text","encrypted_content":"my id i-1234567890abcdef0"}"#),
        block(r#"{"type":"text","text":"x","signature":"i-1234567890abcdef0"}"#),
        // What is base64 by its alphabet, and identifiers all the same.
        block(r#"{"type":"image","source":{"type":"base64","data":"i-1234567890abcdef0"}}"#),
        block(
            r#"{"type":"image","source":{"type":"base64","media_type":"text/plain","data":"AKIAIOSFODNN7EXAMPLE"}}"#,
        ),
        // Numbers that are known to be an account.
        block(r#"{"type":"tool_use","id":123456789012,"input":{}}"#),
        block(r#"{"type":"text","text":"x","data":123456789012}"#),
        // What reads as a token, where it cannot become a literal.
        block(r#"{"type":"tool_use","name":"AWS_EC2_001","input":{}}"#),
    ];
    for body in cases {
        let refusal = run(&vm, &[], body.as_bytes()).expect_err(&body);
        assert_eq!((refusal.status, refusal.code), (422, "identifier_in_field"), "{body}");
    }
    for (url, place) in [("data:i-1234567890abcdef0;base64,QUFB", 422), ("data:image/png;base64,QUFB", 200)] {
        let body = format!(r#"{{"messages":[{{"content":[{{"image_url":{{"url":"{url}"}}}}]}}]}}"#);
        let status = run(&vm, &[(":path", "/v1/chat/completions")], body.as_bytes())
            .map_or_else(|r| r.status, |_| 200);
        assert_eq!(status, place, "{url}");
    }
    // Only thinking is signed thinking.
    let body = block(r#"{"type":"text","thinking":"plain i-1234567890abcdef0","signature":"x"}"#);
    let masked = run(&vm, &[], body.as_bytes()).unwrap().body.unwrap();
    assert!(!String::from_utf8(masked).unwrap().contains("i-1234567890abcdef0"));
}

#[test]
fn paths_may_have_more_slashes() {
    let vm = vm("");
    let signed =
        br#"{"messages":[{"content":[{"type":"thinking","thinking":"i-12345678","signature":"x"}]}]}"#;
    let actions = run(&vm, &[(":path", "//v1//messages/")], signed).unwrap();
    assert_eq!(actions.counts[0].counter, Counter::SignedPassed);
}

#[test]
fn settings_let_through() {
    let multipart = [("content-type", "multipart/form-data; boundary=x")];
    let vm = vm(r#","multipart":"pass""#);
    let actions = run(&vm, &multipart, b"--x i-12345678").unwrap();
    assert!(actions.body.is_none());
    assert_eq!(actions.counts[0].counter, Counter::PassedUnread);

    let signed =
        br#"{"messages":[{"content":[{"type":"thinking","thinking":"i-12345678","signature":"x"}]}]}"#;
    assert_eq!(run(&vm, &[], signed).unwrap().counts[0].counter, Counter::SignedPassed);
    let strict = self::vm(r#","signed_thinking":"refuse""#);
    assert_eq!(run(&strict, &[], signed).unwrap_err().status, 422);
    let unsigned =
        br#"{"messages":[{"content":[{"type":"thinking","thinking":"i-12345678","signature":""}]}]}"#;
    let masked = run(&strict, &[], unsigned).unwrap().body.unwrap();
    assert!(String::from_utf8(masked).unwrap().contains("AWS_EC2_001"));
}

#[test]
fn the_head_towards_the_provider() {
    let vm = vm("");
    let head = head(&[
        (":authority", "a.localhost:1"),
        ("x-original-host", "evil.com"),
        ("x-original-host", "evil.org"),
        ("content-length", "15"),
        ("accept", "*/*"),
        ("accept-encoding", "gzip"),
        ("authorization", "Bearer x"),
        ("x-api-key", "k"),
        ("anthropic-version", "2023-06-01"),
        ("x-stainless-lang", "python"),
        ("user-agent", "test"),
        ("cookie", "a=b"),
        ("referer", "http://internal"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-envoy-internal", "true"),
        ("traceparent", "00-x"),
        ("te", "trailers"),
        ("content-digest", "sha-256=:x:"),
        ("content-md5", "x"),
        ("digest", "sha-256=x"),
        ("repr-digest", "sha-256=:x:"),
        ("signature", "s=:x:"),
        ("signature-input", "s=(\"content-digest\")"),
        ("x-amz-content-sha256", "x"),
    ]);
    let actions =
        Exchange::new().handle(&vm, NOW, Input::RequestHead { headers: Headers(&head), end: false });
    let removed = |name: &str| HeaderChange::Remove(name.into());
    assert_eq!(
        actions.headers,
        [
            HeaderChange::Set("x-original-host", "api.anthropic.com".into()),
            removed("x-request-id"),
            removed("cookie"),
            removed("referer"),
            removed("x-forwarded-for"),
            removed("x-envoy-internal"),
            removed("traceparent"),
            removed("te"),
            removed("content-digest"),
            removed("content-md5"),
            removed("digest"),
            removed("repr-digest"),
            removed("signature"),
            removed("signature-input"),
            removed("x-amz-content-sha256"),
            removed("content-length"),
            HeaderChange::Set("accept-encoding", "identity".into()),
        ]
    );
}

#[test]
fn values_that_are_not_text_are_read_all_the_same() {
    let vm = vm("");
    for name in [
        ":authority",
        ":path",
        ":method",
        "content-type",
        "content-encoding",
        "content-length",
        "upgrade",
        "x-request-id",
    ] {
        let mut head = head(&[(name, "-")]);
        head.push((name.into(), b"\xff\xfe".to_vec()));
        let mut exchange = Exchange::new();
        exchange.handle(&vm, NOW, Input::RequestHead { headers: Headers(&head), end: false });
        exchange.handle(&vm, NOW, Input::RequestBody(br#"["i-12345678"]"#));
        for name in ["content-type", "content-encoding", "content-length", ":status"] {
            let mut exchange = sent(&vm);
            let head = [(name.into(), b"\xff\xfe".to_vec())];
            exchange.handle(&vm, NOW, Input::ResponseHead { headers: Headers(&head), end: false });
            exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: b"AWS_EC2_001", end: true });
        }
    }
}

/// An exchange whose masked request has gone out.
fn sent(vm: &Vm) -> Exchange {
    let mut exchange = Exchange::new();
    exchange.handle(vm, NOW, Input::RequestHead { headers: Headers(&head(&[])), end: false });
    exchange.handle(vm, NOW, Input::RequestBody(br#"["i-12345678"]"#));
    assert!(matches!(exchange.state, State::Sent { .. }));
    exchange
}

fn answer_head(list: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    list.iter().map(|(name, value)| ((*name).into(), value.as_bytes().to_vec())).collect()
}

#[test]
fn endings_may_be_told_twice() {
    let vm = vm("");
    let mut exchange = sent(&vm);
    let actions = exchange.handle(&vm, NOW, Input::RequestBody(b""));
    assert!(actions.body.is_none() && matches!(actions.next, Next::Continue));
    // Another body is none that was looked at.
    let actions = sent(&vm).handle(&vm, NOW, Input::RequestBody(br#"["i-87654321"]"#));
    assert!(matches!(actions.next, Next::Hold));
    let body = br#"["i-87654321"]"#;
    let trailers = || Input::RequestTrailers { trailers: Headers(&[]), body };
    assert!(matches!(sent(&vm).handle(&vm, NOW, trailers()).next, Next::Hold));
    for input in [Input::RequestBody(b"[1]"), trailers()] {
        let mut open = Exchange::new();
        open.handle(&vm, NOW, Input::RequestHead { headers: Headers(&head(&[])), end: true });
        assert!(matches!(open.handle(&vm, NOW, input).next, Next::Hold));
    }
    exchange.handle(&vm, NOW, Input::ResponseHead { headers: Headers(&[]), end: false });
    exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: b"[\"AWS_EC2_001\"]", end: true });
    assert!(matches!(exchange.handle(&vm, NOW, Input::ResponseTrailers(b"")).next, Next::Continue));
}

#[test]
fn trailers_are_looked_at_and_taken_away() {
    let vm = vm("");
    let trailers = [("x-checksum".into(), b"i-12345678".to_vec())];
    let trailers = || Headers(&trailers);
    let mut exchange = Exchange::new();
    exchange.handle(&vm, NOW, Input::RequestHead { headers: Headers(&head(&[])), end: false });
    let body = br#"["i-12345678"]"#;
    let actions = exchange.handle(&vm, NOW, Input::RequestTrailers { trailers: trailers(), body });
    assert_eq!(actions.headers, [HeaderChange::Remove("x-checksum".into())]);
    assert_eq!(actions.body.as_deref(), Some(br#"["AWS_EC2_001"]"#.as_slice()));
    // Also where the body was settled before.
    let actions = sent(&vm).handle(&vm, NOW, Input::RequestTrailers { trailers: trailers(), body: b"" });
    assert_eq!(actions.headers, [HeaderChange::Remove("x-checksum".into())]);
    // In a response they end what is held.
    for (content_type, held, expected) in
        [("text/plain", "see AWS_EC2_001", "see i-12345678"), ("", "AWS_EC2_001", "i-12345678")]
    {
        let mut exchange = sent(&vm);
        let head = answer_head(&[("content-type", content_type)]);
        exchange.handle(&vm, NOW, Input::ResponseHead { headers: Headers(&head), end: false });
        let actions = exchange.handle(&vm, NOW, Input::ResponseChunk { bytes: held.as_bytes(), end: false });
        assert!(content_type.is_empty() || matches!(actions.next, Next::Hold), "{actions:?}");
        let shown = actions.body.unwrap_or_else(|| held.as_bytes().to_vec());
        let actions = exchange.handle(&vm, NOW, Input::ResponseTrailers(&shown));
        assert_eq!(String::from_utf8(actions.body.unwrap_or(shown)).unwrap(), expected);
    }
}

#[test]
fn a_body_that_the_host_holds_and_does_not_show_is_refused() {
    let vm = vm("");
    for last in [Input::RequestBody(b""), Input::RequestTrailers { trailers: Headers(&[]), body: b"" }] {
        let mut exchange = Exchange::new();
        exchange.handle(&vm, NOW, Input::RequestHead { headers: Headers(&head(&[])), end: false });
        exchange.handle(&vm, NOW, Input::RequestHeld(100));
        let Next::Refuse(refusal) = exchange.handle(&vm, NOW, last).next else { panic!("goes on") };
        assert_eq!((refusal.status, refusal.code), (500, "host_failed"));
    }
}

#[test]
fn nothing_leaves_out_of_order_or_after_a_refusal() {
    let vm = vm("");
    let body = br#"["i-12345678"]"#;
    let reply = || Input::StoreReply { reply: StoreReply::Failed, body };
    for input in [Input::RequestBody(body), Input::RequestHeld(1), reply()] {
        assert!(matches!(Exchange::new().handle(&vm, NOW, input).next, Next::Hold));
    }
    let mut exchange = Exchange::new();
    let evil = head(&[(":authority", "evil.com")]);
    exchange.handle(&vm, NOW, Input::RequestHead { headers: Headers(&evil), end: false });
    for input in [Input::RequestBody(body), Input::RequestHeld(1), reply()] {
        assert!(matches!(exchange.handle(&vm, NOW, input).next, Next::Hold));
    }
    // The refusal itself is a response, and passes.
    let actions = exchange.handle(&vm, NOW, Input::ResponseHead { headers: Headers(&[]), end: false });
    assert!(matches!(actions.next, Next::Continue) && actions.body.is_none());
}

#[test]
fn what_providers_have_in_their_queries_passes() {
    let vm = vm(r#","detect":{"kinds":{"secrets":true}}"#);
    for target in [
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key=AIzaSyA0123456789abcdefghijklmnopqrstuv",
        "/v1/messages?beta=true",
        "/v1/responses/resp_68a1?include[]=message.output_text.logprobs&stream=true&starting_after=12",
        "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
        "/v1/files?limit=20&order=desc&after_id=file_011CNha8iCJcU1wXNR6q4V8w&purpose=batch",
        "/v1beta/files?pageSize=10&pageToken=Cg9hYmNkZWY",
        "/v1/organizations/usage?starting_at=2024-10-21T00:00:00Z&bucket_width=1d&group_by[]=model",
    ] {
        let head = head(&[(":path", target)]);
        let actions =
            Exchange::new().handle(&vm, NOW, Input::RequestHead { headers: Headers(&head), end: false });
        assert!(matches!(actions.next, Next::Continue), "{target}: {actions:?}");
    }
}
