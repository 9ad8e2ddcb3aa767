//! What lives longer than an exchange: one object a VM, or a process.

use crate::config::Config;
use crate::detect::Detector;

/// The compiled configuration that all exchanges of one VM share.
#[derive(Debug)]
pub struct Vm {
    /// The configuration.
    pub config: Config,
    /// The compiled catalogue.
    pub detector: Detector,
}

impl Vm {
    /// Compiles everything that a request needs; nothing is compiled later. `None` if the catalogue's
    /// automaton cannot be built.
    pub fn new(config: Config) -> Option<Self> {
        Some(Self { config, detector: Detector::new()? })
    }
}
