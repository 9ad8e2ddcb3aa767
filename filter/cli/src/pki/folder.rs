//! Folders in which everything changes at once.
//!
//! ```text
//! DIR/leaf.pem ─▶ ..data/leaf.pem        DIR/..data ─▶ ..7        DIR/..7/leaf.pem, leaf.key, ca.pem
//!                                                  └─ renamed to ─▶ ..8 when that is complete
//! ```
//!
//! A certificate and its key are never seen apart by who reads them in one generation; Envoy, which reads by name, reads
//! again until nothing changed meanwhile. Kubernetes does the same in its volumes.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown, symlink};
use std::path::{Path, PathBuf};

/// The link to the generation in force.
const DATA: &str = "..data";

/// Who may look into a folder that is made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access {
    Everybody,
    Owner,
}

/// A folder that no other process of this program changes meanwhile.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The folder itself; holds the lock.
    lock: File,
}

/// What a file is to be.
pub(super) struct Content {
    name: String,
    bytes: Vec<u8>,
    secret: bool,
}

impl Content {
    /// Everybody may read it.
    pub(super) fn public(name: &str, text: String) -> Self {
        Self { name: name.to_owned(), bytes: text.into_bytes(), secret: false }
    }

    /// Only its owner may.
    pub(super) fn secret(name: String, text: String) -> Self {
        Self { name, bytes: text.into_bytes(), secret: true }
    }
}

impl Folder {
    /// Makes the folder if it is not there, and waits until nobody else works in it.
    pub(super) fn lock(path: &Path, access: Access) -> Result<Self, String> {
        let failed = |verb: &str| {
            let verb = verb.to_owned();
            move |error: io::Error| format!("cannot {verb} {}: {error}", path.display())
        };
        if !path.exists() {
            let mode = if matches!(access, Access::Owner) { 0o700 } else { 0o755 };
            DirBuilder::new().recursive(true).mode(mode).create(path).map_err(failed("make"))?;
            // Whatever the umask says.
            fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed("make"))?;
        }
        guarded(path)?;
        let lock = File::open(path).map_err(failed("open"))?;
        lock.lock().map_err(failed("lock"))?;
        Ok(Self { path: path.to_owned(), lock })
    }

    /// What a file has, if it can be read.
    pub(super) fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path.join(name)).ok()
    }

    /// Whether these files are as they are to be, and secret ones this owner's.
    pub(super) fn holds(&self, files: &[Content], owner: Option<u32>) -> bool {
        files.iter().all(|Content { name, bytes, secret }| {
            let owned = || {
                fs::metadata(self.path.join(name)).is_ok_and(|held| owner.is_none_or(|uid| held.uid() == uid))
            };
            self.read(name).is_some_and(|held| held == *bytes) && (!secret || owned())
        })
    }

    /// Whether nobody but its owner may read a file.
    pub(super) fn is_private(&self, name: &str) -> bool {
        fs::metadata(self.path.join(name)).is_ok_and(|held| held.mode() & 0o077 == 0)
    }

    /// Whether this is the same folder, whatever its name.
    pub(super) fn is(&self, path: &Path) -> bool {
        let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        fs::metadata(path).map(id).ok() == self.lock.metadata().map(id).ok()
    }

    /// Text that is nobody else's business; `None` if it is not there.
    pub(super) fn secret(&self, name: &str) -> Result<Option<String>, String> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
            Ok(text) => {
                guarded(&path)?;
                Ok(Some(text))
            }
        }
    }

    /// Replaces a secret file.
    pub(super) fn replace(&self, name: &str, text: &str) -> Result<(), String> {
        let (path, new) = (self.path.join(name), self.path.join(format!(".{name}.new")));
        // Left behind by a run that was interrupted.
        let _ = fs::remove_file(&new);
        let content = Content::secret(name.to_owned(), text.to_owned());
        let written =
            write(&new, &content, None).and_then(|()| fs::rename(&new, &path)).and_then(|()| self.sync());
        written.map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// Gives a file another's name, and its place.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), String> {
        let renamed = fs::rename(self.path.join(from), self.path.join(to)).and_then(|()| self.sync());
        renamed.map_err(|error| format!("cannot replace {}: {error}", self.path.join(to).display()))
    }

    /// Puts these files, and no others of an earlier generation, into force. Secret ones get this owner.
    pub(super) fn publish(&self, files: &[Content], owner: Option<u32>) -> Result<(), String> {
        for Content { name, .. } in files {
            let path = self.path.join(name);
            if fs::symlink_metadata(&path).is_ok() && !self.is_ours(name) {
                return Err(format!("{} was not made by this program: move it away", path.display()));
            }
        }
        let published = self.try_publish(files, owner);
        published.map_err(|error| format!("cannot write certificates to {}: {error}", self.path.display()))
    }

    fn try_publish(&self, files: &[Content], owner: Option<u32>) -> io::Result<()> {
        let old = self.generation();
        let new = old.unwrap_or(0) + 1;
        let folder = self.path.join(format!("..{new}"));
        // Left behind by a run that was interrupted.
        let _ = fs::remove_dir_all(&folder);
        DirBuilder::new().mode(0o755).create(&folder)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
        for content in files {
            write(&folder.join(&content.name), content, owner)?;
        }
        File::open(&folder)?.sync_all()?;
        self.link(Path::new(&format!("..{new}")), DATA)?;
        for Content { name, .. } in files {
            if !self.is_ours(name) {
                self.link(&Path::new(DATA).join(name), name)?;
            }
        }
        self.sync()?;
        self.sweep(files, [Some(new), old])
    }

    /// Makes or replaces a link.
    fn link(&self, target: &Path, name: &str) -> io::Result<()> {
        let new = self.path.join("..new");
        let _ = fs::remove_file(&new);
        symlink(target, &new)?;
        fs::rename(&new, self.path.join(name))
    }

    /// Removes what is out of force, but for the last generation, which somebody may be reading.
    fn sweep(&self, files: &[Content], keep: [Option<u64>; 2]) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let generation = name.strip_prefix("..").and_then(|number| number.parse().ok());
            if generation.is_some() && !keep.contains(&generation) {
                fs::remove_dir_all(entry.path())?;
            } else if self.is_ours(&name) && !files.iter().any(|content| content.name == name) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn is_ours(&self, name: &str) -> bool {
        fs::read_link(self.path.join(name)).is_ok_and(|target| target == Path::new(DATA).join(name))
    }

    fn generation(&self) -> Option<u64> {
        fs::read_link(self.path.join(DATA)).ok()?.to_str()?.strip_prefix("..")?.parse().ok()
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// Writes a new file. A secret one is so from its first moment.
fn write(path: &Path, content: &Content, owner: Option<u32>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&content.bytes)?;
    // Whatever the umask says.
    file.set_permissions(Permissions::from_mode(if content.secret { 0o600 } else { 0o644 }))?;
    if content.secret && owner.is_some() {
        fchown(&file, owner, None)?;
    }
    file.sync_all()
}

/// Refuses what somebody else could change, and keys that everybody could read.
fn guarded(path: &Path) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot look at {}: {error}", path.display());
    let metadata = fs::metadata(path).map_err(failed)?;
    let me = fs::metadata("/proc/self").map_err(failed)?.uid();
    let (mode, path) = (metadata.mode(), path.display());
    // In a sticky folder others can add, but not replace.
    let sticky = metadata.is_dir() && mode & 0o1000 != 0;
    if mode & 0o022 != 0 && !sticky {
        return Err(format!("others can write to {path}: run chmod go-w {path}"));
    }
    if metadata.is_file() && mode & 0o004 != 0 {
        return Err(format!("everybody can read {path}, which has a key: run chmod 600 {path}"));
    }
    if ![0, me].contains(&metadata.uid()) {
        return Err(format!("{path} belongs to another user: give it to the one that runs this"));
    }
    Ok(())
}
