//! Files that a user names to be written: they are made anew, or refused before the run.
//!
//! Refused is what the run reads or writes by another name, told by device and inode, and what is there and
//! was not written by an earlier run.

use crate::error::{Error, Place, Result};
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};

/// What a run reads and writes, as far as it is known.
#[derive(Debug, Default)]
pub struct Outputs {
    known: Vec<(String, Identity)>,
}

/// What two names of one file have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Identity {
    /// Device and inode.
    There(u64, u64),
    /// A name in a folder, of a file that is yet to be made.
    Named(u64, u64, OsString),
}

impl Outputs {
    /// Something that the run reads. What is not there is no file that could be lost.
    pub fn reads(&mut self, what: &str, path: &Path) {
        self.known.extend(identities(path).into_iter().map(|identity| (what.to_owned(), identity)));
    }

    /// Takes a file for output. `is_ours` says whether one that is there was written by an earlier run, and
    /// can be replaced; an empty one can.
    ///
    /// # Errors
    /// [`Error::Usage`] if it must not be written to.
    pub fn claim(&mut self, what: &str, path: &Path, is_ours: impl FnOnce() -> bool) -> Result<()> {
        let refused = |told: String, help: &str| {
            Err(Error::usage(told).at(Place::uri(path.display().to_string())).help(help))
        };
        let own = identities(path);
        if let Some((other, _)) = self.known.iter().find(|(_, known)| own.contains(known)) {
            return refused(format!("{what} would replace {other}"), "name another file");
        }
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                return refused(format!("{what} cannot be a folder"), "name a file");
            }
            Ok(found) if found.is_file() && found.len() > 0 && !is_ours() => {
                let told = format!("{what} would replace a file that is not of an earlier run");
                return refused(told, "name another file, or remove this one");
            }
            Err(_) if path.is_symlink() => {
                return refused(
                    format!("{what} would go where a link leads to nothing"),
                    "name the file itself",
                );
            }
            _ => {}
        }
        self.known.extend(own.into_iter().map(|identity| (what.to_owned(), identity)));
        Ok(())
    }
}

/// Makes a claimed file anew: what bore its name keeps its bytes under its other names. A pipe or a device
/// is written to as it is.
///
/// # Errors
/// Whatever the file system refuses.
pub fn make_anew(path: &Path) -> std::io::Result<File> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return File::options().write(true).open(path);
    }
    // Through a link, so that it goes on leading there.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder)?;
    file.persist(&path).map_err(|error| error.error)
}

/// The first line of a file, if it is not too long for what this program writes.
pub fn first_line(path: &Path) -> Option<Vec<u8>> {
    use std::io::{BufRead, BufReader, Read};
    const LINE_BYTES_MAX: u64 = 16 << 20;
    let mut line = Vec::new();
    BufReader::new(File::open(path).ok()?).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).ok()?;
    Some(line)
}

/// All that a path is known by: what is there, and the name in its folder.
fn identities(path: &Path) -> Vec<Identity> {
    let there = fs::metadata(path)
        .ok()
        .map(|found| identity(&found))
        .map(|(device, inode)| Identity::There(device, inode));
    let named = || {
        let name = path.file_name()?.to_owned();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (device, inode) = identity(&fs::metadata(folder).ok()?);
        Some(Identity::Named(device, inode, name))
    };
    there.into_iter().chain(named()).collect()
}

#[cfg(unix)]
fn identity(found: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn identity(_found: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// The path that an input's name stands for; none if it is no file of this machine.
pub fn local_input(uri: &str) -> Option<PathBuf> {
    match uri {
        "-" => Some(PathBuf::from("/dev/stdin")),
        uri if uri.contains("://") => None,
        path => Some(PathBuf::from(path)),
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_made_anew_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for (name, text) in [("input", "in"), ("ours", "ours"), ("foreign", "x"), ("empty", "")] {
            fs::write(path(name), text).unwrap();
        }
        fs::hard_link(path("input"), path("linked")).unwrap();
        std::os::unix::fs::symlink(path("input"), path("soft")).unwrap();
        std::os::unix::fs::symlink(path("nowhere"), path("dangling")).unwrap();
        std::os::unix::fs::symlink(dir.path(), path("folder")).unwrap();
        let ours = |path: &Path| fs::read(path).is_ok_and(|text| text == b"ours");
        for (name, taken) in [
            ("new", true),
            ("ours", true),
            ("empty", true),
            ("foreign", false),
            ("input", false),
            ("linked", false),
            ("soft", false),
            ("dangling", false),
            ("folder", false),
            ("folder/input", false),
            ("first", false),
            ("folder/first", false),
            ("no/such/folder", true),
        ] {
            let mut outputs = Outputs::default();
            outputs.reads("the export", &path("input"));
            outputs.claim("the report", &path("first"), || false).unwrap();
            let claimed = outputs.claim("the rejects", &path(name), || ours(&path(name)));
            assert_eq!(claimed.is_ok(), taken, "{name}: {claimed:?}");
            assert!(claimed.err().is_none_or(|error| error.exit_code() == 2), "{name}");
        }
        Outputs::default().claim("the report", Path::new("/dev/null"), || false).unwrap();
    }

    #[test]
    fn what_is_made_anew_leaves_other_names_their_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        fs::write(&one, "old").unwrap();
        fs::hard_link(&one, &other).unwrap();
        std::io::Write::write_all(&mut make_anew(&one).unwrap(), b"new").unwrap();
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        assert_eq!((read(&one).as_str(), read(&other).as_str()), ("new", "old"));
        make_anew(Path::new("/dev/null")).unwrap();
    }
}
