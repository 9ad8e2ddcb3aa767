//! TLS as applications speak it, and as they might.

use std::{io, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{Connection, Protocol, within};
use crate::provider::Identity;

/// What a client offers and demands.
#[derive(Clone, Debug)]
pub struct Tls {
    config: ClientConfig,
}

impl Tls {
    /// Trusts the CAs of this PEM and nobody else.
    ///
    /// # Panics
    /// When there is none in it.
    pub fn trusting(ca_pem: &[u8]) -> Self {
        let mut roots = RootCertStore::empty();
        for ca in CertificateDer::pem_slice_iter(ca_pem) {
            roots.add(ca.expect("PEM")).expect("a CA");
        }
        assert!(!roots.is_empty(), "the PEM has no certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { config }
    }

    /// Offers this protocol.
    #[must_use]
    pub fn offering(mut self, protocol: Protocol) -> Self {
        self.config.alpn_protocols = match protocol {
            Protocol::Http1 => vec![b"http/1.1".to_vec()],
            Protocol::Http2 => vec![b"h2".to_vec()],
        };
        self
    }

    /// Shows this certificate if it is asked for one.
    ///
    /// # Panics
    /// When it is none, or ring has no use for its key.
    #[must_use]
    pub fn showing(mut self, identity: impl Into<Identity>) -> Self {
        let (chain, key) = identity.into().parse().expect("PEM");
        let key = rustls::crypto::ring::sign::any_supported_type(&key).expect("a key");
        let shown = CertifiedKey::new(chain, key);
        self.config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(shown));
        self
    }

    /// Does not say whom it wants; the certificate must be the right one all the same.
    #[must_use]
    pub fn without_sni(mut self) -> Self {
        self.config.enable_sni = false;
        self
    }

    /// Shakes hands with whoever is at the other end, who must have a certificate for `name`.
    ///
    /// # Errors
    /// When it has not, or goes away.
    ///
    /// # Panics
    /// When `name` is none.
    pub async fn handshake(&self, stream: TcpStream, name: &str) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        within("TLS", TlsConnector::from(Arc::new(self.config.clone())).connect(name, stream)).await
    }

    /// [`handshake`](Self::handshake), and HTTP over it.
    ///
    /// # Errors
    /// When either fails.
    pub async fn open(&self, stream: TcpStream, name: &str, protocol: Protocol) -> io::Result<Connection> {
        stream.set_nodelay(true)?;
        let stream = self.clone().offering(protocol).handshake(stream, name).await?;
        Ok(Connection::over(stream, protocol).await.map_err(io::Error::other)?.https())
    }
}
