//! Files that are kept whatever becomes of the run that writes them: in a folder, or below a prefix in a bucket.
//!
//! ```text
//!               ┌ folder: under its name from the first byte; a run that dies leaves what it had written
//! KeptFiles ────┤
//!               └ s3: under its name when it is whole, before that nowhere (multipart, see `upload`)
//! ```

use super::location::Location;
use super::outputs::{first_line, make_anew};
use super::private;
use super::types::{SegmentWriter, StoredObject};
use crate::error::{Error, Place, Result};
use bytes::Bytes;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file or object right inside a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFile {
    /// Its name, without the place's own.
    pub name: String,
    /// When it was last written to.
    pub modified: SystemTime,
}

/// What can be done with files that are kept.
pub trait KeptFiles: Send + Sync {
    /// Starts a file in place of the one that bears its name. Unlike a segment, what was appended may be seen
    /// before it is finished, and may stay if it never is.
    ///
    /// # Errors
    /// Those of the place.
    fn create(&self, at: &Location) -> Result<Box<dyn SegmentWriter>>;

    /// The first line of a file, or as much of it as a line of ours can be long; none if there is no file.
    ///
    /// # Errors
    /// Those of the place.
    fn first_line(&self, at: &Location) -> Result<Option<Vec<u8>>>;

    /// Files right inside a place, no more than are looked at among `looked_at_max` names.
    ///
    /// # Errors
    /// Those of the place; nothing there is none.
    fn list(&self, place: &Location, looked_at_max: usize) -> Result<Vec<KeptFile>>;

    /// Takes a file away; one that is not there is no error.
    ///
    /// # Errors
    /// Those of the place.
    fn remove(&self, at: &Location) -> Result<()>;
}

/// Files in folders of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalFiles {
    /// Make a file's folder if it is not there.
    pub makes_folder: bool,
}

impl KeptFiles for LocalFiles {
    fn create(&self, at: &Location) -> Result<Box<dyn SegmentWriter>> {
        let path = local(at)?;
        if let Some(folder) = path.parent().filter(|folder| self.makes_folder && *folder != Path::new("")) {
            private::make_dirs(folder).map_err(|cause| Error::io("cannot make the folder", folder, cause))?;
        }
        let file = make_anew(path).map_err(|cause| Error::io("cannot write the file", path, cause))?;
        Ok(Box::new(LocalFile { file, path: path.to_owned(), bytes: 0 }))
    }

    fn first_line(&self, at: &Location) -> Result<Option<Vec<u8>>> {
        Ok(first_line(local(at)?))
    }

    /// Links, folders and what is no file are no files of ours.
    fn list(&self, place: &Location, looked_at_max: usize) -> Result<Vec<KeptFile>> {
        let folder = match local(place)? {
            empty if empty == Path::new("") => Path::new("."),
            folder => folder,
        };
        let failed = |cause| Error::io("cannot list the folder", folder, cause);
        let entries = match std::fs::read_dir(folder) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut found = Vec::new();
        for entry in entries.take(looked_at_max) {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            // Of the entry itself: a link is not followed. One that is gone by now needs no look.
            let Ok(metadata) = entry.metadata() else { continue };
            if let (true, Ok(modified)) = (metadata.is_file(), metadata.modified()) {
                found.push(KeptFile { name, modified });
            }
        }
        Ok(found)
    }

    fn remove(&self, at: &Location) -> Result<()> {
        let path = local(at)?;
        match std::fs::remove_file(path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|cause| Error::io("cannot remove the file", path, cause)),
        }
    }
}

fn local(at: &Location) -> Result<&Path> {
    match at {
        Location::Local(path) => Ok(path),
        other => Err(Error::usage("files cannot be kept there")
            .at(Place::uri(other.to_string()))
            .help("name a folder or s3://bucket/prefix")),
    }
}

struct LocalFile {
    file: File,
    path: PathBuf,
    bytes: u64,
}

impl SegmentWriter for LocalFile {
    fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.bytes += bytes.len() as u64;
        let written = self.file.write_all(&bytes);
        written.map_err(|cause| Error::io("cannot write the file", &self.path, cause))
    }

    fn finish(self: Box<Self>) -> Result<StoredObject> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(StoredObject { uri: self.path.display().to_string(), name, bytes: self.bytes })
    }
}
