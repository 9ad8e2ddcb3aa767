//! The manifests under `envoy/istio`: the configuration that Istio makes of them, in a real Envoy.

mod mesh;
mod pilot;
mod pod;

use e2e::{
    client::Call,
    provider::{Echo, KEY_HEADER},
    sse,
    world::{ANTHROPIC, GEMINI, OPENAI},
};

use self::pod::{PORT, Pod};
use crate::support::{Api, MASKED, TEXT, assert_no_original, assert_says_the_same, without_cloakroom};

/// What a request to each provider is.
const PATHS: [(&str, &str); 3] = [
    (ANTHROPIC, "/v1/messages"),
    (OPENAI, "/v1/chat/completions"),
    (GEMINI, "/v1beta/models/m-1:generateContent"),
];

/// The headers that the provider gets, and no others.
const SEEN: [&str; 6] =
    ["accept-encoding", "content-length", "content-type", "host", "idempotency-key", "x-api-key"];

fn call(host: &str, path: &str, key: &str, body: String) -> Call {
    Call::post(&format!("{host}:{PORT}"), path, body)
        .header("x-api-key", "sk-scripted")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("x-envoy-peer-metadata-id", "sidecar~10.0.12.34~application~cluster.local")
        .header("x-original-host", "elsewhere.example")
        .header(KEY_HEADER, key)
}

/// Masked at the provider, restored at the application, by plugin and by its successor; and nothing of the mesh gets out.
#[tokio::test]
async fn a_pods_sidecar_masks() {
    for folder in ["sidecar", "traffic-extension"] {
        let pod = Pod::start(folder);
        for (host, path) in PATHS {
            let call = call(host, path, host, Api::Anthropic.request(TEXT, false, false));
            let answer = pod.answer(&call).await;
            assert_eq!(answer.status, 200, "{folder} {host}: {}\n{}", answer.text(), pod.envoy.logs().own);
            let received = pod.received(&call);
            assert_eq!(received.text(), Api::Anthropic.request(MASKED, false, false), "{folder} {host}");
            assert_eq!(received.host().as_deref(), Some(host));
            assert_eq!(received.header_names(), SEEN);
            assert_eq!(
                answer.text(),
                without_cloakroom(&call, &Echo::default()).await.text(),
                "{folder} {host}"
            );
        }
    }
}

/// Streams stream, with the tokens of the bridge.
#[tokio::test]
async fn streams_stream() {
    let pod = Pod::start("sidecar");
    let call = call(ANTHROPIC, "/v1/messages", "stream", Api::Anthropic.request(TEXT, true, true));
    let answer = pod.answer(&call).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_no_original("the provider", &pod.received(&call).body);
    let direct = without_cloakroom(&call, &Echo::default()).await;
    assert_says_the_same("in the mesh", &answer.text(), &direct.text());
    assert!(!sse::events(&answer.body).is_empty());
}

/// A refusal leaves no trace at the provider, not even a head: the buffer filter is where it must be.
#[tokio::test]
async fn what_is_refused_leaves_no_trace() {
    let pod = Pod::start("sidecar");
    let body = || Api::Anthropic.request(TEXT, false, false);
    for (status, call) in [
        (400, call(ANTHROPIC, "/v1/messages", "unreadable", String::from("{\"a\": i-1234567890abcdef0"))),
        (403, call("elsewhere.example", "/v1/messages", "elsewhere", body())),
        (422, call(ANTHROPIC, "/v1/messages/i-1234567890abcdef0", "path", body())),
        (
            403,
            call(ANTHROPIC, "/", "upgrade", body())
                .header("connection", "upgrade")
                .header("upgrade", "websocket"),
        ),
        // Allowed for the filter, which knows no dot at a name's end; but Istio has no route for it.
        (502, call("api.anthropic.com.", "/v1/messages", "dot", body())),
    ] {
        let call = call.chunked(7);
        assert_eq!(pod.answer(&call).await.status, status, "{call:?}");
        assert!(pod.provider.records().of(e2e::world::key_of(&call)).is_empty(), "{call:?}");
    }
}

/// The sidecar forwards, the gateway masks, and the provider sees nothing of either.
#[tokio::test]
async fn an_egress_gateway_masks_for_all() {
    let (pod, gateway) = Pod::start_with_gateway(true);
    for (host, path) in PATHS {
        let call = call(host, path, host, Api::Anthropic.request(TEXT, false, false));
        let answer = pod.answer(&call).await;
        assert_eq!(answer.status, 200, "{host}: {}\n{}", answer.text(), gateway.logs().own);
        let received = pod.received(&call);
        assert_eq!(received.text(), Api::Anthropic.request(MASKED, false, false), "{host}");
        assert_eq!(received.host().as_deref(), Some(host));
        assert_eq!(received.header_names(), SEEN);
        assert_eq!(answer.text(), without_cloakroom(&call, &Echo::default()).await.text(), "{host}");
    }
    let call =
        call(ANTHROPIC, "/v1/messages", "unreadable", String::from("{\"a\": i-1234567890abcdef0")).chunked(7);
    assert_eq!(pod.answer(&call).await.status, 400);
    assert!(pod.provider.records().of(e2e::world::key_of(&call)).is_empty(), "{call:?}");
}

/// Whoever has no certificate of the mesh has no gateway either.
#[tokio::test]
async fn the_egress_gateway_takes_sidecars_of_the_mesh_only() {
    let (pod, _gateway) = Pod::start_with_gateway(false);
    let call = call(ANTHROPIC, "/v1/messages", "stranger", Api::Anthropic.request(TEXT, false, false));
    assert_eq!(pod.answer(&call).await.status, 503);
    assert!(pod.provider.records().of(e2e::world::key_of(&call)).is_empty());
}
