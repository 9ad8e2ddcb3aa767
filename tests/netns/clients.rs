//! Unmodified clients with their own base URLs: masked at the provider, restored at the client, streams stream.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use e2e::{
    client::{Call, Protocol, within},
    provider::{Echo, End, Gate, KEY_HEADER, Options, Provider, Reply, Script},
    said::{Api, INSTANCE, TEXT, assert_no_original, assert_says_the_same, without_cloakroom},
    sdk::{Job, Sdk, Tokens, assert_parsed_the_same, by_key},
    world::{ANTHROPIC, OPENAI},
};

use crate::world::World;

/// The drivers' other scenarios are the same: what is tested here is the way.
const JOB: Job = Job { at_once: 8, pieces: &[3] };

#[test]
fn node_anthropic() {
    check(Sdk::NodeAnthropic);
}

#[test]
fn node_openai() {
    check(Sdk::NodeOpenAi);
}

#[test]
fn python_anthropic() {
    check(Sdk::PythonAnthropic);
}

#[test]
fn python_gemini() {
    check(Sdk::PythonGemini);
}

#[test]
fn python_openai() {
    check(Sdk::PythonOpenAi);
}

/// What an SDK parses is what it parses without Cloakroom, to the byte; what the provider received is the same but for
/// the identifiers.
fn check(sdk: Sdk) {
    let Some(world) = World::shared() else { return };
    let provider = Provider::start(&Options { plain: true, ..Options::default() }).unwrap();
    JOB.cut_into_pieces(sdk, &provider);
    let direct = sdk.run(&format!("http://{}", provider.address()), &JOB);
    JOB.cut_into_pieces(sdk, &world.provider);
    let through = sdk.run_unchanged(|program| world.application(program), &JOB);
    assert_parsed_the_same(&format!("{sdk:?}"), &through, &direct);
    JOB.assert_masked(sdk, Tokens::OfTheBridge, &by_key(sdk, &world.provider), &by_key(sdk, &provider));
}

/// By each protocol, encrypted and not, whole and streamed.
#[tokio::test]
async fn curl() {
    let Some(world) = World::shared() else { return };
    for (scheme, protocol) in [("https", "--http2"), ("https", "--http1.1"), ("http", "--http1.1")] {
        for stream in [false, true] {
            let what = format!("{scheme} {protocol} stream: {stream}");
            let body = Api::Anthropic.request(TEXT, stream, false);
            let call = world.anthropic(body.clone());
            let url = format!("{scheme}://{}{}", call.host, call.path);
            let headers: Vec<_> = call
                .headers
                .iter()
                .flat_map(|(name, value)| ["-H".to_owned(), format!("{name}: {}", value.to_str().unwrap())])
                .collect();
            let mut arguments = vec![protocol, &url, "--fail-with-body", "--data-binary", &body];
            arguments.extend(headers.iter().map(String::as_str));
            arguments.extend(["--write-out", "\n%{http_version}"]);
            let output = world.curl(&arguments);
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{what}: {said} {}", String::from_utf8_lossy(&output.stderr));
            let (got, version) = said.rsplit_once('\n').unwrap();
            assert_eq!(version, if protocol == "--http2" { "2" } else { "1.1" }, "{what}");
            let direct = without_cloakroom(&call, &Echo::default()).await.text();
            if stream {
                assert_says_the_same(&what, got, &direct);
            } else {
                assert_eq!(got, direct, "{what}");
            }
            assert_masked(world, &what, &call, &body);
        }
    }
}

/// The provider received this call once, over TLS, and in the place of each identifier stood a token.
fn assert_masked(world: &World, what: &str, call: &Call, body: &str) {
    let received = world.provider.records().of(e2e::world::key_of(call));
    let [received] = received.as_slice() else { panic!("{what}: received {} times", received.len()) };
    assert_eq!(
        (received.end, received.host().as_deref()),
        (End::Complete, Some(call.host.as_str())),
        "{what}"
    );
    assert_no_original(what, format!("{received:?}").as_bytes());
    JOB.assert_masked_text(what, &received.text(), body);
}

/// Each event reaches curl before the provider sends the next one.
#[tokio::test]
async fn events_reach_curl_one_by_one() {
    let Some(world) = World::shared() else { return };
    let token = token_of_instance(world).await;
    for protocol in ["--http2", "--http1.1"] {
        let key = format!("curl-events-{protocol}");
        let gate = Gate::new();
        let event = |number: u32| delta(&format!("{number}: {token} is up. "));
        let script = (0..3)
            .fold(Script::new("text/event-stream"), |script, number| script.send(event(number)).wait(&gate));
        world.provider.reply(&key, Reply::Script(script));
        let body = Api::Anthropic.request(INSTANCE, true, false);
        let mut command = world.application("curl");
        command.args(["--silent", "--no-buffer", "--max-time", "60", protocol, "--data-binary", &body]);
        command.args(["-H", "content-type: application/json", "-H", &format!("{KEY_HEADER}: {key}")]);
        command.arg(format!("https://{ANTHROPIC}/v1/messages"));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        for number in 0..3 {
            // curl ends after its own time if this event does not come.
            let (mut got, restored) = (String::new(), delta(&format!("{number}: {INSTANCE} is up. ")));
            while !got.ends_with("\n\n") && stdout.read_line(&mut got).unwrap() > 0 {}
            assert_eq!(got, restored, "{protocol}");
            gate.open();
        }
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!((rest.as_str(), child.wait().unwrap().code()), ("", Some(0)), "{protocol}");
    }
}

/// Both protocols and both IPs, without a program in between.
#[tokio::test]
async fn connections_of_both_ips() {
    let Some(world) = World::shared() else { return };
    for host in [ANTHROPIC, OPENAI] {
        for address in crate::world::addresses(host) {
            for protocol in [Protocol::Http1, Protocol::Http2] {
                let what = format!("{address} {protocol:?}");
                let api = if host == ANTHROPIC { Api::Anthropic } else { Api::OpenAi };
                let body = api.request(TEXT, false, true);
                let call = if host == ANTHROPIC {
                    world.anthropic(body.clone())
                } else {
                    world.openai(body.clone())
                };
                let stream = crate::dial::tcp(&world.app, (address, 443).into()).unwrap();
                let mut connection = world.trust().open(stream, host, protocol).await.unwrap();
                let answer = within("an answer", connection.call(&call)).await.unwrap();
                let direct = without_cloakroom(&call, &Echo::default()).await;
                assert_eq!((answer.status, answer.text()), (200, direct.text()), "{what}");
                assert_masked(world, &what, &call, &body);
            }
        }
    }
}

/// The bridge keeps tokens, so a call tells which one this is.
pub(crate) async fn token_of_instance(world: &World) -> String {
    let call = world.anthropic(Api::Anthropic.request(INSTANCE, false, false));
    let answer = world.call(Protocol::Http1, &call).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let received = world.provider.records().of(e2e::world::key_of(&call)).remove(0).text();
    let start = received.find("AWS_EC2_").expect("it is masked");
    received[start..].split('"').next().unwrap().to_owned()
}

pub(crate) fn delta(text: &str) -> String {
    format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
    )
}
