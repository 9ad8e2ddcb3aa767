//! `check --envoy`.

use crate::support::{cloakroom, file};
use std::fs;
use std::path::Path;

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envoy").join(name)).unwrap()
}

#[test]
fn what_fits_is_valid() {
    let (_folder, path) = file(&shipped("sidecar.yaml"));
    let run = cloakroom(&format!("check --envoy {}", path.display()), b"");
    assert_eq!((run.code, run.stderr), (Some(0), String::new()));
    assert_eq!(run.stdout, format!("{}: valid\n", path.display()));
}

#[test]
fn what_could_not_be_looked_at_is_told_and_is_no_fault() {
    let (_folder, path) = file(&shipped("sidecar-transparent.yaml"));
    let run = cloakroom(&format!("check --envoy {}", path.display()), b"");
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!((run.code, lines.len()), (Some(0), 2), "{lines:#?}");
    assert!(lines[0].ends_with(
        ".http_filters[cloakroom]: not checked: the file with the filter and its configuration cannot be read here"
    ));
}

#[test]
fn each_fault_is_a_line_with_its_place() {
    let text = shipped("sidecar.yaml")
        .replace("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN")
        .replace("timeout: 0s  #", "timeout: 30s  #");
    let (_folder, path) = file(&text);
    let run = cloakroom(&format!("check --envoy {}", path.display()), b"");
    let manager = format!(
        "{}: static_resources.listeners[base_url].filter_chains[0].filters[envoy.filters.network.http_connection_manager]\
         .typed_config",
        path.display()
    );
    assert_eq!((run.code, run.stderr), (Some(1), String::new()));
    assert_eq!(
        run.stdout,
        format!(
            "{manager}.http_filters[cloakroom]: after a trap FAIL_OPEN passes requests on unmasked; say `failure_policy: \
             FAIL_RELOAD`\n{manager}.route_config.virtual_hosts[providers].routes[0].route: `timeout` cuts answers after 30 s; \
             say 0s, and let silence end the dead ones\n"
        )
    );
}

#[test]
fn what_is_no_configuration_is_told() {
    for (text, expected) in [
        ("- a\n", "expected an Envoy configuration, which is a mapping"),
        ("a: 1\na: 2\n", "duplicate mapping key: a at line 2, column 1"),
    ] {
        let (_folder, path) = file(text);
        let run = cloakroom(&format!("check --envoy {}", path.display()), b"");
        assert_eq!((run.code, run.stdout), (Some(1), format!("{}: {expected}\n", path.display())));
    }
    let run = cloakroom("check --envoy /nowhere/envoy.yaml", b"");
    assert_eq!((run.code, run.stdout), (Some(1), String::new()));
    assert!(run.stderr.starts_with("cloakroom: cannot read /nowhere/envoy.yaml: "), "{}", run.stderr);
    assert_eq!(cloakroom("check --envoy a b", b"").code, Some(2));
}
