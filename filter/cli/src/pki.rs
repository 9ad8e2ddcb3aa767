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
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

mod authority;
mod der;
mod folder;
mod trust;

/// How often `--watch` looks: whether something is due, or the operator's file has changed.
const LOOK: Duration = Duration::from_secs(60);

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
        return watch(pki, out);
    }
    for line in pki.work(now()?, pki.action).map_err(Failure::Failed)? {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Goes on until somebody asks it to end. What goes wrong later than at first is told and tried again: what is in place
/// lives for hours yet.
fn watch(pki: &Pki, out: &mut impl Write) -> Result<(), Failure> {
    let (told, ended) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || signals.wait().for_each(|_| told.send(()).unwrap_or_default()));
    let mut first = true;
    loop {
        match pki.work(now()?, Action::Once) {
            Ok(lines) => {
                for line in lines {
                    writeln!(out, "{line}")?;
                }
                out.flush()?;
            }
            Err(wrong) if first => return Err(Failure::Failed(wrong)),
            Err(wrong) => drop(Failure::Failed(wrong).report(&mut io::stderr().lock())),
        }
        first = false;
        if ended.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
            return Ok(());
        }
    }
}

fn now() -> Result<Seconds, Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let seconds = since.and_then(|since| Seconds::try_from(since.as_secs()).ok());
    seconds.ok_or_else(|| Failure::Failed("the clock of this machine stands before 1970".to_owned()))
}

impl Pki {
    /// Does whatever is missing or due; says what it did, and what is to be done.
    fn work(&self, now: Seconds, action: Action) -> Result<Vec<String>, String> {
        let egress = Egress::load(&self.file)?;
        let folder = Folder::lock(&self.dir, Access::Everybody)?;
        let secret = Folder::lock(&self.ca_dir, Access::Owner)?;
        let (mut said, mut files, mut good) = (Vec::new(), Vec::new(), true);
        for realm in realms(&egress) {
            let Cas { active, next } = self.cas(&realm, &secret, now, action, &mut said)?;
            if active.ends() - now < active.life() / 3 && next.is_none() {
                said.push(format!(
                    "the CA of {} ends on {}: run --renew-ca, let applications read it again, then --switch-ca",
                    self.dir.join(realm.file).display(),
                    der::day(active.ends()),
                ));
            }
            let mut roots = active.roots_alive(now);
            roots.extend(next.iter().flat_map(|next| next.roots_alive(now)));
            let trusted = authority::pem(&roots);
            if realm.file == names::CA
                && let Some(bundle) = &self.bundle
            {
                let content = trust::bundle(bundle, &trusted)?;
                good &= folder.holds(trust::BUNDLE, content.as_bytes());
                files.push(Content::public(trust::BUNDLE, content));
            }
            good &= folder.holds(realm.file, trusted.as_bytes());
            files.push(Content::public(realm.file, trusted));
            for leaf in &realm.leaves {
                let identity = self.identity(&active, leaf, &folder, now);
                let identity = match identity {
                    Some(identity) => identity,
                    None => {
                        good = false;
                        let made = active.sign(leaf, now, i64::from(self.leaf_hours) * 3600);
                        made.map_err(|wrong| self.cannot_sign(&realm, now, &active, &wrong))?
                    }
                };
                files.push(Content::public(leaf.file, identity.chain_pem(&active)));
                files.push(Content::secret(key_file(leaf.file), identity.key_pem()));
            }
        }
        if !good {
            folder.publish(&files, self.owner)?;
            said.push(format!("{}: renewed", self.dir.display()));
        }
        Ok(said)
    }

    /// The CA that signs, and the one that will.
    fn cas(
        &self,
        realm: &Realm,
        secret: &Folder,
        now: Seconds,
        action: Action,
        said: &mut Vec<String>,
    ) -> Result<Cas, String> {
        let next_file = format!("next-{}", realm.file);
        let read = |file: &str| -> Result<Option<Authority>, String> {
            let Some(text) = secret.secret(file)? else { return Ok(None) };
            let path = self.ca_dir.join(file);
            let read = Authority::from_pem(&text);
            read.map(Some).map_err(|wrong| format!("{} {wrong}", path.display()))
        };
        let make = |old: &[_], file: &str| -> Result<Authority, String> {
            let made = Authority::create(realm, now, i64::from(self.ca_days) * 86_400, old)?;
            secret.replace(file, made.to_pem().as_bytes())?;
            Ok(made)
        };
        let Some(active) = read(realm.file)? else {
            said.push(format!(
                "{}: a new CA; let applications trust it",
                self.dir.join(realm.file).display()
            ));
            return Ok(Cas { active: make(&[], realm.file)?, next: None });
        };
        let next = read(&next_file)?;
        match (action, next) {
            (Action::SwitchCa, Some(next)) => {
                secret.rename(&next_file, realm.file)?;
                Ok(Cas { active: next, next: None })
            }
            (Action::SwitchCa, None) => {
                Err("there is no new CA to switch to: --renew-ca makes one".to_owned())
            }
            (Action::RenewCa, next) => {
                let serves =
                    |next: &Authority| realm.leaves.iter().all(|leaf| next.sign(leaf, now, 3600).is_ok());
                let next = match next.filter(serves) {
                    Some(next) => next,
                    None => make(&active.roots_alive(now), &next_file)?,
                };
                said.push(format!(
                    "{}: has a new CA, too; let applications read it again, then run --switch-ca",
                    self.dir.join(realm.file).display()
                ));
                Ok(Cas { active, next: Some(next) })
            }
            (Action::Once | Action::Watch, next) => Ok(Cas { active, next }),
        }
    }

    /// What is in place, if it is as it should be and not due.
    fn identity(&self, active: &Authority, leaf: &Leaf, folder: &Folder, now: Seconds) -> Option<Identity> {
        let (certificate, key) = (folder.read(leaf.file)?, folder.read(&key_file(leaf.file))?);
        let identity = Identity::from_pem(&certificate, &key)?;
        (active.vouches(&identity, leaf, now) && !active.is_due(&identity, now)).then_some(identity)
    }

    fn cannot_sign(&self, realm: &Realm, now: Seconds, active: &Authority, wrong: &str) -> String {
        let ca = self.ca_dir.join(realm.file);
        let advice = "run --renew-ca, let applications read it again, then --switch-ca";
        if active.ends() <= now {
            return format!("the CA in {} ended on {}: {advice}", ca.display(), der::day(active.ends()));
        }
        format!(
            "the CA in {} is for other names than the operator's file has ({wrong}): {advice}",
            ca.display()
        )
    }
}

struct Cas {
    active: Authority,
    next: Option<Authority>,
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
