//! What lives longer than an exchange: one object a VM, or a process.

use crate::cache::{CacheLimits, TokenCache};
use crate::config::{Config, Store};
use crate::detect::Detector;
use crate::unmask::Lookups;
use alloc::string::String;
use alloc::sync::Arc;
use core::cell::RefCell;

/// The compiled configuration that all exchanges of one VM share, and the tokens they have got.
#[derive(Debug)]
pub struct Vm {
    /// The configuration.
    pub config: Config,
    /// The compiled catalogue.
    pub detector: Detector,
    /// Only [`with_cache`](Self::with_cache) borrows it.
    cache: RefCell<TokenCache>,
    /// What tokens begin with that may be looked up; none without `restore: scope`.
    lookups: Option<Arc<[String]>>,
}

impl Vm {
    /// Compiles everything that a request needs; nothing is compiled later. `None` if the catalogue's
    /// automaton cannot be built.
    pub fn new(config: Config) -> Option<Self> {
        let cache = RefCell::new(TokenCache::new(match &config.store {
            Store::Request => CacheLimits::OFF,
            Store::Bridge(bridge) => bridge.cache,
        }));
        let detector = Detector::new(&config.detection)?;
        let looks_up = matches!(&config.store, Store::Bridge(bridge) if bridge.restores_scope);
        let lookups = looks_up.then(|| detector.restorable().into());
        Some(Self { config, detector, cache, lookups })
    }

    /// True if tokens of a scope may be looked up.
    pub(crate) fn looks_up(&self) -> bool {
        self.lookups.is_some()
    }

    /// For the response of an exchange that may look tokens of `scope` up.
    pub(crate) fn lookups(&self, scope: String) -> Option<Lookups> {
        self.lookups.as_ref().map(|prefixes| Lookups::new(scope, Arc::clone(prefixes)))
    }

    /// Does something with the cache; `None` if that is what is being done.
    pub(crate) fn with_cache<T>(&self, with: impl FnOnce(&mut TokenCache) -> T) -> Option<T> {
        self.cache.try_borrow_mut().ok().map(|mut cache| with(&mut cache))
    }
}
