//! The store in Redis, on a real server: what the contract does not say, because only Redis fails in these ways.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests, helpers included"
)]

mod access;
mod losses;
mod numbers;
mod outages;
mod support;
