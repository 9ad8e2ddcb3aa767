//! What the script says when it cannot.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    process::Command,
};

use e2e::netns::{Namespace, available};

use super::scene::{APPLICATION, PROVIDER, Scene, script, succeeds, text};

#[test]
fn wrong_words_are_named() {
    for (words, said) in [
        ("", "say install, check or remove; --help tells more"),
        ("start", "start is not install, check or remove; --help tells more"),
        ("install --exclude 10.0.0.0/8", "unknown option --exclude; --help has the list"),
        ("install --port", "--port wants a value"),
        ("install --port 0", "--port 0: a port is a number from 1 to 65535"),
        ("install --port 65536", "--port 65536: a port is a number from 1 to 65535"),
        (
            "install --port 99999999999999999999",
            "--port 99999999999999999999: a port is a number from 1 to 65535",
        ),
        ("install --uid envoy", "--uid envoy: a user id is a number from 1 to 4294967294"),
        ("install --uid 0", "(for root, all of root would go around Envoy)"),
        ("install --udp drop", "--udp drop: say reject or allow"),
        ("install --backend ebtables", "--backend ebtables: say nft or legacy"),
        ("check --dry-run", "--dry-run does not go with check, which changes nothing anyway"),
        ("install --exclude-cidr 10.1.2.3/8", "it has bits outside its prefix; is 10.0.0.0/8 meant?"),
        ("install --exclude-cidr fe80::1/10", "it has bits outside its prefix; is fe80::/10 meant?"),
        ("install --exclude-cidr 10.0.0.0/33", "the prefix is a number from 1 to 32"),
        ("install --exclude-cidr fd00::/129", "the prefix is a number from 1 to 128"),
        ("install --exclude-cidr ::/0", "that excludes everything: to have no interception, remove it"),
        ("install --exclude-cidr ::ffff:10.0.0.1", "not a network; 10.0.0.0/8 and fd00::/8 are"),
        ("install --exclude-cidr ::ffff:a00:1", "not a network of IPv6 hosts; write IPv4 as 192.0.2.0/24"),
        ("install --exclude-cidr 10.0.0", "not a network; 10.0.0.0/8 and fd00::/8 are"),
        ("install --exclude-cidr 1::2::3", "not a network; 10.0.0.0/8 and fd00::/8 are"),
        ("install --exclude-cidr example.com", "not a network; 10.0.0.0/8 and fd00::/8 are"),
    ] {
        let output = Command::new("sh").arg(script()).args(words.split_whitespace()).output().unwrap();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(
            error.starts_with("iptables.sh: ") && error.trim_end().ends_with(said) || error.contains(said),
            "{words}: {error}"
        );
        assert_eq!((error.lines().count(), text(&output.stdout)), (1, String::new()), "{words}: {error}");
    }
    let help = Command::new("sh").arg(script()).arg("--help").output().unwrap();
    assert!(succeeds(&help).contains("--exclude-private"));
}

#[test]
fn without_the_right_nothing_is_tried() {
    for scene in Scene::both() {
        for action in ["install", "check", "remove"] {
            let output = scene.script_by(&mut scene.app.command_as(APPLICATION, "sh"), action);
            let said = "iptables.sh: this needs CAP_NET_ADMIN: run it as root, in a container with the capabilities \
                        NET_ADMIN and NET_RAW\n";
            assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), said.to_owned()));
        }
        // Root without the capability is no better.
        let mut shell = scene.app.command("setpriv");
        shell.args(["--bounding-set=-net_admin", "--inh-caps=-net_admin", "sh"]);
        let output = scene.script_by(&mut shell, "install");
        assert!(text(&output.stderr).contains("CAP_NET_ADMIN"), "{}", text(&output.stderr));
    }
}

/// What the script needs beside iptables.
const TOOLS: [&str; 8] = ["sh", "awk", "cat", "grep", "head", "sed", "tail", "iptables-nft"];

#[test]
fn a_missing_iptables_is_named_with_its_package() {
    if !available() {
        return;
    }
    let namespace = Namespace::new("bare");
    let dir = tempfile::tempdir().unwrap();
    for tool in TOOLS {
        symlink(found(tool), dir.path().join(tool)).unwrap();
    }
    let path = format!("PATH={}", dir.path().display());
    let output = namespace.command("env").args([&path, "sh"]).arg(script()).arg("install").output().unwrap();
    let said = "iptables.sh: iptables is missing: install iptables (Debian: apt-get install iptables; \
                Alpine: apk add iptables)\n";
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), said.to_owned()));
}

fn found(tool: &str) -> String {
    let output = Command::new("sh").args(["-c", "command -v \"$0\"", tool]).output().unwrap();
    text(&output.stdout).trim().to_owned()
}

#[test]
fn rules_of_both_kinds_of_iptables_are_for_people_to_resolve() {
    if !available() {
        return;
    }
    let namespace = Namespace::new("mixed");
    let run = |words: &str| {
        namespace.command("sh").arg(script()).args(words.split_whitespace()).output().expect("sh runs")
    };
    let (ours, others) = match namespace.sh("iptables --version").contains("nf_tables") {
        true => ("nft", "legacy"),
        false => ("legacy", "nft"),
    };
    namespace.sh(&format!("iptables-{others} -A OUTPUT -p tcp --dport 1 -j ACCEPT"));
    let said = format!(
        "iptables.sh: iptables-{others}-save shows rules, but iptables is not iptables-{others}: \
         choose with --backend nft or --backend legacy\n"
    );
    for action in ["install", "check"] {
        let output = run(action);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), said.clone()));
    }
    for backend in [ours, others] {
        succeeds(&run(&format!("install --backend {backend}")));
    }
    // Without a choice: from both.
    succeeds(&run("remove"));
    let left =
        namespace.sh("iptables-nft-save; ip6tables-nft-save; iptables-legacy-save; ip6tables-legacy-save");
    assert!(!left.contains("CLOAKROOM"), "{left}");
}

/// Knows no table nat.
const NO_NAT: &str = "#!/bin/sh
case $0 in
*-restore) rules=$(cat); case $rules in \\**nat*) echo \"can't initialize ip6tables table \\`nat'\" >&2; exit 3 ;; esac
  printf '%s\\n' \"$rules\" | REAL \"$@\" ;;
*) case \" $* \" in *' nat '*) exit 3 ;; esac; exec REAL \"$@\" ;;
esac
";

#[test]
fn without_nat_for_ipv6_applications_have_none_and_it_is_said() {
    for scene in Scene::both() {
        let dir = tempfile::tempdir().unwrap();
        for suffix in ["", "-restore"] {
            let name = scene.tool(6, suffix);
            let lame = dir.path().join(&name);
            fs::write(&lame, NO_NAT.replace("REAL", &found(&name))).unwrap();
            fs::set_permissions(&lame, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
        let run = |action: &str| scene.script_by(scene.app.command("sh").env("PATH", &path), action);
        let output = run("install");
        succeeds(&output);
        let warning = "iptables.sh: WARNING: no nat table for IPv6 (can't initialize ip6tables table `nat'): applications' \
                       IPv6 is refused, but for loopback and excluded networks\n";
        assert!(text(&output.stderr).starts_with(warning), "{}", text(&output.stderr));
        succeeds(&run("check"));

        scene.stand_in_for_envoy();
        assert!(scene.ask(APPLICATION, PROVIDER[0], 443).is_ok());
        let refused = scene.ask(APPLICATION, PROVIDER[1], 443).expect_err("it would go around Envoy");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        assert!(scene.ask_udp(APPLICATION, PROVIDER[1], 4433).is_err());
        assert_eq!(scene.reached(), 0);
    }
}
