//! One stream: callbacks become inputs, actions become host calls. At most one call that ends the callback's
//! business (resume, refuse, dispatch), and that one last.

use crate::host::{self, Message, Metrics};
use cloakroom_core::exchange::{Next, StoreReply};
use cloakroom_core::{Actions, Exchange, Headers, Input, Vm};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::rc::Rc;

pub(crate) struct Stream {
    vm: Rc<Vm>,
    metrics: Rc<Metrics>,
    exchange: Exchange,
    /// True if the host holds some of the request's body for us.
    holds_request: bool,
    #[cfg(feature = "trap")]
    trap: Option<Vec<u8>>,
}

impl Stream {
    pub(crate) fn new(vm: Rc<Vm>, metrics: Rc<Metrics>) -> Self {
        Self {
            vm,
            metrics,
            exchange: Exchange::new(),
            holds_request: false,
            #[cfg(feature = "trap")]
            trap: None,
        }
    }

    /// Everything that actions ask for but what is next.
    fn apply(&self, message: Message, actions: &Actions) {
        host::change_headers(message, &actions.headers);
        if let Some(bytes) = &actions.body {
            host::set_body(message, bytes);
        }
        self.metrics.add(&actions.counts);
    }

    /// Carries out the actions of a callback of this message, and answers the callback.
    fn perform(&mut self, message: Message, actions: Actions) -> Action {
        self.apply(message, &actions);
        match actions.next {
            Next::Continue => Action::Continue,
            Next::Hold => Action::Pause,
            Next::Lookup(call) => {
                if host::call(&call) {
                    return Action::Pause;
                }
                let body = host::body(Message::Request);
                let input = Input::StoreReply { reply: StoreReply::Failed, body: &body };
                let actions = self.exchange.handle(&self.vm, input);
                self.perform(message, actions)
            }
            Next::Refuse(refusal) => {
                host::refuse(&refusal);
                Action::Pause
            }
        }
    }

    /// The request's body is complete.
    fn request_body(&mut self, body: &[u8]) -> Action {
        let actions = self.exchange.handle(&self.vm, Input::RequestBody(body));
        self.perform(Message::Request, actions)
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, _token: u32, headers: usize, size: usize, _trailers: usize) {
        let answer = host::call_answer(headers, size);
        let reply = match &answer {
            Some((status, body)) => StoreReply::Answered { status: *status, body },
            None => StoreReply::Failed,
        };
        let body = host::body(Message::Request);
        let actions = self.exchange.handle(&self.vm, Input::StoreReply { reply, body: &body });
        if self.perform(Message::Request, actions) == Action::Continue {
            host::resume_request();
        }
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        let headers = host::headers(Message::Request);
        #[cfg(feature = "trap")]
        {
            self.trap = Headers(&headers).get("x-cloakroom-trap").map(<[u8]>::to_vec);
        }
        self.trap_at(b"request-head");
        let input = Input::RequestHead { headers: Headers(&headers), end };
        let actions = self.exchange.handle(&self.vm, input);
        self.perform(Message::Request, actions)
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        self.trap_at(b"request-body");
        if end {
            let body = if size == 0 { Vec::new() } else { host::body(Message::Request) };
            return self.request_body(&body);
        }
        let actions = self.exchange.handle(&self.vm, Input::RequestHeld(size));
        let action = self.perform(Message::Request, actions);
        self.holds_request = size > 0 && action == Action::Pause;
        action
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        // With trailers the body's end was not told. Where nothing is held, there is no buffer to ask for.
        let body = if self.holds_request { host::body(Message::Request) } else { Vec::new() };
        self.request_body(&body)
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        self.trap_at(b"response-head");
        let headers = host::headers(Message::Response);
        let input = Input::ResponseHead { headers: Headers(&headers), end };
        let actions = self.exchange.handle(&self.vm, input);
        self.perform(Message::Response, actions)
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        self.trap_at(b"response-body");
        if !self.exchange.restores() {
            return Action::Continue;
        }
        let bytes = if size == 0 { Vec::new() } else { host::body(Message::Response) };
        let input = Input::ResponseChunk { bytes: &bytes, end };
        let actions = self.exchange.handle(&self.vm, input);
        self.perform(Message::Response, actions)
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        let actions = self.exchange.handle(&self.vm, Input::ResponseTrailers);
        self.perform(Message::Response, actions)
    }
}

#[cfg(not(feature = "trap"))]
impl Stream {
    #[inline]
    fn trap_at(&self, _point: &[u8]) {}
}

#[cfg(feature = "trap")]
impl Stream {
    /// For tests: traps where the request asks for it.
    fn trap_at(&self, point: &[u8]) {
        if self.trap.as_deref() == Some(point) {
            core::arch::wasm32::unreachable();
        }
    }
}
