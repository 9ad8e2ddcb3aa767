use super::*;
use proptest::prelude::*;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use webpki::EndEntityCert;

const NOW: Seconds = 1_800_000_000;
const HOUR: Seconds = 3600;
const DAY: Seconds = 24 * HOUR;

/// An operator's file and a folder that is not there yet.
struct Site {
    root: TempDir,
    pki: Pki,
}

impl Site {
    fn new(yaml: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let (file, dir) = (root.path().join("egress.yaml"), root.path().join("pki"));
        let pki = Pki {
            file,
            ca_dir: dir.join("ca"),
            dir,
            ca_days: 365,
            leaf_hours: 24,
            owner: None,
            bundle: None,
            action: Action::Once,
        };
        let site = Self { root, pki };
        site.operator_writes(yaml);
        site
    }

    fn operator_writes(&self, yaml: &str) {
        fs::write(&self.pki.file, yaml).unwrap();
    }

    fn work(&self, now: Seconds) -> Vec<String> {
        let done = self.pki.work(now, Action::Once).unwrap();
        assert_eq!(done.wrong, None);
        done.said
    }

    /// What people are told to do, although all went well.
    fn told(&self, now: Seconds) -> String {
        let told = self.pki.work(now, Action::Once).unwrap().wrong.expect("there is something to tell");
        self.plain(told)
    }

    fn plain(&self, text: String) -> String {
        assert!(!text.contains('\n'), "{text}");
        text.replace(&self.root.path().display().to_string(), "")
    }

    fn refused(&self, now: Seconds) -> String {
        self.plain(self.pki.work(now, Action::Once).unwrap_err())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.pki.dir.join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn certificates(&self, name: &str) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(self.text(name).as_bytes()).map(Result::unwrap).collect()
    }

    /// Whether somebody who trusts these roots takes the certificate for this name at that time.
    fn is_trusted(&self, leaf: &str, roots: &[CertificateDer<'static>], name: &str, now: Seconds) -> bool {
        let chain = self.certificates(leaf);
        let anchors: Vec<_> =
            roots.iter().map(|root| webpki::anchor_from_trusted_cert(root).unwrap()).collect();
        let certificate = EndEntityCert::try_from(&chain[0]).unwrap();
        let time = rustls_pki_types::UnixTime::since_unix_epoch(Duration::from_secs(now as u64));
        let usage = if leaf == "sidecar.pem" {
            webpki::KeyUsage::client_auth()
        } else {
            webpki::KeyUsage::server_auth()
        };
        let algorithms: &[&dyn rustls_pki_types::SignatureVerificationAlgorithm] =
            &[webpki::ring::ECDSA_P256_SHA256];
        certificate.verify_for_usage(algorithms, &anchors, &chain[1..], time, usage, None, None).is_ok()
            && certificate.verify_is_valid_for_subject_name(&ServerName::try_from(name).unwrap()).is_ok()
    }
}

const TWO: &str = "hosts: {a.example: , b.example: }";

#[test]
fn it_is_made_once_and_renewed_when_a_third_of_its_life_is_left() {
    let site = Site::new(TWO);
    assert_eq!(site.work(NOW).len(), 2);
    let (leaf, key, ca) = (site.text("leaf.pem"), site.text("leaf.key"), site.text("ca.pem"));
    for hours in [0, 1, 8, 15] {
        assert_eq!(site.work(NOW + hours * HOUR), [""; 0], "{hours}");
    }
    assert_eq!(site.text("leaf.pem"), leaf);
    assert_eq!(site.work(NOW + 16 * HOUR).len(), 1);
    assert!(site.text("leaf.pem") != leaf && site.text("leaf.key") != key, "both are new");
    assert_eq!(site.text("ca.pem"), ca);
    let roots = site.certificates("ca.pem");
    for (hours, trusted) in [(15, false), (16, true), (39, true), (41, false)] {
        assert_eq!(site.is_trusted("leaf.pem", &roots, "a.example", NOW + hours * HOUR), trusted, "{hours}");
    }
    // A clock that is late by a little.
    assert!(site.is_trusted("leaf.pem", &roots, "b.example", NOW + 16 * HOUR - 290));
}

#[test]
fn the_gateways_hop_has_certificates_of_its_own() {
    let site =
        Site::new("hosts: {a.example: }\ngateway: {address: 'gw.example:15443', client: sidecar.example}");
    site.work(NOW);
    let (roots, mesh) = (site.certificates("ca.pem"), site.certificates("mesh-ca.pem"));
    assert!(site.is_trusted("leaf.pem", &roots, "a.example", NOW));
    assert!(site.is_trusted("gateway.pem", &mesh, "gw.example", NOW));
    assert!(site.is_trusted("sidecar.pem", &mesh, "sidecar.example", NOW));
    assert!(!site.is_trusted("gateway.pem", &roots, "gw.example", NOW), "applications trust no gateway");
    assert!(!site.is_trusted("leaf.pem", &mesh, "a.example", NOW));
    // Without a gateway nothing of it stays.
    site.operator_writes("hosts: {a.example: }");
    site.work(NOW + 16 * HOUR);
    assert!(!fs::exists(site.path("gateway.key")).unwrap() && !fs::exists(site.path("mesh-ca.pem")).unwrap());
}

#[test]
fn a_new_ca_is_trusted_first_and_signs_later() {
    let site = Site::new(TWO);
    site.work(NOW);
    let old = site.certificates("ca.pem");
    let leaf = site.text("leaf.pem");
    assert_eq!(
        site.pki.work(NOW, Action::SwitchCa).unwrap_err(),
        "there is no new CA to switch to: --renew-ca makes one"
    );

    site.pki.work(NOW + 1, Action::RenewCa).unwrap();
    let both = site.certificates("ca.pem");
    assert_eq!((both.len(), &both[0]), (2, &old[0]));
    site.pki.work(NOW + 2, Action::RenewCa).unwrap();
    assert_eq!(site.certificates("ca.pem"), both, "the new one waits, there is no third");
    assert!(site.is_trusted("leaf.pem", &old, "a.example", NOW + 2), "the old one signs");

    site.pki.work(NOW + 3, Action::SwitchCa).unwrap();
    assert_ne!(site.text("leaf.pem"), leaf);
    assert!(
        !site.is_trusted("leaf.pem", &old, "a.example", NOW + 3)
            && site.is_trusted("leaf.pem", &both, "a.example", NOW + 3)
    );
    assert_eq!(site.certificates("ca.pem").len(), 2, "the old one lives");
    assert_eq!(site.work(NOW + 4), [""; 0]);
    // The old one has ended, the new one has seconds yet.
    assert_eq!(site.told(NOW + 1 + 365 * DAY), format!("the CA in /pki/ca.pem ends on 2028-01-15: {ADVICE}"));
    assert_eq!(site.certificates("ca.pem"), both[1..]);
}

#[test]
fn a_ca_that_ends_is_told_and_outlives_its_certificates() {
    let site = Site::new(TWO);
    site.work(NOW);
    let end = NOW + 365 * DAY;
    site.work(end - 122 * DAY);
    assert_eq!(site.told(end - 121 * DAY), format!("the CA in /pki/ca.pem ends on 2028-01-15: {ADVICE}"));
    // Nothing longer can be had: it is not made again and again.
    site.told(end - HOUR);
    assert!(der::validity(&site.certificates("leaf.pem")[0]).unwrap().end <= end, "none outlives its CA");
    let leaf = site.text("leaf.pem");
    site.told(end);
    assert_eq!(site.text("leaf.pem"), leaf);
    assert_eq!(site.refused(end + 1), "the CA in /pki/ca.pem ended on 2028-01-15: run --renew-ca");
    site.pki.work(end + 1, Action::RenewCa).unwrap();
    assert!(site.is_trusted("leaf.pem", &site.certificates("ca.pem"), "a.example", end + 1));
    assert_eq!(site.certificates("ca.pem").len(), 1);
}

#[test]
fn an_added_host_needs_a_new_ca_and_the_others_are_served_meanwhile() {
    let site = Site::new("hosts: {a.example: }");
    site.work(NOW);
    let (leaf, old) = (site.text("leaf.pem"), site.certificates("ca.pem"));
    site.operator_writes(TWO);
    let told = format!("the CA in /pki/ca.pem is for fewer names than the operator's file has: {ADVICE}");
    assert_eq!(site.told(NOW + 1), told);
    assert_eq!(site.text("leaf.pem"), leaf, "what was there stays");
    assert_eq!(site.told(NOW + 16 * HOUR), told);
    assert!(site.is_trusted("leaf.pem", &old, "a.example", NOW + 30 * HOUR), "and is renewed");

    let now = NOW + 17 * HOUR;
    assert_eq!(site.pki.work(now, Action::RenewCa).unwrap().wrong, None);
    let both = site.certificates("ca.pem");
    assert_eq!(both.len(), 2);
    assert!(site.is_trusted("leaf.pem", &old, "a.example", now));
    site.pki.work(now + 1, Action::SwitchCa).unwrap();
    assert!(["a.example", "b.example"].iter().all(|name| site.is_trusted("leaf.pem", &both, name, now + 1)));

    // Other hosts only: there is nothing that the old one could do.
    site.operator_writes("hosts: {z.example: }");
    assert_eq!(site.refused(now + 2), told);
}

#[test]
fn fewer_hosts_need_no_new_ca() {
    let site = Site::new(TWO);
    site.work(NOW);
    let roots = site.certificates("ca.pem");
    site.operator_writes("hosts: {b.example: }");
    assert_eq!(site.work(NOW + 2).len(), 1);
    assert!(site.is_trusted("leaf.pem", &roots, "b.example", NOW + 2));
    assert!(!site.is_trusted("leaf.pem", &roots, "a.example", NOW + 2));
}

#[test]
fn what_is_broken_foreign_or_open_to_others_is_refused() {
    let break_it = |harm: &dyn Fn(&Site)| {
        let site = Site::new(TWO);
        site.work(NOW);
        harm(&site);
        site.refused(NOW + 16 * HOUR)
    };
    let ca = |text: &'static str| break_it(&|site| fs::write(site.path("ca/ca.pem"), text).unwrap());
    let foreign = "/pki/ca/ca.pem is not a CA that this program made: move it away, and a new one is made";
    assert_eq!(ca(""), foreign);
    assert_eq!(ca("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), foreign);
    let other = Site::new(TWO);
    other.work(NOW);
    let mixed = |site: &Site| {
        let (ours, theirs) = (site.text("ca/ca.pem"), other.text("ca/ca.pem"));
        let (key, _) = ours.split_once("-----BEGIN CERT").unwrap();
        let (_, certificates) = theirs.split_once("-----BEGIN CERT").unwrap();
        fs::write(site.path("ca/ca.pem"), format!("{key}-----BEGIN CERT{certificates}")).unwrap();
    };
    assert_eq!(break_it(&mixed), foreign);

    let mode = |name: &'static str, mode| {
        break_it(&|site| fs::set_permissions(site.path(name), fs::Permissions::from_mode(mode)).unwrap())
    };
    assert_eq!(mode("", 0o775), "others can write to /pki/: run chmod go-w /pki/".replace("/pki/", "/pki"));
    assert_eq!(mode("ca", 0o707), "others can write to /pki/ca: run chmod go-w /pki/ca");
    assert_eq!(mode("ca/ca.pem", 0o660), "others can write to /pki/ca/ca.pem: run chmod go-w /pki/ca/ca.pem");
    assert_eq!(
        mode("ca/ca.pem", 0o644),
        "everybody can read /pki/ca/ca.pem, which has a key: run chmod 600 /pki/ca/ca.pem"
    );

    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let given_away = |site: &Site| chown(site.path("ca/ca.pem"), Some(4242), None).unwrap();
        let said = "/pki/ca/ca.pem belongs to another user: give it to the one that runs this";
        assert_eq!(break_it(&given_away), said);
        let folder = |site: &Site| chown(&site.pki.dir, Some(4242), None).unwrap();
        assert_eq!(break_it(&folder), said.replace("/ca/ca.pem", ""));
    }

    let file = |site: &Site| {
        fs::remove_file(site.path("leaf.pem")).unwrap();
        fs::write(site.path("leaf.pem"), "somebody's").unwrap();
    };
    assert_eq!(break_it(&file), "/pki/leaf.pem was not made by this program: move it away");
    assert_eq!(
        break_it(&|site| site.operator_writes("hosts: {}")),
        "/egress.yaml: hosts: expected at least one host that may be called"
    );
    assert_eq!(
        break_it(&|site| fs::remove_file(&site.pki.file).unwrap()),
        "cannot read /egress.yaml: No such file or directory (os error 2)"
    );
}

#[test]
fn what_is_damaged_or_was_interrupted_is_made_again() {
    for harm in [
        &(|site: &Site| fs::write(site.path("leaf.pem"), "").unwrap()) as &dyn Fn(&Site),
        &|site| fs::write(site.path("leaf.key"), "x").unwrap(),
        &|site| fs::remove_file(site.path("leaf.key")).unwrap(),
        &|site| fs::write(site.path("ca.pem"), "").unwrap(),
        &|site| fs::remove_file(site.path("..data")).unwrap(),
        &|site| {
            fs::create_dir(site.path("..2")).unwrap();
            fs::write(site.path("..2/leaf.key"), "half").unwrap();
            std::os::unix::fs::symlink("..2", site.path("..new")).unwrap();
            fs::write(site.path("ca/.ca.pem.new"), "half").unwrap();
            fs::remove_dir_all(site.path("..1")).unwrap();
        },
    ] {
        let site = Site::new(TWO);
        site.work(NOW);
        let roots = site.certificates("ca.pem");
        harm(&site);
        site.work(NOW + 1);
        assert!(site.is_trusted("leaf.pem", &roots, "a.example", NOW + 1));
        assert!(
            Identity::from_pem(site.text("leaf.pem").as_bytes(), site.text("leaf.key").as_bytes()).is_some()
        );
        assert_eq!(site.work(NOW + 2), [""; 0]);
    }
}

#[test]
fn a_certificate_and_its_key_are_never_apart() {
    let site = Site::new(TWO);
    site.work(NOW);
    let over = AtomicBool::new(false);
    let reads = std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let mut reads = 0;
            while !over.load(Ordering::SeqCst) {
                // By name, each is there at every moment; in one generation, they fit.
                let by_name =
                    [site.path("leaf.pem"), site.path("leaf.key")].map(|path| fs::read(path).unwrap());
                assert!(by_name.iter().all(|bytes| bytes.ends_with(b"-----\n")));
                let generation = fs::canonicalize(site.path("..data")).unwrap();
                let read = ["leaf.pem", "leaf.key"].map(|name| fs::read(generation.join(name)));
                // Who slept through two renewals, which are hours apart elsewhere, begins again.
                let [Ok(certificate), Ok(key)] = read else { continue };
                assert!(Identity::from_pem(&certificate, &key).is_some());
                reads += 1;
            }
            reads
        });
        for day in 1..=100 {
            assert!(site.work(NOW + day * DAY).iter().any(|line| line.ends_with("renewed")));
        }
        over.store(true, Ordering::SeqCst);
        reader.join().unwrap()
    });
    assert!(reads > 100, "{reads}");
    let generations = fs::read_dir(&site.pki.dir).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_str().unwrap().starts_with("..") && name != "..data"
    });
    assert_eq!(generations.count(), 2);
}

#[test]
fn the_bundle_has_the_systems_cas_and_ours() {
    let mut site = Site::new(TWO);
    let system = site.root.path().join("system.pem");
    site.pki.bundle = Some(system.clone());
    assert_eq!(
        site.refused(NOW),
        "cannot use /system.pem as a bundle: No such file or directory (os error 2)"
    );
    fs::write(&system, "none").unwrap();
    assert_eq!(site.refused(NOW), "cannot use /system.pem as a bundle: it has no certificate in PEM");
    fs::write(&system, "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----").unwrap();
    site.work(NOW);
    let expected = format!("{}\n{}", fs::read_to_string(&system).unwrap(), site.text("ca.pem"));
    assert_eq!(site.text("bundle.pem"), expected);
    // It follows the system's.
    fs::write(&system, "-----BEGIN CERTIFICATE-----\nMQA=\n-----END CERTIFICATE-----\n").unwrap();
    assert_eq!(site.work(NOW + 1).len(), 1);
    assert!(site.text("bundle.pem").contains("MQA="));
}

#[test]
fn keys_can_belong_to_envoys_user() {
    let mut site = Site::new(TWO);
    site.pki.owner = Some(4242);
    let made = site.pki.work(NOW, Action::Once);
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        assert!(made.unwrap_err().contains("Operation not permitted"));
        return;
    }
    for (name, uid, mode) in [("leaf.key", 4242, 0o600), ("leaf.pem", 0, 0o644), ("ca/ca.pem", 0, 0o600)] {
        let metadata = fs::metadata(site.path(name)).unwrap();
        assert_eq!((metadata.uid(), metadata.mode() & 0o7777), (uid, mode), "{name}");
    }
    assert_eq!(site.work(NOW + 1), [""; 0]);
    // Who finds out later gives the same keys away.
    let key = site.text("leaf.key");
    site.pki.owner = Some(4343);
    assert_eq!(site.work(NOW + 2).len(), 1);
    assert_eq!((fs::metadata(site.path("leaf.key")).unwrap().uid(), site.text("leaf.key")), (4343, key));
    site.pki.owner = None;
    assert_eq!(site.work(NOW + 3), [""; 0], "without --owner it stays whose it is");
}

#[test]
fn a_key_that_others_could_read_is_replaced() {
    let site = Site::new(TWO);
    site.work(NOW);
    let key = site.text("leaf.key");
    for mode in [0o604, 0o640] {
        fs::set_permissions(site.path("leaf.key"), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(site.work(NOW + 1).len(), 1, "{mode:o}");
        assert_ne!(site.text("leaf.key"), key);
        assert_eq!(fs::metadata(site.path("leaf.key")).unwrap().mode() & 0o7777, 0o600);
    }
    assert_eq!(site.work(NOW + 2), [""; 0]);
}

#[test]
fn one_folder_for_all_is_refused() {
    let mut site = Site::new(TWO);
    site.pki.ca_dir = site.pki.dir.join("../pki");
    assert_eq!(
        site.refused(NOW),
        "--ca-dir is --dir: what Envoy reads and the CA's key need folders of their own"
    );
}

fn realm(names: &[String]) -> Realm {
    let leaf = Leaf { file: "leaf.pem", names: names.to_vec(), usage: Usage::Server };
    Realm { file: "ca.pem", label: "Cloakroom CA", leaves: vec![leaf] }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Names as the operator's file takes them, and others that resemble them.
    #[test]
    fn a_ca_signs_for_its_names_and_for_no_others(
        names in prop::collection::btree_set("[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?(\\.[a-z]{2,10}){1,4}", 1..20),
        other in "[a-z][a-z0-9-]{0,8}[a-z0-9](\\.[a-z]{2,10}){1,4}",
    ) {
        let names: Vec<String> = names.into_iter().collect();
        let realm = realm(&names);
        let authority = Authority::create(&realm, NOW, DAY, &[]).unwrap();
        let authority = Authority::from_pem(&authority.to_pem()).unwrap();
        let identity = authority.sign(&realm.leaves[0], NOW, HOUR).unwrap();
        prop_assert!(authority.vouches(&identity, &realm.leaves[0], NOW));
        let chain = identity.chain_pem(&authority);
        let leaf = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
        let leaf = EndEntityCert::try_from(&leaf).unwrap();
        let is_for = |name: &str| leaf.verify_is_valid_for_subject_name(&ServerName::try_from(name).unwrap()).is_ok();
        let resembling = names.iter().flat_map(|name| {
            let (_, parent) = name.split_once('.').unwrap();
            [format!("x{name}"), format!("sub.{name}"), format!("{name}.x"), parent.to_owned()]
        });
        for name in names.iter().cloned().chain(resembling).chain([other]) {
            prop_assert_eq!(is_for(&name), names.contains(&name), "{}", name);
            let below = names.iter().any(|permitted| name == *permitted || name.ends_with(&format!(".{permitted}")));
            let wanted = Leaf { file: "leaf.pem", names: vec![name.clone()], usage: Usage::Server };
            prop_assert_eq!(authority.sign(&wanted, NOW, HOUR).is_ok(), below, "{}", name);
        }
    }
}
