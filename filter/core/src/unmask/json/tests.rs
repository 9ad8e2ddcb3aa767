use super::*;
use crate::json::shape::TEXT;
use crate::mask::Form;
use crate::secret::Secret;
use crate::unmask::mapping::Entry;
use alloc::string::String;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn restore<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (String, Tally) {
    let entry =
        |token: &str, value: &[u8], form| Entry { token: token.into(), value: Secret::new(value), form };
    let mapping = Mapping::new(
        [
            entry("AWS_EC2_001", b"i-0abc", Form::Text),
            entry("AWS_ACCOUNT_001", b"123456789012", Form::Number),
        ]
        .into(),
    );
    let (mut out, mut tally) = (Vec::new(), Tally::default());
    let mut json = JsonUnmasker::new(&TEXT);
    for part in parts {
        json.push(part, &mapping, &mut out, &mut tally);
    }
    json.finish(&mapping, &mut out, &mut tally);
    (String::from_utf8(out).unwrap(), tally)
}

#[test]
fn documents_one_after_the_other() {
    for (body, expected, malformed) in [
        (
            "{\"a\":\"AWS_EC2_001\"}\n{\"a\":\"AWS_EC2_001\"}\r\n\n\"AWS_EC2_001\"\n1\nnull",
            "{\"a\":\"i-0abc\"}\n{\"a\":\"i-0abc\"}\r\n\n\"i-0abc\"\n1\nnull",
            0,
        ),
        (
            "{\"n\":\"AWS_ACCOUNT_001\"}{\"n\":\"AWS_ACCOUNT_001\"}",
            "{\"n\":123456789012}{\"n\":123456789012}",
            0,
        ),
        // Over several lines.
        ("{\n \"a\": \"AWS_EC2_001\"\n}\n[\n]\n", "{\n \"a\": \"i-0abc\"\n}\n[\n]\n", 0),
        // A line that is no JSON, or is cut off, does not take the others with it.
        ("oops AWS_EC2_001\n{\"n\":\"AWS_ACCOUNT_001\"}\n", "oops i-0abc\n{\"n\":123456789012}\n", 1),
        (
            "{\"a\":\"AWS_EC2_001\n{\"n\":\"AWS_ACCOUNT_001\"}\nx AWS_EC2_001",
            "{\"a\":\"i-0abc\n{\"n\":123456789012}\nx i-0abc",
            1,
        ),
        ("{\"a\":\"AWS_EC2_001\\", "{\"a\":\"i-0abc\\", 1),
        (
            "<p>\n<b>AWS_EC2_001</b>\n\"AWS_EC2_001\", AWS_EC2\n_001",
            "<p>\n<b>i-0abc</b>\n\"i-0abc\", AWS_EC2\n_001",
            1,
        ),
    ] {
        let bytes = body.as_bytes();
        let (got, tally) = restore([bytes]);
        assert_eq!((got.as_str(), tally.malformed), (expected, malformed), "{body}");
        assert_eq!(restore(bytes.chunks(1)).0, expected, "{body}");
        for cut in 0..=bytes.len() {
            assert_eq!(restore([&bytes[..cut], &bytes[cut..]]).0, expected, "{body} cut at {cut}");
        }
    }
}
