//! What the script installs, finds and takes away.

use std::{io::Write as _, process::Stdio};

use super::scene::{APPLICATION, Scene, script, succeeds, text};

/// Everything that options can bring.
const OPTIONS: &str =
    "--exclude-private --exclude-cidr 192.0.2.0/24 --exclude-cidr 2001:db8:1:0:0::/64 --udp allow";
/// Rules that others made.
const FOREIGN: &str = "-A OUTPUT -d 192.0.2.1/32 -j ACCEPT\n-A OUTPUT -p tcp -m tcp --dport 2 -j ACCEPT";

#[test]
fn installed_twice_or_after_other_options_the_rules_are_the_same() {
    for scene in Scene::both() {
        scene.install("");
        let plain = scene.rules();
        scene.install("");
        assert_eq!(scene.rules(), plain);
        scene.install(OPTIONS);
        let full = scene.rules();
        assert_ne!(full, plain);
        scene.install(OPTIONS);
        assert_eq!(scene.rules(), full);
        scene.install("--exclude-cidr 10.0.0.0/8 --exclude-private --exclude-private");
        scene.install("");
        assert_eq!(scene.rules(), plain);
    }
}

#[test]
fn check_finds_every_rule_that_is_missing() {
    for scene in Scene::both() {
        let check = format!("check {OPTIONS}");
        assert_eq!(scene.script(&check).status.code(), Some(1), "nothing is installed");
        scene.install(OPTIONS);
        assert_eq!(succeeds(&scene.script(&check)), "");
        for (family, table) in [(4, "filter"), (4, "nat"), (6, "filter"), (6, "nat")] {
            let tool = format!("{} -w 30 -t {table}", scene.tool(family, ""));
            let listed = scene.app.sh(&format!("{tool} -S"));
            let rules: Vec<&str> = listed.lines().filter_map(|line| line.strip_prefix("-A ")).collect();
            for (at, rule) in rules.iter().enumerate() {
                let (chain, rest) = rule.split_once(' ').unwrap();
                let before = rules[..at].iter().filter(|rule| rule.split(' ').next() == Some(chain)).count();
                // In its place something that lets packets go.
                scene.app.sh(&format!("{tool} -R {chain} {} -j ACCEPT", before + 1));
                let found = scene.script(&check);
                let named = text(&found.stdout)
                    .lines()
                    .filter(|line| line.ends_with(&format!(": -A {rule}")))
                    .count();
                assert_eq!((found.status.code(), named), (Some(1), 1), "{rule}: {}", text(&found.stdout));
                scene.app.sh(&format!("{tool} -R {chain} {} {rest}", before + 1));
            }
        }
        assert_eq!(succeeds(&scene.script(&check)), "");
    }
}

#[test]
fn check_finds_what_stands_before_between_and_in_another_order() {
    for scene in Scene::both() {
        for family in [4, 6] {
            let tool = scene.tool(family, "");
            for (harm, said) in [
                (format!("{tool} -I OUTPUT -j ACCEPT"), "first rule of OUTPUT"),
                (format!("{tool} -t nat -I OUTPUT -p tcp -j RETURN"), "first rule of OUTPUT"),
                (format!("{tool} -t nat -A OUTPUT -j CLOAKROOM_OUTPUT"), "several jumps"),
                (
                    format!("{tool} -I CLOAKROOM_ENVOY -j RETURN"),
                    "should not be there: -A CLOAKROOM_ENVOY -j RETURN",
                ),
                (
                    format!("{tool} -D CLOAKROOM_OUTPUT 1; {tool} -I CLOAKROOM_OUTPUT 2 -o lo -j RETURN"),
                    "CLOAKROOM_OUTPUT has its rules in another order",
                ),
            ] {
                scene.install("");
                scene.app.sh(&harm);
                let found = scene.script("check");
                assert_eq!(found.status.code(), Some(1), "{harm}");
                let found = text(&found.stdout);
                assert!(
                    found.starts_with(&format!("IPv{family} ")) && found.contains(said),
                    "{harm}: {found}"
                );
                scene.script("remove");
                scene.app.sh(&format!("{tool} -F OUTPUT; {tool} -t nat -F OUTPUT"));
            }
        }
    }
}

#[test]
fn remove_leaves_what_was_there_and_nothing_else() {
    for scene in Scene::both() {
        for (family, table) in [(4, "filter"), (4, "nat"), (6, "filter"), (6, "nat")] {
            let foreign =
                if family == 4 { FOREIGN.into() } else { FOREIGN.replace("192.0.2.1/32", "2001:db8::2/128") };
            restore(
                &scene,
                family,
                &format!("*{table}\n:MINE - [0:0]\n{foreign}\n-A MINE -j RETURN\nCOMMIT\n"),
            );
        }
        let before = scene.rules();
        scene.install(OPTIONS);
        let (v4, v6) = (scene.tool(4, ""), scene.tool(6, ""));
        for damage in [
            "true".to_owned(),
            format!("{v4} -D OUTPUT -j CLOAKROOM_OUTPUT; {v6} -t nat -F CLOAKROOM_OUTPUT"),
            format!("{v4} -A OUTPUT -j CLOAKROOM_OUTPUT; {v4} -t nat -A OUTPUT -j CLOAKROOM_OUTPUT"),
            format!("{v6} -D OUTPUT -j CLOAKROOM_OUTPUT; {v6} -F CLOAKROOM_OUTPUT; {v6} -X CLOAKROOM_OUTPUT"),
        ] {
            scene.install(OPTIONS);
            scene.app.sh(&damage);
            succeeds(&scene.script("remove"));
            assert_eq!(scene.rules(), before, "{damage}");
        }
        succeeds(&scene.script("remove"));
        assert_eq!(scene.rules(), before);
    }
}

fn restore(scene: &Scene, family: u8, rules: &str) {
    let mut command = scene.app.command(scene.tool(family, "-restore"));
    let mut child = command.args(["--noflush", "-w", "10"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{rules}");
}

#[test]
fn a_dry_run_needs_no_right_changes_nothing_and_prints_what_is_installed() {
    for scene in Scene::both() {
        let before = scene.rules();
        let words = format!("install {OPTIONS} --dry-run");
        let printed = succeeds(&scene.script_by(&mut scene.app.command_as(APPLICATION, "sh"), &words));
        assert!(succeeds(&scene.script("remove --dry-run")).contains("-X CLOAKROOM_OUTPUT"));
        assert_eq!(scene.rules(), before);
        for block in printed.split_inclusive("COMMIT\n") {
            let (comment, _) = block.split_once('\n').unwrap();
            let family =
                if comment.starts_with(&format!("# {} ", scene.tool(6, "-restore"))) { 6 } else { 4 };
            restore(&scene, family, block);
        }
        assert_eq!(succeeds(&scene.script(&format!("check {OPTIONS}"))), "");
    }
}

#[test]
fn every_shell_prints_the_same_rules() {
    let run = |shell: &[&str]| {
        let mut command = std::process::Command::new(shell[0]);
        let words = OPTIONS.split(' ').chain(["--dry-run"]);
        let output = command.args(&shell[1..]).arg(script()).arg("install").args(words).output();
        output.ok().map(|output| succeeds(&output))
    };
    let expected = run(&["sh"]);
    for shell in [["bash", "--posix"].as_slice(), &["busybox", "sh"], &["dash"]] {
        // Not every machine has each of them.
        let printed = run(shell);
        assert!(printed.is_none() || printed == expected, "{shell:?}");
    }
}
