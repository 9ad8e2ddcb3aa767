//! What the bridge costs and how fast it is: a real bridge, a real Redis, many calls.
//!
//! ```text
//!   load ──HTTP/1.1──▶ bridge ──Unix socket──▶ Redis     calls/s, latency, CPU time of both
//!   redis-benchmark ───────────Unix socket──▶ Redis     the same script with the same arguments: the limit
//! ```
//!
//! The two are measured in turns, so that whatever else the machine does meets both, and judged by CPU time: that of a
//! busy machine can be compared, its speed cannot.
//!
//! `bench-bridge` measures calls; `bench-bridge 10` those with 10 values, `bench-bridge 10 8` those over 8 connections.
//! `bench-bridge memory` counts the bytes of a million mappings.

mod calls;
mod limit;
mod memory;
mod rig;
mod speed;

use std::{
    env,
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

/// Anything that makes the figures worthless.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    // One thread: a machine with two cores has to run the bridge and Redis as well.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let run = async {
        match arguments.first() {
            Some(what) if what == "memory" => memory::measure().await,
            _ => speed::measure(&arguments).await,
        }
    };
    match runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; there is nobody else to tell.
            let _ = writeln!(io::stderr(), "bench-bridge: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Of an even number of values, the upper of the two in the middle.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
