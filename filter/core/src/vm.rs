//! What lives longer than an exchange: one object a VM, or a process.

use crate::cache::{CacheLimits, TokenCache};
use crate::config::{Config, Store};
use crate::detect::Detector;
use crate::unmask::Lookups;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use core::cell::RefCell;

/// Most combinations of host, model and scope that usage is counted for. Metrics stay for as long as Envoy runs, so all that
/// come later are counted together.
pub const MAX_USAGE_LABELS: usize = 256;

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
    /// What usage was counted for. Only [`usage_label`](Self::usage_label) borrows it.
    usage: RefCell<BTreeSet<String>>,
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
        Some(Self { config, detector, cache, lookups, usage: RefCell::default() })
    }

    /// True if tokens of a scope may be looked up.
    pub(crate) fn looks_up(&self) -> bool {
        self.lookups.is_some()
    }

    /// For the response of an exchange that may look tokens of `scope` up.
    pub(crate) fn lookups(&self, scope: String) -> Option<Lookups> {
        self.lookups.as_ref().map(|prefixes| Lookups::new(scope, Arc::clone(prefixes)))
    }

    /// What usage is counted for: `label`, or one name for all when there are too many.
    pub(crate) fn usage_label(&self, label: String) -> String {
        let known = self.usage.try_borrow_mut().is_ok_and(|mut known| {
            known.contains(&label) || (known.len() < MAX_USAGE_LABELS && known.insert(label.clone()))
        });
        if known { label } else { "host=other;model=other;scope=other".into() }
    }

    /// Does something with the cache; `None` if that is what is being done.
    pub(crate) fn with_cache<T>(&self, with: impl FnOnce(&mut TokenCache) -> T) -> Option<T> {
        self.cache.try_borrow_mut().ok().map(|mut cache| with(&mut cache))
    }
}
