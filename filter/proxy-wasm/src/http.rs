//! One stream: callbacks become inputs, actions become host calls. At most one call that ends the callback's
//! business (resume, refuse, dispatch), and that one last.

use crate::host::{self, Metrics, Part};
use cloakroom_core::exchange::{Count, Next, Report, StoreReply};
use cloakroom_core::{Actions, Exchange, Headers, Input, Vm};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::mem;
use std::rc::Rc;
use std::time::Duration;

pub(crate) struct Stream {
    vm: Rc<Vm>,
    metrics: Rc<Metrics>,
    exchange: Exchange,
    /// True if the host holds some of a body for us. Where it does not, there is no buffer to read or write.
    holds_request: bool,
    holds_response: bool,
    /// The response went on out of a call's callback, and no byte of it has come since.
    resumed: bool,
    /// The call to the bridge that has not ended, and what waits for it.
    call: Option<(u32, Part)>,
    /// What was counted in the answer so far, and is to be reported: it is told at its end, as host calls for each piece
    /// would cost more than what is counted.
    counted: Vec<Count>,
    report: Option<Report>,
    /// The answer's end was told.
    ended: bool,
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
            holds_response: false,
            resumed: false,
            call: None,
            counted: Vec::new(),
            report: None,
            ended: false,
            #[cfg(feature = "trap")]
            trap: None,
        }
    }

    /// Everything that actions ask for but what is next. True if the host did it.
    fn apply(&mut self, part: Part, actions: &Actions) -> bool {
        self.count(&actions.counts);
        self.report = actions.report.clone().or(self.report.take());
        if part != Part::ResponseBody || matches!(actions.next, Next::Refuse(_)) {
            self.tell_counted();
        }
        host::change_headers(part, &actions.headers)
            && actions.body.as_ref().is_none_or(|bytes| host::set_body(part, bytes))
    }

    fn count(&mut self, counts: &[Count]) {
        for new in counts {
            match self.counted.iter_mut().find(|count| count.counter == new.counter) {
                // Of what goes into a histogram each value counts.
                Some(count) if !new.counter.is_histogram() => count.by += new.by,
                _ => self.counted.push(new.clone()),
            }
        }
    }

    fn tell_counted(&mut self) {
        self.metrics.add(&mem::take(&mut self.counted));
        self.report.take().iter().for_each(host::report);
    }

    /// A piece of the answer, or its end.
    fn response_body(&mut self, size: usize, end: bool) -> Action {
        if !self.exchange.reads() {
            return Action::Continue;
        }
        self.resumed &= size == 0;
        if end && self.resumed && self.exchange.withholds() {
            // Right behind a resume Envoy drops what is put into an empty piece: as with trailers, nothing can be added.
            let actions = self.tell(Input::ResponseTrailers(b""));
            return self.perform(Part::ResponseBody, actions);
        }
        let bytes = if size == 0 { Vec::new() } else { host::body(Part::ResponseBody) };
        let mut actions = self.tell(Input::ResponseChunk { bytes: &bytes, end });
        let waits = matches!(actions.next, Next::Hold | Next::Lookup(_)) || self.exchange.withholds();
        if !end && waits && host::answer_has_come() {
            actions = self.finish(actions, bytes);
        }
        let action = self.perform(Part::ResponseBody, actions);
        self.holds_response = size > 0 && action == Action::Pause;
        action
    }

    /// The end of an answer to which Envoy adds trailers, as decompression does: the body's end is not told, and if its last
    /// piece were held, Envoy would not go on to the trailers.
    fn finish(&mut self, actions: Actions, bytes: Vec<u8>) -> Actions {
        let shown = actions.body.unwrap_or(bytes);
        let (mut out, held) = match actions.next {
            Next::Continue => (shown, Vec::new()),
            Next::Hold => (Vec::new(), shown),
            // What waits for the bridge is not here.
            Next::Lookup(call) => {
                let last = Input::ResponseChunk { bytes: b"", end: true };
                let last = self.tell(last);
                let counts = [actions.counts, last.counts].concat();
                let report = last.report.or(actions.report);
                return Actions { body: Some(shown), counts, report, ..Next::Lookup(call).into() };
            }
            next => return Actions { counts: actions.counts, report: actions.report, ..next.into() },
        };
        let input = Input::ResponseChunk { bytes: &held, end: true };
        let last = self.tell(input);
        out.extend(last.body.unwrap_or(held));
        let counts = [actions.counts, last.counts].concat();
        let report = last.report.or(actions.report);
        Actions { body: Some(out), counts, report, ..last.next.into() }
    }

    /// Tells the exchange what happened. A host is asked for the time only where it matters.
    fn tell(&mut self, input: Input<'_>) -> Actions {
        let now = if self.exchange.reads_clock(&self.vm) { host::now() } else { Duration::ZERO };
        self.exchange.handle(&self.vm, now, input)
    }

    /// Carries out the actions of a callback of this message, and answers the callback.
    fn perform(&mut self, part: Part, actions: Actions) -> Action {
        if !self.apply(part, &actions) {
            // What was not changed must not go on.
            let actions = self.exchange.host_failed();
            self.metrics.add(&actions.counts);
            if let Next::Refuse(refusal) = actions.next {
                host::refuse(&refusal);
            }
            return Action::Pause;
        }
        match actions.next {
            Next::Continue => Action::Continue,
            Next::Hold => Action::Pause,
            Next::Lookup(call) => {
                self.call = host::call(&call).map(|number| (number, part));
                if self.call.is_some() {
                    return Action::Pause;
                }
                let actions = self.called(part, StoreReply::Failed);
                self.perform(part, actions)
            }
            Next::Refuse(refusal) => {
                host::refuse(&refusal);
                Action::Pause
            }
        }
    }
}

impl Stream {
    /// The call that this part of the stream waits for has ended.
    fn called(&mut self, part: Part, reply: StoreReply<'_>) -> Actions {
        if part == Part::ResponseBody {
            return self.tell(Input::LookupReply(reply));
        }
        let body = host::body(Part::RequestBody);
        self.tell(Input::StoreReply { reply, body: &body })
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, number: u32, headers: usize, size: usize, _trailers: usize) {
        let Some((_, part)) = self.call.take_if(|(awaited, _)| *awaited == number) else { return };
        let answer = host::call_answer(headers, size);
        let reply = match &answer {
            Some((status, body)) => StoreReply::Answered { status: *status, body },
            None => StoreReply::Failed,
        };
        let actions = self.called(part, reply);
        let part = if part == Part::ResponseBody { part } else { Part::RequestBody };
        let action = self.perform(part, actions);
        if action == Action::Continue {
            host::resume(part);
            self.resumed = part == Part::ResponseBody;
        }
        self.holds_response = part == Part::ResponseBody && action == Action::Pause;
        if self.ended {
            self.tell_counted();
        }
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        let headers = host::headers(Part::RequestHead);
        #[cfg(feature = "trap")]
        {
            self.trap = Headers(&headers).get("x-cloakroom-trap").map(<[u8]>::to_vec);
        }
        self.trap_at(b"request-head");
        let input = Input::RequestHead { headers: Headers(&headers), end };
        let actions = self.tell(input);
        self.perform(Part::RequestHead, actions)
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        self.trap_at(b"request-body");
        let actions = if end {
            let body = if size == 0 { Vec::new() } else { host::body(Part::RequestBody) };
            self.tell(Input::RequestBody(&body))
        } else {
            self.tell(Input::RequestHeld(size))
        };
        let action = self.perform(Part::RequestBody, actions);
        self.holds_request = size > 0 && action == Action::Pause;
        action
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        // With trailers the body's end was not told. Where nothing is held, there is no buffer to ask for.
        let body = if self.holds_request { host::body(Part::RequestBody) } else { Vec::new() };
        let trailers = host::headers(Part::RequestTrailers);
        let input = Input::RequestTrailers { trailers: Headers(&trailers), body: &body };
        let actions = self.tell(input);
        self.perform(Part::RequestTrailers, actions)
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        self.trap_at(b"response-head");
        let headers = host::headers(Part::ResponseHead);
        let input = Input::ResponseHead { headers: Headers(&headers), end };
        let actions = self.tell(input);
        self.perform(Part::ResponseHead, actions)
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        self.trap_at(b"response-body");
        let action = self.response_body(size, end);
        if end {
            self.ended = true;
            self.tell_counted();
        }
        action
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        let held = if self.holds_response { host::body(Part::ResponseBody) } else { Vec::new() };
        let actions = self.tell(Input::ResponseTrailers(&held));
        let action = self.perform(Part::ResponseBody, actions);
        self.ended = true;
        self.tell_counted();
        action
    }

    /// Whatever ended the stream.
    fn on_log(&mut self) {
        self.tell_counted();
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
