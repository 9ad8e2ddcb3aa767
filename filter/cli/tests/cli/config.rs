//! `check`, `schema`, and what every command has in common.

use crate::support::{cloakroom, file, stdout};
use std::path::Path;

#[test]
fn check_says_what_is_wrong_and_where() {
    for (config, expected) in [
        (r#"{"hosts":["api.anthropic.com","*.openai.azure.com"],"max_body_bytes":1024}"#, "valid"),
        (
            r#"{"hosts":["a.com"],"hots":[]}"#,
            "hots: unknown field `hots`, expected one of `hosts`, `base_urls`, `max_body_bytes`, `mapping`, \
             `scope`, `restore`, `restore_in_urls`, `url_hosts`, `multipart`, `signed_thinking`, `forward_headers`, \
             `mode`, `detect`, `usage` at line 1 column 25",
        ),
        (
            r#"{"hosts":"a.com"}"#,
            "hosts: invalid type: string \"a.com\", expected a sequence at line 1 column 16",
        ),
        (
            r#"{"hosts":["a.com","https://b.com"]}"#,
            "hosts[1]: expected a host name such as `api.anthropic.com`, `*.` and a suffix of two labels or more, or \
             an address, without scheme and port, not `https://b.com`",
        ),
        (r#"{"hosts":[]}"#, "hosts: expected at least one host that may be called"),
        (r#"{"hosts":["a.com"]} x"#, ".: trailing characters at line 1 column 21"),
        (
            r#"{"hosts":["a.com"],"mapping":{"store":"bridge"}}"#,
            "mapping.bridge: `mapping.store: bridge` needs the Envoy cluster of the bridge here",
        ),
    ] {
        let (_folder, path) = file(config);
        let run = cloakroom(&format!("check {}", path.display()), b"");
        assert_eq!(run.stdout, format!("{}: {expected}\n", path.display()));
        assert_eq!((run.code, run.stderr), (Some(i32::from(expected != "valid")), String::new()), "{config}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    for arguments in
        ["check /nowhere/c.json", "mask --config /nowhere/c.json", "unmask --tokens /nowhere/c.json"]
    {
        let run = cloakroom(arguments, b"{}");
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{arguments}");
        assert!(run.stderr.starts_with("cloakroom: cannot read /nowhere/c.json: "), "{}", run.stderr);
    }
}

#[test]
fn the_committed_schema_is_current() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/config.schema.json");
    let committed = std::fs::read_to_string(committed).unwrap();
    assert_eq!(stdout("schema", b""), committed, "after a change of the configuration: make golden");
}

#[test]
fn the_committed_page_of_kinds_is_current() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/KINDS.md");
    let committed = std::fs::read_to_string(committed).unwrap();
    assert_eq!(stdout("kinds", b""), committed, "after a change of the catalogue: make golden");
}

/// Without `--config` the command line is the sidecar that people run.
#[test]
fn the_defaults_are_those_of_the_shipped_sidecar() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sidecar = std::fs::read_to_string(root.join("../../envoy/sidecar.yaml")).unwrap();
    let (_, block) = sidecar.split_once("filter: &filter |\n").unwrap();
    let indent = block.len() - block.trim_start_matches(' ').len();
    let block: String = block
        .lines()
        .take_while(|line| line.trim().is_empty() || line.len() - line.trim_start().len() >= indent)
        .collect();
    let shipped: serde_json::Value = serde_json::from_str(&block).unwrap();
    let ours = std::fs::read(root.join("src/sidecar.json")).unwrap();
    assert_eq!(shipped, serde_json::from_slice::<serde_json::Value>(&ours).unwrap());
}

#[test]
fn wrong_arguments_are_explained_in_one_line() {
    for (arguments, expected) in [
        ("", "expected a command"),
        ("cover", "`cover` is not a command"),
        ("mask --values", "`--values` goes with `--explain`"),
        ("mask --url a.com", "`a.com` is not a URL such as https://api.anthropic.com/v1/messages"),
        ("mask --nope", "invalid option '--nope'"),
        ("unmask", "`unmask` expects `--tokens FILE`, which `mask` wrote, or `--jsonl`"),
    ] {
        let run = cloakroom(arguments, b"");
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments}");
        assert_eq!(run.stderr, format!("cloakroom: {expected}; see `cloakroom --help`\n"));
    }
}

#[test]
fn help_and_version() {
    let help = stdout("--help", b"");
    for word in ["check", "schema", "mask", "unmask", "--jsonl", "Exit code"] {
        assert!(help.contains(word), "{word}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 120));
    assert_eq!(stdout("mask --help", b""), help);
    assert_eq!(stdout("--version", b""), concat!("cloakroom ", env!("CARGO_PKG_VERSION"), "\n"));
}
