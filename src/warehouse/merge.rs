//! What the next version of a table is made of: the files of a load, and those of the old version that stay.
//!
//! ```text
//! old files ─ whole? ─▶ types ┐                ┌─▶ as they are: hard links
//!                             ├─ fit? ─ ids ─▶ ┤
//! new files ──────────▶ types ┘                └─▶ anew: without rows that are there, in wider types
//! ```

use super::LoadRequest;
use super::parquet_file::{Footer, footer};
use super::present::{has_ids, rows_that_stay};
use super::rewrite::{Change, rewrite};
use super::types::{Types, merge};
use super::whole;
use crate::error::{Error, Place, Result};
use crate::ledger::{LOAD_ID_BYTES, Part, PartFile, is_load_id};
use crate::store::{ExportKind, private};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// What a version is made of. All of it lies in the staging folder.
pub(super) struct Brought {
    /// Files of the load.
    pub(super) new: Vec<PartFile>,
    /// Parts of the old version, with the files that are left of them.
    pub(super) kept: Vec<Part>,
}

/// Where files are.
pub(super) struct Folders<'a> {
    /// The old version; none before the first load.
    pub(super) old: Option<&'a Path>,
    /// The new one.
    pub(super) staging: &'a Path,
}

/// A file with what its footer tells.
struct Known {
    file: PartFile,
    footer: Footer,
    /// Row by row, whether it stays; empty: all do.
    stay: Vec<bool>,
}

impl Known {
    fn change<'a>(&'a self, types: &'a Types) -> Change<'a> {
        let keep = (!self.stay.is_empty()).then_some(&self.stay[..]);
        Change { types, columns: &self.footer.columns, keep }
    }
}

/// Whether the rows of staged files can be told apart by their ids.
///
/// # Errors
/// If a footer cannot be read.
pub(super) fn are_keyed(folder: &Path, files: &[PartFile]) -> Result<bool> {
    let Some(first) = files.first() else { return Ok(true) };
    Ok(has_ids(&footer(&folder.join(&first.name))?.columns))
}

/// Brings the parts that stay into the staging folder, beside the new files, so that all of them are one
/// table: of one type a column, and each id once.
///
/// # Errors
/// [`Error::Input`] if an old file is not what was loaded; [`Error::Schema`] naming the columns whose types
/// do not go together; whatever the file system refuses.
pub(super) fn bring(
    folders: &Folders<'_>,
    request: &LoadRequest,
    mut kept: Vec<Part>,
    new: Vec<PartFile>,
) -> Result<Brought> {
    let Some(old) = folders.old.filter(|_| kept.iter().any(|part| !part.files.is_empty())) else {
        return Ok(Brought { new, kept });
    };
    let mut table = Vec::new();
    for file in kept.iter().flat_map(|part| &part.files) {
        table.push(Known { footer: whole::check_file(old, file)?, file: file.clone(), stay: Vec::new() });
    }
    let mut export = Vec::new();
    for file in new {
        export.push(Known { footer: footer(&folders.staging.join(&file.name))?, file, stay: Vec::new() });
    }
    let types = types_of(&table, &export, request)?;
    let has_full = kept.iter().any(|part| part.kind == ExportKind::Full);
    let (there, here) = (paths(old, &table), paths(folders.staging, &export));
    match request.kind {
        // What a full export holds comes from it. A row without an id cannot be known again, so that it
        // comes by full exports alone: it would double otherwise.
        ExportKind::Full => set(&mut table, rows_that_stay(&there, &here, false)?),
        ExportKind::Incremental => set(&mut export, rows_that_stay(&here, &there, !has_full)?),
    }
    let mut left = BTreeMap::new();
    for known in &table {
        if let Some(file) = keep(old, folders.staging, known, &types, &request.load_id)? {
            left.insert(known.file.name.clone(), file);
        }
    }
    for part in &mut kept {
        part.files = part.files.iter().filter_map(|file| left.remove(&file.name)).collect();
    }
    let mut new = Vec::new();
    for known in &export {
        new.extend(settle(folders.staging, known, &types)?);
    }
    Ok(Brought { new, kept })
}

fn paths(folder: &Path, files: &[Known]) -> Vec<PathBuf> {
    files.iter().map(|known| folder.join(&known.file.name)).collect()
}

fn set(files: &mut [Known], stay: Vec<Vec<bool>>) {
    for (known, stay) in files.iter_mut().zip(stay) {
        known.stay = stay;
    }
}

/// The types that hold the values of all files.
fn types_of(table: &[Known], export: &[Known], request: &LoadRequest) -> Result<Types> {
    let (mut types, mut misfits) = (Types::new(), BTreeMap::new());
    for known in table.iter().chain(export) {
        merge(&mut types, &known.footer.columns, &mut misfits);
    }
    if misfits.is_empty() {
        return Ok(types);
    }
    let told: Vec<String> = misfits.into_values().collect();
    Err(Error::schema(format!("the types of the export do not go with those of the table: {}", told.join(", ")))
        .at(Place::uri(&request.source.uri))
        .help("refresh the schema if it is old; if the types have changed at the source, load a full export made after that"))
}

/// Brings an old file into the new version: as a hard link, which costs nothing and shares the bytes, or
/// as a copy where the file system has none. What is written anew gets another name: a name stands for one
/// content for ever.
fn keep(old: &Path, staging: &Path, known: &Known, types: &Types, load_id: &str) -> Result<Option<PartFile>> {
    let (file, change) = (&known.file, known.change(types));
    let from = old.join(&file.name);
    if change.is_none() {
        let to = staging.join(&file.name);
        let failed = |cause| Error::io("cannot keep a file of the old version", &from, cause);
        if fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to).and_then(|_| File::open(&to)?.sync_all()).map_err(failed)?;
        }
        private::tighten(&to);
        return Ok(Some(file.clone()));
    }
    let rows = change.rows(file.rows);
    if rows == 0 {
        return Ok(None);
    }
    let name = name_anew(&file.name, load_id);
    let to = staging.join(&name);
    rewrite(&from, &to, &change)?;
    Ok(Some(PartFile { name, rows, bytes: length(&to)? }))
}

/// `<load id>-part-00000.<this load's id>.snappy.parquet`: still sorted by the load that brought the rows.
pub(super) fn name_anew(name: &str, load_id: &str) -> String {
    let (part, ending) = name.split_once('.').unwrap_or((name, "parquet"));
    let before = ending.split_once('.').filter(|(id, _)| id.len() == LOAD_ID_BYTES && is_load_id(id));
    let ending = before.map_or(ending, |(_, ending)| ending);
    format!("{part}.{load_id}.{ending}")
}

/// Leaves a new file as it is, or takes its place under its name.
fn settle(staging: &Path, known: &Known, types: &Types) -> Result<Option<PartFile>> {
    let (file, change) = (&known.file, known.change(types));
    if change.is_none() {
        return Ok(Some(file.clone()));
    }
    let path = staging.join(&file.name);
    let rows = change.rows(file.rows);
    let failed = |cause| Error::io("cannot replace a staged file", &path, cause);
    if rows == 0 {
        fs::remove_file(&path).map_err(failed)?;
        return Ok(None);
    }
    let anew = staging.join(format!(".{}.anew.tmp", file.name));
    rewrite(&path, &anew, &change)?;
    fs::rename(&anew, &path).map_err(failed)?;
    Ok(Some(PartFile { name: file.name.clone(), rows, bytes: length(&path)? }))
}

fn length(path: &Path) -> Result<u64> {
    let found = fs::metadata(path).map_err(|cause| Error::io("cannot look at the file", path, cause));
    found.map(|found| found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_anew_has_another_name() {
        let (one, two, three) = (
            "019371c2-0000-7000-8000-000000000001",
            "019371c2-0000-7000-8000-000000000002",
            "019371c2-0000-7000-8000-000000000003",
        );
        let first = name_anew(&format!("{one}-part-00000.snappy.parquet"), two);
        assert_eq!(first, format!("{one}-part-00000.{two}.snappy.parquet"));
        assert_eq!(name_anew(&first, three), format!("{one}-part-00000.{three}.snappy.parquet"));
    }
}
