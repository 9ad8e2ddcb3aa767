//! Requests of each API: what is masked, what is left as it is, and what is refused because nothing may change there.
//!
//! In the bodies, `TEXT` stands where text is masked and `FIXED` where nothing may change. Everything else is left as it is.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod common;

use common::{headers, post, receive, send, vm};
use serde_json::Value;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const VALUE: &str = "i-1234567890abcdef0";
const TOKEN: &str = "AWS_EC2_001";

const ANTHROPIC: &str = "api.anthropic.com";
const OPENAI: &str = "api.openai.com";
const GOOGLE: &str = "generativelanguage.googleapis.com";

const MESSAGES: &str = include_str!("fixtures/requests/messages.json");
const CHAT: &str = include_str!("fixtures/requests/chat.json");
const RESPONSES: &str = include_str!("fixtures/requests/responses.json");
const GEMINI: &str = include_str!("fixtures/requests/gemini.json");
const GEMINI_SNAKE: &str = include_str!("fixtures/requests/gemini_snake_case.json");
const BATCHES: &str = r#"{"requests":[{"custom_id":"FIXED","params":{"model":"FIXED","messages":[
    {"role":"FIXED","content":"a TEXT"}]}}]}"#;
const COMPLETE: &str = r#"{"model":"FIXED","prompt":"\n\nHuman: TEXT","stop_sequences":["TEXT"],
    "metadata":{"user_id":"TEXT"},"max_tokens_to_sample":256}"#;
const COMPLETIONS: &str = r#"{"model":"FIXED","prompt":["TEXT",[1212,318,123456789012]],"suffix":"TEXT","stop":"TEXT",
    "user":"TEXT","logit_bias":{"50256":-100},"temperature":0.5}"#;
const EMBEDDINGS: &str = r#"{"model":"FIXED","input":["TEXT","b"],"encoding_format":"FIXED","dimensions":8}"#;
const EMBED_CONTENT: &str =
    r#"{"model":"FIXED","content":{"parts":[{"text":"TEXT"}]},"taskType":"FIXED","title":"TEXT"}"#;
const COUNT_TOKENS: &str =
    r#"{"generateContentRequest":{"model":"FIXED","contents":[{"role":"FIXED","parts":[{"text":"TEXT"}]}]}}"#;
const UNKNOWN: &str = r#"{"model":"TEXT","type":"TEXT","a":{"b":[{"id":"TEXT"},1,null]},"TEXT":true}"#;

const REQUESTS: &[(&str, &str, &str)] = &[
    (ANTHROPIC, "/v1/messages", MESSAGES),
    (ANTHROPIC, "/v1/messages/count_tokens?beta=true", MESSAGES),
    (ANTHROPIC, "/v1/messages/batches", BATCHES),
    (ANTHROPIC, "/v1/complete", COMPLETE),
    (GOOGLE, "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@1:rawPredict", MESSAGES),
    (GOOGLE, "/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict", MESSAGES),
    (OPENAI, "/v1/chat/completions", CHAT),
    (OPENAI, "/openai/deployments/mine/chat/completions?api-version=2024-10-21", CHAT),
    (OPENAI, "/v1/responses", RESPONSES),
    (OPENAI, "/v1/completions", COMPLETIONS),
    (OPENAI, "/v1/embeddings", EMBEDDINGS),
    (GOOGLE, "/v1beta/models/gemini-2.5-pro:generateContent", GEMINI),
    (GOOGLE, "/v1/models/any.thing-1:streamGenerateContent?alt=sse", GEMINI),
    (GOOGLE, "/v1/projects/p/locations/l/publishers/google/models/g:generateContent", GEMINI_SNAKE),
    (GOOGLE, "/v1beta/models/g:countTokens", COUNT_TOKENS),
    (GOOGLE, "/v1beta/models/g:embedContent", EMBED_CONTENT),
    (OPENAI, "/v1/batches", UNKNOWN),
    (GOOGLE, "/v1beta/models/g:unknownMethod", UNKNOWN),
    (ANTHROPIC, "/v2/messages", UNKNOWN),
];

fn fill(body: &str, text: &str, fixed: &str) -> String {
    body.replace("TEXT", text).replace("FIXED", fixed)
}

#[test]
fn text_is_masked_and_nothing_else_changes() {
    let vm = vm();
    for (host, path, body) in REQUESTS {
        let sent = send(&vm, &post(host, path), fill(body, VALUE, "fixed").as_bytes());
        let sent = sent.unwrap_or_else(|refusal| panic!("{path}: {refusal:?}"));
        assert_eq!(String::from_utf8(sent.body).unwrap(), fill(body, TOKEN, "fixed"), "{path}");
        let plain = fill(body, "text", "fixed");
        let sent = send(&vm, &post(host, path), plain.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(sent.body).unwrap(), plain, "{path}");
    }
}

#[test]
fn an_identifier_where_nothing_may_change_is_refused_with_its_place() {
    let vm = vm();
    for (host, path, body) in REQUESTS {
        let (pieces, mut refused) = (body.split("FIXED").collect::<Vec<_>>(), 0);
        for at in 1..pieces.len() {
            let body = [pieces[..at].join("fixed"), pieces[at..].join("fixed")].join(VALUE);
            let body = body.replace("TEXT", "text");
            let Err(refusal) = send(&vm, &post(host, path), body.as_bytes()) else {
                panic!("{path}: goes on: {body}")
            };
            let mut places = Vec::new();
            place(&serde_json::from_str(&body).unwrap(), String::new(), &mut places);
            assert_eq!((refusal.status, refusal.code), (422, "identifier_in_field"), "{path}");
            assert_eq!(places.len(), 1);
            let message = format!("There is an identifier at {}, a field", places[0]);
            assert!(refusal.message.starts_with(&message), "{path}: {}, not {message}", refusal.message);
            refused += 1;
        }
        assert_eq!(refused, body.matches("FIXED").count());
    }
}

/// The pointer to the value, as refusals show it.
fn place(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::String(text) if text == VALUE => places.push(at),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| place(item, format!("{at}/{index}"), places));
        }
        Value::Object(members) => {
            for (name, value) in members {
                let word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                place(value, format!("{at}/{}", if word { name } else { "*" }), places);
            }
        }
        _ => {}
    }
}

/// Bodies of other types than JSON: how they are read, and what the provider gets.
#[test]
fn lines_and_text_are_masked_by_the_generic_rule() {
    let vm = vm();
    let account = "arn:aws:iam::123456789012:root";
    let masked = "arn:aws:iam::AWS_ACCOUNT_001:root";
    for (content_type, body, expected) in [
        (
            "application/x-ndjson",
            format!("{{\"a\":\"{VALUE}\"}}\n[\"{VALUE}\"]\r\n\n"),
            format!("{{\"a\":\"{TOKEN}\"}}\n[\"{TOKEN}\"]\r\n\n"),
        ),
        (
            "application/jsonl; charset=utf-8",
            format!("\"{VALUE}\"\n1\nnull\n{{\"b\":\"{VALUE}\"}}"),
            format!("\"{TOKEN}\"\n1\nnull\n{{\"b\":\"{TOKEN}\"}}"),
        ),
        // What is found in one line is found in all, and numbers become strings.
        (
            "application/x-jsonl",
            format!("{{\"n\":123456789012}}\n\"{account}\""),
            format!("{{\"n\":\"AWS_ACCOUNT_001\"}}\n\"{}\"", masked.replace("001", "002")),
        ),
        ("text/plain", format!("see {VALUE}\n한{VALUE}를"), format!("see {TOKEN}\n한{TOKEN}를")),
        // Text may be JSON.
        (
            "text/plain;charset=UTF-8",
            format!("{{\"a\":\"{VALUE}\",\"n\":123456789012,\"r\":\"{account}\"}}"),
            format!(
                "{{\"a\":\"{TOKEN}\",\"n\":\"AWS_ACCOUNT_001\",\"r\":\"{}\"}}",
                masked.replace("001", "002")
            ),
        ),
        ("text/csv", format!("id,name\n{VALUE},x"), format!("id,name\n{TOKEN},x")),
        ("text/markdown", format!("# `{VALUE}`"), format!("# `{TOKEN}`")),
    ] {
        let mut head = post(OPENAI, "/v1/unknown");
        head.iter_mut().find(|(name, _)| name == "content-type").unwrap().1 = content_type.into();
        let mut sent =
            send(&vm, &head, body.as_bytes()).unwrap_or_else(|refusal| panic!("{content_type}: {refusal:?}"));
        assert_eq!(String::from_utf8(sent.body.clone()).unwrap(), expected, "{content_type}");
        // The provider echoes it.
        let got = receive(&vm, &mut sent.exchange, content_type, sent.body.chunks(3));
        assert_eq!(String::from_utf8(got).unwrap(), body, "{content_type}");
    }
    for (content_type, body, status) in [
        ("application/x-ndjson", "{\"a\":1}\n{\"b\"", 400),
        ("application/x-ndjson", "\u{feff}{}", 400),
        ("text/plain", "\u{feff}a", 400),
        ("text/plain; charset=latin1", "a", 400),
        ("text/html", "a", 415),
        ("application/x-www-form-urlencoded", "a=b", 415),
    ] {
        let mut head = post(OPENAI, "/v1/unknown");
        head.iter_mut().find(|(name, _)| name == "content-type").unwrap().1 = content_type.into();
        let refusal = send(&vm, &head, body.as_bytes()).err().map(|refusal| refusal.status);
        assert_eq!(refusal, Some(status), "{content_type}: {body}");
    }
}

/// A text that spells an identifier with escapes comes back byte for byte, also from JSON in it.
#[test]
fn text_comes_back_as_it_was() {
    let vm = vm();
    let mut head = post(OPENAI, "/v1/unknown");
    head.iter_mut().find(|(name, _)| name == "content-type").unwrap().1 = b"text/plain".to_vec();
    let body = r#"{"a":"\u0069-1234567890abcdef0","b":"{\"c\":\"\\u0069-1234567890abcdef0\"}"}"#;
    let mut sent = send(&vm, &head, body.as_bytes()).unwrap();
    assert!(!String::from_utf8_lossy(&sent.body).contains("1234567890"));
    let got = receive(&vm, &mut sent.exchange, "text/plain", sent.body.chunks(5));
    assert_eq!(String::from_utf8(got).unwrap(), body);
}

/// Tables of floating point write accounts with a fraction.
#[test]
fn accounts_with_a_fraction() {
    for (body, expected) in [
        (r#"{"OwnerId":123456789012.0}"#, r#"{"OwnerId":"AWS_ACCOUNT_001"}"#),
        (
            r#"["arn:aws:iam::123456789012:root",123456789012.0,123456789012.5]"#,
            r#"["arn:aws:iam::AWS_ACCOUNT_001:root","AWS_ACCOUNT_002",123456789012.5]"#,
        ),
        (r#"["AccountId: 123456789012.0"]"#, r#"["AccountId: AWS_ACCOUNT_001.0"]"#),
        (r#"["{\"OwnerId\": 123456789012.0}"]"#, r#"["{\"OwnerId\": \"AWS_ACCOUNT_001\"}"]"#),
    ] {
        let vm = vm();
        let mut sent = send(&vm, &post(OPENAI, "/v1/batches"), body.as_bytes()).unwrap();
        assert_eq!(String::from_utf8_lossy(&sent.body), expected);
        let got = receive(&vm, &mut sent.exchange, "application/json", [sent.body.as_slice()]);
        assert_eq!(String::from_utf8_lossy(&got), body);
    }
}

/// Without a mark of its byte order, text in UTF-16 cannot be told from UTF-8 in another way.
#[test]
fn text_with_zeros_is_refused() {
    let head = headers(&[
        (":method", "POST"),
        (":authority", OPENAI),
        (":path", "/v1/files"),
        ("content-type", "text/plain"),
    ]);
    let utf16: Vec<u8> = VALUE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let refusal = send(&vm(), &head, &utf16).err().unwrap();
    assert_eq!((refusal.status, refusal.code), (400, "body_unreadable"));
}

/// The first line of a table says what stands below, in a body of its own and in text.
#[test]
fn columns_of_csv() {
    for (table, expected) in [
        (
            "InstanceId,OwnerId\ni-1234567890abcdef0,123456789012\n",
            "InstanceId,OwnerId\nAWS_EC2_001,AWS_ACCOUNT_001\n",
        ),
        ("a;Account Id\r\n\"x; y\";\"123456789012\"\r\n", "a;Account Id\r\n\"x; y\";\"AWS_ACCOUNT_001\"\r\n"),
        ("n\taccount_id\n1\t123456789012.0", "n\taccount_id\n1\tAWS_ACCOUNT_001.0"),
        (
            "My table, see:\nn,bucket\n1,my-bucket-7\n\n2,a-b-c",
            "My table, see:\nn,bucket\n1,AWS_S3_BUCKET_001\n\n2,a-b-c",
        ),
        ("n,count\n1,123456789012", "n,count\n1,123456789012"),
    ] {
        let head = headers(&[
            (":method", "POST"),
            (":authority", OPENAI),
            (":path", "/v1/files"),
            ("content-type", "text/csv"),
        ]);
        let vm = vm();
        let mut sent = send(&vm, &head, table.as_bytes()).unwrap();
        assert_eq!(String::from_utf8_lossy(&sent.body), expected);
        let got = receive(&vm, &mut sent.exchange, "text/csv", [sent.body.as_slice()]);
        assert_eq!(String::from_utf8_lossy(&got), table);
        let body = serde_json::json!([table]).to_string();
        let sent = send(&vm, &post(OPENAI, "/v1/batches"), body.as_bytes()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&sent.body).unwrap(), serde_json::json!([expected]));
    }
}

/// Files of text are sent as media too; what stands in them cannot be masked there.
#[test]
fn files_of_text_in_base64() {
    // "OwnerId,Name\n123456789012,a\n", and the same with eleven digits.
    for (base64, is_refused) in
        [("T3duZXJJZCxOYW1lCjEyMzQ1Njc4OTAxMixhCg==", true), ("T3duZXJJZCxOYW1lCjEyMzQ1Njc4OTAxLGEK", false)]
    {
        let gemini = serde_json::json!({"contents":[{"parts":[{"inlineData":{"mimeType":"text/csv","data":base64}}]}]});
        let chat = serde_json::json!({"messages":[{"role":"user","content":[
            {"type":"file","file":{"file_data":format!("data:text/csv;base64,{base64}")}}]}]});
        for (host, path, body) in
            [(GOOGLE, "/v1beta/models/g:generateContent", gemini), (OPENAI, "/v1/chat/completions", chat)]
        {
            let body = body.to_string();
            match send(&vm(), &post(host, path), body.as_bytes()) {
                Ok(sent) => assert!(!is_refused && sent.body == body.as_bytes(), "{path}"),
                Err(refusal) => {
                    assert!(is_refused);
                    assert_eq!((refusal.status, refusal.code), (422, "identifier_in_field"));
                }
            }
        }
    }
}
