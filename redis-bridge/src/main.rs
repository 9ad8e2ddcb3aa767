//! The Redis bridge, as a program. What it does is in the library.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    redis_bridge::run::run(redis_bridge::cli::Cli::parse())
}
