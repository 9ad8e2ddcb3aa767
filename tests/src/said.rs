//! What tests say and expect.

use serde_json::Value;

use crate::{
    client::{Answer, Call, Connection, Protocol, within},
    provider::{Echo, Options, Provider},
    sse,
    world::World,
};

/// An instance, as AWS names it.
pub const INSTANCE: &str = "i-1234567890abcdef0";

/// Every original that tests send. Whoever sends another one adds it here: what must not leak is looked for by this list.
pub const ORIGINALS: [&str; 9] = [
    INSTANCE,
    "i-0abc1234def567890",
    "vpc-0a1b2c3d",
    "subnet-0f1e2d3c4b5a69788",
    "sg-0123456789abcdef0",
    "123456789012",
    "10.0.12.34",
    "52.95.110.1",
    "AKIAIOSFODNN7EXAMPLE",
];

/// Korean prose in which identifiers of every kind touch letters, brackets and each other's ARNs.
pub const TEXT: &str = "인스턴스i-0abc1234def567890를 vpc-0a1b2c3d에서 subnet-0f1e2d3c4b5a69788로 (sg-0123456789abcdef0) \
     옮겨 주세요: arn:aws:ec2:us-east-1:123456789012:instance/i-0abc1234def567890, 10.0.12.34 → 52.95.110.1. 끝 🙂";

/// What the provider sees of [`TEXT`].
pub const MASKED: &str = "인스턴스AWS_EC2_001를 AWS_VPC_001에서 AWS_SUBNET_001로 (AWS_SECURITY_GROUP_001) 옮겨 주세요: \
     arn:aws:ec2:us-east-1:AWS_ACCOUNT_001:instance/AWS_EC2_001, AWS_PRIVATE_IP_001 → AWS_PUBLIC_IP_001. 끝 🙂";

/// The two APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Messages.
    Anthropic,
    /// Chat Completions.
    OpenAi,
}

impl Api {
    /// Each once.
    pub const BOTH: [Self; 2] = [Self::Anthropic, Self::OpenAi];

    /// A call of this API in this world.
    pub fn call(self, world: &World, body: impl Into<bytes::Bytes>) -> Call {
        match self {
            Self::Anthropic => world.anthropic(body),
            Self::OpenAi => world.openai(body),
        }
    }

    /// A request that says `text`, laid out as the SDKs do not: what is not masked must stay as it is.
    pub fn request(self, text: &str, stream: bool, tools: bool) -> String {
        let text = Value::from(text);
        let tools = match (tools, self) {
            (false, _) => String::new(),
            (true, Self::Anthropic) => {
                r#", "tools":[{"name":"run","description":"Runs it","input_schema":{"type":"object"}}]"#
                    .to_owned()
            }
            (true, Self::OpenAi) => {
                r#", "tools":[{"type":"function","function":{"name":"run","parameters":{"type":"object"}}}]"#
                    .to_owned()
            }
        };
        format!(
            "{{\"model\" : \"m-1\",\"stream\":{stream},\n \"messages\": [{{\"role\":\"user\",\"content\":{text}}}]{tools}, \"max_tokens\":1.0e3}}\r\n"
        )
    }
}

/// What the application would get without Cloakroom, echoed in this way: the measure of every restored answer.
///
/// # Panics
/// When the provider does not answer.
pub async fn without_cloakroom(call: &Call, echo: &Echo) -> Answer {
    let provider = Provider::start(&Options { plain: true, echo: echo.clone(), ..Options::default() })
        .expect("the provider starts");
    let mut connection = Connection::open(provider.address(), Protocol::Http1).await.expect("it accepts");
    within("a direct answer", connection.call(call)).await.expect("it answers")
}

/// Asserts that none of [`ORIGINALS`] stands in `bytes`.
///
/// # Panics
/// When one does.
#[track_caller]
pub fn assert_no_original(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for original in ORIGINALS {
        assert!(!text.contains(original), "{what} shows {original}: {text}");
    }
}

/// The same text in every channel, each identifier whole in one delta, no token left, and all other events as they were.
///
/// # Panics
/// When it is not so.
#[track_caller]
pub fn assert_says_the_same(what: &str, got: &str, direct: &str) {
    let (events, direct_events) = (sse::events(got.as_bytes()), sse::events(direct.as_bytes()));
    let (channels, direct_channels) = (sse::channels(&events), sse::channels(&direct_events));
    assert_eq!(
        channels.keys().collect::<Vec<_>>(),
        direct_channels.keys().collect::<Vec<_>>(),
        "{what}: the channels"
    );
    for (name, deltas) in &channels {
        let text = deltas.concat();
        assert_eq!(text, direct_channels[name].concat(), "{what}: channel {name}");
        assert!(!text.contains("AWS_"), "{what}: a token is left in {name}: {text}");
        for original in ORIGINALS.iter().filter(|original| text.contains(**original)) {
            let whole = deltas.iter().map(|delta| delta.matches(original).count()).sum::<usize>();
            assert_eq!(whole, text.matches(original).count(), "{what}: {original} is in pieces: {deltas:?}");
        }
    }
    let silent = |events: &[sse::Event]| -> Vec<sse::Event> {
        events.iter().filter(|event| sse::channels(std::slice::from_ref(event)).is_empty()).cloned().collect()
    };
    assert_eq!(silent(&events), silent(&direct_events), "{what}: events without text");
}
