use super::*;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn error(json: &str) -> String {
    Config::from_json(json.as_bytes()).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn defaults() {
    let config = Config::from_json(br#"{"hosts":["api.anthropic.com"]}"#).unwrap();
    assert_eq!(config.max_body_bytes, 33_554_432);
    assert_eq!(config.store, Store::Request);
    assert_eq!(config.multipart, Multipart::Refuse);
    assert_eq!(config.signed_thinking, SignedThinking::Pass);
    assert!(config.usage);
    let forwards = |name: &str| config.forward_headers.iter().any(|pattern| pattern.matches(name));
    assert!(
        forwards("accept")
            && forwards("content-type")
            && forwards("anthropic-beta")
            && forwards("x-goog-user-project")
    );
    assert!(!forwards("cookie") && !forwards("x-request-id") && !forwards("x-api-key-2"));
}

#[test]
fn the_bridge_has_defaults_too() {
    let store = |more: &str| {
        let json = format!(
            r#"{{"hosts":["a.com"],"mapping":{{"store":"bridge","bridge":{{"cluster":"b"}}}}{more}}}"#
        );
        match Config::from_json(json.as_bytes()).unwrap().store {
            Store::Bridge(bridge) => bridge,
            Store::Request => panic!("not the bridge"),
        }
    };
    let bridge = store("");
    assert_eq!((bridge.cluster.as_str(), bridge.timeout), ("b", Duration::from_millis(500)));
    assert_eq!(bridge.scope, Scope::Static("default".into()));
    let ttl = Duration::from_secs(3600);
    assert_eq!(bridge.cache, CacheLimits { entries: 100_000, bytes: 16 << 20, ttl });
    assert!(!bridge.restores_scope && store(r#","restore":"scope""#).restores_scope);
    assert_eq!(store(r#","scope":"credential""#).scope, Scope::Credential);
    assert_eq!(store(r#","scope":{"header":"X-Team"}"#).scope, Scope::Header("x-team".into()));
    assert_eq!(store(r#","scope":{"static":"a.b"}"#).scope, Scope::Static("a.b".into()));
}

#[test]
fn detection_has_errors_that_name_the_place() {
    for (detect, expected) in [
        (
            r#"{"kinds":{"AWS_NOPE":true}}"#,
            "detect.kinds.AWS_NOPE: expected a group (`accounts`, `addresses`",
        ),
        (r#"{"kinds":{"literals":false}}"#, "detect.kinds.literals: expected a group"),
        (r#"{"kinds":{"AWS_LITERAL":false}}"#, "detect.kinds.AWS_LITERAL: expected a group"),
        (r#"{"kinds":{"pii":1}}"#, "detect.kinds.pii: invalid type: integer `1`, expected a boolean"),
        (r#"{"arns":"none"}"#, "detect.arns: unknown variant `none`, expected `structured` or `whole`"),
        (r#"{"never_mask":["a"," "]}"#, "detect.never_mask[1]: expected a value that is not blank"),
        (r#"{"own_kinds":[{"token":"ORG_A"}]}"#, "detect.own_kinds[0]: expected either `regex` or `words`"),
        (
            r#"{"own_kinds":[{"token":"ORG_A","regex":"a","words":["aa"]}]}"#,
            "detect.own_kinds[0]: expected either `regex` or `words`",
        ),
        (
            r#"{"own_kinds":[{"token":"ORG_A","regex":"a"},{"token":"ORG_B","regex":"b*"}]}"#,
            "detect.own_kinds[1].regex: matches the empty text",
        ),
        (
            r#"{"own_kinds":[{"token":"ORG_A","words":["aa","b"]}]}"#,
            "detect.own_kinds[0].words[1]: expected 2 to 256 bytes",
        ),
        (
            r#"{"own_kinds":[{"token":"ORG_A","regex":"a"},{"token":"ORG_A","regex":"b"}]}"#,
            "detect.own_kinds[1].token: another kind has this token",
        ),
    ] {
        let error = error(&format!(r#"{{"hosts":["a.com"],"detect":{detect}}}"#));
        assert!(error.starts_with(expected), "{error}");
    }
    for token in
        ["", "ORG_", "ORG", "AWS_X", "ORG_x", "ORG_A__B", "ORG_AWS_A", "ORG_A_123", "ORG_A_", "ORG_Ü"]
    {
        let error = error(&format!(
            r#"{{"hosts":["a.com"],"detect":{{"own_kinds":[{{"token":"{token}","regex":"a"}}]}}}}"#
        ));
        assert!(
            error.starts_with("detect.own_kinds[0].token: expected `ORG_` and a name"),
            "{token}: {error}"
        );
    }
}

#[test]
fn originals_in_the_configuration_do_not_print() {
    let json = br#"{"hosts":["a.com"],"detect":{"never_mask":["hidden1"],"own_kinds":[{"token":"ORG_A","regex":"hidden2"},
        {"token":"ORG_B","words":["hidden3"]}]}}"#;
    let config = Config::from_json(json).unwrap();
    assert_eq!(config.mode, Mode::Mask);
    let shown = format!("{config:?}");
    assert!(!shown.contains("hidden") && shown.contains("ORG_B"), "{shown}");
}

#[test]
fn numbers_of_a_struct_are_doubles() {
    let config = Config::from_json(br#"{"hosts":["a.com"],"max_body_bytes":1048576.0}"#).unwrap();
    assert_eq!(config.max_body_bytes, 1_048_576);
}

#[test]
fn errors_name_the_field_and_what_was_expected() {
    for (json, expected) in [
        ("", ".: EOF while parsing a value at line 1 column 0"),
        (r#"{"hosts":["a.com"]"#, ".: EOF while parsing an object at line 1 column 18"),
        ("{}", ".: missing field `hosts` at line 1 column 2"),
        (r#"{"hosts":[]}"#, "hosts: expected at least one host that may be called"),
        (r#"{"hosts":[1]}"#, "hosts[0]: invalid type: integer `1`, expected a string at line 1 column 11"),
        (r#"{"hosts":["a.com"],"host":1}"#, "host: unknown field `host`, expected one of"),
        (
            r#"{"hosts":["a.com","https://b.com"]}"#,
            "hosts[1]: expected a host name such as `api.anthropic.com`",
        ),
        (r#"{"hosts":["a.com"],"max_body_bytes":0}"#, "max_body_bytes: expected a number of bytes from 1 to"),
        (r#"{"hosts":["a.com"],"max_body_bytes":1.5}"#, "max_body_bytes: expected a whole number"),
        (r#"{"hosts":["a.com"],"max_body_bytes":-1}"#, "max_body_bytes: expected a whole number"),
        (r#"{"hosts":["a.com"],"max_body_bytes":1e300}"#, "max_body_bytes: expected a whole number"),
        (r#"{"hosts":["a.com"],"max_body_bytes":"1"}"#, "max_body_bytes: invalid type: string"),
        (
            r#"{"hosts":["a.com"],"multipart":"yes"}"#,
            "multipart: unknown variant `yes`, expected `pass` or `refuse`",
        ),
        (
            r#"{"hosts":["a.com"],"mapping":{"store":"redis"}}"#,
            "mapping.store: unknown variant `redis`, expected `bridge` or `request`",
        ),
        (r#"{"hosts":["a.com"],"mapping":{"stor":"x"}}"#, "mapping.stor: unknown field `stor`"),
        (
            r#"{"hosts":["a.com"],"mapping":{"store":"bridge"}}"#,
            "mapping.bridge: `mapping.store: bridge` needs",
        ),
        (
            r#"{"hosts":["a.com"],"mapping":{"bridge":{"cluster":"x"}}}"#,
            "mapping.bridge: only with `mapping.store: bridge`",
        ),
        (
            r#"{"hosts":["a.com"],"mapping":{"store":"bridge","bridge":{"cluster":""}}}"#,
            "mapping.bridge.cluster: expected the name",
        ),
        (
            r#"{"hosts":["a.com"],"mapping":{"store":"bridge","bridge":{"cluster":"b","timeout_ms":0}}}"#,
            "mapping.bridge.timeout_ms: expected milliseconds",
        ),
        (r#"{"hosts":["a.com"],"restore":"scope"}"#, "restore: `scope` only with `mapping.store: bridge`"),
        (r#"{"hosts":["a.com"],"restore":"all"}"#, "restore: unknown variant `all`, expected `exchange` or"),
        (r#"{"hosts":["a.com"],"mapping":{"cache":{}}}"#, "mapping.cache: only with `mapping.store: bridge`"),
        (r#"{"hosts":["a.com"],"scope":{"static":"a"}}"#, "scope: only with `mapping.store: bridge`"),
        (
            r#"{"hosts":["a.com"],"mapping":{"store":"bridge","bridge":{"cluster":"b"},"cache":{"max_entries":1000001}}}"#,
            "mapping.cache.max_entries: expected a number up to 1000000",
        ),
        (
            r#"{"hosts":["a.com"],"mapping":{"store":"bridge","bridge":{"cluster":"b"}},"scope":{"static":"a/b"}}"#,
            "scope.static: expected 1 to 128 letters",
        ),
        (
            r#"{"hosts":["a.com"],"mapping":{"store":"bridge","bridge":{"cluster":"b"}},"scope":{"header":"x-*"}}"#,
            "scope.header: expected a header name",
        ),
        (
            r#"{"hosts":["a.com"],"mapping":{"store":"bridge","bridge":{"cluster":"b"}},"scope":{"header":"Authorization"}}"#,
            "scope.header: `authorization` has another meaning",
        ),
        (r#"{"hosts":["a.com"],"scope":"team"}"#, "scope: unknown variant `team`"),
        (
            r#"{"hosts":["a.com"],"url_hosts":["com:1"]}"#,
            "url_hosts[0]: expected a host name, or `*.` and a domain of at least two labels, not `com:1`",
        ),
        (
            r#"{"hosts":["a.com"],"url_hosts":["b.com"],"restore_in_urls":"always"}"#,
            "url_hosts: expected no hosts with `restore_in_urls` other than `known`",
        ),
        (
            r#"{"hosts":["a.com"],"base_urls":{"localhost:x":"a.com"}}"#,
            "base_urls.localhost:x: expected a local name",
        ),
        (
            r#"{"hosts":["a.com"],"base_urls":{"localhost":"a.com:1"}}"#,
            "base_urls.localhost: expected a host of `hosts`",
        ),
        (
            r#"{"hosts":["a.com"],"base_urls":{"localhost":"b.com"}}"#,
            "base_urls.localhost: `b.com` is not in `hosts`",
        ),
        (
            r#"{"hosts":["a.com"],"base_urls":{"x.localhost":"a.com","X.localhost.":"a.com"}}"#,
            "base_urls.x.localhost: expected each local name once",
        ),
        (r#"{"hosts":["a.com"],"forward_headers":["x y"]}"#, "forward_headers[0]: expected a header name"),
        (r#"{"hosts":["a.com"],"forward_headers":["*"]}"#, "forward_headers[0]: expected a header name"),
        (r#"{"hosts":["a.com"]} x"#, ".: trailing characters at line 1 column 21"),
    ] {
        let error = error(json);
        assert!(error.starts_with(expected), "{json}\n  got {error}\n  not {expected}");
    }
}
