use super::*;
use crate::mask::Form;
use crate::provider;
use crate::secret::Secret;
use crate::unmask::MAX_HELD;
use crate::unmask::mapping::Entry;
use alloc::format;
use alloc::string::String;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn mapping() -> Mapping {
    let value = Secret::new(b"i-0abc");
    Mapping::new([Entry { token: "AWS_EC2_001".into(), value, form: Form::Text }].into())
}

fn restore<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (String, Tally) {
    let (mapping, mut out, mut tally) = (mapping(), Vec::new(), Tally::default());
    let api = provider::api("/v1beta/models/m:streamGenerateContent");
    let mut array = ArrayUnmasker::new(api.event, api.response);
    for part in parts {
        array.push(part, &mapping, &mut out, &mut tally);
    }
    array.finish(&mapping, &mut out, &mut tally);
    assert_eq!(array.held(), 0);
    (String::from_utf8(out).unwrap(), tally)
}

fn check(answer: &str, expected: &str) {
    let bytes = answer.as_bytes();
    assert_eq!(restore([bytes]).0, expected);
    assert_eq!(restore(bytes.chunks(1)).0, expected);
    for cut in 0..=bytes.len() {
        assert_eq!(restore([&bytes[..cut], &bytes[cut..]]).0, expected, "cut at {cut}");
    }
}

fn item(text: &str) -> String {
    format!(r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}]}}}}],"responseId":"é"}}"#)
}

#[test]
fn text_goes_on_from_item_to_item() {
    for (between, blank) in [(",", ""), (",\r\n", "\n"), ("\n,\n", " ")] {
        let items = |items: [String; 3]| items.join(between);
        let sent = items([item("x AWS_EC2"), item("_001, AW"), item("x AWS")]);
        let restored = items([item("x "), item("i-0abc, "), item("AWx ")]);
        let rest = item("AWS");
        check(&format!("[{sent}{blank}]{blank}"), &format!("[{restored}{blank},{rest}]{blank}"));
    }
}

#[test]
fn what_is_withheld_becomes_an_item() {
    let finish = r#"{"candidates":[{"finishReason":"STOP"}]}"#;
    let (held, cut, rest) = (item("AWS_EC2_001"), item(""), item("i-0abc"));
    check(&format!("[{held}\n,{finish}]"), &format!("[{cut}\n,{rest},{finish}]"));
    check(&format!("[{held}\n]"), &format!("[{cut}\n,{rest}]"));
    // Cut off: nothing is lost.
    check(&format!("[{held}"), &format!("[{cut},{rest}"));
    check(&format!("[{held},"), &format!("[{cut},,{rest}"));
    check(&format!("[{held},{{\"a\":\"AWS_EC2_001"), &format!("[{cut},{{\"a\":\"i-0abc,{rest}"));
    // An error is an item.
    let error = r#"{"error":{"code":503,"message":"for AWS_EC2_001"}}"#;
    let restored = error.replace("AWS_EC2_001", "i-0abc");
    check(&format!("[{held},{error}]"), &format!("[{cut},{rest},{restored}]"));
}

#[test]
fn answers_that_are_no_array_of_events() {
    for (answer, expected) in [
        (r#" {"error":{"message":"AWS_EC2_001"}} "#, r#" {"error":{"message":"i-0abc"}} "#),
        ("[]", "[]"),
        (r#"["AWS_EC2_001",1, true ,["AWS_EC2_001"]]"#, r#"["i-0abc",1, true ,["i-0abc"]]"#),
        ("<p>AWS_EC2_001</p>", "<p>i-0abc</p>"),
        (r#"[{"a":"AWS_EC2_001"}} AWS_EC2_001"#, r#"[{"a":"i-0abc"}} i-0abc"#),
        (r#"[{"a":"AWS_EC2_001"}]{"a":"AWS_EC2_001"}"#, r#"[{"a":"i-0abc"}]{"a":"i-0abc"}"#),
        ("", ""),
        ("  ", "  "),
    ] {
        check(answer, expected);
    }
}

#[test]
fn a_long_item_streams_through() {
    let long = "x AWS_EC2_001 ".repeat(20 * MAX_EVENT / 14);
    let answer = format!("[{},{}]", item(&long), item("AWS_EC2_001."));
    let (mapping, mut out, mut tally) = (mapping(), Vec::new(), Tally::default());
    let api = provider::api("/v1beta/models/m:streamGenerateContent");
    let mut array = ArrayUnmasker::new(api.event, api.response);
    for part in answer.as_bytes().chunks(16 * 1024) {
        array.push(part, &mapping, &mut out, &mut tally);
        assert!(array.held() <= MAX_EVENT + MAX_HELD);
    }
    array.finish(&mapping, &mut out, &mut tally);
    assert!(String::from_utf8(out).unwrap() == answer.replace("AWS_EC2_001", "i-0abc"));
    assert_eq!((tally.unjoined, tally.malformed), (1, 0));
}
