//! The built binary, told what to do as a user would, over tables of inputs and golden outputs.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests, helpers included"
)]

mod config;
mod envoy;
mod jsonl;
mod mask;
mod pki;
mod render;
mod support;
mod unmask;
