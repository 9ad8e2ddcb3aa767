//! The entry of `cloakroom.wasm`: one root context a VM holds the compiled configuration, one context a stream
//! holds an exchange.
#![expect(missing_docs, reason = "proxy_wasm::main! expands to a function without documentation")]

use cloakroom_core::{Config, Vm};
use host::Metrics;
use http::Stream;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};
use std::rc::Rc;

mod host;
mod http;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

#[derive(Default)]
struct Root {
    vm: Option<Rc<Vm>>,
    metrics: Rc<Metrics>,
}

impl Context for Root {}

impl RootContext for Root {
    /// False rejects the configuration: Envoy keeps the last good one, or does not start.
    fn on_configure(&mut self, size: usize) -> bool {
        let start = host::now();
        let config = match Config::from_json(&host::plugin_configuration(size)) {
            Ok(config) => config,
            Err(error) => {
                host::log_error(&format!("cloakroom: configuration: {error}"));
                return false;
            }
        };
        let Some(vm) = Vm::new(config) else {
            host::log_error("cloakroom: the catalogue cannot be compiled");
            return false;
        };
        self.vm = Some(Rc::new(vm));
        host::started_in(host::now().saturating_sub(start));
        true
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        let vm = Rc::clone(self.vm.as_ref()?);
        Some(Box::new(Stream::new(vm, Rc::clone(&self.metrics))))
    }
}
