//! From staged files to the version that readers see. Each step leaves the old table whole; the last
//! one, a rename, is the switch.
//!
//! ```text
//! staged files ─ verify ─▶ counts agree ─ merge::bring ─▶ + files of the old version (hard links)
//!    ─ seal ─▶ + _load.json, all durable ─ place ─▶ <table>/<version>/ ─ switch ─▶ current
//! ```

use super::contract::another_policy;
use super::{Admission, LoadRequest};
use crate::error::{Error, Place, Result};
use crate::ledger::{CURRENT, Cover, Entry, NEXT_POINTER, PARTS_MAX, Part, PartFile, RolledBack};
use crate::report::FileReport;
use crate::store::{ExportKind, sync_dir};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a table holds, for the question whether a load may go ahead.
pub(super) struct Admitting {
    current: Option<Arc<Entry>>,
    /// Which of its loads, by the name of the export.
    by_export: Vec<usize>,
    /// When the full export was made.
    full: Option<String>,
    cover: Cover,
}

impl Admitting {
    pub(super) fn new(current: Option<Arc<Entry>>, cover: Cover) -> Self {
        let full = current.as_ref().and_then(|entry| entry.full()?.exported_at.clone());
        let parts = current.as_ref().map_or(&[][..], |entry| &entry.parts);
        let mut by_export: Vec<usize> = (0..parts.len()).collect();
        by_export.sort_by_key(|&at| &parts[at].source.uri);
        Self { current, by_export, full, cover }
    }

    /// The loads of an export of this name.
    fn loaded<'a>(&'a self, uri: &'a str) -> impl Iterator<Item = &'a Part> {
        let parts = self.current.as_ref().map_or(&[][..], |entry| &entry.parts);
        let first = self.by_export.partition_point(|&at| parts[at].source.uri.as_str() < uri);
        self.by_export[first..].iter().map(|&at| &parts[at]).take_while(move |part| part.source.uri == uri)
    }

    pub(super) fn admit(&self, request: &LoadRequest) -> Admission {
        if request.again {
            return Admission::Proceed;
        }
        let same = |part: &&Part| part.is_of(request.kind, &request.source, request.privacy.as_ref());
        if let Some(part) = self.loaded(&request.source.uri).find(same) {
            return Admission::AlreadyLoaded { load_id: part.load_id.clone() };
        }
        if let Some(gone) =
            went_back(self.current.as_ref().and_then(|entry| entry.rolled_back.as_ref()), same)
        {
            return gone;
        }
        match self.full.clone() {
            Some(than)
                if self.cover.covers(Some(&than), request.rows_of(), request.exported_at.as_deref()) =>
            {
                Admission::Older { than }
            }
            _ => Admission::Proceed,
        }
    }
}

/// That an export is not to be loaded because the table was rolled back from it, if it is one of these.
pub(super) fn went_back(
    rolled_back: Option<&RolledBack>,
    is_it: impl Fn(&&Part) -> bool,
) -> Option<Admission> {
    let gone = rolled_back?;
    let load_id = gone.loads.iter().find(is_it)?.load_id.clone();
    Some(Admission::RolledBack { told: gone.shown_beside(&load_id), load_id })
}

/// What a load leaves of the rollback before it, and what is to be said of that: a full one ends it, an incremental
/// one adds to what the table went back to.
pub(super) fn after_rollback(
    current: Option<&Entry>,
    request: &LoadRequest,
) -> (Option<RolledBack>, Option<String>) {
    let Some((entry, gone)) = current.and_then(|entry| Some((entry, entry.rolled_back.clone()?))) else {
        return (None, None);
    };
    let told = gone.shown();
    if request.kind == ExportKind::Full {
        return (None, Some(format!("{told}: this load takes the place of what it went back to")));
    }
    let told = (entry.load_id == gone.rollback_id)
        .then(|| format!("{told}: this load adds to what it went back to"));
    let loads = gone.loads.into_iter().filter(|part| !part.source.same_as(&request.source)).collect();
    (Some(RolledBack { loads, ..gone }), told)
}

/// The parts of the old version of which the new one may keep rows, in load order.
///
/// An incremental load keeps all, but what it loads again. A full one keeps the incrementals of which it
/// may lack rows: dropping them would lose those rows until the next night. With the ids that are passed
/// over, this makes the table the same in whichever order exports arrive.
pub(super) fn kept_parts(current: Option<&Entry>, request: &LoadRequest, cover: Cover) -> Vec<Part> {
    let incremental = |part: &&Part| part.kind == ExportKind::Incremental;
    let stays = |part: &&Part| match request.kind {
        ExportKind::Incremental => !(incremental(part) && part.source.same_as(&request.source)),
        ExportKind::Full => {
            incremental(part) && cover.may_lack(request.exported_at.as_deref(), part.exported_at.as_deref())
        }
    };
    current.into_iter().flat_map(|entry| &entry.parts).filter(stays).cloned().collect()
}

/// What is to be said of loads that stay in the table as another policy of privacy made them.
pub(super) fn of_another_policy(kept: &[Part], request: &LoadRequest) -> Option<String> {
    let others = kept.iter().filter(|part| !part.is_under(request.privacy.as_ref())).count();
    (others > 0).then(|| another_policy(others as u64))
}

/// All parts of the new version: the full export first, incrementals after it.
///
/// # Errors
/// [`Error::Usage`] beyond [`PARTS_MAX`].
pub(super) fn assemble(kept: Vec<Part>, new: Part) -> Result<Vec<Part>> {
    if kept.len() >= PARTS_MAX {
        return Err(Error::usage(format!("the table holds {} loads since its full export", kept.len()))
            .help("load a full export of this table: it replaces them all"));
    }
    let mut parts = kept;
    let position = if new.kind == ExportKind::Full { 0 } else { parts.len() };
    parts.insert(position, new);
    Ok(parts)
}

/// Compares what lies there with what was reported: the names, the lengths, the sum of the rows. The rows
/// of each file were read back from its footer when it was staged.
///
/// # Errors
/// [`Error::Counts`] naming the file or the sums that disagree.
pub(super) fn verify(staging: &Path, files: &[FileReport], accepted: u64) -> Result<Vec<PartFile>> {
    let mut verified = Vec::with_capacity(files.len());
    for file in files {
        verified.push(verify_file(staging, file)?);
    }
    let named: BTreeSet<&str> = verified.iter().map(|file| file.name.as_str()).collect();
    if named.len() != files.len() {
        return Err(Error::counts("a staged file is reported twice").at(place(staging)));
    }
    let staged = staged_names(staging)?;
    if let Some(name) = staged.iter().find(|name| !named.contains(name.as_str())) {
        return Err(Error::counts("a staged file is missing from the report").at(place(&staging.join(name))));
    }
    let rows: u64 = verified.iter().map(|file| file.rows).sum();
    if rows != accepted {
        return Err(Error::counts(format!("the staged files hold {rows} rows, accepted were {accepted}"))
            .at(place(staging))
            .help("nothing was loaded; keep the report and tell the maintainers"));
    }
    Ok(verified)
}

fn verify_file(staging: &Path, file: &FileReport) -> Result<PartFile> {
    let name = Path::new(&file.uri).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let path = staging.join(name);
    let bytes = fs::metadata(&path)
        .map_err(|cause| Error::counts("a reported file is not staged").at(place(&path)).because(cause))?
        .len();
    if bytes != file.bytes {
        let told = format!("the file has {bytes} bytes, reported were {}", file.bytes);
        return Err(Error::counts(told).at(place(&path)));
    }
    Ok(PartFile { name: name.to_owned(), rows: file.rows, bytes })
}

/// Everything in the staging folder; a segment that is still being written is there too, and unreported.
fn staged_names(staging: &Path) -> Result<Vec<String>> {
    let listing =
        fs::read_dir(staging).map_err(|e| Error::io("cannot list the staging folder", staging, e))?;
    Ok(listing.flatten().map(|item| item.file_name().to_string_lossy().into_owned()).collect())
}

/// Writes the ledger entry and makes the folder durable. Nobody sees it yet.
///
/// # Errors
/// Whatever the file system refuses.
pub(super) fn seal(staging: &Path, entry: &Entry) -> Result<()> {
    entry.write(staging)?;
    sync_dir(staging)
}

/// Gives the sealed folder its version's name. Readers still see the old version. The next pointer comes
/// first: it tells a version that was never switched to from a table that has lost its pointer.
///
/// # Errors
/// Whatever the file system refuses.
pub(super) fn place_version(table_dir: &Path, staging: &Path, version: &str) -> Result<()> {
    let next = next_pointer(table_dir, version);
    std::os::unix::fs::symlink(version, &next)
        .map_err(|cause| Error::io("cannot make the version's pointer", &next, cause))?;
    sync_dir(table_dir)?;
    let path = table_dir.join(version);
    fs::rename(staging, &path).map_err(|cause| Error::io("cannot place the version", &path, cause))?;
    sync_dir(table_dir)
}

fn next_pointer(table_dir: &Path, version: &str) -> PathBuf {
    table_dir.join(format!("{NEXT_POINTER}{version}"))
}

/// Points `current` to the version: the one step that readers see. Says whether it outlasts a power cut.
///
/// A symbolic link, because DuckDB, pandas and Polars then read `<table>/current/*.parquet` without
/// knowing of versions; relative, so that the warehouse can be moved or mounted elsewhere.
///
/// # Errors
/// Whatever the file system refuses; `current` is the old one then.
pub(super) fn switch(table_dir: &Path, version: &str) -> Result<bool> {
    switch_and(sync_dir, table_dir, version)
}

/// Readers see the new version before the folder is durable, so the load has succeeded whatever becomes
/// of that: an error would tell of a failure that did not happen.
fn switch_and(sync: fn(&Path) -> Result<()>, table_dir: &Path, version: &str) -> Result<bool> {
    let (next, current) = (next_pointer(table_dir, version), table_dir.join(CURRENT));
    fs::rename(&next, &current)
        .map_err(|cause| Error::io("cannot switch the table to the new version", &current, cause))?;
    let durable = sync(table_dir);
    if let Err(error) = &durable {
        tracing::warn!(%error, version, "the switch may not outlast a power cut: the old version stays");
    }
    Ok(durable.is_ok())
}

fn place(path: &Path) -> Place {
    Place::uri(path.display().to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::ledger::current_version;

    #[test]
    fn what_fails_after_the_switch_does_not_fail_the_load() {
        type Case = (fn(&Path) -> Result<()>, bool);
        let cases: [Case; 2] = [(sync_dir, true), (|_| Err(Error::machine("the disk says no")), false)];
        for (sync, durable) in cases {
            let dir = tempfile::tempdir().unwrap();
            std::os::unix::fs::symlink("old", dir.path().join(CURRENT)).unwrap();
            fs::create_dir(dir.path().join("new")).unwrap();
            fs::write(dir.path().join("new").join(crate::ledger::ENTRY_NAME), "{}").unwrap();
            std::os::unix::fs::symlink("new", next_pointer(dir.path(), "new")).unwrap();
            assert_eq!(switch_and(sync, dir.path(), "new").ok(), Some(durable));
            assert_eq!(current_version(dir.path()).unwrap().as_deref(), Some("new"));
        }
        let gone = Path::new("not/there");
        assert!(switch_and(sync_dir, gone, "new").is_err(), "what fails before the switch does");
    }
}
