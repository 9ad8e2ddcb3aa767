use super::*;
use crate::provider;
use alloc::string::String;
use alloc::vec;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Writes down what it is told.
#[derive(Default)]
struct Told(Vec<(char, String)>);

impl Visitor for Told {
    fn text(&mut self, view: &View<'_>, from: usize, _place: &Place<'_>) {
        self.0.push(('t', String::from_utf8(view.text[from..].to_vec()).unwrap()));
    }
    fn number(&mut self, number: Number<'_>, _place: &Place<'_>) {
        self.0.push(('n', String::from_utf8(number.digits.to_vec()).unwrap()));
    }
    fn fixed(&mut self, view: &View<'_>) {
        self.0.push(('f', String::from_utf8(view.text.to_vec()).unwrap()));
    }
    fn fixed_number(&mut self, digits: &[u8], _at: usize) {
        self.0.push(('m', String::from_utf8(digits.to_vec()).unwrap()));
    }
    fn signed(&mut self) {
        self.0.push(('s', String::new()));
    }
}

fn told(path: &str, body: &str) -> Vec<(char, String)> {
    let mut told = Told::default();
    document(body.as_bytes(), provider::api(path).request, &mut told).unwrap();
    told.0
}

fn texts(path: &str, body: &str) -> Vec<String> {
    told(path, body).into_iter().filter(|(what, _)| *what == 't').map(|(_, text)| text).collect()
}

#[test]
fn strings_are_decoded() {
    assert_eq!(
        texts("/", r#"["a\n\"\u0041\ud83d\ude00\ud83d x\udE00","","é"]"#),
        ["a\n\"A😀\u{fffd} x\u{fffd}", "é"]
    );
}

#[test]
fn nested_json_is_followed_as_long_as_it_is_json() {
    assert_eq!(texts("/", r#"["{\"k\":\"v\\n\"} [\"w\"]"]"#), ["k", "v\n", "w"]);
    assert_eq!(texts("/", r#"["{\"k\":\"v\"} and text"]"#), ["k", "v", "and text"]);
    assert_eq!(texts("/", r#"["[10.0.0.1] x"]"#), ["10.0.0.1] x"]);
    assert_eq!(texts("/", r#"["{\"cut"]"#), ["cut"]);
    let mut body = String::from("\"i\"");
    for _ in 0..8 {
        body = serde_json::to_string(&alloc::format!("[{body}]")).unwrap();
    }
    assert_eq!(texts("/", &body).len(), 1, "deeper than is followed: text as it stands");
}

#[test]
fn positions_lead_back_to_the_body() {
    struct Check<'a>(&'a [u8], usize);
    impl Visitor for Check<'_> {
        fn text(&mut self, view: &View<'_>, from: usize, _place: &Place<'_>) {
            for at in from..view.text.len() {
                let raw = view.raw(at)..view.raw(at + 1);
                let spelled = String::from_utf8(self.0[raw].to_vec()).unwrap_or_default();
                // Spelled plainly, or with the escape that reads as this.
                if view.text[at] == b'A' {
                    assert!(spelled == "A" || spelled.ends_with("u0041"), "{spelled}");
                    self.1 += 1;
                }
            }
        }
        fn number(&mut self, _number: Number<'_>, _place: &Place<'_>) {}
        fn fixed(&mut self, _view: &View<'_>) {}
        fn fixed_number(&mut self, _digits: &[u8], _at: usize) {}
        fn signed(&mut self) {}
    }
    let body = r#"["A\u0041\ud83d\ude00A\nA","{\"A\":\"x\\u0041\\nA\u0041{\"}"]"#;
    let mut check = Check(body.as_bytes(), 0);
    document(body.as_bytes(), &crate::json::shape::TEXT, &mut check).unwrap();
    assert_eq!(check.1, 8);
}

#[test]
fn places_of_the_messages_api() {
    let body = r#"{"model":"m","system":"s","messages":[{"role":"user","content":[
        {"type":"text","text":"t","cache_control":{"type":"ephemeral"}},
        {"type":"tool_use","id":"toolu_1","name":"n","input":{"model":"im","k":[{"type":"it"}]}},
        {"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"r"}]},
        {"type":"document","source":{"data":"plain text","type":"text"},"title":"ti"},
        {"type":"image","source":{"type":"base64","data":"aWltYWdl"}},
        {"thinking":"th","signature":"sig","type":"thinking"},
        {"type":"thinking","thinking":"unsigned"},
        {"type":"redacted_thinking","data":"opaque"}]}],"tools":[{"name":"n","description":"d"}]}"#;
    let told = told("/v1/messages", body);
    let of = |what: char| {
        let names = ["type", "text", "content", "title", "description", "system", "messages", "role"];
        let texts = told.iter().filter(|(kind, text)| *kind == what && !names.contains(&text.as_str()));
        texts.map(|(_, text)| text.as_str()).collect::<Vec<_>>()
    };
    let texts = of('t');
    for text in ["s", "t", "im", "it", "r", "plain text", "ti", "unsigned", "d"] {
        assert!(texts.contains(&text), "{text}");
    }
    for text in ["m", "user", "toolu_1", "n", "opaque", "sig", "th", "aWltYWdl"] {
        assert!(!texts.contains(&text), "{text}");
    }
    assert!(of('f').contains(&"toolu_1") && of('f').contains(&"m"));
    assert_eq!(of('s'), vec![""]);
}

#[test]
fn media_of_chat_completions() {
    let data = "data:image/png;base64,aWltYWdl";
    let url =
        |url: &str| alloc::format!(r#"{{"messages":[{{"content":[{{"image_url":{{"url":"{url}"}}}}]}}]}}"#);
    let texts = |body: &str| texts("/v1/chat/completions", body);
    assert!(!texts(&url(data)).contains(&data.into()));
    for text in ["https://x/i.png", "data:text/plain,hello", "data:image/png;base64,not base64!"] {
        assert!(texts(&url(text)).contains(&text.into()), "{text}");
    }
}

#[test]
fn unreadable_bodies() {
    let problem = |body: &[u8]| {
        document(body, provider::api("/v1/messages").request, &mut Told::default()).unwrap_err()
    };
    let deep = "[".repeat(129);
    for (body, expected, at) in [
        (br#"{"model":1,"model":2}"#.as_slice(), Problem::Duplicate, 11),
        (br#"{"model":1,"mod\u0065l":2}"#, Problem::Duplicate, 11),
        (b"\xef\xbb\xbf{}", Problem::ByteOrderMark, 0),
        (b"[\"ab\xff\"]", Problem::NotUtf8, 4),
        (b"{\"a\":1", Problem::Malformed(Malformed::Syntax), 6),
        (b"", Problem::Malformed(Malformed::Syntax), 0),
        (b"{} {}", Problem::Malformed(Malformed::Syntax), 3),
        (deep.as_bytes(), Problem::Malformed(Malformed::TooDeep), 128),
    ] {
        assert_eq!(problem(body), Unreadable { problem: expected, at }, "{}", String::from_utf8_lossy(body));
    }
}
