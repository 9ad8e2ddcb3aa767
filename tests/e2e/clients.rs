//! Real clients: what the providers' own SDKs parse through Cloakroom equals what they parse without it.
//!
//! Each SDK runs all scenarios of its driver in `tests/clients` three times: straight at the scripted provider, through
//! Envoy with tokens numbered within each request, and through Envoy with the bridge. What was printed must be the same to
//! the byte. What the provider received must be the same as well, but for the identifiers: in the place of each stands a
//! token, and the same one wherever it stands again.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex},
};

use e2e::{
    bridge::{self, Bridge},
    provider::{Echo, End, Options, Provider, Recorded, Reply},
    sdk::Sdk,
    world::{Settings, World},
};
use serde_json::{Value, json};

use crate::support::{INSTANCE, ORIGINALS, TEXT};

/// How many users talk at the same time.
const AT_ONCE: usize = 50;
/// Characters in a delta: tokens and identifiers are cut everywhere.
const PIECES: [usize; 3] = [1, 3, 8];
/// What only a tool knows.
const TOOLS_OWN: &str = "vol-0fedcba9876543210";

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

fn check(sdk: Sdk) {
    let job = job();
    let provider = Provider::start(&Options { plain: true, ..Options::default() }).unwrap();
    cut_into_pieces(sdk, &provider);
    let direct = sdk.run(&format!("http://{}", provider.address()), &job);
    let sent = by_key(sdk, &provider);
    for tokens in [Tokens::OfTheRequest, Tokens::OfTheBridge] {
        let world = tokens.world(sdk.host());
        cut_into_pieces(sdk, &world.provider);
        let through = sdk.run(&format!("http://{}", world.envoy.address()), &job);
        let names = |scenarios: &[e2e::sdk::Scenario]| -> Vec<String> {
            scenarios.iter().map(|scenario| scenario.name.clone()).collect()
        };
        assert_eq!(names(&through), names(&direct));
        for (through, direct) in through.iter().zip(&direct) {
            assert_same(&format!("{sdk:?} {} {tokens:?}", direct.name), &through.line, &direct.line);
        }
        assert_masked(sdk, tokens, &by_key(sdk, &world.provider), &sent);
    }
}

/// Where the mapping lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tokens {
    OfTheRequest,
    OfTheBridge,
}

impl Tokens {
    /// The world of a provider: two SDKs may share it.
    fn world(self, host: &'static str) -> &'static World {
        static BRIDGE: LazyLock<Bridge> = LazyLock::new(|| Bridge::start(&bridge::Settings::over("memory:")));
        static WORLDS: Mutex<BTreeMap<(bool, &str), &'static World>> = Mutex::new(BTreeMap::new());
        let with_bridge = self == Self::OfTheBridge;
        // A panic under the lock is a world that did not start, and fails every test.
        WORLDS.lock().unwrap().entry((with_bridge, host)).or_insert_with(|| {
            let settings = Settings::shipped().only(host);
            let settings = if with_bridge { settings.bridge(&BRIDGE) } else { settings };
            Box::leak(Box::new(World::start(&settings)))
        })
    }
}

/// What the drivers are told; see `common.py`.
fn job() -> Value {
    let at_once: Vec<_> = (0..AT_ONCE).map(|number| of_user(number).join(" in ")).collect();
    json!({
        "system": "You look after vpc-0a1b2c3d and 10.0.12.34.",
        // What JSON escapes, once in text and twice in arguments.
        "text": format!("{TEXT}\n> \"{INSTANCE}\"\n{INSTANCE}\tC:\\{INSTANCE}\\ `10.0.12.34`"),
        "result": format!("{TOOLS_OWN} is in vpc-0a1b2c3d,"),
        "pieces": PIECES,
        "at_once": at_once,
    })
}

/// The identifiers of one of the users who talk at the same time.
fn of_user(number: usize) -> [String; 3] {
    [format!("i-0abc{number:013x}"), format!("vpc-0abc{number:04x}"), format!("10.7.1.{}", 100 + number)]
}

fn identifiers() -> Vec<String> {
    let own = ORIGINALS.iter().map(|original| (*original).to_owned()).chain([TOOLS_OWN.to_owned()]);
    own.chain((0..AT_ONCE).flat_map(of_user)).collect()
}

/// Tells the provider how to cut the streams that are asked for in pieces.
fn cut_into_pieces(sdk: Sdk, provider: &Provider) {
    for delta_chars in PIECES {
        for kind in ["stream", "raw", "chat-stream", "chat-raw", "responses-stream"] {
            // Helpers of SDKs rely on calls that come one after the other, as the real APIs make them.
            let echo = Echo { delta_chars, interleave: kind.ends_with("raw"), ..Echo::default() };
            provider.reply(&format!("{}/{kind}-{delta_chars}", sdk.name()), Reply::Echo(echo));
        }
    }
}

/// What the provider received of this SDK, by scenario.
fn by_key(sdk: Sdk, provider: &Provider) -> BTreeMap<String, Vec<Recorded>> {
    let mut received = BTreeMap::<_, Vec<_>>::new();
    for request in provider.records().all() {
        let key = request.header(e2e::provider::KEY_HEADER).expect("every request has a key");
        if key.starts_with(sdk.name()) {
            assert_eq!(request.end, End::Complete, "{key}");
            received.entry(key).or_default().push(request);
        }
    }
    received
}

#[track_caller]
fn assert_masked(
    sdk: Sdk,
    tokens: Tokens,
    received: &BTreeMap<String, Vec<Recorded>>,
    sent: &BTreeMap<String, Vec<Recorded>>,
) {
    assert_eq!(received.keys().collect::<Vec<_>>(), sent.keys().collect::<Vec<_>>());
    let identifiers = identifiers();
    let mut of_all = Mapping::default();
    for (key, sent) in sent {
        let received = &received[key];
        assert_eq!(received.len(), sent.len(), "{key}: as many requests as without Cloakroom");
        // What a conversation has said before is said with the same tokens again.
        let mut of_conversation = Mapping::default();
        for (received, sent) in received.iter().zip(sent) {
            let what = format!("{sdk:?} {key} {tokens:?}");
            assert_eq!(
                (&received.path, received.host().as_deref()),
                (&sent.path, Some(sdk.host())),
                "{what}"
            );
            let (received, sent) = (received.text(), sent.text());
            let (received, sent) = if key == "python_gemini/chat-stream" {
                (without_cuts(&received), without_cuts(&sent))
            } else {
                (received, sent)
            };
            for identifier in &identifiers {
                assert!(
                    !received.contains(identifier),
                    "{what}: {identifier} reached the provider: {received}"
                );
            }
            let mapping = if tokens == Tokens::OfTheBridge { &mut of_all } else { &mut of_conversation };
            mapping.learn(&what, &received, &sent, &identifiers);
        }
    }
}

/// A request to Gemini whose history was streamed: its SDK remembers a content for each chunk, and a restored value stands
/// whole in one of them. Without where the text was cut.
fn without_cuts(body: &str) -> String {
    let mut body: Value = serde_json::from_str(body).unwrap();
    let mut joined: Vec<Value> = Vec::new();
    for content in body["contents"].as_array().unwrap() {
        for part in content["parts"].as_array().unwrap() {
            match joined.last_mut() {
                Some(last)
                    if last["role"] == content["role"]
                        && last["text"].is_string()
                        && part["text"].is_string() =>
                {
                    last["text"] =
                        json!([last["text"].as_str(), part["text"].as_str()].map(Option::unwrap).concat());
                }
                _ => {
                    let mut part = part.clone();
                    part["role"] = content["role"].clone();
                    joined.push(part);
                }
            }
        }
    }
    body["contents"] = joined.into();
    body.to_string()
}

/// Which token stands for which identifier.
#[derive(Default)]
struct Mapping {
    identifiers: BTreeMap<String, String>,
    tokens: BTreeMap<String, String>,
}

impl Mapping {
    /// Walks through both bodies at once: they differ only where a token stands for an identifier.
    #[track_caller]
    fn learn(&mut self, what: &str, mut masked: &str, mut plain: &str, identifiers: &[String]) {
        let mut found = 0;
        while let Some(at) = masked.find("AWS_") {
            assert_same(what, &masked[..at], &plain[..at.min(plain.len())]);
            (masked, plain) = (&masked[at..], &plain[at..]);
            let length = masked.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
            let token = &masked[..length.unwrap_or(masked.len())];
            let longest =
                identifiers.iter().filter(|id| plain.starts_with(id.as_str())).max_by_key(|id| id.len());
            let identifier = longest.unwrap_or_else(|| {
                panic!("{what}: {token} stands for none of the identifiers: {}", begin(plain))
            });
            let known = self.identifiers.insert(token.to_owned(), identifier.clone());
            assert!(known.is_none_or(|known| known == *identifier), "{what}: {token} has two meanings");
            let known = self.tokens.insert(identifier.clone(), token.to_owned());
            assert!(known.is_none_or(|known| known == token), "{what}: {identifier} has two tokens");
            (masked, plain) = (&masked[token.len()..], &plain[identifier.len()..]);
            found += 1;
        }
        assert_same(what, masked, plain);
        assert!(found > 0, "{what}: the provider received a token");
    }
}

/// Shows where they begin to differ, for they are long.
#[track_caller]
fn assert_same(what: &str, got: &str, expected: &str) {
    if got == expected {
        return;
    }
    let same: usize =
        got.chars().zip(expected.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let before = got[..same].char_indices().rev().nth(80).map_or(0, |(at, _)| at);
    panic!(
        "{what}: behind …{}…\n  got      {}\n  expected {}",
        &got[before..same],
        begin(&got[same..]),
        begin(&expected[same..])
    );
}

fn begin(text: &str) -> &str {
    text.char_indices().nth(200).map_or(text, |(at, _)| &text[..at])
}
