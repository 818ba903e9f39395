//! The folders of a warehouse, as they are made and tried.

use crate::error::{Error, Result};
use crate::store::{private, sync_dir};
use std::path::Path;

/// A folder that is not there yet is made by the first load, if the one above it can be written to.
pub(super) fn writable(dir: &Path) -> Result<()> {
    let existing = dir.ancestors().find(|place| place.exists());
    let existing = existing.filter(|place| !place.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    tempfile::NamedTempFile::new_in(existing)
        .map(drop)
        .map_err(|cause| Error::io("the warehouse's folder cannot be written to", dir, cause))
}

/// Makes a folder and those above it, so that they outlive a power cut too.
pub(super) fn make_durable_dir(dir: &Path) -> Result<()> {
    let made = private::make_dirs(dir).and_then(|()| dir.canonicalize());
    let made = made.map_err(|cause| Error::io("cannot make the table's folder", dir, cause))?;
    // The table's folder is a name in the warehouse's, and that one in its parent's.
    made.ancestors().skip(1).take(2).try_for_each(sync_dir)
}
