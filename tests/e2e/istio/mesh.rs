//! Mutual TLS between the proxies of a mesh.

use std::{fs, path::PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::pilot::TYPE;

/// The mesh's CA, and the workloads' certificates.
pub(crate) struct Mesh {
    ca: String,
    issuer: Issuer<'static, KeyPair>,
    dir: TempDir,
}

impl Mesh {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(DnType::CommonName, "Mesh CA");
        let pem = ca.self_signed(&key).unwrap().pem();
        Self { ca: pem, issuer: Issuer::new(ca, key), dir: tempfile::tempdir().unwrap() }
    }

    /// Another CA, whose workloads trust this one.
    pub(crate) fn stranger(&self) -> Self {
        Self { ca: self.ca.clone(), ..Self::new() }
    }

    /// Files stay while this does not go: Envoy reads them at start.
    pub(crate) fn certificate(&self, identity: &str) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::default();
        leaf.subject_alt_names = vec![SanType::URI(identity.try_into().unwrap())];
        let leaf = leaf.signed_by(&key, &self.issuer).unwrap();
        let name = identity.rsplit('/').next().unwrap();
        let file = |end: &str, text: String| {
            let path = self.dir.path().join(format!("{name}.{end}"));
            fs::write(&path, text).unwrap();
            path
        };
        Certificate {
            ca: file("ca", self.ca.clone()),
            chain: file("pem", leaf.pem()),
            key: file("key", key.serialize_pem()),
        }
    }
}

/// TLS as a DestinationRule's `ISTIO_MUTUAL` asks for it, with the certificate of this workload.
pub(crate) fn mutual_tls(tls: &Value, workload: &Certificate) -> Value {
    assert_eq!(tls["mode"], "ISTIO_MUTUAL");
    let names = tls["subjectAltNames"].as_array().unwrap().iter();
    let names: Vec<Value> =
        names.map(|name| json!({"san_type": "URI", "matcher": {"exact": name}})).collect();
    assert!(!names.is_empty());
    json!({"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": format!("{TYPE}envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
        "sni": tls["sni"],
        "common_tls_context": {
            "alpn_protocols": ["istio-peer-exchange", "istio"],
            "tls_certificates": [workload.files()],
            "validation_context": {"trusted_ca": {"filename": workload.ca}, "match_typed_subject_alt_names": names},
        },
    }})
}

/// Gives a listener the TLS of a Gateway's server: only for its hosts, and for clients with a certificate of the mesh.
pub(crate) fn terminate(listener: &mut Value, server: &Value, workload: &Certificate) {
    assert_eq!(server["tls"], json!({"mode": "ISTIO_MUTUAL"}));
    listener["listener_filters"] = json!([{"name": "envoy.filters.listener.tls_inspector", "typed_config": {
        "@type": format!("{TYPE}envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"),
    }}]);
    let chain = &mut listener["filter_chains"][0];
    chain["filter_chain_match"] = json!({"server_names": server["hosts"]});
    chain["transport_socket"] = json!({"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": format!("{TYPE}envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
        "require_client_certificate": true,
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificates": [workload.files()],
            "validation_context": {"trusted_ca": {"filename": workload.ca}},
        },
    }});
}

/// A workload's certificate, in files, and the mesh's CA.
pub(crate) struct Certificate {
    pub(crate) ca: PathBuf,
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificate {
    fn files(&self) -> Value {
        json!({"certificate_chain": {"filename": self.chain}, "private_key": {"filename": self.key}})
    }
}
