//! Trailers end a body without saying so on the body itself: what is withheld until then has no other chance.
//! (Those of requests are in `headers`.)

use e2e::{
    client::Protocol,
    provider::{End, Reply, Script, Step},
    world::World,
};
use http::{HeaderMap, HeaderValue};

use crate::{streaming::SIZES, support::answer_with};

/// JSON has a bracket at its end, so nothing is ever withheld there; plain text has none, and may end in trailers.
#[tokio::test]
async fn plain_text_may_end_in_trailers() {
    let world = World::shared();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("abc"));
    for (sent, expected) in [
        ("see AWS_EC2_00", "see AWS_EC2_00"),
        ("see AWS_EC2_001", "see i-1234567890abcdef0"),
        ("see AWS_EC2_001 and", "see i-1234567890abcdef0 and"),
        ("", ""),
    ] {
        for size in SIZES {
            for end in [None, Some(Step::Trailers(trailers.clone()))] {
                let call = world.anthropic(r#"{"messages":[{"content":"i-1234567890abcdef0"}]}"#);
                let script = Script::new("text/plain; charset=utf-8").send_in_pieces(sent, size);
                let with_trailers = end.is_some();
                let script = end.into_iter().fold(script, Script::step);
                answer_with(world, &call, Reply::Script(script));
                let seen = world.see_over(Protocol::Http2, &call).await;
                assert_eq!(
                    seen.answer.text(),
                    expected,
                    "{sent:?} in pieces of {size}, trailers: {with_trailers}"
                );
                assert_eq!(seen.answer.end, End::Complete);
                assert_eq!(seen.answer.trailers.is_some(), with_trailers);
            }
        }
    }
}

/// Trailers end an answer without saying so on its body. A whole answer loses nothing by that, whatever it is.
#[tokio::test]
async fn trailers_lose_nothing() {
    let finished = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"AWS_EC2_001\"}}]}\n\n\
         data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let mut lost = Vec::new();
    for (content_type, sent) in [
        (Some("application/json"), "{\"content\":\"see AWS_EC2_001\"}"),
        (Some("text/event-stream"), finished),
        (Some("text/html"), "<p>AWS_EC2_0"),
        (None, "{\"content\":\"AWS_EC2_001\"}"),
        (None, finished),
        (None, "AWS_EC2_001"),
        (None, "dat"),
        (None, "  "),
    ] {
        for size in SIZES {
            let [without, with] = without_and_with_trailers(content_type, sent, size).await;
            if without != with {
                lost.push(format!(
                    "{content_type:?} in pieces of {size}: {without:?}, with trailers {with:?}"
                ));
            }
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

/// An answer that breaks off and still has trailers loses at most what was withheld: there is nothing left that the
/// filter could put it into.
#[tokio::test]
async fn trailers_after_a_broken_answer_change_nothing_before_it() {
    let unfinished = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"see AWS_EC2_00\"}}]}\n\n";
    for (content_type, sent) in [
        ("application/json", "{\"content\":\"see AWS_EC2_00"),
        ("application/json", "{\"content\":\"see AWS_EC2_001"),
        ("text/event-stream", unfinished),
        ("text/event-stream", "data: {\"a\":\"AWS_EC2_001\"}"),
        ("text/event-stream", "data: {\"a\":\"b\"}\n\nevent: ping"),
    ] {
        for size in SIZES {
            let [without, with] = without_and_with_trailers(Some(content_type), sent, size).await;
            assert!(without.starts_with(&with), "{content_type} in pieces of {size}: {without:?}, {with:?}");
        }
    }
}

/// What the application gets of the same bytes, ended in the two ways.
async fn without_and_with_trailers(
    content_type: Option<&'static str>,
    sent: &'static str,
    size: usize,
) -> [String; 2] {
    let world = World::shared();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("abc"));
    let script =
        content_type.map_or_else(Script::without_content_type, Script::new).send_in_pieces(sent, size);
    let mut texts = [String::new(), String::new()];
    for (text, script) in texts.iter_mut().zip([script.clone(), script.step(Step::Trailers(trailers))]) {
        let call = world.openai(r#"{"stream":true,"messages":[{"content":"i-1234567890abcdef0"}]}"#);
        answer_with(world, &call, Reply::Script(script));
        let answer = world.see_over(Protocol::Http2, &call).await.answer;
        assert_eq!(answer.end, End::Complete);
        *text = answer.text();
    }
    texts
}
