//! Flags, files and the environment; what is wrong with them is told in one sentence.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Output};

use e2e::client::Call;

use crate::world::{HOST, World, issue};

#[test]
fn help_shows_defaults_and_hides_secrets() {
    let world = World::new();
    let help = world
        .command(&["--help"])
        .env("REDIS_BRIDGE_STORE", "redis://:geheim@localhost")
        .env("REDIS_BRIDGE_KEYS", "geheim")
        .envs(FILES.map(|(_, variable)| (variable, "geheim")))
        .output()
        .unwrap();
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).unwrap();
    for part in [
        "127.0.0.1:8790",
        "file:redis-bridge.redb",
        "24h",
        "400ms",
        "keygen",
        "REDIS_BRIDGE_KEYS",
        "--callers",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("geheim"), "{text}");
}

#[test]
fn keygen_prints_or_writes_but_never_over() {
    let world = World::new();
    let path = world.path("keys.json");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&path).unwrap();
    let again = world.run(&["keygen", "--out", "keys.json"]);
    assert_eq!(again.status.code(), Some(1));
    one_sentence(&again, "exists already");
    assert_eq!(fs::read(&path).unwrap(), before);

    // With the environment of a container that serves.
    let mut printing = world.command(&["keygen"]);
    printing.env("REDIS_BRIDGE_LISTEN", "127.0.0.1:0").env("REDIS_BRIDGE_STORE", "memory:");
    let printed = printing.output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    assert_ne!(printed.stdout, before);
    redis_bridge::keys::Keys::from_json(&printed.stdout).unwrap();
}

#[test]
fn openapi_prints_the_committed_description() {
    let printed = World::new().run(&["openapi"]);
    assert!(printed.status.success());
    assert!(printed.stdout == include_bytes!("../../openapi.json"));
}

#[test]
fn what_is_wrong_at_the_start_is_told_without_secrets() {
    let world = World::new();
    let keys = fs::read_to_string(world.path("keys.json")).unwrap();
    world.write("no-json", "geheim");
    world.write("short.json", &keys.replacen("\"key\": \"", "\"key\": \"geheim", 1));
    world.write(
        "callers.json",
        r#"{"callers":[{"name":"a","token":"geheim","rights":["issue"],"scopes":["a"]}]}"#,
    );
    let with_keys = ["--keys", "keys.json", "--store", "memory:", "--listen", "127.0.0.1:0"];
    for (arguments, told) in [
        (&["--keys", "absent.json"][..], "cannot read absent.json"),
        (&["--keys", "no-json"], "no-json: the keys are not the JSON"),
        (&["--keys", "short.json"], "short.json: `scope.key`"),
        (&["--keys", "keys.json", "--callers", "absent"], "--callers: cannot read absent"),
        (&["--keys", "keys.json", "--callers", "no-json"], "no-json: no valid JSON at line 1"),
        (&["--keys", "keys.json", "--callers", "callers.json"], "callers.json: `callers[0].token`"),
        (&["--keys", "keys.json", "--listen", "0.0.0.0:0"], "0.0.0.0:0 can be reached from other machines"),
        (&["--keys", "keys.json", "--store", "geheim:"], "--store: expected"),
        (&["--keys", "keys.json", "--ttl", "0s"], "--ttl: expected"),
        (&["--keys", "keys.json", "--ttl", "ever"], "--ttl"),
        (&["--keys", "keys.json", "--store-timeout", "1h"], "--store-timeout: expected"),
        (&["--keys", "keys.json", "--listen", "nowhere"], "--listen"),
        (&["--keys", "keys.json", "--socket-mode", "999"], "--socket-mode"),
        (&["--keys", "keys.json", "--redis-cert", "keys.json"], "--redis-key <FILE>: is needed"),
        (&["--keys", "keys.json", "--log", "geheim"], "--log <LEVEL>: expected one of "),
        (&["--keys", "keys.json", "--ttl"], "--ttl <TIME>: expected a value"),
        (&["--store", "memory:", "--store", "redis://:geheim@h"], "--store <URL>: is there twice"),
        (&["--allow-eviction=geheim"], "--allow-eviction: takes no value"),
        (&["--geheim"], "no flag, no flag's value and no command"),
        (&["--geheim=geheim", "--keys", "keys.json"], "no flag, no flag's value and no command"),
        (&["-geheim"], "no flag, no flag's value and no command"),
        (&["rediss://u:geheim@h"], "no flag, no flag's value and no command"),
        (
            &["--keys", "keys.json", "rediss://u:geheim@h"],
            "flags do not go with a command or another argument",
        ),
        (&["keygen", "rediss://u:geheim@h"], "no flag, no flag's value and no command"),
        (&["--store", "redis://:geheim@h", "keygen"], "flags do not go with a command or another argument"),
        (&[], "there are no keys"),
    ] {
        let ended = world.run(arguments);
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {ended:?}");
        one_sentence(&ended, told);
    }
    for (text, told) in
        [("geheim", "REDIS_BRIDGE_KEYS: the keys are not"), ("", "REDIS_BRIDGE_KEYS: the keys are not")]
    {
        let ended = world.command(&[]).env("REDIS_BRIDGE_KEYS", text).output().unwrap();
        assert_eq!(ended.status.code(), Some(2));
        one_sentence(&ended, told);
    }
    let both = world.command(&with_keys).env("REDIS_BRIDGE_KEYS", &keys).output().unwrap();
    assert_eq!(both.status.code(), Some(2));
    one_sentence(&both, "in --keys and in REDIS_BRIDGE_KEYS");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = world.run(&["--keys", "keys.json", "--store", "memory:", "--listen", &address]);
    assert_eq!(ended.status.code(), Some(1));
    one_sentence(&ended, &format!("cannot listen at {address}"));

    world.write("damaged.redb", "geheim");
    let ended =
        world.run(&["--keys", "keys.json", "--store", "file:damaged.redb", "--listen", "127.0.0.1:0"]);
    assert_eq!(ended.status.code(), Some(1));
    one_sentence(&ended, "the store cannot be used");
}

#[test]
fn the_text_of_a_file_in_place_of_its_name_is_not_repeated() {
    let world = World::new();
    let keys = fs::read_to_string(world.path("keys.json")).unwrap();
    let long = "geheim".repeat(43);
    let texts = [
        keys.replace("\"id\"", "\"geheim\""),
        keys.replace('\n', "").replace("\"id\"", "\"geheim\""),
        "-----BEGIN PRIVATE KEY-----\ngeheim\n-----END PRIVATE KEY-----\n".to_owned(),
        "-----BEGIN PRIVATE KEY-----geheim".to_owned(),
        "geheim\rgeheim".to_owned(),
        long,
    ];
    for (flag, variable) in FILES {
        for text in &texts {
            let mut command = world.command(&[]);
            // A certificate and its key are given together.
            match flag {
                "--redis-cert" => command.env("REDIS_BRIDGE_REDIS_KEY", "keys.json"),
                "--redis-key" => command.env("REDIS_BRIDGE_REDIS_CERT", "keys.json"),
                _ => &mut command,
            }
            .env(variable, text);
            let ended = command.output().unwrap();
            assert_eq!(ended.status.code(), Some(2), "{flag}: {ended:?}");
            one_sentence(&ended, "REDIS_BRIDGE_KEYS");
        }
    }
    // As a name it is good all the same.
    world.write("{geheim}.json", "{}");
    let ended = world.run(&["--keys", "{geheim}.json"]);
    one_sentence(&ended, "--keys: the keys are not");
}

#[tokio::test]
async fn the_environment_is_enough() {
    let world = World::new();
    let mut command = world.command(&[]);
    command
        .env("REDIS_BRIDGE_KEYS", fs::read_to_string(world.path("keys.json")).unwrap())
        .env("REDIS_BRIDGE_LISTEN", "127.0.0.1:0,[::1]:0")
        .env("REDIS_BRIDGE_TTL", "30m");
    let bridge = world.start_command(command);
    let answer = bridge.call(&issue(&["i-1"])).await;
    assert_eq!(answer.text(), r#"{"tokens":["AWS_EC2_001"],"ttl_seconds":1800}"#);
    assert!(world.path("redis-bridge.redb").exists(), "the default store");
    let lines = bridge.lines();
    let opening = lines.iter().find(|line| line["message"] == "opening the store").unwrap();
    assert_eq!(
        (&opening["store"], &opening["ttl_seconds"]),
        (&"file:redis-bridge.redb".into(), &1800.into())
    );
}

#[tokio::test]
async fn callers_of_a_file_open_every_address() {
    let world = World::new();
    let token = "0123456789abcdef0123456789abcdef";
    let callers =
        format!(r#"{{"callers":[{{"name":"a","token":"{token}","rights":["issue"],"scopes":["*"]}}]}}"#);
    world.write("callers.json", &callers);
    let bridge =
        world.start(&["--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0", "--callers", "callers.json"]);
    assert_eq!(bridge.call(&issue(&["i-1"])).await.status, 401);
    let call = issue(&["i-1"]).header("authorization", format!("Bearer {token}"));
    assert_eq!(bridge.call(&call).await.status, 200);
    assert_eq!(bridge.call(&Call::get(HOST, "/readyz")).await.status, 200);
}

fn one_sentence(ended: &Output, told: &str) {
    let text = String::from_utf8(ended.stderr.clone()).unwrap();
    assert!(text.contains(told), "{told}: {text}");
    assert!(!text.contains("geheim"), "{text}");
    // After the log, and before a hint.
    let said = text.lines().find(|line| !line.starts_with("{\"timestamp\""));
    assert!(said.unwrap().starts_with("error: "), "{text}");
    assert!(ended.stdout.is_empty());
}

/// Flags and variables that name files with secrets.
const FILES: [(&str, &str); 5] = [
    ("--keys", "REDIS_BRIDGE_KEYS_FILE"),
    ("--callers", "REDIS_BRIDGE_CALLERS"),
    ("--redis-ca", "REDIS_BRIDGE_REDIS_CA"),
    ("--redis-cert", "REDIS_BRIDGE_REDIS_CERT"),
    ("--redis-key", "REDIS_BRIDGE_REDIS_KEY"),
];
