use super::*;

#[test]
fn the_shipped_file_is_valid() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envoy/egress.yaml");
    let egress = Egress::load(&path).unwrap();
    assert_eq!(egress.masking, Masking::Sidecar);
    assert!(egress.hosts.contains_key("api.anthropic.com"));
    assert_eq!(egress.max_body_bytes, cloakroom_core::config::DEFAULT_MAX_BODY_BYTES);
}

#[test]
fn hosts_are_enough() {
    let egress = Egress::from_yaml("hosts: {API.anthropic.com: , b.example: {}}").unwrap();
    assert_eq!(egress.hosts.keys().collect::<Vec<_>>(), ["api.anthropic.com", "b.example"]);
    assert_eq!(egress.filter, json!({"hosts": ["api.anthropic.com", "b.example"], "mapping": {}}));
    assert_eq!((egress.sidecar.port, egress.sidecar.plain_http), (15001, true));
}

#[test]
fn the_filter_gets_what_the_rest_says() {
    let egress = Egress::from_yaml(
        "hosts: {a.example: {}}\n\
         filter: {mapping: {store: bridge, bridge: {timeout_ms: 300}}, mode: observe}\n\
         bridge: {address: '[::1]:8790', token_file: /t}",
    );
    let egress = egress.unwrap();
    let bridge = json!({"store": "bridge", "bridge": {"timeout_ms": 300, "cluster": "redis-bridge"}});
    assert_eq!(egress.filter, json!({"hosts": ["a.example"], "mapping": bridge, "mode": "observe"}));
    assert_eq!(egress.bridge.unwrap().address, BridgeAddress::Tcp("::1".to_owned(), 8790));
}

#[test]
fn an_upstream_is_a_url() {
    let upstream = |url: &str| Upstream::parse(url).map(|up| (up.tls, up.authority(), up.port, up.prefix));
    for (url, expected) in [
        ("https://proxy.example.net", (true, "proxy.example.net", 443, "")),
        ("https://proxy.example.net:443/", (true, "proxy.example.net", 443, "")),
        ("HTTPS://Proxy.Example.net.:8443/a/b-c/", (true, "proxy.example.net:8443", 8443, "/a/b-c")),
        ("http://litellm:4000", (false, "litellm:4000", 4000, "")),
        ("http://10.1.2.3/v1", (false, "10.1.2.3", 80, "/v1")),
        ("http://[fd12::3]:81", (false, "[fd12::3]:81", 81, "")),
    ] {
        let (tls, authority, port, prefix) = expected;
        assert_eq!(upstream(url), Ok((tls, authority.to_owned(), port, prefix.to_owned())), "{url}");
    }
}

#[test]
fn an_upstream_never_leads_to_this_machine_or_to_metadata() {
    for host in [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "255.255.255.255",
        "224.0.0.1",
        "[::]",
        "[::1]",
        "[fe80::1]",
        "[ff02::1]",
        "[fd00:ec2::254]",
        "[fd00:ec2::23]",
        "[fd20:ce::254]",
        "[::ffff:169.254.169.254]",
        "[::127.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "metadata",
        "metadata.google.internal",
        "instance-data.ec2.internal",
        "0x7f.0x1",
        "0x7f000001",
        "2130706433",
        "127.1",
    ] {
        for url in [format!("http://{host}/"), format!("https://{host}:8443/v1")] {
            assert!(Upstream::parse(&url).is_err(), "{url}");
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (yaml, expected) in [
        ("hosts: {}", "hosts: expected at least one host"),
        ("hosts: {'*.example.com': {}}", "hosts: `*.example.com` has a wildcard"),
        ("hosts: {'https://a.example': {}}", "hosts: `https://a.example` is not a host name"),
        ("hosts: {localhost: {}}", "hosts: `localhost` is not a host name"),
        ("hosts: {169.254.169.254: {}}", "hosts: `169.254.169.254` is not a host name"),
        ("hosts: {metadata.google.internal: {}}", "leads to this machine or to a cloud's metadata"),
        ("hosts: {a.example: {}, A.example: {}}", "hosts: `a.example` stands here twice"),
        ("hosts: {a.example: {}, a.example: {}}", "duplicate"),
        ("hosts: {a.example: {upstream: 'https://10.0.0.1'}}", "a certificate is verified by its name"),
        ("hosts: {a.example: {upstream: 'https://b.example/?x'}}", "has a query or a fragment"),
        ("hosts: {a.example: {upstream: 'https://u:p@b.example'}}", "has a user in it"),
        (
            "hosts: {a.example: {upstream: 'https://b.example/../x'}}",
            "has a path that is not made of plain segments",
        ),
        ("hosts: {a.example: {upstream: 'b.example'}}", "is not a URL such as"),
        ("hosts: {a.example: {upstrem: x}}", "upstrem"),
        ("hots: {a.example: {}}", "hots"),
        ("hosts: {a.example: {}}\nmasking: nowhere", "nowhere"),
        ("hosts: {a.example: {}}\nmasking: gateway", "gateway: `masking` says that the filter runs there"),
        ("hosts: {a.example: {}}\nfilter: {hosts: [b]}", "filter.hosts: leave it out"),
        ("hosts: {a.example: {}}\nfilter: {base_urls: {}}", "filter.base_urls: leave it out"),
        ("hosts: {a.example: {}}\nfilter: {mod: observe}", "filter.mod: unknown field `mod`"),
        (
            "hosts: {a.example: {}}\nfilter: {mapping: {store: bridge}}",
            "bridge: `filter.mapping.store: bridge` needs",
        ),
        ("hosts: {a.example: {}}\nbridge: {address: 'b:1', token_file: /t}", "bridge: leave it out"),
        (
            "hosts: {a.example: {}}\nfilter: {mapping: {store: bridge, bridge: {cluster: x}}}\n\
             bridge: {address: 'b:1', token_file: /t}",
            "filter.mapping.bridge.cluster: leave it out",
        ),
        (
            "hosts: {a.example: {}}\nbridge: {address: b, token_file: /t}",
            "bridge.address: expected a host and a port",
        ),
        (
            "hosts: {a.example: {}}\nbridge: {address: 'unix:b', token_file: /t}",
            "bridge.address: expected an absolute path",
        ),
        (
            "hosts: {a.example: {}}\nbridge: {address: 'b:1', token_file: t}",
            "bridge.token_file: expected an absolute path",
        ),
        ("hosts: {a.example: {}}\ngateway: {address: g}", "gateway.address: expected a host and a port"),
        (
            "hosts: {a.example: {}}\ngateway: {address: '10.0.0.1:1'}",
            "gateway.name: `gateway.address` is no name",
        ),
        (
            "hosts: {a.example: {}}\ngateway: {address: 'g:1', client: 'a b'}",
            "gateway.client: expected a DNS name",
        ),
        (
            "hosts: {a.example: {}}\ngateway: {address: 'g:1', listen: g}",
            "gateway.listen: expected an address and a port",
        ),
        ("hosts: {a.example: {}}\nlimits: {silence_seconds: 0}", "limits.silence_seconds: expected seconds"),
        ("hosts: {a.example: {}}\nlimits: {connections: 0}", "limits.connections: expected a number"),
        ("hosts: {a.example: {}}\nsidecar: {port: 0}", "sidecar.port: expected a port"),
        ("hosts: {a.example: {}}\nfiles: {wasm: cloakroom.wasm}", "files.wasm: expected an absolute path"),
        ("hosts: {a.example: {}}\nsidecar: {port: 99999}", "expected a number from 0 to 65535 at line 2"),
        ("hosts: {a.example: {}}\nsidecar: {health_port: 0}", "expected a number from 1 to 65535 at line 2"),
        ("hosts: {a.example: {}}\nlimits: {connections: -1}", "expected a number from 0 to"),
        ("hosts: [a]", "expected a mapping at line 1"),
        ("", "unexpected end of input"),
        ("- a", "a"),
        ("hosts: [", ""),
    ] {
        let error = Egress::from_yaml(yaml).unwrap_err();
        assert!(error.contains(expected) && !error.contains('\n'), "{yaml}: {error}");
    }
}

/// Whatever stands in a file, the answer is an error or a valid file, and nothing that becomes of it breaks a template.
#[test]
fn nothing_panics() {
    let shipped = include_str!("../../../../envoy/egress.yaml");
    for cut in (0..shipped.len()).step_by(7).filter(|cut| shipped.is_char_boundary(*cut)) {
        drop(Egress::from_yaml(&shipped[..cut]));
        drop(Egress::from_yaml(&shipped[cut..]));
    }
    for word in [
        "null",
        "''",
        "-1",
        "1e300",
        "[]",
        "{}",
        "[[{a: b}]]",
        "{a: {}}",
        "\"\\0\\u2028'\\\"\"",
        "*a",
        "&a x",
        "|",
    ] {
        for (at, _) in shipped.match_indices(": ") {
            let end = shipped[at..].find('\n').map_or(shipped.len(), |length| at + length);
            drop(Egress::from_yaml(&format!("{}: {word}{}", &shipped[..at], &shipped[end..])));
        }
    }
}
