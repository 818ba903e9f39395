//! What the next version of a table is made of: the files of a load, and those of the old version that stay.
//!
//! ```text
//! old files ─ whole? ─▶ types ┐                ┌─▶ as they are: hard links
//!                             ├─ fit? ─ ids ─▶ ┼─▶ anew: without rows that are there, in wider types
//! new files ──────────▶ types ┘                └─▶ anew: small neighbours as one (small.rs)
//! ```

use super::LoadRequest;
use super::parquet_file::{Footer, footer};
use super::present::{Looked, has_ids, rows_that_stay};
use super::rewrite::{Source, rewrite};
use super::small;
use super::types::{Type, Types, merge};
use super::whole;
use crate::error::{Error, Place, Result};
use crate::ledger::{Entry, LOAD_ID_BYTES, Part, PartFile, is_load_id};
use crate::store::{ExportKind, private};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What a version is made of. All of it lies in the staging folder.
pub(super) struct Brought {
    /// Files of the load.
    pub(super) new: Vec<PartFile>,
    /// Parts of the old version, with the files that are left of them.
    pub(super) kept: Vec<Part>,
    /// Why small files were not merged that could have been.
    pub(super) warnings: Vec<String>,
}

/// Where files are.
pub(super) struct Folders<'a> {
    /// The old version, and what it holds; none before the first load.
    pub(super) old: Option<(&'a Path, &'a Entry)>,
    /// The new one.
    pub(super) staging: &'a Path,
}

/// A file with what its footer tells.
struct Known {
    path: PathBuf,
    file: PartFile,
    footer: Footer,
    /// The kept parts that have rows in it, each with those rows.
    owners: Vec<(usize, Range<usize>)>,
    /// Row by row, whether it stays; empty: all do.
    stay: Vec<bool>,
}

impl Known {
    fn new(path: PathBuf, file: PartFile, footer: Footer) -> Self {
        Self { path, file, footer, owners: Vec::new(), stay: Vec::new() }
    }

    fn source(&self) -> Source<'_> {
        let keep = (!self.stay.is_empty()).then_some(&self.stay[..]);
        Source { path: &self.path, columns: &self.footer.columns, keep }
    }

    /// Of these rows, those that stay.
    fn rows_of(&self, rows: &Range<usize>) -> u64 {
        if self.stay.is_empty() {
            return rows.len() as u64;
        }
        let stay = self.stay.get(rows.clone()).unwrap_or_default();
        stay.iter().filter(|&&stays| stays).count() as u64
    }

    fn rows(&self) -> u64 {
        self.rows_of(&(0..index(self.file.rows)))
    }

    /// Whether nothing is left of it that had rows.
    fn is_gone(&self) -> bool {
        self.file.rows > 0 && self.rows() == 0
    }

    /// Takes away what does not stay by another rule.
    fn only(&mut self, stay: Vec<bool>) {
        if self.stay.is_empty() {
            self.stay = stay;
        } else if !stay.is_empty() {
            self.stay.iter_mut().zip(stay).for_each(|(stays, too)| *stays &= too);
        }
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
    let Some((old, entry)) = folders.old.filter(|_| kept.iter().any(|part| !part.files.is_empty())) else {
        return Ok(Brought { new, kept, warnings: Vec::new() });
    };
    let mut table = known(old, entry, &kept)?;
    let mut export = Vec::new();
    for file in new {
        let path = folders.staging.join(&file.name);
        let footer = footer(&path)?;
        export.push(Known::new(path, file, footer));
    }
    let types = types_of(&table, &export, &request.source.uri)?;
    let has_full = kept.iter().any(|part| part.kind == ExportKind::Full);
    let (there, here) = (looked(&table), looked(&export));
    match request.kind {
        // What a full export holds comes from it. A row without an id cannot be known again, so that it
        // comes by full exports alone: it would double otherwise.
        ExportKind::Full => {
            let stay = rows_that_stay(&there, &here, false)?;
            set(&mut table, stay);
        }
        ExportKind::Incremental => {
            let stay = rows_that_stay(&here, &there, !has_full)?;
            set(&mut export, stay);
        }
    }
    table.retain(|known| !known.is_gone());
    let (table_name, load_id) = (&request.table, &request.load_id);
    let left = Left { staging: folders.staging, types: &types, table: table_name, load_id };
    let warnings = left.keep(&table, &mut kept)?;
    let mut new = Vec::new();
    for known in &export {
        new.extend(settle(folders.staging, known, &types)?);
    }
    Ok(Brought { new, kept, warnings })
}

/// Brings an old version into the staging folder without some rows: `gone` says of each file that has any, row by row,
/// whether it goes. What is left without rows keeps its first file, for the columns.
///
/// # Errors
/// [`Error::Input`] if a file is not what was loaded, and whatever the file system refuses.
pub(super) fn without(
    (old, entry): (&Path, &Entry),
    staging: &Path,
    load_id: &str,
    gone: &BTreeMap<String, Vec<bool>>,
) -> Result<Vec<Part>> {
    let mut parts = entry.parts.clone();
    let mut table = known(old, entry, &parts)?;
    for known in &mut table {
        let rows = gone.get(&known.file.name);
        known.only(rows.into_iter().flatten().map(|is_gone| !is_gone).collect());
    }
    if table.iter().any(|known| known.rows() > 0) {
        table.retain(|known| !known.is_gone());
    } else {
        table.truncate(1);
    }
    let types = types_of(&table, &[], &entry.source.uri)?;
    let left = Left { staging, types: &types, table: &entry.table, load_id };
    for warning in left.keep(&table, &mut parts)? {
        tracing::warn!(table = entry.table, warning);
    }
    Ok(parts)
}

/// The files of the old version that kept parts have rows in; the rows of other parts do not stay.
fn known(old: &Path, entry: &Entry, kept: &[Part]) -> Result<Vec<Known>> {
    let kept: BTreeMap<&str, usize> =
        kept.iter().enumerate().map(|(at, part)| (part.load_id.as_str(), at)).collect();
    let (mut slices, mut table) = (entry.slices().into_iter().peekable(), Vec::new());
    for (at, file) in entry.files().into_iter().enumerate() {
        let (mut owners, mut others) = (Vec::new(), false);
        while let Some(slice) = slices.next_if(|slice| slice.file == at) {
            match kept.get(entry.parts[slice.part].load_id.as_str()) {
                Some(&part) => owners.push((part, index(slice.rows.start)..index(slice.rows.end))),
                None => others = true,
            }
        }
        if owners.is_empty() {
            continue;
        }
        let footer = whole::check_file(old, &file)?;
        let mut known = Known::new(old.join(&file.name), file, footer);
        if others {
            known.stay = vec![false; index(known.file.rows)];
            let theirs = owners.iter().map(|(_, rows)| rows.clone());
            theirs.for_each(|rows| known.stay[rows].fill(true));
        }
        table.push(Known { owners, ..known });
    }
    Ok(table)
}

/// A number of rows that are in memory, or will be.
fn index(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

/// Rows that are gone anyway are nobody's.
fn looked(files: &[Known]) -> Vec<Looked<'_>> {
    files.iter().map(|known| Looked { path: &known.path, rows: &known.stay }).collect()
}

fn set(files: &mut [Known], stay: Vec<Vec<bool>>) {
    files.iter_mut().zip(stay).for_each(|(known, stay)| known.only(stay));
}

/// The types that hold the values of all files.
fn types_of(table: &[Known], export: &[Known], source: &str) -> Result<Types> {
    let (mut types, mut misfits) = (Types::new(), BTreeMap::new());
    for known in table.iter().chain(export) {
        merge(&mut types, &known.footer.columns, &mut misfits);
    }
    if misfits.is_empty() {
        return Ok(types);
    }
    let told: Vec<String> = misfits.into_values().collect();
    Err(Error::schema(format!("the types of the export do not go with those of the table: {}", told.join(", ")))
        .at(Place::uri(source))
        .help("refresh the schema if it is old; if the types have changed at the source, load a full export made after that"))
}

/// What is left of the old version, on its way into the new one.
struct Left<'a> {
    staging: &'a Path,
    types: &'a Types,
    /// The table's name, and the id of what is done to it.
    table: &'a str,
    load_id: &'a str,
}

impl Left<'_> {
    /// Brings the files into the new version, small neighbours as one, and writes into the parts which they are. A
    /// load does not fail because files that it could leave alone cannot be merged: it says why.
    fn keep(&self, table: &[Known], parts: &mut [Part]) -> Result<Vec<String>> {
        let (runs, mut warnings) = (runs(table, parts), Vec::new());
        parts.iter_mut().for_each(|part| part.files.clear());
        for run in runs {
            let run = &table[run];
            match self.place(run) {
                Ok(file) => owned(run, &file, parts),
                Err(error) if run.len() > 1 => {
                    warnings.push(format!("small files of the table were not merged: {error}"));
                    for alone in run.chunks(1) {
                        owned(alone, &self.place(alone)?, parts);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(warnings)
    }

    /// Brings a file into the new version: as a hard link, which costs nothing and shares the bytes, or as a copy
    /// where the file system has none. What is written anew gets another name: a name stands for one content for
    /// ever.
    fn place(&self, run: &[Known]) -> Result<PartFile> {
        let first = &run[0];
        let sources: Vec<Source<'_>> = run.iter().map(Known::source).collect();
        if let [one] = &sources[..]
            && one.can_stay(self.types)
        {
            let to = self.staging.join(&first.file.name);
            let failed = |cause| Error::io("cannot keep a file of the old version", &first.path, cause);
            if fs::hard_link(&first.path, &to).is_err() {
                fs::copy(&first.path, &to).and_then(|_| File::open(&to)?.sync_all()).map_err(failed)?;
            }
            private::tighten(&to);
            return Ok(first.file.clone());
        }
        let name = name_anew(&first.file.name, self.load_id);
        let to = self.staging.join(&name);
        rewrite(&sources, &to, self.types).inspect_err(|_| drop(fs::remove_file(&to)))?;
        let file = PartFile { name, rows: run.iter().map(Known::rows).sum(), bytes: length(&to)? };
        if run.len() > 1 {
            let (table, files) = (self.table, run.len());
            tracing::info!(table, files, into = file.name, rows = file.rows, "small files were merged");
        }
        Ok(file)
    }
}

/// Writes into the parts which rows of a file are theirs, now that it is made of these.
fn owned(run: &[Known], file: &PartFile, parts: &mut [Part]) {
    for (known, (owner, rows)) in
        run.iter().flat_map(|known| known.owners.iter().map(move |owner| (known, owner)))
    {
        let rows = known.rows_of(rows);
        // A file without rows is somebody's all the same.
        if rows == 0 && file.rows > 0 {
            continue;
        }
        match parts[*owner].files.last_mut().filter(|last| last.name == file.name) {
            Some(last) => last.rows += rows,
            None => parts[*owner].files.push(PartFile { rows, ..file.clone() }),
        }
    }
}

/// Which neighbours become one file; most stay by themselves. A full export's are large, and what another program has
/// written stays as it is.
fn runs(table: &[Known], parts: &[Part]) -> Vec<Range<usize>> {
    let may_merge = |known: &Known| {
        known.owners.iter().all(|(owner, _)| parts[*owner].kind == ExportKind::Incremental)
            && known.footer.columns.iter().all(|(_, its)| !matches!(its, Type::Other(_)))
    };
    let (mut runs, mut at) = (Vec::new(), 0);
    while at < table.len() {
        let few = table[at..].iter().take_while(|known| may_merge(known)).count();
        let bytes: Vec<u64> = table[at..at + few].iter().map(|known| known.file.bytes).collect();
        for merged in small::merged(&bytes) {
            let merged = at + merged.start..at + merged.end;
            let before = runs.last().map_or(0, |run: &Range<usize>| run.end);
            runs.extend((before..merged.start).map(|alone| alone..alone + 1));
            runs.push(merged);
        }
        at += few.max(1);
        let before = runs.last().map_or(0, |run| run.end);
        runs.extend((before..at).map(|alone| alone..alone + 1));
    }
    runs
}

/// `<load id>-part-00000.<this load's id>.snappy.parquet`: still sorted by the load that brought the (first) rows.
fn name_anew(name: &str, load_id: &str) -> String {
    let (part, ending) = name.split_once('.').unwrap_or((name, "parquet"));
    let before = ending.split_once('.').filter(|(id, _)| id.len() == LOAD_ID_BYTES && is_load_id(id));
    let ending = before.map_or(ending, |(_, ending)| ending);
    format!("{part}.{load_id}.{ending}")
}

/// Leaves a new file as it is, or takes its place under its name.
fn settle(staging: &Path, known: &Known, types: &Types) -> Result<Option<PartFile>> {
    let (file, source) = (&known.file, known.source());
    if source.can_stay(types) {
        return Ok(Some(file.clone()));
    }
    let failed = |cause| Error::io("cannot replace a staged file", &known.path, cause);
    if known.rows() == 0 {
        fs::remove_file(&known.path).map_err(failed)?;
        return Ok(None);
    }
    let anew = staging.join(format!(".{}.anew.tmp", file.name));
    rewrite(&[source], &anew, types)?;
    fs::rename(&anew, &known.path).map_err(failed)?;
    Ok(Some(PartFile { name: file.name.clone(), rows: known.rows(), bytes: length(&known.path)? }))
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
