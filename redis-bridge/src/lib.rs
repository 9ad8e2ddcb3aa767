//! The Redis bridge: keeps which token stands for which value, and serves it over HTTP.
//!
//! ```text
//! HTTP ─▶ routes ─▶ mappings ─▶ vault   values become sealed bytes and look-up keys, scopes become tags
//!                      │
//!                      └──────▶ store   a trait with a contract; redis and embedded
//! ```
//!
//! The store never sees a value, a scope's name or a key: only what the vault made of them.

pub mod keys;
pub mod mappings;
pub mod store;
pub mod vault;
