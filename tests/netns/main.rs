//! The transparent sidecar and the egress gateway in network namespaces: an application that knows nothing of them, and
//! what leaves its machine.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests, helpers included"
)]

mod attacks;
mod clients;
mod dial;
mod gateway;
mod iptables;
mod leaks;
mod load;
mod outages;
mod rotation;
mod sidecar;
mod streams;
mod world;
