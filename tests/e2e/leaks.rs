//! The worst cases: traps, memory, logs. Nothing leaks: no identifier, and no byte.

use e2e::{
    client::{Connection, Protocol, within},
    envoy::Artifact,
    provider::{Echo, End, Options, Reply, Script, Step},
    world::{Settings, World, key_of},
};

use crate::support::{
    Api, INSTANCE, MASKED, TEXT, answer_with, assert_no_original, assert_recovers, assert_works,
    without_cloakroom, without_key,
};

/// A build that traps where it is told to: the provider gets a masked body or none, the application no token's original
/// of somebody else, and the next request works, because Envoy loads the module again.
#[tokio::test]
async fn a_trap_lets_nothing_through() {
    let filter = Artifact::TrappingFilter.path();
    let world = World::start(&Settings { filter, ..Settings::shipped() });
    assert_works(&world).await;
    for place in ["request-head", "request-body", "response-head", "response-body"] {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            for stream in [false, true] {
                let call = world
                    .anthropic(Api::Anthropic.request(TEXT, stream, true))
                    .header("x-cloakroom-trap", place);
                let mut connection = world.connect(protocol).await;
                let answer = within("an answer, or none", connection.call(&call)).await;
                let what = format!("{place} {protocol:?} {stream}: {answer:?}");
                if let Ok(answer) = &answer {
                    assert!(answer.status >= 500 || answer.end == End::Cut, "{what}");
                    assert_no_original(&what, &answer.body);
                }
                for received in world.provider.records().of(key_of(&call)) {
                    assert!(place.starts_with("response"), "{what}: {received:?}");
                    assert_eq!(received.text(), Api::Anthropic.request(MASKED, stream, true), "{what}");
                }
                assert_recovers(&world).await;
            }
        }
    }
    assert!(world.envoy.logs().own.contains("panic") || world.envoy.logs().own.contains("unreachable"));
}

/// What 10,000 more requests leave behind in memory.
const MAX_GROWTH: u64 = 2 * 1024 * 1024;

/// Requests that are under way at a time.
const IN_FLIGHT: usize = 8;

#[tokio::test]
async fn memory_is_flat() {
    let provider = Options { keep_records: false, ..Options::default() };
    let world = World::start(&Settings { provider, ..Settings::shipped() });
    for _ in 0..2 {
        many_requests(&world, 5_000).await;
    }
    let before = world.envoy.resident_bytes();
    many_requests(&world, 10_000).await;
    let after = world.envoy.resident_bytes();
    assert!(
        after.saturating_sub(before) <= MAX_GROWTH,
        "{before} bytes after 10,000 requests, {after} after 20,000"
    );
}

/// Sends requests over [`IN_FLIGHT`] connections that stay open; streamed and not, with broken-off ones between.
async fn many_requests(world: &World, requests: usize) {
    let workers = (0..IN_FLIGHT).map(|worker| {
        let address = world.envoy.address();
        let body = Api::BOTH[worker % 2].request(TEXT, worker % 4 < 2, false);
        let call = without_key(Api::BOTH[worker % 2].call(world, body));
        tokio::spawn(async move {
            let mut connection = Connection::open(address, Protocol::Http1).await.unwrap();
            for number in 0..requests / IN_FLIGHT {
                if number % 50 == 49 {
                    drop(connection.begin(&call).await.unwrap());
                    connection = Connection::open(address, Protocol::Http1).await.unwrap();
                    continue;
                }
                connection.ready().await.unwrap();
                let answer = connection.call(&call).await.unwrap();
                assert_eq!((answer.status, answer.end), (200, End::Complete));
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
}

/// Neither Envoy's own log nor the access log shows an identifier, whatever went wrong.
#[tokio::test]
async fn no_log_shows_an_identifier() {
    let world = World::start(&Settings::shipped());
    assert_works(&world).await;
    let call = world.anthropic(Api::Anthropic.request(TEXT, true, true));
    let direct = without_cloakroom(&call, &Echo { delta_chars: 0, ..Echo::default() }).await;
    answer_with(&world, &call, Reply::Echo(Echo { delta_chars: 0, ..Echo::default() }));
    assert_eq!(world.answer(&call).await.text(), direct.text());
    let mut statuses = Vec::new();
    for (path, body) in [
        ("/v1/messages", format!("{{\"broken\":\"{TEXT}")),
        ("/v1/messages/i-1234567890abcdef0?vpc=vpc-0a1b2c3d", "{}".to_owned()),
        ("/v1/messages", r#"{"model":"i-1234567890abcdef0"}"#.to_owned()),
    ] {
        let mut call =
            world.anthropic(body).header("referer", "https://10.0.12.34/").header("x-request-id", INSTANCE);
        call.path = path.to_owned();
        statuses.push(world.answer(&call).await.status);
    }
    let mut call = world.anthropic(Api::Anthropic.request(TEXT, false, false));
    call.host = format!("{INSTANCE}.example");
    statuses.push(world.answer(&call).await.status);
    let call = world.openai(Api::OpenAi.request(TEXT, true, false));
    answer_with(
        &world,
        &call,
        Reply::Script(Script::new("text/event-stream").send("data: AWS_EC2_001").step(Step::Reset)),
    );
    statuses.push(world.answer(&call).await.status);
    assert_eq!(statuses, [400, 422, 422, 403, 200]);

    let config = world.envoy.admin("/config_dump").unwrap();
    let stats = world.envoy.admin("/stats").unwrap();
    let logs = world.envoy.stop();
    assert!(logs.access.lines().count() >= 7, "the access log is written: {}", logs.access);
    assert_no_original("Envoy's log", logs.own.as_bytes());
    assert_no_original("the access log", logs.access.as_bytes());
    assert_no_original("the configuration", config.as_bytes());
    assert_no_original("the statistics", stats.as_bytes());
}
