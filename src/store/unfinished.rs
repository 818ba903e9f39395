//! The mark on a place whose files are not all there: `_INCOMPLETE-<load id>.json`. This is a folder's; what goes for
//! prefixes of S3 too is here as well.
//!
//! ```text
//! {"load_id":"…","program":"…"}                       who writes here; locked for as long as it does
//! {"name":"part-00000.snappy.parquet","device":…,"inode":…}    each file, before it has its name
//! ```
//! The underscore keeps PyArrow and others from reading it. After a run that was killed, the lines say which
//! files are that run's: nothing else is ever removed.

use super::private;
use super::segment_name::check_segment;
use super::temporary_of;
use crate::error::{Error, Place, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// How the mark's name begins.
const PREFIX: &str = "_INCOMPLETE-";

/// The line of a mark after which other processes write too; which files are theirs, their names say.
pub(super) const OTHERS: &str = r#"{"others":"part-*.parquet"}"#;

/// One file of the set.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    name: String,
    device: u64,
    inode: u64,
}

/// A set of files on its way into a folder.
#[derive(Debug)]
pub(super) struct Unfinished {
    path: PathBuf,
    /// Open, and so locked.
    file: File,
    files: Vec<Line>,
}

impl Unfinished {
    /// Marks a folder.
    ///
    /// # Errors
    /// [`Error::Usage`] if another set lies there, whole or not.
    pub(super) fn begin(folder: &Path, load_id: &str) -> Result<Self> {
        refuse_taken(&folder.display().to_string(), &names(folder)?)?;
        let path = folder.join(mark_name(load_id));
        let failed = |cause| Error::io("cannot mark the folder", &path, cause);
        let mut file =
            private::open(OpenOptions::new().write(true).create_new(true), &path).map_err(failed)?;
        // Where nothing can be locked, the mark alone keeps others away.
        let _ = file.try_lock();
        let written = file.write_all(head(load_id).as_bytes());
        let this = Self { path: path.clone(), file, files: Vec::new() };
        let mut others = names(folder)?;
        others.retain(|name| Path::new(name) != Path::new(path.file_name().unwrap_or_default()));
        // Two at once: both see the other's mark, or one does.
        if let Err(error) =
            written.map_err(failed).and_then(|()| refuse_taken(&folder.display().to_string(), &others))
        {
            this.remove()?;
            return Err(error);
        }
        Ok(this)
    }

    /// Writes down that a file is this set's.
    pub(super) fn add(&mut self, name: &str, file: &File) -> Result<()> {
        let failed = |cause| Error::io("cannot mark the folder", &self.path, cause);
        let (device, inode) = identity(&file.metadata().map_err(failed)?);
        let line = Line { name: name.to_owned(), device, inode };
        let mut text =
            serde_json::to_vec(&line).map_err(|cause| Error::machine("cannot write JSON").because(cause))?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(failed)?;
        self.files.push(line);
        Ok(())
    }

    /// Writes down that others write files of this set, and gives the mark's name, by which they see that it lasts.
    pub(super) fn of_others(&mut self) -> Result<String> {
        let failed = |cause| Error::io("cannot mark the folder", &self.path, cause);
        self.file.write_all(format!("{OTHERS}\n").as_bytes()).map_err(failed)?;
        let name = self.path.file_name().unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }

    /// Takes the mark away if the set is whole, or if nothing of it is left.
    pub(super) fn end(self, whole: bool) -> Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        if whole || !self.files.iter().any(|line| is(&folder.join(&line.name), line)) {
            return self.remove();
        }
        Ok(())
    }

    fn remove(&self) -> Result<()> {
        fs::remove_file(&self.path).map_err(|cause| Error::io("cannot take the mark away", &self.path, cause))
    }
}

/// The mark's name.
pub(super) fn mark_name(load_id: &str) -> String {
    format!("{PREFIX}{load_id}.json")
}

/// The first line of a mark: who writes.
pub(super) fn head(load_id: &str) -> String {
    let program = concat!("csl-stream ", env!("CARGO_PKG_VERSION"));
    format!("{}\n", serde_json::json!({ "load_id": load_id, "program": program }))
}

/// Says no if these names are of a set of files, whole or not.
///
/// # Errors
/// [`Error::Usage`] with what can be done.
pub(super) fn refuse_taken(place: &str, names: &[String]) -> Result<()> {
    let (what, help) = if let Some(mark) = names.iter().find(|name| is_mark(name)) {
        (
            format!("a conversion into this place has not ended ({mark}): its files are some of the rows"),
            "if it is still running, name another place; if it was killed, remove what it left with --replace",
        )
    } else if names.iter().any(|name| name.ends_with(".parquet")) {
        (
            "the place holds Parquet already; old and new files would be read as one table".to_owned(),
            "name another place, or remove the old files",
        )
    } else {
        return Ok(());
    };
    Err(Error::usage(what).at(Place::uri(place)).help(help))
}

/// Removes from a folder what conversions that were killed have left, and nothing else.
///
/// # Errors
/// [`Error::Transient`] if one of them is still running; whatever the file system refuses.
pub(super) fn clear(folder: &Path) -> Result<()> {
    let names = names(folder)?;
    for mark in names.iter().filter(|name| is_mark(name)) {
        let path = folder.join(mark);
        let failed = |cause| Error::io("cannot remove what a conversion left", &path, cause);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
            return Err(Error::transient("another conversion is writing into this place now")
                .at(Place::uri(path.display().to_string()))
                .help("wait until it has ended, or name another place"));
        }
        let lines = fs::read(&path).map_err(failed)?;
        // The last line may be cut: its file has no name yet.
        for line in
            lines.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok())
        {
            check_segment(&line.name)?;
            let written = |name: &&String| **name == line.name || temporary_of(name) == Some(&line.name);
            for name in names.iter().filter(written).filter(|name| is(&folder.join(name), &line)) {
                fs::remove_file(folder.join(name)).map_err(failed)?;
            }
        }
        // No Parquet lay here when the mark was made.
        let of_others = lines.split(|&byte| byte == b'\n').any(|line| line == OTHERS.as_bytes());
        let written = |name: &&String| is_of_others(temporary_of(name).unwrap_or(name));
        for name in names.iter().filter(|_| of_others).filter(written) {
            match fs::remove_file(folder.join(name)) {
                Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(failed(cause)),
                _ => {}
            }
        }
        fs::remove_file(&path).map_err(failed)?;
    }
    Ok(())
}

/// Whether a file or object has a name of those that others write.
pub(super) fn is_of_others(name: &str) -> bool {
    name.strip_prefix("part-").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        && name.ends_with(".parquet")
}

pub(super) fn is_mark(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(".json")
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = |cause| Error::io("cannot list the folder", folder, cause);
    let listing = fs::read_dir(folder).map_err(failed)?;
    listing.map(|item| Ok(item.map_err(failed)?.file_name().to_string_lossy().into_owned())).collect()
}

/// Whether the file is the one that was written down, and not another of its name.
fn is(path: &Path, line: &Line) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|found| found.is_file() && identity(&found) == (line.device, line.inode))
}

#[cfg(unix)]
fn identity(found: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn identity(_found: &fs::Metadata) -> (u64, u64) {
    (0, 0)
}
