//! Files that a command writes beside its results.

use crate::error::{Error, Result};
use crate::report::RunReport;
use crate::store::outputs::Outputs;
use crate::store::{private, write_atomically};
use std::fs::File;
use std::path::Path;

/// Opens a file for run reports: one that is not there yet, or that begins with a report. What is in it stays.
///
/// # Errors
/// [`Error::Usage`] for any other file: it would be lost.
pub fn open_report(path: &Path) -> Result<File> {
    Outputs::default().claim("the report", path, || RunReport::is_first_in(path))?;
    private::open(File::options().write(true).create(true).truncate(false), path)
        .map_err(|cause| Error::io("cannot write the report", path, cause))
}

/// Writes a file whole, with the folders above it.
///
/// # Errors
/// Whatever the file system refuses.
pub fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        private::make_dirs(folder).map_err(|cause| Error::io("cannot make the folder", folder, cause))?;
    }
    write_atomically(path, content)
}
