//! `cloakroom pki`: the CA that applications trust, and what the sidecar shows them; likewise for the hop to the gateway.
//!
//! ```text
//! operator's file ──▶ Realm: names ─┐
//! CA folder (secret) ──▶ Authority ─┴▶ Identity: certificate and key ──▶ Folder: one generation, in place at once
//! ```
//!
//! Everything is made again when it is wrong or has a third of its life left, so a run after any interruption completes
//! what was begun.

use self::authority::{Authority, Identity};
use self::folder::{Access, Content, Folder};
use crate::egress::{Egress, pki as names};
use crate::failure::Failure;
use rustls_pki_types::CertificateDer;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

mod authority;
mod der;
mod folder;
mod trust;
mod watch;

/// A point in time, in seconds since 1970.
type Seconds = i64;

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Pki {
    /// The operator's file.
    pub(crate) file: PathBuf,
    /// Where what Envoy and applications read goes.
    pub(crate) dir: PathBuf,
    /// Where the CA's key is kept.
    pub(crate) ca_dir: PathBuf,
    /// How long CAs live.
    pub(crate) ca_days: u32,
    /// How long certificates live.
    pub(crate) leaf_hours: u32,
    /// Who owns the keys that Envoy reads, if not this user.
    pub(crate) owner: Option<u32>,
    /// The CAs that applications trust otherwise.
    pub(crate) bundle: Option<PathBuf>,
    /// What is to be done.
    pub(crate) action: Action,
}

/// What is to be done with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// Whatever is missing or due.
    Once,
    /// That, and a new CA beside the one that signs.
    RenewCa,
    /// That, by the new CA from now on.
    SwitchCa,
    /// That, for ever.
    Watch,
}

/// A CA, and the certificates that it signs.
struct Realm {
    /// The CA's file, here and there.
    file: &'static str,
    /// What its name begins with.
    label: &'static str,
    leaves: Vec<Leaf>,
}

/// A certificate that there is to be.
#[derive(Debug)]
struct Leaf {
    file: &'static str,
    names: Vec<String>,
    usage: Usage,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Usage {
    Server,
    Client,
}

/// Prints how applications come to trust the CA.
pub(crate) fn trust(dir: &Path, out: &mut impl Write) -> io::Result<()> {
    trust::hints(dir, out)
}

/// Does what is asked for.
pub(crate) fn run(pki: &Pki, out: &mut impl Write) -> Result<(), Failure> {
    if pki.action == Action::Watch {
        return watch::watch(pki, out);
    }
    let done = pki.work(now()?, pki.action).map_err(Failure::Failed)?;
    for line in done.said {
        writeln!(out, "{line}")?;
    }
    done.wrong.map_or(Ok(()), |wrong| Err(Failure::Failed(wrong)))
}

fn now() -> Result<Seconds, Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let seconds = since.and_then(|since| Seconds::try_from(since.as_secs()).ok());
    seconds.ok_or_else(|| Failure::Failed("the clock of this machine stands before 1970".to_owned()))
}

impl Pki {
    /// Does whatever is missing or due.
    fn work(&self, now: Seconds, action: Action) -> Result<Done, String> {
        let egress = Egress::load(&self.file)?;
        let folder = Folder::lock(&self.dir, Access::Everybody)?;
        // It would wait for itself.
        if folder.is(&self.ca_dir) {
            return Err(
                "--ca-dir is --dir: what Envoy reads and the CA's key need folders of their own".to_owned()
            );
        }
        let secret = Folder::lock(&self.ca_dir, Access::Owner)?;
        let mut done = Done::default();
        let (mut files, mut good) = (Vec::new(), true);
        for realm in realms(&egress) {
            let Cas { active, next } = self.cas(&realm, &secret, now, action, &mut done)?;
            let trusted = authority::pem(&trusted(&active, next.as_ref(), now));
            if let (names::CA, Some(bundle)) = (realm.file, &self.bundle) {
                files.push(Content::public(trust::BUNDLE, trust::bundle(bundle, &trusted)?));
            }
            files.push(Content::public(realm.file, trusted));
            for leaf in &realm.leaves {
                let permitted = active.permitted(leaf, now);
                if permitted.names.len() < leaf.names.len() && action != Action::RenewCa {
                    done.wrong = Some(self.other_names(&realm));
                }
                let identity = match self.in_place(&active, &permitted, &folder, now) {
                    Some(identity) => identity,
                    None if permitted.names.is_empty() => return Err(self.other_names(&realm)),
                    None => {
                        good = false;
                        active.sign(&permitted, now, i64::from(self.leaf_hours) * 3600)?
                    }
                };
                files.push(Content::public(leaf.file, identity.chain_pem(&active)));
                files.push(Content::secret(key_file(leaf.file), identity.key_pem()));
            }
        }
        if !(good && folder.holds(&files, self.owner)) {
            folder.publish(&files, self.owner)?;
            done.said.push(format!("{}: renewed", self.dir.display()));
        }
        Ok(done)
    }

    /// The CA that signs, and the one that will.
    fn cas(
        &self,
        realm: &Realm,
        secret: &Folder,
        now: Seconds,
        action: Action,
        done: &mut Done,
    ) -> Result<Cas, String> {
        let (ca, next_file) = (self.dir.join(realm.file), format!("next-{}", realm.file));
        let make = |old: &[_], file: &str| -> Result<Authority, String> {
            let made = Authority::create(realm, now, i64::from(self.ca_days) * 86_400, old)?;
            secret.replace(file, &made.to_pem())?;
            Ok(made)
        };
        let active = self.authority(secret, realm.file)?;
        let ended = active.as_ref().filter(|active| active.ends() < now).map(Authority::ends);
        let next = self.authority(secret, &next_file)?;
        match (active, next, action) {
            (Some(_), Some(next), Action::SwitchCa) => {
                secret.rename(&next_file, realm.file)?;
                Ok(Cas { active: next, next: None })
            }
            (Some(_), None, Action::SwitchCa) => {
                Err("there is no new CA to switch to: --renew-ca makes one".to_owned())
            }
            (Some(active), next, Action::RenewCa) if ended.is_none() => {
                let serves =
                    |next: &Authority| realm.leaves.iter().all(|leaf| next.sign(leaf, now, 1).is_ok());
                let next = match next.filter(serves) {
                    Some(next) => next,
                    None => make(&active.roots_alive(now), &next_file)?,
                };
                done.said.push(format!(
                    "{}: has a new CA, too; let applications read it again, then run --switch-ca",
                    ca.display()
                ));
                Ok(Cas { active, next: Some(next) })
            }
            (Some(active), next, Action::Once | Action::Watch) => {
                if let Some(ended) = ended {
                    let day = der::day(ended);
                    return Err(format!("the CA in {} ended on {day}: run --renew-ca", ca.display()));
                }
                if active.ends() - now < active.life() / 3 && next.is_none() {
                    let day = der::day(active.ends());
                    done.wrong = Some(format!("the CA in {} ends on {day}: {ADVICE}", ca.display()));
                }
                Ok(Cas { active, next })
            }
            (None, ..) | (Some(_), _, Action::RenewCa) => {
                done.said.push(format!("{}: a new CA; let applications trust it", ca.display()));
                Ok(Cas { active: make(&[], realm.file)?, next: None })
            }
        }
    }

    fn authority(&self, secret: &Folder, file: &str) -> Result<Option<Authority>, String> {
        let Some(text) = secret.secret(file)? else { return Ok(None) };
        let read = Authority::from_pem(&text);
        read.map(Some).map_err(|wrong| format!("{} {wrong}", self.ca_dir.join(file).display()))
    }

    /// What is in place, if it is as it should be and not due. A key that others could read is nobody's any more.
    fn in_place(&self, active: &Authority, leaf: &Leaf, folder: &Folder, now: Seconds) -> Option<Identity> {
        let key = key_file(leaf.file);
        let (certificate, key) =
            (folder.read(leaf.file)?, folder.read(&key).filter(|_| folder.is_private(&key))?);
        let identity = Identity::from_pem(&certificate, &key)?;
        (active.vouches(&identity, leaf, now) && !active.is_due(&identity, now)).then_some(identity)
    }

    fn other_names(&self, realm: &Realm) -> String {
        let ca = self.dir.join(realm.file);
        format!("the CA in {} is for fewer names than the operator's file has: {ADVICE}", ca.display())
    }
}

/// What is to be done about a CA.
const ADVICE: &str = "run --renew-ca, let applications read it again, then run --switch-ca";

/// What became of it.
#[derive(Debug, Default)]
struct Done {
    /// What was done.
    said: Vec<String>,
    /// What remains to be done, by people.
    wrong: Option<String>,
}

struct Cas {
    active: Authority,
    next: Option<Authority>,
}

/// The roots that are to be trusted.
fn trusted(active: &Authority, next: Option<&Authority>, now: Seconds) -> Vec<CertificateDer<'static>> {
    let mut roots = active.roots_alive(now);
    for root in next.into_iter().flat_map(|next| next.roots_alive(now)) {
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots
}

/// What the operator's file needs.
fn realms(egress: &Egress) -> Vec<Realm> {
    let hosts = egress.hosts.keys().cloned().collect();
    let leaf = Leaf { file: names::LEAF, names: hosts, usage: Usage::Server };
    let mut realms = vec![Realm { file: names::CA, label: "Cloakroom CA", leaves: vec![leaf] }];
    if let Some(gateway) = &egress.gateway {
        let client = Leaf { file: names::SIDECAR, names: vec![gateway.client.clone()], usage: Usage::Client };
        let server = Leaf { file: names::GATEWAY, names: vec![gateway.name.clone()], usage: Usage::Server };
        realms.push(Realm { file: names::MESH_CA, label: "Cloakroom mesh CA", leaves: vec![client, server] });
    }
    realms
}

fn key_file(certificate: &str) -> String {
    Path::new(certificate).with_extension("key").display().to_string()
}

#[cfg(test)]
mod tests;
