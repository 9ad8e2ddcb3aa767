//! The only file that calls the host.
//!
//! The SDK's calls panic on statuses that they do not list, so each is made only where it is legal, headers
//! are read as bytes, and whatever fails is an empty value: the core refuses what it cannot read.

use cloakroom_core::exchange::{Call, Count, Counter, HeaderChange, Refusal, Report};
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Which part of a stream a callback is about. Calls about another part are not legal.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Part {
    RequestHead,
    RequestBody,
    RequestTrailers,
    ResponseHead,
    ResponseBody,
}

impl Part {
    fn headers(self) -> MapType {
        match self {
            Self::RequestHead | Self::RequestBody => MapType::HttpRequestHeaders,
            Self::RequestTrailers => MapType::HttpRequestTrailers,
            Self::ResponseHead | Self::ResponseBody => MapType::HttpResponseHeaders,
        }
    }

    fn body(self) -> BufferType {
        match self {
            Self::RequestHead | Self::RequestBody | Self::RequestTrailers => BufferType::HttpRequestBody,
            Self::ResponseHead | Self::ResponseBody => BufferType::HttpResponseBody,
        }
    }
}

pub(crate) fn plugin_configuration(size: usize) -> Vec<u8> {
    buffer(BufferType::PluginConfiguration, size)
}

pub(crate) fn log_error(message: &str) {
    // Nothing can be done about a log that fails.
    let _ = hostcalls::log(LogLevel::Error, message);
}

pub(crate) fn headers(part: Part) -> Vec<(String, Vec<u8>)> {
    hostcalls::get_map_bytes(part.headers()).unwrap_or_default()
}

/// True if every change was made.
pub(crate) fn change_headers(part: Part, changes: &[HeaderChange]) -> bool {
    let map = part.headers();
    changes.iter().all(|change| match change {
        HeaderChange::Remove(name) => hostcalls::remove_map_value(map, name).is_ok(),
        HeaderChange::Set(name, value) => {
            hostcalls::set_map_value_bytes(map, name, Some(value.as_bytes())).is_ok()
        }
    })
}

/// What the host holds of the body, if it holds something.
pub(crate) fn body(part: Part) -> Vec<u8> {
    buffer(part.body(), usize::MAX)
}

/// Replaces all of what the host holds. True if it did.
pub(crate) fn set_body(part: Part, bytes: &[u8]) -> bool {
    hostcalls::set_buffer(part.body(), 0, usize::MAX, bytes).is_ok()
}

/// Puts a line into the filter state, where access logs find it: `wasm.cloakroom.masked`, for example.
pub(crate) fn report(report: &Report) {
    // Counters say the same; a host that takes no property logs nothing.
    let property = format!("cloakroom.{}", report.what);
    let _ = hostcalls::set_property(vec![&property], Some(report.line.as_bytes()));
}

/// True if all of the provider's answer has come, whatever the filters that it meets first make of its end.
pub(crate) fn answer_has_come() -> bool {
    // How long the answer took is known from its end on.
    hostcalls::get_property(vec!["response", "backend_latency"]).is_ok_and(|latency| latency.is_some())
}

/// Answers the client in the provider's place.
pub(crate) fn refuse(refusal: &Refusal) {
    let retry_after = refusal.retry_after.map(|seconds| seconds.to_string());
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(retry_after.as_deref().map(|seconds| ("retry-after", seconds)));
    let _ = hostcalls::send_http_response(u32::from(refusal.status), headers, Some(&refusal.json()));
}

/// The time since the Unix epoch.
pub(crate) fn now() -> Duration {
    let since_epoch = |now: SystemTime| now.duration_since(SystemTime::UNIX_EPOCH).ok();
    hostcalls::get_current_time().ok().and_then(since_epoch).unwrap_or_default()
}

/// Shows how long it took to read the configuration and to compile the catalogue.
pub(crate) fn started_in(time: Duration) {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    // The filter works without its metrics.
    let _ = hostcalls::define_metric(MetricType::Gauge, "cloakroom_start_ms")
        .map(|id| hostcalls::record_metric(id, millis));
}

/// Makes a call and tells its number; `None` if that is not possible.
pub(crate) fn call(call: &Call) -> Option<u32> {
    let mut headers = vec![
        (":method", "POST"),
        (":path", call.path.as_str()),
        (":authority", call.cluster.as_str()),
        ("content-type", "application/json"),
    ];
    if !call.request_id.is_empty() {
        headers.push(("x-request-id", call.request_id.as_str()));
    }
    hostcalls::dispatch_http_call(&call.cluster, headers, Some(&call.body), Vec::new(), call.timeout).ok()
}

/// Status and body of the call that has just ended; `None` if there was no answer.
pub(crate) fn call_answer(headers: usize, size: usize) -> Option<(u16, Vec<u8>)> {
    if headers == 0 {
        return None;
    }
    let status = hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, ":status").ok()??;
    let status = std::str::from_utf8(&status).ok()?.parse().ok()?;
    Some((status, buffer(BufferType::HttpCallResponseBody, size)))
}

/// Lets go on what was held: the request, or its response.
pub(crate) fn resume(part: Part) {
    let _ = match part {
        Part::RequestHead | Part::RequestBody | Part::RequestTrailers => hostcalls::resume_http_request(),
        Part::ResponseHead | Part::ResponseBody => hostcalls::resume_http_response(),
    };
}

fn buffer(buffer: BufferType, size: usize) -> Vec<u8> {
    if size == 0 {
        return Vec::new();
    }
    hostcalls::get_buffer(buffer, 0, size).ok().flatten().unwrap_or_default()
}

/// The VM's metrics, defined when they are first used.
#[derive(Default)]
pub(crate) struct Metrics(RefCell<BTreeMap<Counter, u32>>);

impl Metrics {
    pub(crate) fn add(&self, counts: &[Count]) {
        let mut known = self.0.borrow_mut();
        for Count { counter, by } in counts {
            let id = known.get(counter).copied().or_else(|| {
                let id = define(counter)?;
                known.insert(counter.clone(), id);
                Some(id)
            });
            if let Some(id) = id {
                let _ = if counter.is_histogram() {
                    hostcalls::record_metric(id, *by)
                } else {
                    hostcalls::increment_metric(id, i64::try_from(*by).unwrap_or(i64::MAX))
                };
            }
        }
    }
}

fn define(counter: &Counter) -> Option<u32> {
    let (name, label) = counter.name();
    let name = label.map_or_else(|| name.to_owned(), |label| format!("{name}_{label}"));
    let metric = if counter.is_histogram() { MetricType::Histogram } else { MetricType::Counter };
    hostcalls::define_metric(metric, &name).ok()
}
