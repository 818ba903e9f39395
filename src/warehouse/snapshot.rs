//! Versions of a table in a folder that are read: held against the sweep, and read once.

use super::whole;
use crate::error::{Error, Result};
use crate::ledger::{self, Entry};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// One version of a table, held: its files stay until this is dropped, whatever is loaded meanwhile.
#[derive(Debug)]
pub struct Snapshot {
    /// What the version holds.
    pub entry: Arc<Entry>,
    /// Its files, in load order.
    pub files: Vec<PathBuf>,
    version_dir: PathBuf,
    /// Shared lock on the ledger entry; the sweep passes over a version that is locked.
    _hold: File,
}

impl Snapshot {
    /// Where its files lie.
    pub(super) fn dir(&self) -> &Path {
        &self.version_dir
    }

    /// Compares the files with the entry.
    pub(super) fn check(&self) -> Result<()> {
        whole::check(&self.version_dir, &self.entry)
    }
}

/// The entry that was read last. A load asks for it several times, and after a day of loads it is long. What was read
/// stays true: a version's entry is written once, and no other version gets its name.
#[derive(Clone, Default)]
pub(super) struct LastRead(Arc<Mutex<Option<Known>>>);

/// A version's folder, and its entry.
type Known = (PathBuf, Arc<Entry>);

impl LastRead {
    /// The entry of a version.
    ///
    /// # Errors
    /// [`Error::Input`] if it is damaged.
    pub(super) fn entry(&self, version_dir: &Path) -> Result<Arc<Entry>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, entry)) = last.as_ref().filter(|(known, _)| known == version_dir) {
            return Ok(Arc::clone(entry));
        }
        let entry = Arc::new(Entry::read(version_dir)?);
        *last = Some((version_dir.to_owned(), Arc::clone(&entry)));
        Ok(entry)
    }

    /// Locks a version against the sweep, then reads what it holds.
    ///
    /// # Errors
    /// [`Error::Access`] if it is gone.
    pub(super) fn hold(&self, version_dir: &Path) -> Result<Snapshot> {
        let path = ledger::entry_path(version_dir);
        let failed = |cause| Error::io("cannot hold the version", &path, cause);
        let hold = File::open(&path).map_err(failed)?;
        match hold.lock_shared() {
            // Where nothing can be locked, nothing loads either: the version stays as it is.
            Err(cause) if cause.kind() == ErrorKind::Unsupported => {}
            locked => locked.map_err(failed)?,
        }
        // It may have been swept before the lock was there.
        std::fs::metadata(&path).map_err(failed)?;
        let entry = self.entry(version_dir)?;
        let files = entry.files().iter().map(|file| version_dir.join(&file.name)).collect();
        Ok(Snapshot { entry, files, version_dir: version_dir.to_owned(), _hold: hold })
    }
}
