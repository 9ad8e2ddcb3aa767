//! Trailers end a body without saying so on the body itself: what is withheld until then has no other chance.
//! (Those of requests are in `headers`.)

use e2e::{
    client::{Answer, Protocol, within},
    encoding::Encoding,
    provider::{End, Reply, Script, Step},
    world::World,
};
use http::{HeaderMap, HeaderValue};

use crate::{streaming::SIZES, support::answer_with};

const REQUEST: &str = r#"{"stream":true,"messages":[{"content":"i-1234567890abcdef0"}]}"#;

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
            if (without.text(), without.end) != (with.text(), with.end) {
                lost.push(format!(
                    "{content_type:?} in pieces of {size}: {without:?}, with trailers {with:?}"
                ));
            }
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

/// An answer that breaks off and still has trailers loses what was withheld, because nothing can be put before trailers
/// that have come. Then it does not look like a whole answer: it is cut off.
#[tokio::test]
async fn an_answer_that_loses_something_to_trailers_is_cut_off() {
    let unfinished = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"see AWS_EC2_00\"}}]}\n\n";
    for (content_type, sent) in [
        ("application/json", "{\"content\":\"see AWS_EC2_00"),
        ("application/json", "{\"content\":\"see AWS_EC2_001"),
        ("application/json", "{\"content\":\"see AWS_EC2_001\""),
        ("text/event-stream", unfinished),
        ("text/event-stream", "data: {\"a\":\"AWS_EC2_001\"}"),
        ("text/event-stream", "data: {\"a\":\"b\"}\n\nevent: ping"),
    ] {
        for size in SIZES {
            let [without, with] = without_and_with_trailers(Some(content_type), sent, size).await;
            let what = format!("{content_type} in pieces of {size}: {without:?}, {with:?}");
            assert_eq!(without.end, End::Complete, "{what}");
            assert!(without.body.starts_with(&with.body), "{what}");
            assert_eq!(with.end == End::Complete, without.body == with.body, "{what}");
        }
    }
}

/// The trailers that decompression adds are told ahead, so to say: broken or not, nothing is lost.
#[tokio::test]
async fn decompression_loses_nothing() {
    let world = World::shared();
    for (content_type, sent) in [
        ("application/json", "{\"content\":\"see AWS_EC2_001\"}"),
        ("application/json", "{\"content\":\"see AWS_EC2_001"),
        (
            "text/event-stream",
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"see AWS_EC2_001\"}}]}\n\n",
        ),
        ("text/event-stream", "data: {\"a\":\"AWS_EC2_001\"}\n\nevent: ping"),
        ("text/html", "<p>AWS_EC2_0"),
        ("text/plain", "x"),
    ] {
        let [plain, _] = without_and_with_trailers(Some(content_type), sent, 0).await;
        for encoding in Encoding::ALL {
            for size in SIZES {
                let call = world.openai(REQUEST);
                let script = Script::new(content_type)
                    .header("content-encoding", HeaderValue::from_static(encoding.name()))
                    .send_in_pieces(encoding.encode(sent), size);
                answer_with(world, &call, Reply::Script(script));
                let answer = world.see_over(Protocol::Http2, &call).await.answer;
                let what = format!("{encoding:?} {content_type} in pieces of {size}");
                assert_eq!((answer.text(), answer.end), (plain.text(), End::Complete), "{what}");
            }
        }
    }
}

/// What the application gets of the same bytes, ended in the two ways.
async fn without_and_with_trailers(
    content_type: Option<&'static str>,
    sent: &'static str,
    size: usize,
) -> [Answer; 2] {
    let world = World::shared();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("abc"));
    let script =
        content_type.map_or_else(Script::without_content_type, Script::new).send_in_pieces(sent, size);
    let mut answers = Vec::new();
    for script in [script.clone(), script.step(Step::Trailers(trailers))] {
        let call = world.openai(REQUEST);
        answer_with(world, &call, Reply::Script(script));
        let mut connection = world.connect(Protocol::Http2).await;
        let live = within("the head", connection.begin(&call)).await.unwrap();
        answers.push(within("the end", live.rest()).await);
    }
    answers.try_into().expect("two answers")
}
