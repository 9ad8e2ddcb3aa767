//! The provider's certificate authority and leaf, made anew for each run.

use std::{fmt, fs, io, path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_rustls::TlsAcceptor;

use super::Alpn;

/// A CA and one leaf for all of the provider's names.
#[derive(Debug)]
pub struct Pki {
    ca_pem: String,
    leaf: CertificateDer<'static>,
    leaf_pem: String,
    leaf_key: KeyPair,
}

impl Pki {
    /// Makes a CA and has it sign a leaf for `names`.
    ///
    /// # Errors
    /// When a name is not a DNS name, or key generation fails.
    pub fn generate(names: &[&str]) -> io::Result<Self> {
        Self::try_generate(names).map_err(io::Error::other)
    }

    fn try_generate(names: &[&str]) -> Result<Self, rcgen::Error> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(DnType::CommonName, "Scripted LLM provider CA");
        let ca_pem = ca.self_signed(&ca_key)?.pem();

        let leaf_key = KeyPair::generate()?;
        let mut leaf = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
        leaf.distinguished_name.push(DnType::CommonName, "Scripted LLM provider");
        let leaf = leaf.signed_by(&leaf_key, &Issuer::new(ca, ca_key))?;
        Ok(Self { ca_pem, leaf: leaf.der().clone(), leaf_pem: leaf.pem(), leaf_key })
    }

    /// The CA's certificate: what a client must trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Writes `ca.pem`, `leaf.pem` and `leaf.key` into `dir`, which is created when absent.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        fs::write(dir.join("leaf.pem"), &self.leaf_pem)?;
        fs::write(dir.join("leaf.key"), self.leaf_key.serialize_pem())?;
        // Last, because whoever waits for it may start at once.
        fs::write(dir.join("ca.pem"), &self.ca_pem)
    }

    pub(super) fn acceptor(&self, alpn: Alpn) -> io::Result<TlsAcceptor> {
        let key = PrivateKeyDer::try_from(self.leaf_key.serialize_der()).map_err(io::Error::other)?;
        acceptor(vec![self.leaf.clone()], key, alpn)
    }
}

/// A certificate, with what it needs of its chain, and its key, as PEM: of somebody else's CA.
#[derive(Clone)]
pub struct Identity {
    /// The certificates.
    pub chain: Vec<u8>,
    /// The key.
    pub key: Vec<u8>,
}

impl Identity {
    /// Of the files `name.pem` and `name.key` in this folder.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn read(dir: &Path, name: &str) -> io::Result<Self> {
        let read = |kind: &str| fs::read(dir.join(name).with_extension(kind));
        Ok(Self { chain: read("pem")?, key: read("key")? })
    }

    /// As rustls wants it.
    ///
    /// # Errors
    /// When it is not PEM.
    pub fn parse(&self) -> io::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let chain: Result<_, _> = CertificateDer::pem_slice_iter(&self.chain).collect();
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(io::Error::other)?;
        Ok((chain.map_err(io::Error::other)?, key))
    }

    pub(super) fn acceptor(&self, alpn: Alpn) -> io::Result<TlsAcceptor> {
        let (chain, key) = self.parse()?;
        acceptor(chain, key, alpn)
    }
}

impl From<&Pki> for Identity {
    /// The leaf.
    fn from(pki: &Pki) -> Self {
        Self { chain: pki.leaf_pem.clone().into(), key: pki.leaf_key.serialize_pem().into() }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

fn acceptor(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    alpn: Alpn,
) -> io::Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(io::Error::other)?;
    config.alpn_protocols = match alpn {
        Alpn::Both => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Alpn::Http1 => vec![b"http/1.1".to_vec()],
        Alpn::Http2 => vec![b"h2".to_vec()],
    };
    Ok(TlsAcceptor::from(Arc::new(config)))
}
