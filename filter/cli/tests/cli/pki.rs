//! Certificates, seen by those who verify them.

use crate::support::{cloakroom, stdout};
use rcgen::{CertificateParams, DnType, Issuer, KeyPair, SanType};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const HOSTS: [&str; 2] = ["api.anthropic.com", "api.openai.com"];

/// A folder with an operator's file.
fn site() -> (TempDir, PathBuf, String) {
    let root = TempDir::new().unwrap();
    let (file, dir) = (root.path().join("egress.yaml"), root.path().join("pki"));
    let gateway = "gateway: {address: 'gw.example:15443', client: sidecar.example}";
    fs::write(&file, format!("hosts: {{{}: , {}: }}\n{gateway}\n", HOSTS[0], HOSTS[1])).unwrap();
    let arguments = format!("pki --file {} --dir {}", file.display(), dir.display());
    (root, dir, arguments)
}

fn python(script: &str, arguments: &[&Path], name: &str) -> String {
    let output = Command::new("python3").args(["-c", script]).args(arguments).arg(name).output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// A handshake in memory, with OpenSSL as Python has it: CA, certificate, key, name.
const HANDSHAKE: &str = "
import ssl, sys
ca, certificate, key, name = sys.argv[1:]
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(certificate, key)
client = ssl.create_default_context(cafile=ca)
def bio(): return ssl.MemoryBIO()
a, b = bio(), bio()
c, s = client.wrap_bio(a, b, server_hostname=name), server.wrap_bio(b, a, server_side=True)
for _ in range(4):
    for end in (c, s):
        try: end.do_handshake()
        except ssl.SSLWantReadError: pass
        except ssl.SSLCertVerificationError as e: print(e.verify_message); sys.exit()
print('trusted', c.version())
";

fn handshake(dir: &Path, leaf: &str, name: &str) -> String {
    let (certificate, key) = (dir.join(format!("{leaf}.pem")), dir.join(format!("{leaf}.key")));
    python(HANDSHAKE, &[&dir.join("ca.pem"), &certificate, &key], name).trim().to_owned()
}

/// What somebody does who has got hold of the key of the CA.
fn forge(dir: &Path, file: &str, names: Vec<SanType>) {
    let text = fs::read_to_string(dir.join("ca/ca.pem")).unwrap();
    let stolen = KeyPair::from_pem(&text).unwrap();
    let mut issuer = CertificateParams::default();
    let id: String =
        issuer.key_identifier(&stolen).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    issuer.distinguished_name = rcgen::DistinguishedName::new();
    issuer.distinguished_name.push(DnType::CommonName, format!("Cloakroom issuer {id}"));
    let issuer = Issuer::new(issuer, stolen);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.subject_alt_names = names;
    params.use_authority_key_identifier_extension = true;
    let forged = params.signed_by(&key, &issuer).unwrap().pem();
    let begin = text.find("-----BEGIN CERTIFICATE").unwrap();
    fs::write(dir.join(format!("{file}.pem")), forged + &text[begin..]).unwrap();
    fs::write(dir.join(format!("{file}.key")), key.serialize_pem()).unwrap();
}

#[test]
fn openssl_trusts_the_hosts_and_no_forgery_with_the_cas_own_key() {
    let (_root, dir, arguments) = site();
    stdout(&arguments, b"");
    for host in HOSTS {
        assert_eq!(handshake(&dir, "leaf", host), "trusted TLSv1.3");
    }
    assert!(handshake(&dir, "leaf", "api.example.com").starts_with("Hostname mismatch"));
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    for (names, asked, expected) in [
        // The control: forging itself works.
        (vec![dns(HOSTS[0])], HOSTS[0], "trusted TLSv1.3"),
        (vec![dns("bank.example")], "bank.example", "permitted subtree violation"),
        (vec![dns(HOSTS[0]), dns("bank.example")], HOSTS[0], "permitted subtree violation"),
        (vec![dns("*.anthropic.com")], HOSTS[0], "permitted subtree violation"),
        (vec![SanType::IpAddress([192, 0, 2, 1].into())], "192.0.2.1", "excluded subtree violation"),
        (vec![SanType::IpAddress([0; 16].into())], "::", "excluded subtree violation"),
    ] {
        forge(&dir, "forged", names);
        assert_eq!(handshake(&dir, "forged", asked), expected, "{asked}");
    }
}

#[test]
fn who_does_not_look_at_the_roots_constraints_trusts_no_forgery_either() {
    let (_root, dir, arguments) = site();
    stdout(&arguments, b"");
    let read = |name: &str| -> Vec<CertificateDer<'static>> {
        let text = fs::read(dir.join(name)).unwrap();
        CertificateDer::pem_slice_iter(&text).map(Result::unwrap).collect()
    };
    let root = read("ca.pem").remove(0);
    let mut anchor = webpki::anchor_from_trusted_cert(&root).unwrap();
    anchor.name_constraints = None;
    let verified = |name: &str| {
        let chain = read(name);
        let leaf = webpki::EndEntityCert::try_from(&chain[0]).unwrap();
        let (now, usage) = (UnixTime::now(), webpki::KeyUsage::server_auth());
        let algorithms: &[&dyn SignatureVerificationAlgorithm] = &[webpki::ring::ECDSA_P256_SHA256];
        leaf.verify_for_usage(algorithms, &[anchor.clone()], &chain[1..], now, usage, None, None).map(drop)
    };
    assert_eq!(verified("leaf.pem"), Ok(()));
    for (name, expected) in
        [(HOSTS[0], Ok(())), ("bank.example", Err(webpki::Error::NameConstraintViolation))]
    {
        forge(&dir, "forged", vec![SanType::DnsName(name.try_into().unwrap())]);
        assert_eq!(verified("forged.pem"), expected);
    }
}

/// Verifies a chain as Java's TLS does, which takes a root without looking at its constraints: CA, certificate.
const JAVA: &str = r#"
import java.io.*; import java.security.*; import java.security.cert.*; import java.util.*; import javax.net.ssl.*;
public class Trust {
    static List<X509Certificate> read(String path) throws Exception {
        List<X509Certificate> all = new ArrayList<>();
        for (Object o : CertificateFactory.getInstance("X.509").generateCertificates(new FileInputStream(path)))
            all.add((X509Certificate) o);
        return all;
    }
    public static void main(String[] a) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry("ours", read(a[0]).get(0));
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        for (int i = 1; i < a.length; i++) try {
            X509Certificate[] chain = read(a[i]).toArray(new X509Certificate[0]);
            ((X509TrustManager) factory.getTrustManagers()[0]).checkServerTrusted(chain, "ECDHE_ECDSA");
            System.out.println("trusted");
        } catch (CertificateException e) { System.out.println(e.getCause().getMessage()); }
    }
}
"#;

#[test]
fn java_trusts_no_forgery_either() {
    if Command::new("java").arg("-version").output().is_err() {
        return; // Not everybody has it.
    }
    let (root, dir, arguments) = site();
    stdout(&arguments, b"");
    forge(&dir, "forged", vec![SanType::DnsName("bank.example".try_into().unwrap())]);
    let source = root.path().join("Trust.java");
    fs::write(&source, JAVA).unwrap();
    let files = ["ca.pem", "leaf.pem", "forged.pem"].map(|name| dir.join(name));
    let output = Command::new("java").arg(&source).args(files).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "trusted", "{}", String::from_utf8_lossy(&output.stderr));
    assert!(lines[1].contains("name constraints"), "{told}");
}

/// All files below, and what others may do with them.
fn modes(dir: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            found.extend(
                modes(&entry.path()).into_iter().map(|(below, mode)| (format!("{name}/{below}"), mode)),
            );
        }
        if !metadata.is_symlink() {
            found.push((name, metadata.mode() & 0o7777));
        }
    }
    found.sort();
    found
}

#[test]
fn keys_are_their_owners_alone_whatever_the_umask_says() {
    for umask in ["000", "022", "077", "777"] {
        let (_root, dir, arguments) = site();
        let command = format!("umask {umask}; exec \"$0\" {arguments}");
        let status =
            Command::new("sh").args(["-c", &command, env!("CARGO_BIN_EXE_cloakroom")]).output().unwrap();
        assert!(status.status.success(), "{status:?}");
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o7777, 0o755);
        let expected = [
            ("..1", 0o755),
            ("..1/ca.pem", 0o644),
            ("..1/gateway.key", 0o600),
            ("..1/gateway.pem", 0o644),
            ("..1/leaf.key", 0o600),
            ("..1/leaf.pem", 0o644),
            ("..1/mesh-ca.pem", 0o644),
            ("..1/sidecar.key", 0o600),
            ("..1/sidecar.pem", 0o644),
            ("ca", 0o700),
            ("ca/ca.pem", 0o600),
            ("ca/mesh-ca.pem", 0o600),
        ];
        assert_eq!(modes(&dir), expected.map(|(name, mode)| (name.to_owned(), mode)), "umask {umask}");
    }
}

#[test]
fn runs_at_the_same_time_wait_for_each_other() {
    let (_root, dir, arguments) = site();
    let runs: Vec<Output> = std::thread::scope(|threads| {
        let run =
            || Command::new(env!("CARGO_BIN_EXE_cloakroom")).args(arguments.split(' ')).output().unwrap();
        let runs: Vec<_> = (0..8).map(|_| threads.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(runs.iter().all(|run| run.status.success()), "{runs:?}");
    assert_eq!(runs.iter().filter(|run| !run.stdout.is_empty()).count(), 1, "{runs:?}");
    assert_eq!(handshake(&dir, "leaf", HOSTS[0]), "trusted TLSv1.3");
}

#[test]
fn watching_ends_when_it_is_told_to_and_starts_where_it_is() {
    let (root, dir, arguments) = site();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
    let mut child = command.args(arguments.split(' ')).arg("--watch").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let renewed = format!("{}: renewed", dir.display());
    assert!(lines.any(|line| line == renewed));
    assert_eq!(handshake(&dir, "leaf", HOSTS[1]), "trusted TLSv1.3");
    // It does not keep others out while it waits.
    assert_eq!(stdout(&arguments, b""), "");
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(kill.success() && child.wait().unwrap().success());

    // What cannot be begun ends at once.
    fs::write(root.path().join("egress.yaml"), "hosts: {z.example: }").unwrap();
    let run = cloakroom(&format!("{arguments} --watch"), b"");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("is for fewer names"), "{}", run.stderr);
}

#[test]
fn hints_name_the_folder_and_every_variable() {
    let hints = stdout("pki --trust --dir /run/cloakroom/pki", b"");
    for word in [
        "/run/cloakroom/pki/ca.pem",
        "/run/cloakroom/pki/bundle.pem",
        "update-ca-certificates",
        "update-ca-trust",
        "SSL_CERT_FILE",
        "NODE_EXTRA_CA_CERTS",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "AWS_CA_BUNDLE",
        "javax.net.ssl.trustStore",
        ".NET",
    ] {
        assert!(hints.contains(word), "{word}");
    }
    assert!(hints.lines().all(|line| line.len() <= 120));
}

#[test]
fn a_folder_that_others_can_change_is_refused_before_anything_is_written() {
    let (_root, dir, arguments) = site();
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, Permissions::from_mode(0o777)).unwrap();
    let run = cloakroom(&arguments, b"");
    let said = format!("cloakroom: others can write to {0}: run chmod go-w {0}\n", dir.display());
    assert_eq!((run.code, run.stderr), (Some(1), said));
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
}
