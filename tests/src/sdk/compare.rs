//! What an SDK parses through Cloakroom, and what the provider receives of it, beside what it is without Cloakroom.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Scenario, Sdk,
    mapping::{Mapping, assert_same, without_cuts},
};
use crate::{
    provider::{Echo, End, KEY_HEADER, Provider, Recorded, Reply},
    said::{INSTANCE, ORIGINALS, TEXT},
};

/// What only a tool knows.
const TOOLS_OWN: &str = "vol-0fedcba9876543210";

/// Where the mapping lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// Numbered within each request.
    OfTheRequest,
    /// The bridge has them.
    OfTheBridge,
}

/// What the drivers are told to do.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// How many users talk at the same time.
    pub at_once: usize,
    /// Characters in a delta, each for a streamed answer of its own.
    pub pieces: &'static [usize],
}

impl Job {
    /// Tells the provider how to cut the streams that are asked for in pieces.
    pub fn cut_into_pieces(&self, sdk: Sdk, provider: &Provider) {
        for &delta_chars in self.pieces {
            for kind in ["stream", "raw", "chat-stream", "chat-raw", "responses-stream"] {
                // Helpers of SDKs rely on calls that come one after the other, as the real APIs make them.
                let echo = Echo { delta_chars, interleave: kind.ends_with("raw"), ..Echo::default() };
                provider.reply(&format!("{}/{kind}-{delta_chars}", sdk.name()), Reply::Echo(echo));
            }
        }
    }

    /// Asserts that the provider received what it does without Cloakroom, but for the identifiers: in the place of each
    /// stands a token, and the same one wherever it stands again.
    ///
    /// # Panics
    /// When it is not so.
    #[track_caller]
    pub fn assert_masked(
        &self,
        sdk: Sdk,
        tokens: Tokens,
        received: &BTreeMap<String, Vec<Recorded>>,
        sent: &BTreeMap<String, Vec<Recorded>>,
    ) {
        assert_eq!(received.keys().collect::<Vec<_>>(), sent.keys().collect::<Vec<_>>());
        let identifiers = self.identifiers();
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

    /// Asserts that a text differs from another only where a token stands for an identifier, and that it does.
    ///
    /// # Panics
    /// When it is not so.
    #[track_caller]
    pub fn assert_masked_text(&self, what: &str, received: &str, sent: &str) {
        Mapping::default().learn(what, received, sent, &self.identifiers());
    }

    /// What the drivers are told; see `common.py`.
    pub(super) fn job(&self) -> Value {
        let at_once: Vec<_> = (0..self.at_once).map(|number| of_user(number).join(" in ")).collect();
        json!({
            "system": "You look after vpc-0a1b2c3d and 10.0.12.34.",
            // What JSON escapes, once in text and twice in arguments.
            "text": format!("{TEXT}\n> \"{INSTANCE}\"\n{INSTANCE}\tC:\\{INSTANCE}\\ `10.0.12.34`"),
            "result": format!("{TOOLS_OWN} is in vpc-0a1b2c3d,"),
            "pieces": self.pieces,
            "at_once": at_once,
        })
    }

    fn identifiers(&self) -> Vec<String> {
        let own = ORIGINALS.iter().map(|original| (*original).to_owned()).chain([TOOLS_OWN.to_owned()]);
        own.chain((0..self.at_once).flat_map(of_user)).collect()
    }
}

/// Asserts that the SDK parsed the same.
///
/// # Panics
/// When it did not.
#[track_caller]
pub fn assert_parsed_the_same(what: &str, through: &[Scenario], direct: &[Scenario]) {
    let names = |scenarios: &[Scenario]| -> Vec<String> {
        scenarios.iter().map(|scenario| scenario.name.clone()).collect()
    };
    assert_eq!(names(through), names(direct), "{what}");
    for (through, direct) in through.iter().zip(direct) {
        assert_same(&format!("{what} {}", direct.name), &through.line, &direct.line);
    }
}

/// What the provider received of this SDK, by scenario.
///
/// # Panics
/// When a request did not come whole.
pub fn by_key(sdk: Sdk, provider: &Provider) -> BTreeMap<String, Vec<Recorded>> {
    let mut received = BTreeMap::<_, Vec<_>>::new();
    for request in provider.records().all() {
        let key = request.header(KEY_HEADER).unwrap_or_default();
        if key.starts_with(sdk.name()) {
            assert_eq!(request.end, End::Complete, "{key}");
            received.entry(key).or_default().push(request);
        }
    }
    received
}

/// The identifiers of one of the users who talk at the same time.
fn of_user(number: usize) -> [String; 3] {
    [format!("i-0abc{number:013x}"), format!("vpc-0abc{number:04x}"), format!("10.7.1.{}", 100 + number)]
}
