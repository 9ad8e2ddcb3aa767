use super::*;
use crate::render;
use serde_json::json;

mod faults;

/// A shipped configuration.
fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envoy").join(name);
    fs::read_to_string(path).unwrap()
}

fn wrong(text: &str) -> Vec<(String, String)> {
    findings(text, None).unwrap().wrong
}

/// Every topology, as `cloakroom render` makes it; with the filter's file beside.
#[test]
fn what_is_shipped_and_rendered_fits() {
    for name in ["sidecar.yaml", "sidecar-transparent.yaml", "gateway.yaml"] {
        assert_eq!(wrong(&shipped(name)), [], "{name}");
    }
    let (to_gateway, from_sidecars) =
        ("requests go on to a gateway, which must", "come from sidecars, which must have");
    for (masking, sidecar, gateway) in
        [("sidecar", None, Some(from_sidecars)), ("gateway", Some(to_gateway), None), ("both", None, None)]
    {
        let folder = tempfile::TempDir::new().unwrap();
        let egress = folder.path().join("egress.yaml");
        let hosts = "hosts: {a.example: {}, b.example: {upstream: 'https://c.example:8443/d'}}";
        let health = "sidecar: {health_port: 15021}";
        fs::write(
            &egress,
            format!("masking: {masking}\n{hosts}\n{health}\ngateway: {{address: 'g.example:1'}}"),
        )
        .unwrap();
        render::render(&egress, folder.path()).unwrap();
        for (name, unchecked) in [("sidecar-transparent.yaml", sidecar), ("gateway.yaml", gateway)] {
            let text = fs::read_to_string(folder.path().join(name)).unwrap();
            let findings = findings(&text, Some(folder.path())).unwrap();
            assert_eq!(findings.wrong, [], "{masking} {name}");
            let said: Vec<_> = findings.unchecked.iter().map(|(_, sentence)| sentence.as_str()).collect();
            assert_eq!(said.len(), usize::from(unchecked.is_some()), "{masking} {name} {said:?}");
            assert!(
                said.iter().all(|said| unchecked.is_some_and(|expected| said.contains(expected))),
                "{said:?}"
            );
        }
    }
}

/// Where nothing is masked, one hop of our own must be before or behind.
#[test]
fn a_hop_that_does_not_mask_needs_one_that_does() {
    let folder = tempfile::TempDir::new().unwrap();
    let egress = folder.path().join("egress.yaml");
    fs::write(&egress, "hosts: {a.example: {}}\ngateway: {address: 'g.example:1'}").unwrap();
    render::render(&egress, folder.path()).unwrap();
    let gateway = fs::read_to_string(folder.path().join("gateway.yaml")).unwrap();
    for (from, to, expected) in [
        ("require_client_certificate: true", "require_client_certificate: false", "nothing is masked here"),
        (
            "auto_sni_san_validation: true",
            "auto_sni_san_validation: false",
            "the certificate's name is not verified",
        ),
    ] {
        let wrong = wrong(&gateway.replace(from, to));
        assert!(wrong.len() == 1 && wrong[0].1.contains(expected), "{wrong:#?}");
    }
}

/// Compression happens around the filter.
#[test]
fn what_is_decompressed_on_the_wrong_side_is_named() {
    let off = "common_config: {enabled: {default_value: false, runtime_key: cloakroom.never}}";
    let requests = "request_direction_config: &decompress_requests\n                advertise_accept_encoding: false\n                common_config: &decompressing\n                  enabled: {default_value: *decompress, runtime_key: cloakroom.decompress}\n                  ignore_no_transform_header: true  # masking is a transformation already\n";
    let text = shipped("sidecar.yaml");
    assert!(text.contains(requests));
    let swapped = text
        .replace(
            requests,
            &format!("request_direction_config: &decompress_requests\n                {off}\n"),
        )
        .replace("common_config: *decompressing", "common_config: &decompressing {}")
        .replace(&format!("&untouched\n                {off}"), "&untouched {}")
        .replace(
            &format!("advertise_accept_encoding: false\n                {off}"),
            "advertise_accept_encoding: false",
        )
        .replace(
            "&decompress_answers\n                common_config: &decompressing {}",
            &format!("&decompress_answers\n                {off}"),
        );
    let wrong = wrong(&swapped);
    let behind = wrong
        .iter()
        .filter(|(_, sentence)| sentence.contains("decompresses requests behind the filter"))
        .count();
    let before =
        wrong.iter().filter(|(_, sentence)| sentence.contains("decompresses answers in front")).count();
    assert_eq!((behind, before), (3, 3), "{wrong:#?}");
}

#[test]
fn names_may_be_written_as_protobufs_json_does() {
    let json: Value = serde_saphyr::from_str(&shipped("sidecar.yaml")).unwrap();
    let camel = camel(json).to_string();
    assert!(camel.contains("\"httpFilters\"") && !camel.contains("\"http_filters\""));
    assert_eq!(wrong(&camel), []);
    let policy = camel.replace("FAIL_RELOAD", "FAIL_OPEN");
    assert!(wrong(&policy).iter().any(|(_, sentence)| sentence.contains("passes requests on unmasked")));
}

fn camel(value: Value) -> Value {
    let name = |name: String| {
        if name.contains(['.', '@']) {
            return name;
        }
        let mut words = name.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |name, word| format!("{name}{}{}", &word[..1].to_uppercase(), &word[1..]))
    };
    match value {
        Value::Object(map) => map.into_iter().map(|(key, value)| (name(key), camel(value))).collect(),
        Value::Array(items) => items.into_iter().map(camel).collect(),
        other => other,
    }
}

/// Istio hands configurations over in a wrapping.
#[test]
fn what_is_wrapped_is_read() {
    let text = shipped("sidecar.yaml").replace(
        "              \"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer\n              max_request_bytes: *buffer_bytes\n",
        "              \"@type\": type.googleapis.com/udpa.type.v1.TypedStruct\n              type_url: type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer\n              value: {max_request_bytes: 1}\n",
    );
    let wrong = wrong(&text);
    assert!(wrong.len() == 1 && wrong[0].1.contains("`max_request_bytes` is 1,"), "{wrong:#?}");
}

#[test]
fn the_filters_file_is_read_beside_the_configuration() {
    let folder = tempfile::TempDir::new().unwrap();
    let egress = folder.path().join("egress.yaml");
    fs::write(&egress, "hosts: {a.example: {}}").unwrap();
    render::render(&egress, folder.path()).unwrap();
    let filter = folder.path().join("filter.yaml");
    let text = fs::read_to_string(folder.path().join("sidecar-transparent.yaml")).unwrap();
    let changed = fs::read_to_string(&filter)
        .unwrap()
        .replace("FAIL_RELOAD", "FAIL_OPEN")
        .replace("\"mapping\"", "\"maping\"");
    fs::write(&filter, changed).unwrap();
    let sentences = findings(&text, Some(folder.path())).unwrap().wrong;
    assert!(
        sentences.iter().any(|(_, sentence)| sentence.contains("passes requests on unmasked")),
        "{sentences:#?}"
    );
    assert!(
        sentences.iter().any(|(_, sentence)| sentence.contains("unknown field `maping`")),
        "{sentences:#?}"
    );
    fs::write(&filter, "{").unwrap();
    assert_eq!(findings(&text, Some(folder.path())).unwrap().unchecked.len(), 1);
}

#[test]
fn what_is_no_configuration_is_named() {
    for (text, expected) in [
        ("", "expected an Envoy configuration, which is a mapping"),
        ("a", "expected an Envoy configuration, which is a mapping"),
        ("[]", "expected an Envoy configuration, which is a mapping"),
        ("a: *b", "anchor"),
        ("a: 1\na: 2", "duplicate"),
        ("a: [", ""),
    ] {
        let error = findings(text, None).map(|findings| findings.wrong).unwrap_err();
        assert!(error.contains(expected) && !error.contains('\n'), "{text}: {error}");
    }
    assert!(wrong("{}")[0].1.contains("nothing is masked here"));
}

/// Whatever stands in a file, the answer is an error or a finding. Every field of the shipped files becomes every odd value once,
/// and every cut of a file is read.
#[test]
fn nothing_panics() {
    let odd = [
        json!(null),
        "".into(),
        "x".into(),
        (-1).into(),
        1e300.into(),
        true.into(),
        json!([]),
        json!([[null, 1, {"name": 5}]]),
        json!({}),
        json!({"name": {"@type": ["a"]}}),
    ];
    let tree: Value = serde_saphyr::from_str(&shipped("sidecar.yaml")).unwrap();
    let count = nodes(&mut tree.clone(), &mut usize::MAX.clone(), None);
    for at in 0..count {
        let mut changed = tree.clone();
        nodes(&mut changed, &mut at.clone(), Some(&odd[at % odd.len()]));
        drop(judge(&changed, None));
    }
    let text = shipped("sidecar-transparent.yaml");
    for cut in (0..text.len()).step_by(97).filter(|cut| text.is_char_boundary(*cut)) {
        drop(findings(&text[..cut], None));
        drop(findings(&text[cut..], None));
    }
    drop(findings(&"[".repeat(100_000), None));
    drop(findings(&"a: {".repeat(100_000), None));
    drop(findings(
        &format!(
            "a: &a [x]\n{}",
            (0..200).map(|i| format!("b{i}: &b{i} [*a, *a, *a, *a]\n")).collect::<String>()
        ),
        None,
    ));
}

/// Puts `odd` in the place of the node with this number, and counts the nodes until there.
fn nodes(value: &mut Value, left: &mut usize, odd: Option<&Value>) -> usize {
    if *left == 0
        && let Some(odd) = odd
    {
        *value = odd.clone();
    }
    *left = left.wrapping_sub(1);
    let below: usize = match value {
        Value::Object(map) => map.values_mut().map(|value| nodes(value, left, odd)).sum(),
        Value::Array(items) => items.iter_mut().map(|value| nodes(value, left, odd)).sum(),
        _ => 0,
    };
    below + 1
}
