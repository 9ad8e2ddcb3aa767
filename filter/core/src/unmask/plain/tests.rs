use super::*;
use crate::mask::Form;
use crate::secret::Secret;
use crate::unmask::mapping::Entry;
use alloc::format;
use alloc::string::String;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn mapping() -> Mapping {
    let value = Secret::new(b"i-0abc");
    Mapping::new([Entry { token: "AWS_EC2_001".into(), value, form: Form::Text }].into())
}

/// Acts as a host does. Returns what left before the end, and in all.
fn restore(parts: &[&[u8]], trailers: bool) -> (String, String) {
    let (mapping, mut tally) = (mapping(), Tally::default());
    let mut plain = PlainUnmasker::default();
    let (mut sent, mut held) = (Vec::new(), Vec::new());
    for (index, part) in parts.iter().enumerate() {
        held.extend_from_slice(part);
        let end = !trailers && index + 1 == parts.len();
        let shown = plain.push(&held, end, &mapping, &mut tally);
        held = shown.bytes;
        if !shown.hold {
            sent.append(&mut held);
        }
    }
    let before = sent.clone();
    if !held.is_empty() {
        held = plain.push(&held, true, &mapping, &mut tally).bytes;
    }
    sent.append(&mut held);
    (String::from_utf8(before).unwrap(), String::from_utf8(sent).unwrap())
}

#[test]
fn restores_at_every_cut_and_loses_nothing() {
    for (text, expected) in [
        ("for AWS_EC2_001 and AWS_EC2_001.", "for i-0abc and i-0abc."),
        ("AWS_EC2_001", "i-0abc"),
        ("ends in AWS_EC2_0", "ends in AWS_EC2_0"),
        ("{\"a\":\"AWS_EC2_001\"}\n{\"a\":\"AWS_EC2_001\"}\n", "{\"a\":\"i-0abc\"}\n{\"a\":\"i-0abc\"}\n"),
    ] {
        let text = text.as_bytes();
        for i in 0..=text.len() {
            for j in i..=text.len() {
                let parts = [&text[..i], &text[i..j], &text[j..]];
                assert_eq!(restore(&parts, false), (expected.into(), expected.into()), "cut at {i}, {j}");
            }
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(restore(&bytes, false).1, expected);
    }
}

#[test]
fn trailers_end_the_text() {
    assert_eq!(restore(&[b"a AWS_EC2", b"_001"], true), (String::new(), "a i-0abc".into()));
    assert_eq!(restore(&[b"a AWS_EC2", b"_00"], true), (String::new(), "a AWS_EC2_00".into()));
    assert_eq!(restore(&[b"a AWS_EC2", b"_001."], true), ("a i-0abc.".into(), "a i-0abc.".into()));
}

#[test]
fn the_host_holds_no_more_than_the_bound() {
    let big = [b"x".repeat(MAX_SHOWN), b" AWS_EC2_0".to_vec()].concat();
    let expected = format!("{} i-0abc.", "x".repeat(MAX_SHOWN));
    for parts in [&[big.as_slice(), b"01."][..], &[&big, b"0", b"1", b"."]] {
        assert_eq!(restore(parts, false), (expected.clone(), expected.clone()));
    }
    // Followed by less than decides, it is shown to the host after all.
    assert_eq!(restore(&[&big, b"0", b"1"], true).1, expected.trim_end_matches('.'));
    let mut plain = PlainUnmasker::default();
    let shown = plain.push(&big, false, &mapping(), &mut Tally::default());
    assert_eq!((shown.bytes.len(), shown.hold, plain.kept()), (MAX_SHOWN + 1, false, 9));
}
