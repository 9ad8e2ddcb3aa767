//! A CA of three parts: a root, which applications trust, an issuer, which signs, and the issuer's key.
//!
//! The root's key is thrown away as soon as it has signed the issuer. Some programs (Java's) do not look at the constraints of
//! a root, but all do at those of an issuer: so nobody who gets hold of the key that is kept can sign for other names.

use super::{Leaf, Realm, Seconds, Usage, der};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData, SanType,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use std::collections::BTreeSet;
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, ring::ECDSA_P256_SHA256};

/// For clocks that are late.
const BACKDATED: Seconds = 300;

/// A CA.
#[derive(Debug)]
pub(super) struct Authority {
    key: KeyPair,
    issuer: CertificateDer<'static>,
    /// First the issuer's; then those before it.
    roots: Vec<CertificateDer<'static>>,
}

/// A certificate and its key.
#[derive(Debug)]
pub(super) struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    /// Makes one that can sign for the names of this realm and nothing else.
    pub(super) fn create(
        realm: &Realm,
        now: Seconds,
        life: Seconds,
        old: &[CertificateDer<'static>],
    ) -> Result<Self, String> {
        let (root_key, key) = (new_key()?, new_key()?);
        let root = ca(realm, realm.label, &root_key, 1, now, life)?;
        let issuer = ca(realm, ISSUER, &key, 0, now, life)?;
        let root_certificate = root.self_signed(&root_key).map_err(failed)?;
        let issuer = issuer.signed_by(&key, &Issuer::from_params(&root, &root_key)).map_err(failed)?;
        let mut roots = vec![root_certificate.into()];
        roots.extend_from_slice(old);
        Ok(Self { key, issuer: issuer.into(), roots })
    }

    /// Reads what [`to_pem`](Self::to_pem) wrote. An error is what the file is or has.
    pub(super) fn from_pem(text: &str) -> Result<Self, &'static str> {
        const FOREIGN: &str = "is not a CA that this program made: move it away, and a new one is made";
        let key = KeyPair::from_pem(text).map_err(|_| FOREIGN)?;
        let mut certificates = certificates(text.as_bytes()).ok_or(FOREIGN)?.into_iter();
        let issuer = certificates.next().ok_or(FOREIGN)?;
        let authority = Self { key, issuer, roots: certificates.collect() };
        let public =
            EndEntityCert::try_from(&authority.issuer).map_err(|_| FOREIGN)?.subject_public_key_info();
        if *public != authority.key.subject_public_key_info() || authority.roots.is_empty() {
            return Err(FOREIGN);
        }
        if authority
            .roots
            .iter()
            .chain([&authority.issuer])
            .any(|certificate| der::validity(certificate).is_none())
        {
            return Err(FOREIGN);
        }
        Ok(authority)
    }

    /// All of it, the key too.
    pub(super) fn to_pem(&self) -> String {
        let certificates = [&self.issuer].into_iter().chain(&self.roots).cloned().collect::<Vec<_>>();
        self.key.serialize_pem() + &pem(&certificates)
    }

    /// The last moment at which it can sign.
    pub(super) fn ends(&self) -> Seconds {
        der::validity(&self.issuer).map_or(0, |validity| validity.end)
    }

    /// How long it can sign in all.
    pub(super) fn life(&self) -> Seconds {
        der::validity(&self.issuer).map_or(0, |validity| validity.end - validity.start)
    }

    /// What is to be trusted: its root, and older ones that may still be in use.
    pub(super) fn roots_alive(&self, now: Seconds) -> Vec<CertificateDer<'static>> {
        let alive =
            |root: &&CertificateDer<'_>| der::validity(root).is_some_and(|validity| now <= validity.end);
        self.roots.iter().filter(alive).cloned().collect()
    }

    /// Makes a certificate with a key of its own.
    ///
    /// The error is the verification's: what applications would refuse is not made.
    pub(super) fn sign(&self, leaf: &Leaf, now: Seconds, life: Seconds) -> Result<Identity, String> {
        let key = new_key()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Cloakroom");
        params.not_before = der::date_time(now - BACKDATED)?;
        params.not_after = der::date_time((now + life).min(self.ends()))?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match leaf.usage {
            Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        params.use_authority_key_identifier_extension = true;
        params.subject_alt_names = leaf
            .names
            .iter()
            .map(|name| Ok(SanType::DnsName(name.as_str().try_into()?)))
            .collect::<Result<_, rcgen::Error>>()
            .map_err(failed)?;
        let issuer = Issuer::new(named(ISSUER, &self.key), &self.key);
        let certificate = params.signed_by(&key, &issuer).map_err(failed)?.into();
        let identity = Identity { certificate, key };
        self.verify(&identity, leaf, now).map_err(|error| error.to_string())?;
        Ok(identity)
    }

    /// The same, for those of its names that this CA can sign for.
    pub(super) fn permitted(&self, leaf: &Leaf, now: Seconds) -> Leaf {
        let alone = |name: &String| Leaf { names: vec![name.clone()], ..*leaf };
        let can = |names: &Leaf| self.sign(names, now, BACKDATED).is_ok();
        let names = match can(&Leaf { names: leaf.names.clone(), ..*leaf }) {
            true => leaf.names.clone(),
            false => leaf.names.iter().filter(|name| can(&alone(name))).cloned().collect(),
        };
        Leaf { names, ..*leaf }
    }

    /// Whether applications take this for what the leaf is to be: its names and no others, signed by this CA.
    pub(super) fn vouches(&self, identity: &Identity, leaf: &Leaf, now: Seconds) -> bool {
        let Ok(certificate) = EndEntityCert::try_from(&identity.certificate) else { return false };
        let names: BTreeSet<&str> = certificate.valid_dns_names().collect();
        names == leaf.names.iter().map(String::as_str).collect() && self.verify(identity, leaf, now).is_ok()
    }

    fn verify(&self, identity: &Identity, leaf: &Leaf, now: Seconds) -> Result<(), webpki::Error> {
        let root = self.roots.first().ok_or(webpki::Error::UnknownIssuer)?;
        let usage = match leaf.usage {
            Usage::Server => KeyUsage::server_auth(),
            Usage::Client => KeyUsage::client_auth(),
        };
        let now = Duration::from_secs(u64::try_from(now).unwrap_or_default());
        EndEntityCert::try_from(&identity.certificate)?.verify_for_usage(
            &[ECDSA_P256_SHA256],
            &[anchor_from_trusted_cert(root)?],
            std::slice::from_ref(&self.issuer),
            UnixTime::since_unix_epoch(now),
            usage,
            None,
            None,
        )?;
        Ok(())
    }

    /// Whether it has only a third of its life left, and a new one would live longer.
    pub(super) fn is_due(&self, identity: &Identity, now: Seconds) -> bool {
        let validity = der::validity(&identity.certificate).unwrap_or_default();
        (validity.end - now) * 3 < validity.end - validity.start && validity.end < self.ends()
    }
}

impl Identity {
    /// Reads what was written; `None` if it is nothing that fits together.
    pub(super) fn from_pem(certificate: &[u8], key: &[u8]) -> Option<Self> {
        let certificate = certificates(certificate)?.into_iter().next()?;
        let key = KeyPair::from_pem(str::from_utf8(key).ok()?).ok()?;
        let public = EndEntityCert::try_from(&certificate).ok()?.subject_public_key_info();
        (*public == key.subject_public_key_info()).then_some(Self { certificate, key })
    }

    /// The certificate, and its issuer's.
    pub(super) fn chain_pem(&self, authority: &Authority) -> String {
        pem(&[self.certificate.clone(), authority.issuer.clone()])
    }

    /// The key.
    pub(super) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

/// What the issuer's name begins with.
const ISSUER: &str = "Cloakroom issuer";

fn ca(
    realm: &Realm,
    label: &str,
    key: &KeyPair,
    below: u8,
    now: Seconds,
    life: Seconds,
) -> Result<CertificateParams, String> {
    let mut params = named(label, key);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.not_before = der::date_time(now - BACKDATED)?;
    params.not_after = der::date_time(now + life)?;
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if realm.leaves.iter().any(|leaf| leaf.usage == Usage::Client) {
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
    }
    let names: BTreeSet<&String> = realm.leaves.iter().flat_map(|leaf| &leaf.names).collect();
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: names.into_iter().cloned().map(GeneralSubtree::DnsName).collect(),
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([0; 4], 0)),
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix([0; 16], 0)),
        ],
    });
    Ok(params)
}

/// The name and the usages of a CA. Its key is part of the name, so that no two are taken for each other.
fn named(label: &str, key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    let id: String = params.key_identifier(key).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("{label} {id}"));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// On P-256. The serial number is a hash of the public key, so it is as random.
fn new_key() -> Result<KeyPair, String> {
    KeyPair::generate().map_err(failed)
}

fn failed(error: rcgen::Error) -> String {
    format!("no certificate can be made: {error}")
}

/// As text, one behind the other.
pub(super) fn pem(certificates: &[CertificateDer<'_>]) -> String {
    certificates
        .iter()
        .map(|der| pem::encode_config(&pem::Pem::new("CERTIFICATE", der.to_vec()), LINES))
        .collect()
}

/// Line ends of this system, instead of those of another.
const LINES: pem::EncodeConfig = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);

fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()
}
