//! The splicer against serde_json: what is masked is JSON, has the same members, and differs in tokens only.
#![no_main]

use cloakroom_fuzz::{body, send, vm};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some(body) = body(data) else { return };
    let Some((_, masked)) = send("/v1/messages", &body) else { return };
    let _: IgnoredAny = serde_json::from_slice(&body).expect("what is not JSON is refused");
    // Half of a surrogate pair is JSON (RFC 8259 §8.2), and no string of Rust's.
    let Ok(before) = serde_json::from_slice::<Value>(&body) else { return };
    let after: Value = serde_json::from_slice(&masked).expect("what goes out is JSON");
    same(&before, &after);
});

fn same(before: &Value, after: &Value) {
    match (before, after) {
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len());
            before.iter().zip(after).for_each(|(before, after)| same(before, after));
        }
        (Value::Object(before), Value::Object(after)) => {
            // Names are masked as well, so members change their order in a sorted map: look for one that can be it.
            assert_eq!(before.len(), after.len());
            for (name, value) in before {
                match after.get(name) {
                    Some(other) => same(value, other),
                    None => assert!(after.keys().any(|other| differs_in_tokens_only(name, other)), "{name}"),
                }
            }
        }
        (Value::String(before), Value::String(after)) => {
            assert!(differs_in_tokens_only(before, after), "{before:?} became {after:?}");
        }
        // A number becomes a token.
        (Value::Number(_), Value::String(after)) => {
            let found = vm().detector.recogniser().find(after.as_bytes(), 0).expect("a token");
            assert_eq!(found.range, 0..after.len());
        }
        (before, after) => assert_eq!(before, after),
    }
}

/// What stands between the tokens stands in the original, in the same order, from its beginning to its end.
fn differs_in_tokens_only(before: &str, after: &str) -> bool {
    let recogniser = vm().detector.recogniser();
    let mut pieces = vec![];
    let mut at = 0;
    while let Some(found) = recogniser.find(after.as_bytes(), at) {
        pieces.push(&after[at..found.range.start]);
        at = found.range.end;
    }
    pieces.push(&after[at..]);
    let (Some((first, middle)), Some(last)) = (pieces.split_first(), pieces.last()) else { return false };
    if pieces.len() == 1 {
        return before == after;
    }
    let Some(mut rest) = before.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    for piece in &middle[..middle.len() - 1] {
        let Some(found) = rest.find(piece) else { return false };
        rest = &rest[found + piece.len()..];
    }
    true
}
