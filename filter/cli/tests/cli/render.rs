//! `render`.

use crate::support::{Run, cloakroom, stdout};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The operator's file with the least that says something.
const EGRESS: &str = "hosts: {api.anthropic.com: {}}\n";

/// A folder with the file `egress.yaml`, and the path of a folder in it that is not there yet.
fn folder(egress: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("egress.yaml"), egress).unwrap();
    let out = folder.path().join("not/there/yet");
    (folder, out)
}

fn render(folder: &Path, out: &Path) -> Run {
    cloakroom(&format!("render --file {}/egress.yaml --out {}", folder.display(), out.display()), b"")
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_committed_configurations_are_current() {
    let envoy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envoy");
    for (egress, file) in
        [("egress.yaml", "sidecar-transparent.yaml"), ("egress-gateway.yaml", "gateway.yaml")]
    {
        let out = TempDir::new().unwrap();
        let egress = envoy.join(egress);
        stdout(&format!("render --file {} --out {}", egress.display(), out.path().display()), b"");
        let committed = fs::read_to_string(envoy.join(file)).unwrap();
        assert_eq!(
            fs::read_to_string(out.path().join(file)).unwrap(),
            committed,
            "after a change of the templates: make golden"
        );
    }
}

#[test]
fn a_folder_has_all_that_an_envoy_needs() {
    let (folder, out) = folder(EGRESS);
    assert_eq!(
        render(folder.path(), &out),
        Run { code: Some(0), stdout: String::new(), stderr: String::new() }
    );
    assert_eq!(names(&out), ["filter.yaml", "hosts", "sds-leaf.yaml", "sidecar-transparent.yaml"]);
    assert_eq!(fs::read_to_string(out.join("hosts")).unwrap(), "api.anthropic.com\n");

    fs::write(
        folder.path().join("egress.yaml"),
        format!("{EGRESS}gateway: {{address: 'gateway.example:15443'}}"),
    )
    .unwrap();
    assert_eq!(render(folder.path(), &out).code, Some(0));
    assert_eq!(
        names(&out),
        [
            "filter.yaml",
            "gateway.yaml",
            "hosts",
            "sds-gateway.yaml",
            "sds-leaf.yaml",
            "sds-mesh-ca.yaml",
            "sds-sidecar.yaml",
            "sidecar-transparent.yaml"
        ]
    );
}

/// A running Envoy reads its files at any time.
#[test]
fn a_file_is_replaced_as_a_whole_and_only_if_it_changes() {
    let (folder, out) = folder(EGRESS);
    let inode = |name: &str| fs::metadata(out.join(name)).unwrap().ino();
    render(folder.path(), &out);
    let (filter, leaf) = (inode("filter.yaml"), inode("sds-leaf.yaml"));
    render(folder.path(), &out);
    assert_eq!((inode("filter.yaml"), inode("sds-leaf.yaml")), (filter, leaf));
    fs::write(folder.path().join("egress.yaml"), format!("{EGRESS}filter: {{mode: observe}}")).unwrap();
    render(folder.path(), &out);
    assert_ne!(inode("filter.yaml"), filter);
    assert_eq!(inode("sds-leaf.yaml"), leaf);
    assert_eq!(names(&out).len(), 4, "nothing is left over");
}

#[test]
fn a_wrong_file_is_named_and_writes_nothing() {
    let (folder, out) = folder("hosts: {'*.com': {}}");
    let run = render(folder.path(), &out);
    let path = folder.path().join("egress.yaml");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    let expected = "has a wildcard; name each host, as each has a cluster and a name in the certificate";
    assert_eq!(run.stderr, format!("cloakroom: {}: hosts: `*.com` {expected}\n", path.display()));
    assert!(!out.exists());
}

/// Whatever an operator writes stays a value.
#[test]
fn no_value_becomes_structure() {
    let evil = r#"/x\": {a: b}}\n  evil: \u2028\u0085 *hcm #&\\'%DYNAMIC%"#;
    let filter = r#"{detect: {own_kinds: [{token: ORG_X, words: ["}\n---\n*hcm\u2028\u0085\u007f é"]}]}}"#;
    let (folder, out) = folder(&format!("{EGRESS}filter: {filter}\n"));
    assert_eq!(render(folder.path(), &out).code, Some(0));
    let text = fs::read_to_string(out.join("filter.yaml")).unwrap();
    assert!(text.is_ascii() && !text.contains("\n---") && !text.contains('\u{7f}'), "{text}");
    let tree: Value = serde_saphyr::from_str(&text).unwrap();
    let read = tree["resources"][0]["typed_config"]["config"]["configuration"]["value"].as_str().unwrap();
    let read: Value = serde_json::from_str(read).unwrap();
    let written: Value = serde_saphyr::from_str(filter).unwrap();
    assert_eq!(read["detect"], written["detect"]);

    fs::write(folder.path().join("egress.yaml"), format!("{EGRESS}files: {{ca: \"{evil}\"}}\n")).unwrap();
    let run = render(folder.path(), &out);
    assert!(run.stderr.contains("files.ca: expected an absolute path"), "{run:?}");
}

#[test]
fn both_options_are_needed() {
    for arguments in ["render", "render --file a", "render --out b", "render --file a --out b --jsonl"] {
        assert_eq!(cloakroom(arguments, b"").code, Some(2), "{arguments}");
    }
}
