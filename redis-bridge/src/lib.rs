//! The Redis bridge: keeps which token stands for which value, and serves it over HTTP.
//!
//! ```text
//! HTTP ─▶ routes ─▶ mappings ─▶ vault   values become sealed bytes and look-up keys, scopes become tags
//!                      │
//!                      └──────▶ store   a trait with a contract; redis and embedded
//! ```
//!
//! The store never sees a value, a scope's name or a key: only what the vault made of them.

pub mod app;
pub mod body;
pub mod call;
pub mod callers;
pub mod cli;
pub mod config;
mod duration;
mod error;
mod json;
pub mod keys;
pub mod listen;
pub mod log;
pub mod mappings;
mod metrics;
pub mod openapi;
pub mod routes;
pub mod run;
pub mod serve;
pub mod store;
pub mod stores;
mod trouble;
pub mod vault;
