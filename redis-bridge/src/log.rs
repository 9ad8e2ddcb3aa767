//! The log: JSON lines on stderr.
//!
//! Only the bridge's own lines follow the chosen level. Libraries may log what they carry, and what they carry are values
//! and credentials: of them nothing below a warning is ever written, whatever the level.

use std::panic;

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, registry};

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Level {
    /// What the bridge cannot do.
    Error,
    /// What somebody should look at.
    Warn,
    /// One line a call.
    #[default]
    Info,
    /// Probes, too.
    Debug,
    /// Connections, too.
    Trace,
}

/// Starts the log of this process. Only the first time has an effect.
pub fn init(level: Level) {
    let level = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let targets = Targets::new().with_default(level.min(LevelFilter::WARN)).with_target(OURS, level);
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_filter(targets);
    let _ = tracing::subscriber::set_global_default(registry().with(lines));
    // A panic's own words may quote what the code was working on.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic: this is a bug");
    }));
}

const OURS: &str = "redis_bridge";
