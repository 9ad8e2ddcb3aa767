//! An application's surroundings: a real Envoy with the filter, and the provider behind it.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    bridge::Bridge,
    client::{Answer, Call, Connection, Protocol, within},
    envoy::{Artifact, Envoy, Sidecar},
    provider::{End, KEY_HEADER, Options, Provider, Recorded},
};

/// Anthropic's host name.
pub const ANTHROPIC: &str = "api.anthropic.com";

/// OpenAI's host name.
pub const OPENAI: &str = "api.openai.com";

/// The host name of Gemini's API.
pub const GEMINI: &str = "generativelanguage.googleapis.com";

/// How a world differs from the shipped one.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration, before these values are changed.
    pub sidecar: Sidecar,
    /// The module to load.
    pub filter: PathBuf,
    /// Values at the top of the sidecar's configuration.
    pub values: Vec<(&'static str, String)>,
    /// Values of the filter's own configuration.
    pub filter_values: Vec<(&'static str, Value)>,
    /// Hosts that are providers as well; each is the scripted one.
    pub more_providers: Vec<&'static str>,
    /// Envoy's workers.
    pub concurrency: u32,
    /// The provider.
    pub provider: Options,
    /// What Envoy shows the bridge.
    pub bridge_token: String,
}

impl Settings {
    /// The filter and the configuration as shipped, one worker; but tokens are numbered within each request, so that a
    /// test needs no bridge and knows the numbers.
    pub fn shipped() -> Self {
        Self {
            sidecar: Sidecar::shipped(),
            filter: Artifact::Filter.path(),
            values: Vec::new(),
            filter_values: Vec::from([("mapping", json!({"store": "request"}))]),
            more_providers: Vec::new(),
            concurrency: 1,
            provider: Options::default(),
            bridge_token: String::from("unused"),
        }
    }

    /// With this bridge, and the mapping as shipped.
    #[must_use]
    pub fn bridge(mut self, bridge: &Bridge) -> Self {
        self.filter_values.retain(|(name, _)| *name != "mapping");
        bridge.token().clone_into(&mut self.bridge_token);
        self.set("bridge_endpoint", socket_address(bridge.address()))
    }

    /// Leads every base URL on 127.0.0.1, whatever its port, to this host, which need not be among those that are shipped.
    #[must_use]
    pub fn only(mut self, host: &'static str) -> Self {
        if ![ANTHROPIC, OPENAI].contains(&host) {
            self.more_providers.push(host);
        }
        self.set_in_filter("hosts", json!([host])).set_in_filter("base_urls", json!({"127.0.0.1": host}))
    }

    /// Changes a value at the top of the sidecar's configuration.
    #[must_use]
    pub fn set(mut self, name: &'static str, value: impl ToString) -> Self {
        self.values.push((name, value.to_string()));
        self
    }

    /// Changes a value of the filter's own configuration.
    #[must_use]
    pub fn set_in_filter(mut self, name: &'static str, value: Value) -> Self {
        self.filter_values.push((name, value));
        self
    }

    /// Limits bodies to this size, in the two places where an operator has to.
    #[must_use]
    pub fn max_body_bytes(self, bytes: u32) -> Self {
        self.set_in_filter("max_body_bytes", bytes.into())
    }
}

/// Envoy and the provider.
#[derive(Debug)]
pub struct World {
    /// The provider, for scripts and records.
    pub provider: Provider,
    /// Envoy, for addresses and logs.
    pub envoy: Envoy,
    keys: AtomicUsize,
}

/// What both ends saw of one call.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What the provider received.
    pub received: Recorded,
    /// What the application got.
    pub answer: Answer,
}

impl World {
    /// One world for all tests that need nothing special. Tests run in it in parallel; they tell their requests apart by
    /// [`key`](Self::key).
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<World> = LazyLock::new(|| World::start(&Settings::shipped()));
        &SHARED
    }

    /// A world of one's own.
    ///
    /// # Panics
    /// When something is missing or does not start; it says what.
    pub fn start(settings: &Settings) -> Self {
        let provider = Provider::start(&settings.provider).expect("the provider starts");
        let dir = tempfile::Builder::new().prefix("cloakroom-").tempdir().expect("a temporary folder");
        let ca = dir.path().join("ca.pem");
        fs::write(&ca, provider.ca_pem().unwrap_or_default()).expect("the CA can be written");
        let token = dir.path().join("bridge-token");
        fs::write(&token, &settings.bridge_token).expect("the token can be written");
        let mut sidecar = settings
            .sidecar
            .clone()
            .set("bridge_token_file", token.display())
            .set("listen_port", 0)
            .set("anthropic_port", 0)
            .set("openai_port", 0)
            .set("wasm_file", settings.filter.display())
            .set("ca_file", ca.display())
            .set("anthropic_address", provider.address().ip())
            .set("anthropic_tls_port", provider.address().port())
            .set("openai_address", provider.address().ip())
            .set("openai_tls_port", provider.address().port());
        for (name, value) in &settings.values {
            sidecar = sidecar.set(name, value);
        }
        for (name, value) in &settings.filter_values {
            sidecar = sidecar.set_in_filter(name, value.clone());
        }
        for host in &settings.more_providers {
            sidecar = sidecar.with_provider(host);
        }
        let envoy = Envoy::start(sidecar, settings.concurrency, dir);
        Self { provider, envoy, keys: AtomicUsize::new(0) }
    }

    /// A key that no other request of this world has.
    pub fn key(&self) -> String {
        format!("call-{}", self.keys.fetch_add(1, Ordering::Relaxed))
    }

    /// A call to Anthropic's Messages API with a key of its own.
    pub fn anthropic(&self, body: impl Into<Bytes>) -> Call {
        Call::post(ANTHROPIC, "/v1/messages", body)
            .header("x-api-key", "sk-scripted")
            .header("anthropic-version", "2023-06-01")
            .header(KEY_HEADER, self.key())
    }

    /// A call to OpenAI's Chat Completions API with a key of its own.
    pub fn openai(&self, body: impl Into<Bytes>) -> Call {
        Call::post(OPENAI, "/v1/chat/completions", body)
            .header("authorization", "Bearer sk-scripted")
            .header(KEY_HEADER, self.key())
    }

    /// A new connection to Envoy.
    ///
    /// # Panics
    /// When Envoy does not take it.
    pub async fn connect(&self, protocol: Protocol) -> Connection {
        within("a connection", Connection::open(self.envoy.address(), protocol)).await.expect("Envoy accepts")
    }

    /// Makes a call over a connection of its own and reads the whole answer.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn answer_over(&self, protocol: Protocol, call: &Call) -> Answer {
        let mut connection = self.connect(protocol).await;
        within("an answer", connection.call(call)).await.expect("Envoy answers")
    }

    /// [`answer_over`](Self::answer_over) HTTP/1.1.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn answer(&self, call: &Call) -> Answer {
        self.answer_over(Protocol::Http1, call).await
    }

    /// Makes a call that must reach the provider, once and whole, and returns what both ends saw.
    ///
    /// # Panics
    /// When it does not reach the provider.
    pub async fn see_over(&self, protocol: Protocol, call: &Call) -> Seen {
        let answer = self.answer_over(protocol, call).await;
        let mut received = self.provider.records().of(key_of(call));
        assert_eq!(received.len(), 1, "the provider received this call {} times: {answer:?}", received.len());
        let received = received.remove(0);
        assert_eq!(received.end, End::Complete, "the provider received the whole body");
        Seen { received, answer }
    }

    /// [`see_over`](Self::see_over) HTTP/1.1.
    ///
    /// # Panics
    /// When the call does not reach the provider.
    pub async fn see(&self, call: &Call) -> Seen {
        self.see_over(Protocol::Http1, call).await
    }
}

/// As Envoy's configuration has it.
pub fn socket_address(address: SocketAddr) -> String {
    format!("{{socket_address: {{address: {}, port_value: {}}}}}", address.ip(), address.port())
}

/// The key of a call that was made with one.
///
/// # Panics
/// When it has none.
pub fn key_of(call: &Call) -> &str {
    call.headers.get(KEY_HEADER).and_then(|key| key.to_str().ok()).expect("the call has a key")
}
