//! Files that are there whole or not at all and, where that matters, still there after a power cut.
//!
//! ```text
//! write ──► .name.RANDOM.tmp ── finish: (fsync,) rename(, fsync of the folder) ──► name
//!                └ dropped: removed
//! ```

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Small writes are gathered up to this size: page headers come in dozens of bytes.
const WRITE_BUFFER_BYTES: usize = 256 << 10;

/// What becomes of a file that bears the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is replaced, in one step.
    Replace,
    /// It stays, and the new one is an error.
    Refuse,
}

/// What a finished file survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Survives {
    /// The end of the process, like a file that `cp` made.
    Exit,
    /// A power cut.
    PowerCut,
}

/// A file that nobody sees under its name until it is whole.
#[derive(Debug)]
pub(super) struct WholeFile {
    file: BufWriter<tempfile::NamedTempFile>,
    path: PathBuf,
    bytes: u64,
}

impl WholeFile {
    /// Starts the file `path`, in whose folder it is written. Like every temporary file it is its owner's alone,
    /// and stays so.
    pub(super) fn create(path: PathBuf) -> Result<Self> {
        let Some(name) = path.file_name() else {
            return Err(Error::usage(format!("{} is not a file name", path.display())));
        };
        let prefix = format!(".{}.", name.to_string_lossy());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".tmp");
        let file = builder
            .tempfile_in(folder_of(&path))
            .map_err(|e| Error::io("cannot write into the folder", folder_of(&path), e))?;
        Ok(Self { file: BufWriter::with_capacity(WRITE_BUFFER_BYTES, file), path, bytes: 0 })
    }

    /// What is being written, which stays the same file when it gets its name.
    pub(super) fn file(&self) -> &File {
        self.file.get_ref().as_file()
    }

    /// Where it will be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name and says how long it is.
    pub(super) fn finish(self, taken: Taken, survives: Survives) -> Result<u64> {
        let Self { file, path, bytes } = self;
        let failed = |e| Error::io("cannot finish the file", &path, e);
        let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
        if survives == Survives::PowerCut {
            file.as_file().sync_all().map_err(failed)?;
        }
        let named = match taken {
            Taken::Replace => file.persist(&path),
            Taken::Refuse => file.persist_noclobber(&path),
        };
        named.map_err(|e| failed(e.error))?;
        if survives == Survives::PowerCut {
            sync_dir(folder_of(&path))?;
        }
        Ok(bytes)
    }
}

impl Write for WholeFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let count = self.file.write(buf)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The name that a temporary file of this module is to have when it is whole; none for other files.
pub fn temporary_of(name: &str) -> Option<&str> {
    let (name, _random) = name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
    Some(name)
}

/// Writes `bytes` to `path` so that a reader finds the old content or the new, and never a part.
///
/// # Errors
/// Whatever the file system refuses; the old content is still there then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = WholeFile::create(path.to_owned())?;
    file.write_all(bytes).map_err(|cause| Error::io("cannot write the file", path, cause))?;
    file.finish(Taken::Replace, Survives::PowerCut).map(drop)
}

/// Writes a file piece by piece, which nobody sees under its name until it is whole. One that bears the name already
/// is an error, unless it may be replaced.
///
/// # Errors
/// What `write` says, or the file system; nothing of the file is there then.
pub fn write_whole<T>(
    path: &Path,
    replace: bool,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<T>,
) -> Result<T> {
    let mut file = WholeFile::create(path.to_owned())?;
    let written = write(&mut file)?;
    let taken = if replace { Taken::Replace } else { Taken::Refuse };
    file.finish(taken, Survives::PowerCut).map(|_| written)
}

/// Makes the names in a folder durable: a file's own `fsync` does not.
///
/// # Errors
/// Whatever the file system refuses.
#[cfg(unix)]
pub fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir)
        .and_then(|folder| folder.sync_all())
        .map_err(|cause| Error::io("cannot make the folder durable", dir, cause))
}

/// Elsewhere folders cannot be opened, and a rename is as durable as it gets.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn sync_dir(_dir: &Path) -> Result<()> {
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_is_replaced_or_refused() {
        for (taken, expected) in [(Taken::Replace, "new"), (Taken::Refuse, "old")] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a");
            let mut file = WholeFile::create(path.clone()).unwrap();
            file.write_all(b"new").unwrap();
            assert!(!path.exists(), "not before it is whole");
            // Somebody else was first.
            std::fs::write(&path, "old").unwrap();
            assert_eq!(file.finish(taken, Survives::PowerCut).is_ok(), taken == Taken::Replace);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no leftovers");
        }
    }
}
