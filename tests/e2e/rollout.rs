//! How the operator's guide, `envoy/README.md`, brings the filter in, and how Envoy leaves: the guide's own words, in a real
//! Envoy.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use e2e::{
    client::{Call, Connection, Protocol, within},
    envoy::{ADMIN, Artifact, Envoy, Sidecar, root},
    provider::{End, Gate, KEY_HEADER, Options, Provider, Reply, Script},
    world::{ANTHROPIC, Settings, World},
};
use serde_json::json;

use crate::support::{Api, MASKED, TEXT, answer_with};

/// The block of YAML in the guide whose first line begins like this, `depth` spaces in.
fn fragment(first: &str, depth: usize) -> String {
    let guide = fs::read_to_string(root().join("envoy/README.md")).unwrap();
    let blocks: Vec<&str> =
        guide.split("```").filter(|block| block.starts_with(&format!("yaml\n{first}"))).collect();
    assert_eq!(blocks.len(), 1, "the guide's {first:?}");
    blocks[0].lines().skip(1).map(|line| format!("{}{line}\n", " ".repeat(depth))).collect()
}

/// The shipped sidecar with the guide's second filter before the first one, and with these routes before its own.
fn canary(routes: &str) -> Settings {
    let insert = |text: &str, before: &str, what: &str| {
        assert_eq!(text.matches(before).count(), 1, "{before}");
        text.replacen(before, &format!("{what}{before}"), 1)
    };
    let observing = fragment("# The same filter, which only observes.", 10);
    let sidecar = Sidecar::shipped().edited(|text| {
        let text = insert(&text, "          - name: cloakroom\n", &observing);
        insert(&text, "              - match: {prefix: /}\n                route:\n", routes)
    });
    Settings { sidecar, ..Settings::shipped() }
}

#[tokio::test]
async fn a_canary_by_header_masks_those_that_ask_for_it() {
    let world = World::start(&canary(&fragment("# Canary by header", 14)));
    let (said, masked) =
        (Api::Anthropic.request(TEXT, false, false), Api::Anthropic.request(MASKED, false, false));
    let seen = world.see(&world.anthropic(said.clone())).await;
    assert_eq!(seen.received.text(), said, "observed");
    let seen = world.see(&world.anthropic(said.clone()).header("x-cloakroom", "mask")).await;
    assert_eq!(seen.received.text(), masked, "masked");
    assert_eq!(seen.received.header("x-cloakroom"), None);
    assert!(seen.answer.text().contains("i-0abc1234def567890"), "{}", seen.answer.text());
    let stats = world.envoy.admin("/stats?filter=cloakroom_(masked|observed)_AWS_EC2").unwrap();
    assert!(
        stats.contains("cloakroom_masked_AWS_EC2: 2") && stats.contains("cloakroom_observed_AWS_EC2: 2"),
        "{stats}"
    );
}

#[tokio::test]
async fn a_canary_by_weight_masks_its_share() {
    let routes = fragment("# Canary by weight", 14);
    let said = Api::Anthropic.request(TEXT, false, false);
    for (percent, goes_out) in [(0, said.clone()), (100, Api::Anthropic.request(MASKED, false, false))] {
        let routes = routes.replace("numerator: 10,", &format!("numerator: {percent},"));
        let world = World::start(&canary(&routes));
        for _ in 0..10 {
            assert_eq!(
                world.see(&world.anthropic(said.clone())).await.received.text(),
                goes_out,
                "{percent} %"
            );
        }
    }
}

/// A folder that changes as the kubelet changes a ConfigMap's: `..data` leads to another one from one moment to the next.
struct ConfigMap {
    dir: PathBuf,
    generation: u32,
}

impl ConfigMap {
    fn put(&mut self, files: &[(&str, String)]) {
        self.generation += 1;
        let name = format!("..{}", self.generation);
        fs::create_dir_all(self.dir.join(&name)).unwrap();
        for (file, text) in files {
            fs::write(self.dir.join(&name).join(file), text).unwrap();
            let link = self.dir.join(file);
            if !link.is_symlink() {
                symlink(Path::new("..data").join(file), link).unwrap();
            }
        }
        symlink(name, self.dir.join("..data_tmp")).unwrap();
        fs::rename(self.dir.join("..data_tmp"), self.dir.join("..data")).unwrap();
    }
}

/// What `cloakroom` makes of this file: Envoy's configuration, and beside it the certificates.
fn rendered(dir: &Path, mode: &str) -> impl Fn(&str) -> String + use<> {
    let egress = dir.join("egress.yaml");
    let file = json!({
        "hosts": {ANTHROPIC: {}},
        "filter": {"mapping": {"store": "request"}, "mode": mode},
        "files": {
            "wasm": Artifact::Filter.path(), "ca": dir.join("ca.pem"), "admin_socket": dir.join(ADMIN),
            "pki": dir.join("pki"), "rendered": dir.join("config"),
        },
    });
    fs::write(&egress, file.to_string()).unwrap();
    let out = dir.join("out");
    for (command, to, folder) in [("render", "--out", &out), ("pki", "--dir", &dir.join("pki"))] {
        let mut cloakroom = Command::new(Artifact::Cli.path());
        let done = cloakroom.args([command, "--file"]).arg(&egress).arg(to).arg(folder).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    move |name| fs::read_to_string(out.join(name)).unwrap()
}

/// From observing to masking without a restart, by a ConfigMap, as `envoy/kubernetes` has it; and one that is not valid leaves
/// the last one in its place.
#[tokio::test]
async fn a_changed_configmap_reaches_a_running_envoy() {
    let provider = Provider::start(&Options::default()).unwrap();
    let dir = tempfile::Builder::new().prefix("cloakroom-").tempdir().unwrap();
    fs::write(dir.path().join("ca.pem"), provider.ca_pem().unwrap()).unwrap();
    let mut config = ConfigMap { dir: dir.path().join("config"), generation: 0 };
    let files = |filter: String, of: &dyn Fn(&str) -> String| {
        [("filter.yaml", filter), ("sds-leaf.yaml", of("sds-leaf.yaml"))]
    };
    let observing = rendered(dir.path(), "observe");
    config.put(&files(observing("filter.yaml"), &observing));
    let address = provider.address();
    let text = observing("sidecar-transparent.yaml").replace("port_value: 15001", "port_value: 0").replace(
        &format!("\"{ANTHROPIC}\", port_value: 443"),
        &format!("{}, port_value: {}", address.ip(), address.port()),
    );
    let masking = rendered(dir.path(), "mask");
    let envoy = Envoy::launch(Command::new(Artifact::Envoy.path()), &text, 1, dir);
    let (said, masked) =
        (Api::Anthropic.request(TEXT, false, false), Api::Anthropic.request(MASKED, false, false));
    let send = async |key: &str| {
        let call = Call::post(ANTHROPIC, "/v1/messages", said.clone()).header(KEY_HEADER, key);
        let mut connection = Connection::open(envoy.address(), Protocol::Http1).await.unwrap();
        let answer = within("an answer", connection.call(&call)).await.unwrap();
        assert_eq!(answer.status, 200, "{key}: {}\n{}", answer.text(), envoy.logs().own);
        provider.records().of(key).remove(0).text()
    };
    assert_eq!(send("observed").await, said);

    let updates =
        |what: &str| envoy.admin(&format!("/stats?filter=extension_config_discovery.*{what}")).unwrap();
    config.put(&files(masking("filter.yaml"), &masking));
    let reloaded = async {
        while !updates("config_reload").ends_with(": 2\n") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within("the new configuration", reloaded).await;
    assert_eq!(send("masked").await, masked);

    config.put(&files(masking("filter.yaml").replace("\"mask\"", "\"nonsense\""), &masking));
    let refused = async {
        while !updates("(config_fail|update_rejected)").contains(": 1\n") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within("the bad configuration to be refused", refused).await;
    assert_eq!(send("still masked").await, masked);
}

/// Runs `drain.sh` on this world's Envoy.
fn drain(world: &World, wait: &str) -> Child {
    let mut drain = Command::new(root().join("envoy/docker/drain.sh"));
    drain
        .arg("--admin")
        .arg(world.envoy.admin_socket())
        .args(["--wait", wait])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// An answer that streams ends before Envoy may; new connections are not taken any more.
#[tokio::test]
async fn draining_waits_for_the_last_answer() {
    let world = World::start(&Settings::shipped());
    let call = world.anthropic(Api::Anthropic.request("hello", true, false));
    let gate = Gate::new();
    let event = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
    answer_with(
        &world,
        &call,
        Reply::Script(Script::new("text/event-stream").send(event).wait(&gate).send(event)),
    );
    let mut connection = world.connect(Protocol::Http1).await;
    let mut live = within("the head", connection.begin(&call)).await.unwrap();
    within("the first event", live.read_until(|read| read.ends_with(b"\n\n"))).await;

    let impatient = drain(&world, "0").wait_with_output().unwrap();
    assert_eq!(impatient.status.code(), Some(1));
    assert_eq!(String::from_utf8(impatient.stderr).unwrap(), "drain.sh: 1 requests are still under way\n");

    let mut patient = drain(&world, "60");
    let before = requests_of_admin(&world);
    let asks = async {
        for own in 1.. {
            // It drains, and asks at least twice how many are left.
            if requests_of_admin(&world) - before - own >= 3 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within("drain.sh to ask", asks).await;
    assert!(patient.try_wait().unwrap().is_none(), "it waits");
    gate.open();
    let rest = within("the end", live.rest()).await;
    assert_eq!((rest.end, rest.text().as_str()), (End::Complete, event));
    let status =
        within("drain.sh", tokio::task::spawn_blocking(move || patient.wait().unwrap())).await.unwrap();
    assert!(status.success());
}

fn requests_of_admin(world: &World) -> u64 {
    let stats = world.envoy.admin("/stats?filter=^http.admin.downstream_rq_total$").unwrap();
    stats.trim().rsplit(' ').next().unwrap().parse().unwrap()
}
