//! Removes what dead loads left behind and versions that nobody needs any more. Only under the table's
//! lock, which a live load holds from its first byte to its last: so whatever lies around is dead.

use crate::error::{Error, Result};
use crate::ledger::{ENTRY_NAME, Entry, versions};
use std::fs::{self, OpenOptions};
use std::path::Path;

/// `<table>/.staging-<load id>`: the segments of a load on their way.
pub(super) const STAGING: &str = ".staging-";
/// `<table>/.current-<load id>`: the next pointer, before it takes its name.
pub(super) const POINTER: &str = ".current-";
/// `<table>/.swept-<version>`: a version on its way out. Renamed first, because a version that is half
/// removed must not look like one.
const SWEPT: &str = ".swept-";

/// Sweeps one table and keeps the current version and those before it, `keep` in all.
///
/// # Errors
/// Whatever the file system refuses; the table is untouched by that.
pub(super) fn sweep(table_dir: &Path, keep: usize) -> Result<()> {
    let kept = Entry::lineage(table_dir, keep.max(1))?;
    for version in versions(table_dir)?.iter().filter(|version| !kept.contains(*version)) {
        retire(table_dir, version)?;
    }
    let failed = |cause| Error::io("cannot list the table's folder", table_dir, cause);
    for item in fs::read_dir(table_dir).map_err(failed)? {
        let item = item.map_err(failed)?;
        let name = item.file_name();
        let name = name.to_string_lossy();
        if [STAGING, POINTER, SWEPT].iter().any(|prefix| name.starts_with(prefix)) {
            remove(&item.path())?;
        }
    }
    Ok(())
}

/// Sweeps only what was never or is no longer reachable: before a load, which may yet fail, every
/// version that readers once saw stays.
///
/// # Errors
/// Whatever the file system refuses; the table is untouched by that.
pub(super) fn sweep_dead(table_dir: &Path) -> Result<()> {
    sweep(table_dir, usize::MAX)
}

/// Removes a version unless one of our own readers holds it.
fn retire(table_dir: &Path, version: &str) -> Result<()> {
    let path = table_dir.join(version);
    let entry = path.join(ENTRY_NAME);
    // For writing too: network file systems lock exclusively only what could be written.
    let file = OpenOptions::new().read(true).write(true).open(&entry);
    let file = file.map_err(|cause| Error::io("cannot open the ledger entry", &entry, cause))?;
    if file.try_lock().is_err() {
        tracing::info!(version, "version kept for a reader");
        return Ok(());
    }
    let swept = table_dir.join(format!("{SWEPT}{version}"));
    fs::rename(&path, &swept).map_err(|cause| Error::io("cannot retire the version", &path, cause))?;
    remove(&swept)
}

/// Removes a file, a link, or a folder with all it holds.
pub(super) fn remove(path: &Path) -> Result<()> {
    let removed = fs::symlink_metadata(path).and_then(|meta| match meta.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    });
    removed.map_err(|cause| Error::io("cannot remove leftovers", path, cause))
}
