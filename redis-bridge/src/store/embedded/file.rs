//! Opens the database, and says what is wrong with it.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use redb::{
    Database, DatabaseError, ReadableTable, StorageError,
    backends::{FileBackend, InMemoryBackend},
};

use super::tables::{CLOCK, INDEXES, KEYS, MAPPINGS, SPACES};
use crate::store::{ErrorKind, KeyCheck, StoreError, compare_keys};

/// Opens the database the first time, and again after each failure.
pub(super) type Opener = Box<dyn FnMut() -> Result<Database, StoreError> + Send>;

/// A file, created when there is none; all of it is checked when it is opened the first time.
pub(super) fn file(path: PathBuf) -> Opener {
    let mut opened = false;
    Box::new(move || {
        let database = caught(&path, !opened, || open_file(&path, !opened))?;
        opened = true;
        Ok(database)
    })
}

/// Memory. Opened once: another time it would begin to count again.
pub(super) fn memory() -> Opener {
    let mut backend = Some(InMemoryBackend::new());
    Box::new(move || {
        let lost = || StoreError {
            kind: ErrorKind::Unsound,
            message: "the mappings in memory are lost; restart the bridge".to_owned(),
        };
        let backend = backend.take().ok_or_else(lost)?;
        redb::Builder::new()
            .set_cache_size(MEMORY_CACHE)
            .create_with_backend(backend)
            .map_err(|error| store_error(&error.into()))
    })
}

/// Creates the tables and compares the keys. Returns the store's time of the last write.
pub(super) fn prepare(database: &Database, ours: &[KeyCheck]) -> Result<u64, StoreError> {
    let prepare = || {
        let transaction = database.begin_write()?;
        let (mark, outcome);
        {
            transaction.open_table(SPACES)?;
            transaction.open_table(INDEXES)?;
            transaction.open_table(MAPPINGS)?;
            mark = transaction.open_table(CLOCK)?.get(())?.map_or(0, |mark| mark.value());
            let mut keys = transaction.open_table(KEYS)?;
            let mut known = BTreeMap::new();
            for row in keys.iter()? {
                let (id, mac) = row?;
                known.insert(id.value().to_owned(), mac.value().to_vec());
            }
            outcome = compare_keys(&known, ours);
            for new in outcome.iter().flatten() {
                keys.insert(new.id.as_str(), new.mac.as_slice())?;
            }
        }
        if outcome.is_ok() {
            commit(transaction)?;
        }
        Ok(outcome.map(|_| mark))
    };
    prepare().map_err(|error| store_error(&error))?
}

/// Commits durably, in two phases and with all that opening needs after a crash: a commit whose data did not reach the
/// disk is never taken for one that did, and opening again takes no longer for a large file.
pub(super) fn commit(mut transaction: redb::WriteTransaction) -> Result<(), redb::Error> {
    transaction.set_quick_repair(true);
    Ok(transaction.commit()?)
}

/// The failure of a call.
pub(super) fn store_error(error: &redb::Error) -> StoreError {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let (kind, message) = match error {
        redb::Error::Io(error) if matches!(error.kind(), FileTooLarge | QuotaExceeded | StorageFull) => {
            (ErrorKind::Full, format!("the store's file cannot grow: {error}; make room on its disk"))
        }
        redb::Error::Corrupted(what) => (
            ErrorKind::Unsound,
            format!(
                "the store's file is damaged: {what}; restore it from a backup, or begin with an empty one"
            ),
        ),
        error => {
            (ErrorKind::Unavailable, format!("the store's file cannot be used: {error}; check its disk"))
        }
    };
    StoreError { kind, message }
}

fn open_file(path: &Path, first: bool) -> Result<Database, DatabaseError> {
    // Only the first time: a file that vanished while it was in use has taken its counters along.
    let mut file = options().read(true).write(true).create(first).open(path)?;
    let bytes = file.metadata()?.len();
    if first && bytes > 0 {
        match file.try_lock() {
            Ok(()) => restart_creation(&mut file)?,
            Err(TryLockError::WouldBlock) => return Err(DatabaseError::DatabaseAlreadyOpen),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // A large file takes its time.
        tracing::info!(file = %path.display(), bytes, "reading the store's file");
    }
    let database = redb::Builder::new()
        .set_cache_size(FILE_CACHE)
        .set_check_integrity_on_open(first)
        .create_with_backend(FileBackend::new(file)?)?;
    if first {
        // The file's name is durable before anything in it is.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(database)
}

/// Empties a file whose creation was interrupted: its magic number, which is written last, is still zero.
fn restart_creation(file: &mut File) -> io::Result<()> {
    let mut head = [0; HEAD_LEN];
    match file.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
        Err(error) => return Err(error),
    }
    let (magic, rest) = head.split_at(MAGIC_LEN);
    let page_size = head.get(PAGE_SIZE_AT..PAGE_SIZE_AT + 4);
    let written = rest.iter().any(|byte| *byte != 0);
    if magic.iter().all(|byte| *byte == 0) && (!written || page_size == Some(&PAGE_SIZE.to_le_bytes())) {
        file.set_len(0)?;
    }
    Ok(())
}

/// A damaged file must not end the process, wherever the database notices.
fn caught<T>(
    path: &Path,
    first: bool,
    open: impl FnOnce() -> Result<T, DatabaseError>,
) -> Result<T, StoreError> {
    let opened = catch_unwind(AssertUnwindSafe(open));
    let error = |kind, what: String| Err(StoreError { kind, message: format!("{} {what}", path.display()) });
    let damaged = |what: &str| {
        let advice = "restore it from a backup, or give the bridge another file";
        error(ErrorKind::Unsound, format!("is damaged or is not a store of the bridge: {what}; {advice}"))
    };
    match opened {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch)) => error(
            ErrorKind::Unavailable,
            "is in use by another process; end that one, or give the bridge a file of its own".to_owned(),
        ),
        // It would have been created.
        Ok(Err(DatabaseError::Storage(StorageError::Io(io))))
            if first && io.kind() == io::ErrorKind::NotFound =>
        {
            let advice = "create the folder, or give the bridge another file";
            error(ErrorKind::Unavailable, format!("cannot be created: its folder does not exist; {advice}"))
        }
        Ok(Err(DatabaseError::Storage(StorageError::Io(io))))
            if !matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
        {
            let mapped = store_error(&redb::Error::Io(io));
            error(mapped.kind, format!("cannot be opened: {}", mapped.message))
        }
        Ok(Err(other)) => damaged(&other.to_string()),
        Err(_) => damaged("reading it failed"),
    }
}

fn options() -> OpenOptions {
    #[allow(unused_mut, reason = "only Unix has permissions to set")]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Pages kept in memory; the operating system keeps more.
const FILE_CACHE: usize = 64 << 20;
/// The pages are in memory as it is; this is for those that are being written.
const MEMORY_CACHE: usize = 8 << 20;

// The beginning of a file of redb.
const HEAD_LEN: usize = 64;
const MAGIC_LEN: usize = 9;
const PAGE_SIZE_AT: usize = 12;
const PAGE_SIZE: u32 = 4096;

#[cfg(test)]
mod tests;
