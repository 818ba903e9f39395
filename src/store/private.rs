//! The one place that makes files and folders: for their owner alone, whatever the umask.
//!
//! Exports hold people's names and addresses, and what is made of them does too. Files are 0600 and folders
//! 0700. A folder that is there keeps its mode: whoever has opened it to others meant to. A file of ours that is
//! wider, because an older program made it, is tightened where it is written to. Elsewhere than on Unix the
//! folder's own rules hold.

use crate::error::{Error, Place, Result};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Mode of files.
pub const FILE_MODE: u32 = 0o600;
/// Mode of folders.
pub const FOLDER_MODE: u32 = 0o700;

/// Opens a file, which the options may make; one that is there is tightened.
///
/// # Errors
/// Whatever the file system refuses.
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, FILE_MODE);
    let file = options.open(path)?;
    tighten(path);
    Ok(file)
}

/// Makes a folder.
///
/// # Errors
/// Whatever the file system refuses.
pub fn make_dir(path: &Path) -> io::Result<()> {
    builder().create(path)
}

/// Makes a folder and those above it, as far as they are not there.
///
/// # Errors
/// Whatever the file system refuses.
pub fn make_dirs(path: &Path) -> io::Result<()> {
    builder().recursive(true).create(path)
}

fn builder() -> DirBuilder {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, FOLDER_MODE);
    builder
}

/// Takes from others what they may do with a file of ours, if it is there. One that belongs to somebody else stays
/// as it is. By its path: whoever opened and closed a file of SQLite's would give up its locks.
#[cfg(unix)]
pub fn tighten(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(found) = std::fs::metadata(path) else { return };
    let mode = found.permissions().mode() & 0o777;
    if !found.is_file() || mode & 0o077 == 0 {
        return;
    }
    match std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & FILE_MODE)) {
        Ok(()) => {
            tracing::warn!("{} was open to others (mode {mode:o}), and is not any more", path.display())
        }
        Err(cause) => tracing::warn!(%cause, "{} is open to others ({mode:o})", path.display()),
    }
}

/// Elsewhere the folder's own rules hold.
#[cfg(not(unix))]
pub fn tighten(_path: &Path) {}

/// Refuses a file of secrets that everybody may read or write. Its owner's group may: that is how Kubernetes and
/// systemd hand secrets to a service.
///
/// # Errors
/// [`Error::Usage`] with what closes it; a file that cannot be looked at is told by who reads it.
pub fn refuse_open_secret(what: &str, path: &Path) -> Result<()> {
    let Some(mode) = open_to_all(path) else { return Ok(()) };
    Err(Error::usage(format!("{what} can be read by every user of this machine (mode {mode:o})"))
        .at(Place::uri(path.display().to_string()))
        .help(format!("chmod 600 {}", path.display())))
}

/// The mode of a file that every user of the machine may read or write.
#[cfg(unix)]
pub fn open_to_all(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let found = std::fs::metadata(path).ok()?;
    let mode = found.permissions().mode() & 0o777;
    (found.is_file() && mode & 0o007 != 0).then_some(mode)
}

/// Elsewhere the folder's own rules hold.
#[cfg(not(unix))]
pub fn open_to_all(_path: &Path) -> Option<u32> {
    None
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_are_their_owners_and_wider_ones_are_tightened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        for before in [None, Some(0o644), Some(0o666), Some(0o400)] {
            if let Some(before) = before {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(before)).unwrap();
            }
            open(OpenOptions::new().create(true).append(true), &path).map(drop).unwrap_or_default();
            assert_eq!(mode(&path), if before == Some(0o400) { 0o400 } else { FILE_MODE }, "{before:?}");
        }
        make_dirs(&dir.path().join("b/c")).unwrap();
        assert_eq!((mode(&dir.path().join("b")), mode(&dir.path().join("b/c"))), (FOLDER_MODE, FOLDER_MODE));
        open(OpenOptions::new().write(true), Path::new("/dev/null")).unwrap();
    }

    #[test]
    fn a_secret_that_everybody_reads_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        refuse_open_secret("the secret", &path).unwrap();
        std::fs::write(&path, "s").unwrap();
        for (mode, refused) in [(0o600, false), (0o400, false), (0o640, false), (0o644, true), (0o602, true)]
        {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let answer = refuse_open_secret("the secret", &path);
            assert_eq!(answer.is_err(), refused, "{mode:o}");
            assert!(answer.err().is_none_or(|e| e.detail().unwrap().help.starts_with("chmod 600 ")));
        }
    }
}
