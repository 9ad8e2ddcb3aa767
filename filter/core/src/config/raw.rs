//! The configuration as it is written. The JSON Schema is generated from these types and their comments.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

pub(super) const MAX_BODY_BYTES_LIMIT: usize = 256 * 1024 * 1024;
pub(super) const DEFAULT_TIMEOUT_MS: u64 = 500;
pub(super) const DEFAULT_CACHE_ENTRIES: u64 = 100_000;
pub(super) const CACHE_ENTRIES_LIMIT: u64 = 1_000_000;
pub(super) const DEFAULT_CACHE_BYTES: u64 = 16 * 1024 * 1024;
pub(super) const CACHE_BYTES_LIMIT: u64 = 256 * 1024 * 1024;
pub(super) const DEFAULT_CACHE_TTL: u64 = 3600;
pub(super) const CACHE_TTL_LIMIT: u64 = 86_400;

/// Configuration of the Cloakroom filter.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(title = "Cloakroom filter"))]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    /// Hosts that may be called: a name, or `*.` and a suffix. Everything else is refused with 403.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub(super) hosts: Vec<String>,
    /// Local names that applications use as base URL, and the host that each stands for. A name without a
    /// port covers every port.
    #[serde(default)]
    pub(super) base_urls: BTreeMap<String, String>,
    /// Largest request body in bytes, before masking and after; larger ones are refused with 413.
    /// Default 33554432 (32 MiB).
    #[cfg_attr(feature = "schema", schemars(with = "Option<u64>", range(min = 1, max = MAX_BODY_BYTES_LIMIT), extend("default" = super::DEFAULT_MAX_BODY_BYTES)))]
    pub(super) max_body_bytes: Option<Integer>,
    /// Where mappings live.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("default" = {})))]
    pub(super) mapping: Mapping,
    /// Whose tokens a request gets; with `mapping.store: bridge` only. Default `{"static": "default"}`.
    #[cfg_attr(feature = "schema", schemars(extend("default" = {"static": super::DEFAULT_SCOPE})))]
    pub(super) scope: Option<Scope>,
    /// Which tokens are restored in answers.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "exchange")))]
    pub(super) restore: Restore,
    /// Whether tokens are restored inside URLs.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "known")))]
    pub(super) restore_in_urls: RestoreInUrls,
    /// Hosts of the operator's own, behind which `restore_in_urls: known` restores: names, or `*.` and a suffix.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("default" = [])))]
    pub(super) url_hosts: Vec<String>,
    /// What becomes of multipart bodies, whose parts cannot be masked.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "refuse")))]
    pub(super) multipart: Multipart,
    /// What becomes of thinking that the provider signed.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "pass")))]
    pub(super) signed_thinking: SignedThinking,
    /// Request headers that go on to the provider: names, or beginnings of names and `*`.
    #[cfg_attr(feature = "schema", schemars(extend("default" = super::DEFAULT_FORWARD_HEADERS)))]
    pub(super) forward_headers: Option<Vec<String>>,
    /// What becomes of identifiers that are found.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "mask")))]
    pub(super) mode: Mode,
    /// What is masked.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("default" = {})))]
    pub(super) detect: Detect,
    /// Counts the tokens of the model that answers took, by host, model and scope, and puts them into the access log. For
    /// that the filter reads answers in which nothing has to be restored, too; it does not change them.
    #[serde(default = "yes")]
    pub(super) usage: bool,
}

/// What is masked.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Detect {
    /// Turns groups (`accounts`, `addresses`, `credentials`, `hosts`, `ids`, `names`, `pii`, `secrets`) and single kinds
    /// (`AWS_PUBLIC_IP`) on or off; what is said of a kind goes before what is said of its group. `pii` and `secrets` are
    /// off by default, all others on.
    pub(super) kinds: BTreeMap<String, bool>,
    /// How much of an ARN is masked.
    #[cfg_attr(feature = "schema", schemars(extend("default" = "structured")))]
    pub(super) arns: Arns,
    /// Values that are never masked, whatever their kind; letter case is ignored. Beside them, what names nobody: service
    /// endpoints, regions, loopback, `0.0.0.0/0`.
    pub(super) never_mask: Vec<String>,
    /// Kinds of your own, at most 64.
    #[cfg_attr(feature = "schema", schemars(length(max = super::detection::MAX_OWN_KINDS)))]
    pub(super) own_kinds: Vec<OwnKind>,
}

/// A kind of your own: an expression, or words.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct OwnKind {
    /// What its tokens begin with: `ORG_` and a name, such as `ORG_PROJECT`.
    pub(super) token: String,
    /// A regular expression in the syntax of Rust's `regex`; what it matches is masked. Not one that matches the empty
    /// text or everything.
    pub(super) regex: Option<String>,
    /// Words of 2 to 256 bytes, whole ones only; at most 200000 in all lists together.
    pub(super) words: Option<Vec<String>>,
    /// True if upper and lower case are the same; in words, those of ASCII letters.
    #[serde(default)]
    pub(super) ignore_case: bool,
    /// False if its tokens stay in the answer; the store then does not keep the value.
    #[serde(default = "yes")]
    pub(super) restore: bool,
}

fn yes() -> bool {
    true
}

/// How much of an ARN is masked.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Arns {
    /// The account and the names; partition, service, region and type stay readable.
    #[default]
    Structured,
    /// All of it is one token.
    Whole,
}

/// What becomes of identifiers that are found.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// They are masked.
    #[default]
    Mask,
    /// They are counted and reported; bodies go out as they are. To try the filter, not to protect anything.
    Observe,
}

impl From<Mode> for super::Mode {
    fn from(raw: Mode) -> Self {
        match raw {
            Mode::Mask => Self::Mask,
            Mode::Observe => Self::Observe,
        }
    }
}

impl From<Arns> for super::detection::Arns {
    fn from(raw: Arns) -> Self {
        match raw {
            Arns::Structured => Self::Structured,
            Arns::Whole => Self::Whole,
        }
    }
}

/// Where mappings live.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Mapping {
    /// `request`: numbered within each request. `bridge`: the same value keeps its token, in the Redis bridge.
    #[cfg_attr(feature = "schema", schemars(extend("default" = "request")))]
    pub(super) store: Store,
    /// How to reach the bridge; with `store: bridge` only.
    pub(super) bridge: Option<Bridge>,
    /// What each worker keeps of the bridge's answers; with `store: bridge` only.
    pub(super) cache: Option<Cache>,
}

/// What each worker keeps of the bridge's answers. What is kept works while the bridge does not.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Cache {
    /// Most tokens, 0 to 1000000; 0 turns the cache off. Default 100000.
    #[cfg_attr(feature = "schema", schemars(with = "Option<u64>", range(max = CACHE_ENTRIES_LIMIT), extend("default" = DEFAULT_CACHE_ENTRIES)))]
    pub(super) max_entries: Option<Integer>,
    /// Most bytes, about, 0 to 268435456. Default 16777216 (16 MiB).
    #[cfg_attr(feature = "schema", schemars(with = "Option<u64>", range(max = CACHE_BYTES_LIMIT), extend("default" = DEFAULT_CACHE_BYTES)))]
    pub(super) max_bytes: Option<Integer>,
    /// How long a token is kept, in seconds, 0 to 86400; never longer than half of the bridge's own TTL. Default 3600.
    #[cfg_attr(feature = "schema", schemars(with = "Option<u64>", range(max = CACHE_TTL_LIMIT), extend("default" = DEFAULT_CACHE_TTL)))]
    pub(super) ttl_seconds: Option<Integer>,
}

/// Whose tokens a request gets; two scopes never share the meaning of a token.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// The caller's credential for the provider says it. A new credential is a new scope.
    Credential,
    /// This request header says it, once and in 1 to 128 bytes. Only where a trusted hop sets it; it is removed before
    /// the provider, and a request without it is refused.
    Header(String),
    /// All requests have this one: letters, digits, `.`, `_` and `-`.
    Static(String),
}

/// Whether tokens are restored inside URLs, which programs that show an answer may fetch.
#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum RestoreInUrls {
    /// Behind hosts of `hosts` and `url_hosts`, behind AWS's own pages, and where this very request had the same value
    /// in a URL of the same host.
    #[default]
    Known,
    /// In all URLs.
    Always,
    /// In none.
    Never,
}

/// Which tokens are restored in answers.
#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Restore {
    /// Those that this very request carried.
    #[default]
    Exchange,
    /// Also those of its scope, where the request names state that the provider keeps: an earlier response, a batch, a
    /// file, a thread. With `mapping.store: bridge` only; the filter's caller at the bridge needs the right `restore`.
    Scope,
}

#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Store {
    Bridge,
    #[default]
    Request,
}

/// How to reach the bridge.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Bridge {
    /// The Envoy cluster of the bridge.
    pub(super) cluster: String,
    /// How long a call may take, in milliseconds, 1 to 60000. Default 500.
    #[cfg_attr(feature = "schema", schemars(with = "Option<u64>", range(min = 1, max = 60_000), extend("default" = DEFAULT_TIMEOUT_MS)))]
    pub(super) timeout_ms: Option<Integer>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Multipart {
    /// They go out as they are, with whatever is in them.
    Pass,
    /// They are refused with 415.
    #[default]
    Refuse,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum SignedThinking {
    /// It goes out as it is; the provider takes it back only unchanged.
    #[default]
    Pass,
    /// The request is refused with 422.
    Refuse,
}

impl From<Multipart> for super::Multipart {
    fn from(raw: Multipart) -> Self {
        match raw {
            Multipart::Pass => Self::Pass,
            Multipart::Refuse => Self::Refuse,
        }
    }
}

impl From<SignedThinking> for super::SignedThinking {
    fn from(raw: SignedThinking) -> Self {
        match raw {
            SignedThinking::Pass => Self::Pass,
            SignedThinking::Refuse => Self::Refuse,
        }
    }
}

/// A whole number. Envoy writes the numbers of a `Struct` as doubles, so `1.0` is one too.
#[derive(Clone, Copy)]
pub(super) struct Integer(pub(super) u64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
        let number = f64::deserialize(deserializer)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked on this line")]
        let whole = (0.0..=MAX_EXACT).contains(&number).then_some(number as u64);
        #[expect(clippy::cast_precision_loss, reason = "exact up to MAX_EXACT")]
        whole
            .filter(|whole| *whole as f64 == number)
            .map(Self)
            .ok_or_else(|| D::Error::custom("expected a whole number that is not negative"))
    }
}

/// The JSON Schema of the configuration.
#[cfg(feature = "schema")]
pub fn schema() -> String {
    let schema = schemars::schema_for!(Raw);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
