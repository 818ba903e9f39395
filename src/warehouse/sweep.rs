//! Removes what dead loads left behind and versions that nobody needs any more. Only under the table's
//! lock, which a live load holds from its first byte to its last: so whatever lies around is dead.
//!
//! Only what this program has put there: folders that bear a load's id, and in them names that a load
//! writes. Whatever else lies in them stays, and so does the version or folder it lies in.

use crate::error::{Error, Result};
use crate::ledger::{Entry, LOAD_ID_BYTES, NEXT_POINTER, entry_path, is_entry, is_load_id, is_version};
use crate::store::temporary_of;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

/// `<table>/.staging-<load id>`: the segments of a load on their way.
pub(super) const STAGING: &str = ".staging-";
/// `<table>/.swept-<version>`: a version on its way out. Renamed first, because a version that is half
/// removed must not look like one.
const SWEPT: &str = ".swept-";

/// Sweeps one table and keeps the current version and those before it, `keep` in all.
///
/// # Errors
/// Whatever the file system refuses; the table is untouched by that.
pub(super) fn sweep(table_dir: &Path, current: &Entry, keep: usize) -> Result<()> {
    let kept = current.lineage_in(table_dir, keep.max(1));
    sweep_versions(table_dir, |version| !kept.contains(version))
}

fn sweep_versions(table_dir: &Path, goes: impl Fn(&String) -> bool) -> Result<()> {
    let failed = |cause| Error::io("cannot list the table's folder", table_dir, cause);
    let mut items = Vec::new();
    for item in fs::read_dir(table_dir).map_err(failed)? {
        items.push(item.map_err(failed)?);
    }
    // What stays is not looked into: an entry is long where loads are many.
    for item in &items {
        let version = item.file_name().to_string_lossy().into_owned();
        let is_folder = item.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && is_load_id(&version) && goes(&version) {
            retire(table_dir, &version)?;
        }
    }
    for item in items {
        let name = item.file_name();
        let name = name.to_string_lossy();
        let of_load = |prefix: &str| name.strip_prefix(prefix).filter(|id| is_load_id(id));
        if of_load(STAGING).or_else(|| of_load(SWEPT)).is_some() {
            remove_written(&item.path())?;
        } else if let Some(version) = of_load(NEXT_POINTER) {
            remove_pointer(table_dir, &item.path(), version)?;
        }
    }
    Ok(())
}

/// Sweeps only what was never reachable: before a load, which may yet fail, every version that readers once saw
/// stays, also one that somebody went back from. The pointer of a version that was never switched to is left.
///
/// # Errors
/// As [`sweep`].
pub(super) fn sweep_dead(table_dir: &Path) -> Result<()> {
    let was_never_current =
        |version: &str| fs::symlink_metadata(table_dir.join(format!("{NEXT_POINTER}{version}"))).is_ok();
    // Whose table is damaged stays until somebody has mended it.
    let is_kept =
        |version: &String| Entry::lineage(table_dir, usize::MAX).map_or(true, |kept| kept.contains(version));
    sweep_versions(table_dir, |version| was_never_current(version) && !is_kept(version))
}

/// What dead loads have left in a table's folder: staged files, versions on their way out.
///
/// # Errors
/// If the folder cannot be listed.
pub(super) fn dead(table_dir: &Path) -> Result<Vec<PathBuf>> {
    let failed = |cause| Error::io("cannot list the table's folder", table_dir, cause);
    let mut found = Vec::new();
    for item in fs::read_dir(table_dir).map_err(failed)? {
        let item = item.map_err(failed)?;
        let name = item.file_name();
        let name = name.to_string_lossy();
        if [STAGING, SWEPT].iter().any(|prefix| name.strip_prefix(prefix).is_some_and(is_load_id)) {
            found.push(item.path());
        }
    }
    Ok(found)
}

/// Removes what loads have written into a version that nobody must read any more, and says whether it could: one of
/// our own readers may hold it. What is not ours in it stays, and is told.
///
/// # Errors
/// Whatever the file system refuses.
pub(super) fn remove_version(table_dir: &Path, version: &str) -> Result<bool> {
    let path = table_dir.join(version);
    let entry = entry_path(&path);
    // For writing too: network file systems lock exclusively only what could be written.
    let file = OpenOptions::new().read(true).write(true).open(&entry);
    let file = file.map_err(|cause| Error::io("cannot open the ledger entry", &entry, cause))?;
    if file.try_lock().is_err() {
        return Ok(false);
    }
    let swept = table_dir.join(format!("{SWEPT}{version}"));
    fs::rename(&path, &swept).map_err(|cause| Error::io("cannot retire the version", &path, cause))?;
    remove_written(&swept)?;
    Ok(true)
}

/// Removes a version unless one of our own readers holds it, or it holds what is not ours. A folder that is no version
/// of this table stays.
fn retire(table_dir: &Path, version: &str) -> Result<()> {
    let path = table_dir.join(version);
    // What cannot be read is a later program's, or damaged: nobody knows what is in it.
    let foreign = match Entry::file_names(table_dir, version) {
        Ok(None) => return Ok(()),
        Ok(Some(known)) => foreign_to(&path, &known)?,
        Err(_) if !is_version(table_dir, version) => return Ok(()),
        Err(_) => Some("its entry".to_owned()),
    };
    if let Some(name) = foreign {
        tracing::warn!(version, name, "version kept: something in it is not of this program");
        return Ok(());
    }
    if !remove_version(table_dir, version)? {
        tracing::info!(version, "version kept for a reader");
    }
    Ok(())
}

/// A name in a version's folder that its entry does not tell of.
fn foreign_to(version_dir: &Path, known: &BTreeSet<String>) -> Result<Option<String>> {
    let failed = |cause| Error::io("cannot list the version", version_dir, cause);
    for item in fs::read_dir(version_dir).map_err(failed)? {
        let name = item.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !is_entry(&name) && !known.contains(&name) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The pointer tells that its version was never switched to, so it goes after that version.
fn remove_pointer(table_dir: &Path, pointer: &Path, version: &str) -> Result<()> {
    let is_pointer = fs::read_link(pointer).is_ok_and(|target| target == Path::new(version));
    if !is_pointer || table_dir.join(version).exists() {
        return Ok(());
    }
    fs::remove_file(pointer).map_err(|cause| Error::io("cannot remove leftovers", pointer, cause))
}

/// Removes from a load's folder what loads write there, and the folder if nothing else is in it.
///
/// # Errors
/// Whatever the file system refuses.
pub(super) fn remove_written(dir: &Path) -> Result<()> {
    let failed = |cause| Error::io("cannot remove leftovers", dir, cause);
    if !fs::symlink_metadata(dir).map_err(failed)?.is_dir() {
        return Ok(());
    }
    let mut foreign = None;
    for item in fs::read_dir(dir).map_err(failed)? {
        let item = item.map_err(failed)?;
        let name = item.file_name().to_string_lossy().into_owned();
        if is_written(&name) && item.file_type().map_err(failed)?.is_file() {
            fs::remove_file(item.path()).map_err(failed)?;
        } else {
            foreign = Some(name);
        }
    }
    if let Some(name) = foreign {
        let dir = dir.display();
        tracing::warn!(%dir, name, "folder of a dead load kept: something in it is not of this program");
        return Ok(());
    }
    fs::remove_dir(dir).map_err(failed)
}

/// Whether loads write files of this name: the entry, `<load id>-…`, and both before they are whole.
fn is_written(name: &str) -> bool {
    let name = temporary_of(name).unwrap_or(name);
    let load_id = name.get(..LOAD_ID_BYTES).filter(|_| name[LOAD_ID_BYTES..].starts_with('-'));
    is_entry(name) || load_id.is_some_and(is_load_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loads_write_is_told_by_its_name() {
        let id = "019371c2-0000-7000-8000-000000000000";
        for (name, written) in [
            (format!("{id}-part-00000.snappy.parquet"), true),
            (format!(".{id}-part-00000.snappy.parquet.aB3xY9.tmp"), true),
            ("_load.json".to_owned(), true),
            ("load.json".to_owned(), true),
            ("._load.json.aB3xY9.tmp".to_owned(), true),
            ("part-00000.snappy.parquet".to_owned(), false),
            ("notes.json".to_owned(), false),
            (".notes.aB3xY9.tmp".to_owned(), false),
            (id.to_owned(), false),
            (format!("{id}é"), false),
            (format!("{}é-x", &id[..35]), false),
            (String::new(), false),
        ] {
            assert_eq!(is_written(&name), written, "{name}");
        }
    }
}
