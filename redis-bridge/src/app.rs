//! What all calls share.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    body::{Budget, MAX_BODIES_LEN},
    callers::Callers,
    mappings::Mappings,
    metrics::Metrics,
    openapi,
    trouble::Trouble,
};

/// How far a bridge is on its way to its end.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Phase {
    /// It takes calls.
    #[default]
    Serving,
    /// It takes calls, but asks for no more: `/readyz` says 503, and HTTP/1.1 connections end with their next answer.
    Draining,
    /// It takes no new connections; those that are there end with the calls in flight.
    Closing,
}

/// A bridge without its sockets.
#[derive(Debug)]
pub struct App {
    pub(crate) mappings: Mappings,
    pub(crate) callers: Callers,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) budget: Budget,
    pub(crate) metrics: Metrics,
    pub(crate) trouble: Trouble,
    pub(crate) openapi: String,
}

impl App {
    /// Serves these mappings to these callers.
    pub fn new(mappings: Mappings, callers: Callers, phase: watch::Receiver<Phase>) -> Arc<Self> {
        let metrics = Metrics::new();
        let budget = Budget::new(MAX_BODIES_LEN, metrics.body_bytes.clone());
        let (trouble, openapi) = (Trouble::default(), openapi::text());
        Arc::new(Self { mappings, callers, phase, budget, metrics, trouble, openapi })
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }
}
