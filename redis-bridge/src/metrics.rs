//! What Prometheus reads. No label holds anything that a caller chose.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::store::ErrorKind;

/// The content type of what [`Metrics::text`] returns.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All counters and gauges of a bridge.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    calls: Family<Call, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    /// Values that tokens were issued for.
    pub(crate) issued: Counter,
    /// Tokens that values were asked for.
    pub(crate) restored: Counter,
    store_up: Gauge,
    store_errors: Family<StoreErrors, Counter>,
    /// Open connections.
    pub(crate) connections: Gauge,
    /// Bytes of bodies that are held.
    pub(crate) body_bytes: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("redis_bridge"),
            calls: Family::default(),
            // A quarter of a millisecond to eight seconds.
            seconds: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.000_25, 2.0, 16))),
            issued: Counter::default(),
            restored: Counter::default(),
            store_up: Gauge::default(),
            store_errors: Family::default(),
            connections: Gauge::default(),
            body_bytes: Gauge::default(),
        };
        metrics.store_up.set(1);
        // Families that exist from the first scrape can be alerted on.
        for kind in [ErrorKind::Full, ErrorKind::Unavailable, ErrorKind::Unsound] {
            drop(metrics.store_errors.get_or_create(&StoreErrors { kind: name(kind) }));
        }
        let registry = &mut metrics.registry;
        registry.register(
            "calls",
            "Calls by route and status; 499 is a caller that went away",
            metrics.calls.clone(),
        );
        registry.register_with_unit(
            "call_duration",
            "Time a call takes",
            Unit::Seconds,
            metrics.seconds.clone(),
        );
        registry.register("values_issued", "Values that tokens were answered for", metrics.issued.clone());
        registry.register("tokens_looked_up", "Tokens whose values were asked for", metrics.restored.clone());
        registry.register("store_up", "1: the last call to the store succeeded", metrics.store_up.clone());
        registry.register("store_errors", "Calls to the store that failed", metrics.store_errors.clone());
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register_with_unit(
            "bodies",
            "Bodies that are held",
            Unit::Bytes,
            metrics.body_bytes.clone(),
        );
        metrics
    }

    pub(crate) fn call(&self, route: &'static str, status: u16, duration: Duration) {
        self.calls.get_or_create(&Call { route, status }).inc();
        self.seconds.get_or_create(&Route { route }).observe(duration.as_secs_f64());
    }

    pub(crate) fn store_error(&self, kind: ErrorKind) {
        self.store_errors.get_or_create(&StoreErrors { kind: name(kind) }).inc();
    }

    pub(crate) fn store_up(&self, up: bool) {
        self.store_up.set(i64::from(up));
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Call {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Route {
    route: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct StoreErrors {
    kind: &'static str,
}

fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Full => "full",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Unsound => "unsound",
    }
}
