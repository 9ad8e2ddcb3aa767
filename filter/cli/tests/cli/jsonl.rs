//! `--jsonl` on both commands.

use crate::support::{BODY, stdout};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const MESSAGES: &str = "https://api.anthropic.com/v1/messages";

fn lines(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn mask_writes_a_line_for_each_line_whatever_became_of_it() {
    let input = [
        json!({"key": "a", "url": MESSAGES, "body": BODY, "shape": "ignored"}).to_string(),
        json!({"key": "not json", "url": MESSAGES, "body": "{"}).to_string(),
        json!({"key": "in a field", "url": MESSAGES, "body": r#"{"model":"i-12345678"}"#}).to_string(),
        String::new(),
        json!({"key": ["any", 1], "url": "https://generativelanguage.googleapis.com/v1beta/x", "body": "{}"})
            .to_string(),
        json!({"key": "no body", "url": MESSAGES, "body": {"secret": "i-12345678"}}).to_string(),
        json!({"key": "no url", "url": "a.com", "body": "{}"}).to_string(),
        "{\"key\":\"broken\"".to_owned(),
        json!({"key": "number", "body": r#"["arn:aws:sns:us-east-1:123456789012:t",123456789012]"#})
            .to_string(),
    ]
    .join("\n");
    let expected = "\
{\"key\":\"a\",\"masked\":\"{\\\"messages\\\":[{\\\"content\\\":\\\"Analyze EC2 AWS_EC2_001\\\"}]}\",\
\"tokens\":[{\"token\":\"AWS_EC2_001\",\"kind\":\"EC2\",\"value\":\"i-1234567890abcdef0\"}],\"error\":null}
{\"key\":\"not json\",\"masked\":null,\"tokens\":[],\"error\":{\"status\":400,\"error\":\"body_unreadable\",\
\"message\":\"The body is not valid JSON at byte 1.\"}}
{\"key\":\"in a field\",\"masked\":null,\"tokens\":[],\"error\":{\"status\":422,\"error\":\"identifier_in_field\",\
\"message\":\"There is an identifier at /model, a field that cannot be masked; take it out.\"}}
{\"key\":[\"any\",1],\"masked\":\"{}\",\"tokens\":[],\"error\":null}
{\"key\":\"no body\",\"masked\":null,\"tokens\":[],\"error\":{\"status\":400,\"error\":\"line_unreadable\",\
\"message\":\"expected an object with `key`, `url` and `body`, strings; wrong at column 8\"}}
{\"key\":\"no url\",\"masked\":null,\"tokens\":[],\"error\":{\"status\":400,\"error\":\"line_unreadable\",\
\"message\":\"`url` is not a URL such as https://api.anthropic.com/v1/messages\"}}
{\"key\":null,\"masked\":null,\"tokens\":[],\"error\":{\"status\":400,\"error\":\"line_unreadable\",\
\"message\":\"not valid JSON at column 15\"}}
{\"key\":\"number\",\"masked\":\"[\\\"arn:aws:sns:us-east-1:AWS_ACCOUNT_001:AWS_SNS_TOPIC_001\\\",\\\"AWS_ACCOUNT_002\\\"]\",\
\"tokens\":[{\"token\":\"AWS_ACCOUNT_001\",\"kind\":\"ACCOUNT\",\"value\":\"123456789012\"},\
{\"token\":\"AWS_SNS_TOPIC_001\",\"kind\":\"SNS_TOPIC\",\"value\":\"t\"},\
{\"token\":\"AWS_ACCOUNT_002\",\"kind\":\"ACCOUNT\",\"value\":\"123456789012\",\"form\":\"number\"}],\"error\":null}
";
    assert_eq!(stdout("mask --jsonl", input.as_bytes()), expected);
}

fn unmask_line(key: &str, content_type: &str, tokens: &Value, chunks: &[&[u8]]) -> String {
    let chunks: Vec<_> = chunks.iter().map(|chunk| STANDARD.encode(chunk)).collect();
    json!({"key": key, "url": MESSAGES, "content_type": content_type, "tokens": tokens, "chunks": chunks})
        .to_string()
}

fn released(line: &Value) -> Vec<Vec<u8>> {
    let chunks = line["chunks"].as_array().unwrap().iter();
    chunks.map(|chunk| STANDARD.decode(chunk.as_str().unwrap()).unwrap()).collect()
}

#[test]
fn what_mask_wrote_unmask_reads() {
    let body = r#"{"system":"arn:aws:iam::123456789012:root","messages":[{"content":[123456789012,"AWS_VPC_001"]}]}"#;
    let input = json!({"key": 1, "url": MESSAGES, "body": body}).to_string();
    let masked = lines(&stdout("mask --jsonl", input.as_bytes())).remove(0);
    let sent = masked["masked"].as_str().unwrap();
    let line = unmask_line("k", "application/json", &masked["tokens"], &[sent.as_bytes()]);
    let restored = released(&lines(&stdout("unmask --jsonl", line.as_bytes()))[0]).concat();
    assert_eq!(String::from_utf8(restored).unwrap(), body);
}

/// Two tool calls at once and text, with tokens over events.
const STREAM: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"content\":[]}}\n\n\
data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"인스턴스AWS_EC\"}}\n\n\
data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"id\\\":\\\"AWS_EC2_0\"}}\n\n\
data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"2_001를\"}}\r\n\r\n\
data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"01\\\"}\"}}\n\n\
data: {\"type\":\"content_block_stop\",\"index\":0}\n\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n";

#[test]
fn every_cut_gives_the_same() {
    let tokens = json!([{"token": "AWS_EC2_001", "kind": "EC2", "value": "i-1234567890abcdef0"}]);
    let text = "AWS_EC2_001, AWS_EC2_0012 and AWS_EC2_001";
    for (content_type, answer) in [
        ("text/event-stream", STREAM),
        ("", STREAM),
        ("text/plain", text),
        (
            "application/json",
            r#"{"content":[{"type":"text","text":"AWS_EC2_001 \u0041WS_EC2_001 AWS\\_EC2\\_001"}]}"#,
        ),
    ] {
        let answer = answer.as_bytes();
        let single: Vec<_> = answer.chunks(1).collect();
        let mut input = unmask_line("whole", content_type, &tokens, &[answer]);
        for cut in 0..=answer.len() {
            let (one, two) = answer.split_at(cut);
            input += &format!("\n{}", unmask_line("cut", content_type, &tokens, &[one, two]));
        }
        input += &format!("\n{}", unmask_line("bytes", content_type, &tokens, &single));
        let outputs = lines(&stdout("unmask --jsonl", input.as_bytes()));
        let whole = released(&outputs[0]);
        let restored = String::from_utf8(whole.concat()).unwrap();
        assert!(
            restored.contains("i-1234567890abcdef0") && !restored.contains("AWS_EC2_001\""),
            "{restored}"
        );
        assert_eq!(whole.len(), 2);
        assert_eq!(outputs.len(), answer.len() + 3);
        for (at, output) in outputs.iter().enumerate().skip(1) {
            let pieces = released(output);
            assert_eq!(pieces.len(), if at <= answer.len() + 1 { 3 } else { answer.len() + 1 });
            assert_eq!(String::from_utf8(pieces.concat()).unwrap(), restored, "{content_type} cut {at}");
        }
    }
}

#[test]
fn what_is_certain_leaves_with_its_chunk_and_never_twice() {
    let tokens = json!([{"token": "AWS_EC2_001", "kind": "EC2", "value": "i-12345678"}]);
    let text: &[&[u8]] = &[b"a AWS_E", b"C2_001", b" b AWS_EC2_001"];
    let line = unmask_line("k", "text/plain", &tokens, text);
    let output = stdout("unmask --jsonl", line.as_bytes());
    let pieces = released(&lines(&output)[0]);
    // Text that may get trailers waits in the host with what is before it.
    assert_eq!(pieces, [b"".as_slice(), b"", b"", b"a i-12345678 b i-12345678"]);
    let json: &[&[u8]] = &[br#"{"a":"x AWS_E"#, br#"C2_001","b":1}"#];
    let line = unmask_line("k", "application/json", &tokens, json);
    let pieces = released(&lines(&stdout("unmask --jsonl", line.as_bytes()))[0]);
    assert_eq!(pieces, [br#"{"a":"x "#.as_slice(), br#"i-12345678","b":1}"#, b""]);
}

#[test]
fn unmask_goes_on_after_a_bad_line() {
    let good = unmask_line("good", "text/plain", &json!([]), &[b"AWS_EC2_001"]);
    let input = [
        r#"{"key":"kind","tokens":[{"token":"AWS_EC2_001","kind":"X","value":"v"}],"chunks":[]}"#,
        r#"{"key":"base64","tokens":[],"chunks":["","*"]}"#,
        r#"{"key":"chunks","tokens":[]}"#,
        r#"["array", null, null, [], []]"#,
        &good,
    ]
    .join("\n");
    let expected = "\
{\"key\":\"kind\",\"chunks\":null,\"error\":{\"status\":400,\"error\":\"line_unreadable\",\
\"message\":\"tokens[0].kind: `X` is not a kind\"}}
{\"key\":\"base64\",\"chunks\":null,\"error\":{\"status\":400,\"error\":\"line_unreadable\",\
\"message\":\"chunks[1] is not base64\"}}
{\"key\":\"chunks\",\"chunks\":null,\"error\":{\"status\":400,\"error\":\"line_unreadable\",\
\"message\":\"expected an object with `key`, `url`, `content_type`, `tokens` and `chunks`; wrong at column 28\"}}
{\"key\":null,\"chunks\":null,\"error\":{\"status\":400,\"error\":\"line_unreadable\",\
\"message\":\"expected an object with `key`, `url`, `content_type`, `tokens` and `chunks`\"}}
{\"key\":\"good\",\"chunks\":[\"QVdTX0VDMl8wMDE=\",\"\"]}
";
    assert_eq!(stdout("unmask --jsonl", input.as_bytes()), expected);
}
