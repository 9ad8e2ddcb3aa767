//! End-to-end tests of Cloakroom: everything is real but the model.
//!
//! ```text
//!   Client ──http──▶ Envoy + cloakroom.wasm ──https──▶ Provider
//!   (the application)     (the shipped sidecar.yaml)    (scripted; records what it got)
//! ```
//!
//! A test asserts both ends: what the provider received ([`provider::Recorded`]) and what the application got
//! ([`client::Answer`]). [`world::World`] puts the three together.
//!
//! * [`provider`] is also the binary `llm-provider`, which the demo and the benches run.
//! * [`envoy`] starts a real Envoy with the shipped configuration and changes only the values at its top, as an
//!   operator would.
//! * [`redis`] starts a real Redis server, and ends, pauses and restarts it.
//! * [`bridge`] starts a real Redis bridge, and a false one that answers as it is told.
//! * [`encoding`] compresses as clients and providers do.
//! * [`hop`] stands between the bridge and Redis, and delays, cuts and lies.
//! * [`netns`] makes network namespaces with links between them, and watches what arrives there.
//! * [`said`] is what tests say and expect, [`sdk`] runs the providers' own SDKs and compares what they parsed.
//! * [`process`] is what keeps any of these from outliving a test.
//! * Nothing here has a fixed port or a sleep: ports are free ones, and a test waits for the thing
//!   itself (a [`provider::Gate`], a record, readiness), always until a deadline.
//!
//! The harness panics when something fails, because it is test code; the provider does not, because it is also a
//! program.

#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "it fails tests")]
pub mod bridge;
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "it fails tests")]
pub mod client;
#[allow(clippy::expect_used, reason = "it fails tests")]
pub mod encoding;
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "it fails tests")]
pub mod envoy;
#[allow(clippy::expect_used, reason = "it fails tests")]
pub mod hop;
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "it fails tests")]
pub mod netns;
#[allow(clippy::expect_used, clippy::panic, reason = "it fails tests")]
pub mod process;
pub mod provider;
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "it fails tests")]
pub mod redis;
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "it fails tests")]
pub mod said;
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "it fails tests")]
pub mod sdk;
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "it fails tests")]
pub mod sse;
pub mod wire;
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "it fails tests")]
pub mod world;
