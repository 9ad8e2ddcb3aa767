//! The Redis bridge, as a program. What it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    redis_bridge::cli::read().map_or_else(|code| code, redis_bridge::run::run)
}
