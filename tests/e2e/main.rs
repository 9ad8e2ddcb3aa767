//! The promises of the README, each on a real Envoy: what the provider received, and what the application got.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests, helpers included"
)]

mod bridge_outages;
mod clients;
mod compose;
mod encodings;
mod failures;
mod headers;
mod http;
mod istio;
mod leaks;
mod mapping;
mod masking;
mod oracle;
mod outages;
mod provider;
mod provider_shapes;
mod refusals;
mod render;
mod rollout;
mod scope_restore;
mod scope_waits;
mod secrecy;
mod settings;
mod size;
mod streaming;
mod support;
mod trailers;
mod usage;
