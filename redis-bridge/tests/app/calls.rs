//! What is answered to whom, and how the API is described.

use std::fs;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use bridge_api::names::MAX_SCOPE_LEN;
use redis_bridge::{call::MAX_REQUEST_ID_LEN, callers::Callers, openapi};
use serde_json::json;

use crate::{
    TOKENS, VALUES, issue,
    support::{Bridge, TTL},
};

#[tokio::test]
async fn tokens_are_issued_restored_and_forgotten() {
    let bridge = Bridge::open();
    let body =
        issue(&[("EC2", "i-1", true), ("VPC", "v-1", true), ("EC2", "i-2", false), ("EC2", "i-1", true)]);
    let issued = bridge.post(TOKENS, body.clone()).await;
    assert_eq!(issued.status, StatusCode::OK, "{issued:?}");
    assert_eq!(
        issued.json(),
        json!({
            "tokens": ["AWS_EC2_001", "AWS_VPC_001", "AWS_EC2_002", "AWS_EC2_001"],
            "ttl_seconds": TTL.as_secs(),
        })
    );
    assert_eq!(issued.header("content-type"), Some("application/json"));
    assert_eq!(issued.header("cache-control"), Some("no-store"));
    assert_eq!(bridge.post(TOKENS, body).await.json(), issued.json());

    let tokens = json!({"tokens": ["AWS_VPC_001", "AWS_EC2_001", "AWS_EC2_002", "AWS_EC2_003", "nonsense", "AWS_VPC_001"]});
    let restored = bridge.post(VALUES, tokens.to_string()).await;
    assert_eq!(restored.json(), json!({"values": ["v-1", "i-1", null, null, null, "v-1"]}));
    let elsewhere = bridge.post("/v1/scopes/other/values", tokens.to_string()).await;
    assert_eq!(elsewhere.json(), json!({"values": [null, null, null, null, null, null]}));

    let forget = || Request::delete("/v1/scopes/default").body(Body::empty()).unwrap();
    assert_eq!(bridge.call(forget()).await.json(), json!({"forgotten": 3}));
    assert_eq!(bridge.call(forget()).await.json(), json!({"forgotten": 0}));
    assert_eq!(bridge.post(VALUES, r#"{"tokens":["AWS_EC2_001"]}"#).await.json(), json!({"values": [null]}));

    let nothing = bridge.post(TOKENS, r#"{"values":[]}"#).await;
    assert_eq!(nothing.json()["tokens"], json!([]));
}

#[tokio::test]
async fn paths_and_methods_that_there_are_not() {
    let bridge = Bridge::open();
    for path in ["/", "/v1", "/v1/scopes", "/v1/scopes/a/b", "/v1/scopes/a/tokens/", "/v1/events"] {
        let answer = bridge.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "not_found"), "{path}");
    }
    for (method, path, allowed) in [
        ("GET", TOKENS, "POST"),
        ("DELETE", VALUES, "POST"),
        ("POST", "/v1/scopes/default", "DELETE"),
        ("POST", "/healthz", "GET,HEAD"),
        ("BREW", "/metrics", "GET,HEAD"),
    ] {
        let answer =
            bridge.call(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "method_not_allowed"), "{path}");
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
    }
}

#[tokio::test]
async fn callers_are_known_by_token_and_limited_to_rights_and_scopes() {
    let token = |letter: &str| letter.repeat(32);
    let file = json!({"callers": [
        {"name": "sidecar", "token": token("a"), "rights": ["issue"], "scopes": ["default", "team-*"]},
        {"name": "batch", "token": token("b"), "rights": ["restore"], "scopes": ["*"]},
        {"name": "operator", "token": token("c"), "rights": ["admin"], "scopes": ["*"]},
    ]});
    let bridge = Bridge::new(Callers::from_json(file.to_string().as_bytes()).unwrap());
    let call = async |method: &str, path: &str, authorization: &[String]| {
        let mut request =
            Request::builder().method(method).uri(path).header("content-type", "application/json");
        for value in authorization {
            request = request.header("authorization", value);
        }
        let body = match path.rsplit('/').next() {
            Some("tokens") => issue(&[("EC2", "i-1", true)]),
            Some("values") => r#"{"tokens":[]}"#.to_owned(),
            _ => String::new(),
        };
        bridge.call(request.body(body.into()).unwrap()).await
    };

    for authorization in [
        vec![],
        vec![String::new()],
        vec!["Bearer".to_owned()],
        vec!["Bearer ".to_owned()],
        vec![token("a")],
        vec![format!("Basic {}", token("a"))],
        vec![format!("Bearer {}", token("d"))],
        vec![format!("Bearer {}x", token("a"))],
        vec![format!("Bearer {}", token("a")), format!("Bearer {}", token("a"))],
    ] {
        for (method, path) in [("POST", TOKENS), ("POST", VALUES), ("DELETE", "/v1/scopes/default")] {
            let answer = call(method, path, &authorization).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization:?}");
            assert_eq!(answer.code(), "unauthenticated");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }

    for (caller, method, path, status) in [
        ("a", "POST", TOKENS, 200),
        ("a", "POST", "/v1/scopes/team-1/tokens", 200),
        ("a", "POST", "/v1/scopes/team%2D1/tokens", 200),
        ("a", "POST", "/v1/scopes/other/tokens", 403),
        ("a", "POST", "/v1/scopes/defaul/tokens", 403),
        ("a", "POST", VALUES, 403),
        ("a", "DELETE", "/v1/scopes/default", 403),
        ("b", "POST", VALUES, 200),
        ("b", "POST", TOKENS, 403),
        ("b", "DELETE", "/v1/scopes/default", 403),
        ("c", "DELETE", "/v1/scopes/default", 200),
        ("c", "POST", VALUES, 403),
        ("c", "POST", TOKENS, 403),
    ] {
        for scheme in ["Bearer", "bearer"] {
            let answer = call(method, path, &[format!("{scheme} {}", token(caller))]).await;
            assert_eq!(answer.status.as_u16(), status, "{caller} {method} {path}");
            assert!(status == 200 || answer.code() == "forbidden", "{answer:?}");
        }
    }
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(call("GET", path, &[]).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn scopes_that_are_none() {
    let bridge = Bridge::open();
    let long = "a".repeat(MAX_SCOPE_LEN + 1);
    for scope in ["", "%20", "a%2Fb", "..%2F..", "%C3%A9", "%FF%FE", "a%00", "...", long.as_str()] {
        let answer = bridge.post(&format!("/v1/scopes/{scope}/tokens"), r#"{"values":[]}"#).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "invalid"), "{scope}");
    }
}

#[tokio::test]
async fn request_ids() {
    let bridge = Bridge::open();
    let with = async |id: &[u8]| {
        let request = Request::get("/nowhere").header("x-request-id", id).body(Body::empty()).unwrap();
        let answer = bridge.call(request).await;
        answer.code();
        answer.header("x-request-id").unwrap().to_owned()
    };
    let longest = "x".repeat(MAX_REQUEST_ID_LEN);
    for id in ["1", "6fe8-77aa", "{\"}", &longest] {
        assert_eq!(with(id.as_bytes()).await, id);
    }
    let mut made = vec![bridge.get("/healthz").await.header("x-request-id").unwrap().to_owned()];
    for id in [&b""[..], b"a b", b"\xff\xfe", format!("{longest}x").as_bytes()] {
        made.push(with(id).await);
    }
    assert!(made.iter().all(|id| id.len() == 32), "{made:?}");
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 5, "each its own");
}

#[tokio::test]
async fn metrics_name_routes_and_nothing_that_callers_choose() {
    let bridge = Bridge::open();
    bridge.post("/v1/scopes/hidden/tokens", issue(&[("HIDDEN", "hidden", true)])).await;
    bridge.get("/hidden").await;
    bridge.call(Request::builder().method("HIDDEN").uri("/healthz").body(Body::empty()).unwrap()).await;
    let metrics = bridge.get("/metrics").await;
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    for line in [
        r#"redis_bridge_calls_total{route="/v1/scopes/{scope}/tokens",status="200"} 1"#,
        r#"redis_bridge_calls_total{route="none",status="404"} 1"#,
        r#"redis_bridge_calls_total{route="/healthz",status="405"} 1"#,
        r#"redis_bridge_call_duration_seconds_count{route="/v1/scopes/{scope}/tokens"} 1"#,
        "redis_bridge_values_issued_total 1",
        "redis_bridge_connections 0",
    ] {
        assert!(metrics.body.contains(line), "{line}: {}", metrics.body);
    }
    assert!(!metrics.body.to_lowercase().contains("hidden"), "{}", metrics.body);
}

/// `make golden` writes it anew; read the diff before you commit.
#[tokio::test]
async fn the_description_of_the_api_is_the_committed_one() {
    let golden = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json")).unwrap();
    assert!(openapi::text() == golden, "openapi.json is out of date: see this test's comment");
    let bridge = Bridge::open();
    let served = bridge.get("/openapi.json").await;
    assert_eq!(served.body, golden);

    let described = served.json();
    for (path, operations) in described["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            let path = path.replace("{scope}", "default");
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(&path);
            let answer = bridge.call(request.body(Body::empty()).unwrap()).await;
            assert!(!matches!(answer.status.as_u16(), 404 | 405), "{method} {path}: {answer:?}");
        }
    }
    let references: Vec<&str> =
        golden.split("\"$ref\": \"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(references.len() > 10);
    for reference in references {
        assert!(described.pointer(reference).is_some(), "{reference}");
    }
}
