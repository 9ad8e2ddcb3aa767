//! The program itself: its flags, its sockets, its end, and what it writes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests, helpers included"
)]

mod drain;
mod secrets;
mod sockets;
mod start;
mod world;
