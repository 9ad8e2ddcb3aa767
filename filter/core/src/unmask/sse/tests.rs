use super::*;
use crate::mask::Form;
use crate::provider;
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

fn restore_with<'a>(path: &str, parts: impl IntoIterator<Item = &'a [u8]>) -> (String, Tally) {
    let (mapping, mut out, mut tally) = (mapping(), Vec::new(), Tally::default());
    let mut sse = SseUnmasker::new(provider::api(path).event);
    for part in parts {
        sse.push(part, &mapping, &mut out, &mut tally);
    }
    sse.finish(&mapping, &mut out, &mut tally);
    (String::from_utf8(out).unwrap(), tally)
}

/// The same at every cut, with every line ending.
fn check(path: &str, stream: &str, expected: &str) {
    for ending in ["\n", "\r\n", "\r"] {
        // Extra events are ours, and end lines with LF.
        let stream = stream.replace('\n', ending);
        let same =
            |got: String| assert_eq!(got.replace("\r\n", "\n").replace('\r', "\n"), expected, "{ending:?}");
        let bytes = stream.as_bytes();
        same(restore_with(path, [bytes]).0);
        same(restore_with(path, bytes.chunks(1)).0);
        for cut in 0..=bytes.len() {
            same(restore_with(path, [&bytes[..cut], &bytes[cut..]]).0);
        }
    }
}

const MESSAGES: &str = "/v1/messages";
const CHAT: &str = "/v1/chat/completions";

fn delta(index: u32, text: &str) -> String {
    format!(
        r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"text_delta","text":"{text}"}}}}"#
    )
}

fn extra(text: &str) -> String {
    format!(
        r#"data: {{"delta":{{"text":"{text}","type":"text_delta"}},"index":0,"type":"content_block_delta"}}"#
    )
}

#[test]
fn framings() {
    let one = delta(0, "x AWS_EC2_001 y");
    let restored = delta(0, "x i-0abc y");
    for (stream, expected) in [
        (format!("data: {one}\n\n"), format!("data: {restored}\n\n")),
        (format!("data:{one}\n\n"), format!("data:{restored}\n\n")),
        (format!("\u{feff}data: {one}\n\n"), format!("\u{feff}data: {restored}\n\n")),
        (
            format!(": hi\n\nevent: e\nid: 1\nretry: 5\ndata: {one}\n\n"),
            format!(": hi\n\nevent: e\nid: 1\nretry: 5\ndata: {restored}\n\n"),
        ),
        // Fields behind the data, and an event that the end cuts off.
        (
            format!("data: {one}\nevent: e\n\ndata: {one}"),
            format!("data: {restored}\nevent: e\n\ndata: {restored}"),
        ),
        ("data\n\nevent: lonely\n\nfoo\n\n".into(), "data\n\nevent: lonely\n\nfoo\n\n".into()),
        // Data that is not JSON is text.
        ("data: AWS_EC2_001, \"AWS_EC2_001\"\n\n".into(), "data: i-0abc, \"i-0abc\"\n\n".into()),
    ] {
        check(MESSAGES, &stream, &expected);
    }
}

#[test]
fn data_in_several_lines() {
    check(
        MESSAGES,
        "event: e\ndata: {\"type\":\"content_block_delta\",\n: comment\ndata: \"index\":0,\ndata:\"delta\":{\"text\":\"AWS_EC2_001 \"}}\n\n",
        "event: e\ndata: {\"type\":\"content_block_delta\",\n: comment\ndata: \"index\":0,\ndata:\"delta\":{\"text\":\"i-0abc \"}}\n\n",
    );
    // Never completed: text, and nothing lost.
    check(
        MESSAGES,
        "data: {\"a\":\ndata: \"AWS_EC2_001\n\ndata: 1\n\n",
        "data: {\"a\":\ndata: \"i-0abc\n\ndata: 1\n\n",
    );
}

#[test]
fn what_is_withheld_leaves_before_the_channel_ends() {
    let (d0, d1) = (delta(0, "see AWS_EC2"), delta(1, "other"));
    let cut = delta(0, "see ");
    for (end, text) in [
        (r#"{"type":"content_block_stop","index":0}"#, "AWS_EC2"),
        (r#"{"type":"message_stop"}"#, "AWS_EC2"),
        (r#"{"type":"error","error":{"type":"overloaded_error","message":"for AWS_EC2_001"}}"#, "AWS_EC2"),
    ] {
        let restored_end = end.replace("AWS_EC2_001", "i-0abc");
        check(
            MESSAGES,
            &format!("data: {d0}\n\ndata: {d1}\n\nevent: end\ndata: {end}\n\n"),
            &format!("data: {cut}\n\ndata: {d1}\n\n{}\n\nevent: end\ndata: {restored_end}\n\n", extra(text)),
        );
    }
    // The end of another channel is not its end; the end of the stream is.
    let stop = r#"{"type":"content_block_stop","index":1}"#;
    check(
        MESSAGES,
        &format!("data: {d0}\n\ndata: {stop}\n\n"),
        &format!("data: {cut}\n\ndata: {stop}\n\n{}\n\n", extra("AWS_EC2")),
    );
}

#[test]
fn done_ends_every_channel() {
    let chunk = |content: &str| {
        format!(
            r#"{{"id":"c","choices":[{{"index":0,"delta":{{"content":"{content}"}},"finish_reason":null}}]}}"#
        )
    };
    check(
        CHAT,
        &format!("data: {}\n\ndata: [DONE]\n\n", chunk("x AWS_EC2_001")),
        &format!(
            "data: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
            chunk("x "),
            r#"{"choices":[{"delta":{"content":"i-0abc"},"finish_reason":null,"index":0}],"id":"c"}"#
        ),
    );
}

#[test]
fn events_of_unknown_apis_are_restored_within_themselves() {
    check(
        "/v2/x",
        "data: {\"a\":\"AWS_EC2_001\"}\n\ndata: {\"a\":\"AWS_EC2\"}\n\n",
        "data: {\"a\":\"i-0abc\"}\n\ndata: {\"a\":\"AWS_EC2\"}\n\n",
    );
}

/// What is cut off stays as it is, and an extra event stands on its own.
#[test]
fn the_end_of_the_stream_may_come_anywhere() {
    let held = delta(0, "see AWS_EC2_00");
    let cut = delta(0, "see ");
    for (unfinished, expected) in [
        (String::new(), format!("\n\n{}\n\n", extra("AWS_EC2_00"))),
        ("\n".into(), format!("\n\n{}\n\n", extra("AWS_EC2_00"))),
        ("\n\n".into(), format!("\n\n{}\n\n", extra("AWS_EC2_00"))),
        ("\n\nevent: content_bl".into(), format!("\n\n{}\n\nevent: content_bl", extra("AWS_EC2_00"))),
        ("\n\nevent: x\nid: 1\n".into(), format!("\n\n{}\n\nevent: x\nid: 1\n", extra("AWS_EC2_00"))),
    ] {
        let stream = format!("data: {held}{unfinished}");
        for cut_at in 0..=stream.len() {
            let (a, b) = stream.as_bytes().split_at(cut_at);
            assert_eq!(
                restore_with(MESSAGES, [a, b]).0,
                format!("data: {cut}{expected}"),
                "{unfinished:?}, {cut_at}"
            );
        }
    }
}

#[test]
fn an_empty_finish_reason_finishes_nothing() {
    let chunk = |content: &str| {
        format!(r#"data: {{"choices":[{{"index":0,"delta":{{"content":"{content}"}},"finish_reason":""}}]}}"#)
    };
    check(
        CHAT,
        &format!("{}\n\n{}\n\n", chunk("x AWS_EC2"), chunk("_001 y")),
        &format!("{}\n\n{}\n\n", chunk("x "), chunk("i-0abc y")),
    );
}

#[test]
fn half_a_character_does_not_close_a_channel() {
    check(
        MESSAGES,
        &format!("data: {}\n\ndata: {}\n\n", delta(0, r"x \ud83d AWS_EC2"), delta(0, "_001 y")),
        &format!("data: {}\n\ndata: {}\n\n", delta(0, r"x \ud83d "), delta(0, "i-0abc y")),
    );
}

#[test]
fn an_event_of_many_choices_takes_linear_time_and_lines_are_bounded() {
    let choices: Vec<String> =
        (0..8000).map(|index| format!(r#"{{"index":{index},"delta":{{"content":"A"}}}}"#)).collect();
    let stream = format!("data: {{\"choices\":[{}]}}\n\n", choices.join(","));
    let (got, tally) = restore_with(CHAT, [stream.as_bytes()]);
    assert_eq!(got.matches("\"A\"").count(), 8000, "nothing is lost");
    assert_eq!(tally.unjoined, 8000 - 256);

    let (mapping, mut out, mut tally) = (mapping(), Vec::new(), Tally::default());
    let mut sse = SseUnmasker::new(provider::api(CHAT).event);
    sse.push(b"data: {\n", &mapping, &mut out, &mut tally);
    for _ in 0..3 * MAX_EVENT / 1024 {
        sse.push(&[b": ".as_slice(), &[b'x'; 1022], b"\n"].concat(), &mapping, &mut out, &mut tally);
        assert!(sse.held() <= MAX_EVENT + 2048);
    }
}

#[test]
fn a_long_event_streams_through() {
    let long = "x AWS_EC2_001 ".repeat(20 * MAX_EVENT / 14);
    let stream = format!("event: e\ndata: {}\n\ndata: {}\n\n", delta(0, &long), delta(0, "AWS_EC2_001."));
    let (mapping, mut out, mut tally) = (mapping(), Vec::new(), Tally::default());
    let mut sse = SseUnmasker::new(provider::api(MESSAGES).event);
    for part in stream.as_bytes().chunks(16 * 1024) {
        sse.push(part, &mapping, &mut out, &mut tally);
        assert!(sse.held() <= MAX_EVENT + crate::unmask::MAX_HELD);
    }
    sse.finish(&mapping, &mut out, &mut tally);
    assert!(String::from_utf8(out).unwrap() == stream.replace("AWS_EC2_001", "i-0abc"));
    assert_eq!((tally.unjoined, tally.malformed), (1, 0));
}

#[test]
fn channels_are_bounded() {
    let stream: String = (0..400).map(|index| format!("data: {}\n\n", delta(index, "AWS_EC2"))).collect();
    let (got, _) = restore_with(MESSAGES, [stream.as_bytes()]);
    assert_eq!(got.matches("AWS_EC2").count(), 400, "nothing is lost");
}
