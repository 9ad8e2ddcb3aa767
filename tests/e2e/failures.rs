//! Peers that go away and answers that cannot be read: nothing leaks, and the next request works.

use e2e::{
    client::{Protocol, within},
    provider::{Alpn, End, Gate, Options, Reply, Script, Step},
    sse,
    world::{Settings, World, key_of},
};

use crate::support::{Api, INSTANCE, TEXT, answer_with, assert_no_original, assert_works};

const BODY: &str = r#"{"stream":true,"messages":[{"content":"i-1234567890abcdef0"}]}"#;
const MASKED_BODY: &str = r#"{"stream":true,"messages":[{"content":"AWS_EC2_001"}]}"#;

/// Frames that cut events and tokens; after each of them somebody goes away.
const FRAMES: [&str; 5] = [
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"see AWS_EC\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"2_001 and AWS_EC2_001\"}}]}\n\ndata: {\"cho",
    "ices\":[{\"index\":0,\"delta\":{\"content\":\" ",
    "AWS_EC2_0",
    "01 \"}}]}\n\ndata: [DONE]\n\n",
];

/// Asserts that the whole events in `bytes` are the beginning of what the application is to read.
#[track_caller]
fn assert_restored(bytes: &[u8]) {
    let whole = bytes.windows(2).rposition(|end| end == b"\n\n").map_or(0, |at| at + 2);
    let prose: String = sse::texts(&bytes[..whole]).into_values().collect();
    let all = "see i-1234567890abcdef0 and i-1234567890abcdef0 i-1234567890abcdef0 ";
    assert!(all.starts_with(&prose), "{}", String::from_utf8_lossy(bytes));
}

/// The application goes away while it sends: the provider has not heard of the request.
#[tokio::test]
async fn an_application_that_leaves_while_sending_leaves_no_trace() {
    let world = World::start(&Settings::shipped());
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for sent in [0, 1, BODY.len() / 2, BODY.len()] {
            let call = world.openai("");
            let mut connection = world.connect(protocol).await;
            let (mut body, answering) = connection.begin_by_hand(&call);
            let answering = tokio::spawn(answering);
            if sent > 0 {
                body.send_data(BODY[..sent].into()).await.unwrap();
            }
            // A second round trip on the same world: by then Envoy has what was sent before.
            assert_works(&world).await;
            drop(connection);
            body.abort(std::io::ErrorKind::Interrupted.into());
            assert!(within("the end", answering).await.unwrap().is_err());
            assert_works(&world).await;
            assert!(world.provider.records().of(key_of(&call)).is_empty(), "{protocol:?} after {sent} bytes");
        }
    }
}

/// The application goes away while it reads: the provider is told, and nobody else is disturbed.
#[tokio::test]
async fn an_application_that_leaves_while_reading_ends_the_providers_stream() {
    let world = World::shared();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for frames in 0..=FRAMES.len() {
            let call = world.openai(BODY);
            let never = Gate::new();
            let script =
                FRAMES.iter().take(frames).fold(Script::new("text/event-stream"), |s, frame| s.send(*frame));
            answer_with(world, &call, Reply::Script(script.wait(&never)));
            let mut connection = world.connect(protocol).await;
            let mut live = within("the head", connection.begin(&call)).await.unwrap();
            if frames > 0 {
                let read = within("an event", live.read_until(|read| read.ends_with(b"\n\n"))).await;
                assert_restored(&read);
            }
            drop(live);
            drop(connection);
            let cut = world
                .provider
                .records()
                .wait(key_of(&call), |found| found.iter().any(|r| r.answer == End::Cut));
            let received = within("the provider to be told", cut).await;
            assert_eq!(received.len(), 1);
            assert_eq!(received[0].text(), MASKED_BODY);
        }
    }
    assert_works(world).await;
}

/// What was restored before the application left is counted, although the answer's end never comes.
#[tokio::test]
async fn what_an_application_left_is_counted() {
    let world = World::start(&Settings::shipped());
    let restored = || world.envoy.stat("cloakroom_restored");
    assert_works(&world).await;
    let each = restored();
    let call = world.openai(BODY);
    let script = Script::new("text/event-stream").send(FRAMES[0]).send(FRAMES[1]).wait(&Gate::new());
    answer_with(&world, &call, Reply::Script(script));
    let mut connection = world.connect(Protocol::Http1).await;
    let mut live = within("the head", connection.begin(&call)).await.unwrap();
    let has_one = |read: &[u8]| read.windows(INSTANCE.len()).any(|window| window == INSTANCE.as_bytes());
    within("an identifier", live.read_until(has_one)).await;
    drop(live);
    drop(connection);
    let records = world.provider.records();
    let cut = records.wait(key_of(&call), |found| found.iter().any(|r| r.answer == End::Cut));
    within("the provider to be told", cut).await;
    assert_works(&world).await;
    assert_eq!(restored(), each + 1 + each);
}

/// The provider breaks off, over HTTP/1.1 and HTTP/2, by a reset and by closing its connection, at every point.
#[tokio::test]
async fn a_provider_that_breaks_off_gives_what_it_gave() {
    for alpn in [Alpn::Http1, Alpn::Http2] {
        let settings = Settings { provider: Options { alpn, ..Options::default() }, ..Settings::shipped() };
        let world = World::start(&settings);
        for last in [Step::Reset, Step::Disconnect] {
            for frames in 0..=FRAMES.len() {
                provider_breaks_off(&world, frames, &last).await;
            }
            let call = world.openai(BODY);
            let script = Script::new("text/event-stream").before_head(last.clone());
            answer_with(&world, &call, Reply::Script(script));
            let answer = world.answer(&call).await;
            assert!([502, 503].contains(&answer.status), "{alpn:?} {last:?}: {}", answer.status);
            assert_no_original("Envoy's own answer", &answer.body);
            assert_works(&world).await;
        }
        for received in world.provider.records().all() {
            assert_no_original("the provider", &received.body);
        }
    }
}

async fn provider_breaks_off(world: &World, frames: usize, last: &Step) {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let call = world.openai(BODY);
        let gate = Gate::new();
        let script =
            FRAMES.iter().take(frames).fold(Script::new("text/event-stream"), |s, frame| s.send(*frame));
        answer_with(world, &call, Reply::Script(script.wait(&gate).step(last.clone())));
        let mut connection = world.connect(protocol).await;
        let mut live = within("the head", connection.begin(&call)).await.unwrap();
        let mut read = Vec::new();
        if frames > 0 {
            read = within("an event", live.read_until(|read| read.ends_with(b"\n\n"))).await;
        }
        gate.open();
        let rest = within("the end", live.rest()).await;
        read.extend_from_slice(&rest.body);
        assert_eq!(
            rest.end,
            End::Cut,
            "{protocol:?} {last:?} after {frames} frames: {}",
            String::from_utf8_lossy(&read)
        );
        assert_restored(&read);
    }
    assert_works(world).await;
}

/// The provider answers, and even breaks off, before it has read the body: it gets that body masked or not at all.
#[tokio::test]
async fn an_early_answer_is_an_answer() {
    let world = World::shared();
    for reset in [false, true] {
        let call = world.openai(Api::OpenAi.request(TEXT, false, false));
        let script = Script::whole("application/json", r#"{"content":"AWS_EC2_001"}"#).early();
        let script = if reset { script.step(Step::Reset) } else { script };
        answer_with(world, &call, Reply::Script(script));
        let answer = world.answer(&call).await;
        assert_eq!(answer.status, 200);
        assert!(r#"{"content":"i-0abc1234def567890"}"#.starts_with(&answer.text()), "{}", answer.text());
        let whole =
            world.provider.records().wait(key_of(&call), |found| found.iter().all(|r| r.end != End::Open));
        for received in within("the body", whole).await {
            assert_no_original("the provider", &received.body);
        }
    }
    assert_works(world).await;
}

/// Broken JSON is restored as the text it is.
#[tokio::test]
async fn an_answer_that_is_not_json_is_restored_as_text() {
    let world = World::shared();
    for (sent, expected) in [
        (r#"{"content":"AWS_EC2_001""#, r#"{"content":"i-1234567890abcdef0""#),
        (r#"{"content":"AWS_EC2_001"#, r#"{"content":"i-1234567890abcdef0"#),
        ("<html>AWS_EC2_001</html>", "<html>i-1234567890abcdef0</html>"),
        ("{\"content\":AWS_EC2_001}", "{\"content\":i-1234567890abcdef0}"),
        ("", ""),
    ] {
        for size in [0, 1] {
            let call = world.anthropic(r#"{"messages":[{"content":"i-1234567890abcdef0"}]}"#);
            let script = Script::new("application/json").send_in_pieces(sent, size);
            answer_with(world, &call, Reply::Script(script));
            let seen = world.see(&call).await;
            assert_eq!(
                (seen.answer.status, seen.answer.text().as_str()),
                (200, expected),
                "pieces of {size}"
            );
        }
    }
}

/// Errors of the provider are restored like other answers.
#[tokio::test]
async fn the_providers_errors_are_restored() {
    let world = World::shared();
    let call = world.anthropic(BODY);
    let error = r#"{"type":"error","error":{"type":"invalid_request_error","message":"AWS_EC2_001 is odd"}}"#;
    let script = Script::whole("application/json", error).status(http::StatusCode::BAD_REQUEST);
    answer_with(world, &call, Reply::Script(script));
    let seen = world.see(&call).await;
    assert_eq!((seen.answer.status, seen.answer.text()), (400, error.replace("AWS_EC2_001", INSTANCE)));
}
