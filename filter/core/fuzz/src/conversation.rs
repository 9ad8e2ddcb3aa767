//! A request and the answer to it: what the application gets is what it would have got without masking.

use crate::{Dice, headers, send, vm};
use cloakroom_core::{Exchange, Headers, Input, Next};
use serde_json::{Value, json};
use std::time::Duration;

/// What texts are made of.
const PIECES: [&str; 46] = [
    "i-0abcdef0123456789",
    "i-12345678",
    "vpc-0abcdef0123456789",
    "10.0.1.100",
    "arn:aws:iam::123456789012:role/a",
    "123456789012",
    "arn:aws:s3:::data-bucket-7/k",
    "ip-10-0-0-1.ec2.internal",
    "blue harbour",
    "PRJ-12",
    "AWS_EC2_001",
    "AWS\\_EC2\\_001",
    "AWS_EC2_0012",
    "AWS_LITERAL_001",
    "AWS_EC2_",
    "AWS",
    "A",
    "ORG_WORD_001",
    "_001",
    "1",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\"",
    "\\",
    "\\\"",
    "\\n",
    "\\u0041",
    "\\\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "{\"OwnerId\":",
    "{\"VpcId\":\"",
    "한국어",
    "🦀",
    "e\u{301}",
    ".",
    "/",
    "**",
    "`",
    "data: ",
];

fn text(dice: &mut Dice<'_>) -> String {
    let mut text = String::new();
    for _ in 0..dice.below(24) {
        match dice.byte() {
            byte if byte < 240 => text.push_str(PIECES[usize::from(byte) % PIECES.len()]),
            byte => text.push(char::from(byte % 16 + b'/')),
        }
    }
    text
}

/// The text in pieces of whole characters.
fn cut(dice: &mut Dice<'_>, text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for character in text.chars() {
        if dice.byte() % 4 == 0 {
            pieces.push(String::new());
        }
        pieces.last_mut().expect("never empty").push(character);
    }
    pieces
}

/// How the provider answers.
#[derive(Clone, Copy, PartialEq)]
enum Framing {
    Message,
    MessageEvents,
    ToolEvents,
    ChatEvents,
    ResponsesEvents,
    GeminiEvents,
    GeminiArray,
    Lines,
    Plain,
}

use Framing::*;
const FRAMINGS: [Framing; 9] = [
    Message,
    MessageEvents,
    ToolEvents,
    ChatEvents,
    ResponsesEvents,
    GeminiEvents,
    GeminiArray,
    Lines,
    Plain,
];

impl Framing {
    fn path(self) -> &'static str {
        match self {
            Message | MessageEvents | ToolEvents => "/v1/messages",
            ChatEvents => "/v1/chat/completions",
            ResponsesEvents => "/v1/responses",
            GeminiEvents | GeminiArray => "/v1beta/models/m:streamGenerateContent",
            Lines | Plain => "/v1/other",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Message | GeminiArray => "application/json",
            Lines => "application/x-ndjson",
            Plain => "text/plain",
            _ => "text/event-stream",
        }
    }

    /// The request that has this text, and where.
    fn request(self, text: &str) -> (Value, &'static str) {
        match self {
            ResponsesEvents => (json!({"model": "m", "input": text}), "/input"),
            GeminiEvents | GeminiArray => (
                json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}),
                "/contents/0/parts/0/text",
            ),
            _ => (json!({"messages": [{"role": "user", "content": text}]}), "/messages/0/content"),
        }
    }

    /// What ends the channels.
    fn ends(self) -> Vec<Value> {
        match self {
            MessageEvents | ToolEvents => vec![
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "content_block_stop", "index": 1}),
                json!({"type": "message_stop"}),
            ],
            ChatEvents => vec![json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})],
            ResponsesEvents => vec![json!({"type": "response.completed", "response": {"id": "resp_1"}})],
            _ => Vec::new(),
        }
    }

    /// One event with this piece of the text of a channel.
    fn event(self, piece: &str, channel: usize) -> Value {
        match self {
            MessageEvents => {
                json!({"type": "content_block_delta", "index": channel, "delta": {"type": "text_delta", "text": piece}})
            }
            ToolEvents => {
                let delta = json!({"type": "input_json_delta", "partial_json": piece});
                json!({"type": "content_block_delta", "index": channel, "delta": delta})
            }
            ChatEvents => json!({"id": "c", "choices": [{"index": channel, "delta": {"content": piece}}]}),
            ResponsesEvents => {
                json!({"type": "response.output_text.delta", "item_id": "i", "output_index": channel,
                    "content_index": 0, "delta": piece})
            }
            GeminiEvents | GeminiArray => {
                json!({"candidates": [{"index": channel, "content": {"parts": [{"text": piece}]}}]})
            }
            _ => json!({"text": piece}),
        }
    }

    /// The text of a channel in what the application got.
    fn read(self, got: &str, channel: usize) -> String {
        let events: Vec<Value> = match self {
            Plain => return got.to_owned(),
            GeminiArray => serde_json::from_str(got).expect("an array"),
            Message | Lines => got.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect(),
            _ => {
                let data = got.split(['\n', '\r']).filter_map(|line| line.strip_prefix("data: "));
                data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
            }
        };
        let of = |event: &Value| {
            let text = match self {
                MessageEvents if event["index"] == channel => &event["delta"]["text"],
                ToolEvents if event["index"] == channel => &event["delta"]["partial_json"],
                ChatEvents if event["choices"][0]["index"] == channel => {
                    &event["choices"][0]["delta"]["content"]
                }
                ResponsesEvents if event["output_index"] == channel => &event["delta"],
                GeminiEvents | GeminiArray if event["candidates"][0]["index"] == channel => {
                    &event["candidates"][0]["content"]["parts"][0]["text"]
                }
                Message => &event["content"][0]["text"],
                Lines => &event["text"],
                _ => &Value::Null,
            };
            text.as_str().unwrap_or_default().to_owned()
        };
        events.iter().map(of).collect()
    }
}

/// The answer: a text for each of two channels, in pieces that take turns as the dice have it.
fn answer(framing: Framing, texts: &[String; 2], dice: &mut Dice<'_>) -> String {
    match framing {
        Plain => return texts[0].clone(),
        Message => {
            return json!({"type": "message", "content": [{"type": "text", "text": texts[0]}]}).to_string();
        }
        Lines => return format!("{}\n", json!({"text": texts[0]})),
        _ => {}
    }
    let mut channels = texts.each_ref().map(|text| cut(dice, text).into_iter());
    let mut events = Vec::new();
    loop {
        let first = dice.below(2);
        let next = channels[first].next().map(|piece| (piece, first));
        let other = 1 - first;
        let Some((piece, channel)) = next.or_else(|| channels[other].next().map(|piece| (piece, other)))
        else {
            break;
        };
        events.push(framing.event(&piece, channel));
    }
    events.extend(framing.ends());
    if framing == GeminiArray {
        return Value::from(events).to_string();
    }
    let end = dice.pick(&["\n", "\r\n", "\r"]);
    events.iter().map(|event| format!("data: {event}{end}{end}")).collect()
}

/// What the application gets, however the answer is cut.
fn receive(mut exchange: Exchange, framing: Framing, answer: &[u8], dice: &mut Dice<'_>) -> Vec<u8> {
    let head = headers(&[(":status", "200"), ("content-type", framing.content_type())]);
    exchange.handle(vm(), Duration::ZERO, Input::ResponseHead { headers: Headers(&head), end: false });
    let (mut got, mut held, mut rest) = (Vec::new(), Vec::new(), answer);
    loop {
        let length = usize::from(dice.byte()) % 64 + usize::from(!dice.goes_on()) * rest.len();
        let (piece, more) = rest.split_at(length.min(rest.len()));
        rest = more;
        held.extend_from_slice(piece);
        let end = rest.is_empty();
        let actions = exchange.handle(vm(), Duration::ZERO, Input::ResponseChunk { bytes: &held, end });
        let shown = actions.body.unwrap_or(held);
        held = match actions.next {
            Next::Hold => shown,
            Next::Continue => {
                got.extend(shown);
                Vec::new()
            }
            other => panic!("unexpected: {other:?}"),
        };
        if end {
            assert!(held.is_empty(), "the end is held");
            return got;
        }
    }
}

/// True if something in it is masked with a token that is not restored, so that no round trip can be had.
fn has_credentials(masked: &str) -> bool {
    let recogniser = vm().detector.recogniser();
    let mut at = 0;
    while let Some(found) = recogniser.find(masked.as_bytes(), at) {
        if !vm().detector.kind(vm().detector.kind_of_prefix(found.prefix)).restores {
            return true;
        }
        at = found.range.end;
    }
    false
}

/// One request and its answer, which says the masked text again.
pub fn run(dice: &mut Dice<'_>) {
    let framing = dice.pick(&FRAMINGS);
    let original = text(dice);
    let (request, place) = framing.request(&original);
    let Some((exchange, masked)) = send(framing.path(), request.to_string().as_bytes()) else { return };
    let masked: Value = serde_json::from_slice(&masked).expect("what goes out is JSON");
    let masked = masked.pointer(place).and_then(Value::as_str).expect("the same members").to_owned();
    if has_credentials(&masked) {
        return;
    }
    let texts = [masked.clone(), masked];
    let answer = answer(framing, &texts, dice);
    let got = receive(exchange, framing, answer.as_bytes(), dice);
    let got = String::from_utf8(got).expect("text");
    let channels = if matches!(framing, Message | Lines | Plain) { 1 } else { 2 };
    for channel in 0..channels {
        assert_eq!(framing.read(&got, channel), original, "channel {channel} of {answer}");
    }
}
