//! Files that are there whole or not at all, and still there after a power cut.

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Writes `bytes` to `path` so that a reader finds the old content or the new, and never a part.
///
/// # Errors
/// Whatever the file system refuses; the old content is still there then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::usage(format!("{} is not a file name", path.display())));
    };
    let temporary = dir.join(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if let Err(cause) = written {
        // Best effort: the write's own error is the one to tell.
        let _ = fs::remove_file(&temporary);
        return Err(Error::io("cannot write the file", path, cause));
    }
    sync_dir(dir)
}

/// Makes the names in a folder durable: a file's own `fsync` does not.
///
/// # Errors
/// Whatever the file system refuses.
pub fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir)
        .and_then(|folder| folder.sync_all())
        .map_err(|cause| Error::io("cannot make the folder durable", dir, cause))
}
