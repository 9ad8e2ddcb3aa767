//! The behaviour of Cloakroom without any I/O: identifiers in a request become tokens, tokens in its
//! response become the identifiers again.
//!
//! ```text
//!                 ┌───────────────────── Exchange ─────────────────────┐
//! request  ──▶ head: host policy, header list ─▶ body: find, number, splice ──▶ provider
//! client   ◀── restored text ◀─ matcher ◀─ framing (JSON, events, text) ◀──── response
//!                 └──────────── inputs in, actions out ────────────────┘
//! ```
//!
//! A host (Envoy's wasm VM, the command line, a test) feeds an [`Exchange`] with [`Input`]s and carries out
//! the [`Actions`] it returns. The core owns no socket, clock or thread. `DESIGN.md` beside this crate tells
//! the states, the token grammar, the bounds and why.

#![no_std]

extern crate alloc;

pub mod boundary;
pub mod bridge;
pub mod cache;
pub mod catalogue;
pub mod config;
pub mod context;
pub mod detect;
pub mod exchange;
pub mod host;
pub mod json;
pub mod mask;
pub mod provider;
pub mod scope;
pub mod secret;
mod sorted;
pub mod token;
pub mod unmask;
pub mod usage;
pub mod vm;

pub use config::{Config, ConfigError};
pub use exchange::{Actions, Exchange, Headers, Input, Next};
pub use vm::Vm;
