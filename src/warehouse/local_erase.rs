//! Takes people's rows out of a table in a folder: out of every version, and out of what its runs have left.
//!
//! ```text
//! marks ─▶ .erased.json   from here on no load brings the rows back
//!   ─▶ new version, without the rows ─ switch ─▶ current
//!   ─▶ older versions that hold rows of theirs: gone   ─▶ figures and values in .loads/*.json: gone
//! ```
//!
//! Only under the table's lock. Whoever kills it leaves the old table or the new one, and doing it again goes on.

use super::erasure::{Done, ERASE_SOURCE, Erased, Erasure, Touched, Wanted};
use super::matching::rows_that_match;
use super::{merge, sweep, version, whole};
use crate::error::{Error, Place, Result};
use crate::ledger::{self, Entry, Part, Source, current_version, forget_values};
use crate::privacy::Marks;
use crate::report::Rows;
use crate::store::{ExportKind, private, write_atomically};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::SystemTime;

/// `<table>/.erased.json`: who was erased, as salted hashes.
const MARKS_NAME: &str = ".erased.json";
/// The shape of that file.
const MARKS_FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Remembered {
    format: u32,
    marks: Vec<crate::privacy::Mark>,
}

/// Who was erased from a table.
///
/// # Errors
/// [`Error::Input`] if it cannot be told: whatever is loaded then might bring them back.
pub(super) fn marks(table_dir: &Path) -> Result<Marks> {
    let path = table_dir.join(MARKS_NAME);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Marks::default());
        }
        Err(cause) => return Err(Error::io("cannot read who was erased", &path, cause)),
    };
    let damaged = |what: &str| {
        Error::input(what)
            .at(Place::uri(path.display().to_string()))
            .help("restore it from a backup: without it, rows of people who were erased would come back")
    };
    let found: Remembered = serde_json::from_slice(&bytes)
        .map_err(|cause| damaged("the list of who was erased is damaged").because(cause))?;
    if found.format > MARKS_FORMAT {
        return Err(damaged("the list of who was erased was written by a later program"));
    }
    Ok(Marks::new(found.marks))
}

fn remember(table_dir: &Path, marks: &Marks) -> Result<()> {
    let path = table_dir.join(MARKS_NAME);
    let remembered = Remembered { format: MARKS_FORMAT, marks: marks.iter().cloned().collect() };
    let mut bytes = serde_json::to_vec_pretty(&remembered)
        .map_err(|cause| Error::machine("cannot write the marks as JSON").because(cause))?;
    bytes.push(b'\n');
    write_atomically(&path, &bytes)
}

/// A version with the rows of theirs that it holds.
struct Held {
    entry: Entry,
    /// File by file, row by row, whether the row is theirs; files without any are not listed.
    theirs: BTreeMap<String, Vec<bool>>,
    /// Whether one of the files has the column, or there is none.
    has_column: bool,
    /// Loads of whose rows it cannot be told whether they are theirs.
    untold: u64,
}

impl Held {
    fn rows(&self) -> u64 {
        self.theirs.values().flatten().filter(|&&is_theirs| is_theirs).count() as u64
    }
}

/// Erases. The caller holds the table's lock.
///
/// # Errors
/// [`Error::Usage`] if the table has no such column, [`Error::Input`] if a file of the current version is damaged, and
/// whatever the file system refuses.
pub(super) fn erase(table_dir: &Path, erasure: &Erasure) -> Result<Erased> {
    let mut touched = dead_loads(table_dir)?;
    if !erasure.dry_run {
        sweep::sweep_dead(table_dir)?;
    }
    let wanted = erasure.wanted();
    let current = held(table_dir, &current_of(table_dir)?, erasure, &wanted)?;
    if !current.has_column {
        return Err(Error::usage(format!("the table has no column {:?}", erasure.column))
            .at(Place::uri(table_dir.join(&current.entry.load_id).display().to_string()))
            .help(
                "name one that tells whose a row is: --id is the column id, --email that of --email-column",
            ));
    }
    let (rows, untold) = (current.rows(), current.untold);
    let known = marks(table_dir)?;
    let marks = known.clone().with(&erasure.marks(&known));
    if !erasure.dry_run && marks != known {
        remember(table_dir, &marks)?;
    }
    let place = |name: &str| table_dir.join(name).display().to_string();
    touched.push(Touched::new(place(MARKS_NAME), "marks", None, Done::Marked));
    let version = current.entry.load_id.clone();
    let done = if rows > 0 { Done::Rewritten } else { Done::Nothing };
    touched.insert(0, Touched::new(place(&version), "current version", Some(rows), done));
    if untold > 0 {
        touched.push(Touched::untold(table_dir.display().to_string(), "rows", untold));
    }
    let Older { gone: older, clean, left } = older(table_dir, &version, erasure, &wanted)?;
    touched.extend(left);
    let rows_left = current.entry.rows_in_table() - rows;
    let mut gone: Vec<(String, Option<u64>, &'static str)> =
        older.into_iter().map(|(version, rows)| (version, rows, "older version")).collect();
    if rows > 0 && !erasure.dry_run {
        let previous =
            Entry::lineage(table_dir, usize::MAX)?.into_iter().find(|version| clean.contains(version));
        replace(table_dir, current, erasure, previous)?;
        gone.insert(0, (version, Some(rows), "replaced version"));
    }
    for (version, rows, what) in gone {
        let is_gone = erasure.dry_run || sweep::remove_version(table_dir, &version)?;
        touched.push(match is_gone {
            true => Touched::new(place(&version), what, rows, Done::Removed),
            false => {
                Touched::left(place(&version), what, "somebody reads it: do it again when they are done")
            }
        });
    }
    if !erasure.dry_run {
        // Also what an earlier run had renamed and not removed.
        sweep::sweep_dead(table_dir)?;
    }
    touched.extend(runs(table_dir, erasure.dry_run)?);
    touched.extend(strange(table_dir, erasure.dry_run)?);
    Ok(Erased { rows, rows_left, touched })
}

fn current_of(table_dir: &Path) -> Result<String> {
    current_version(table_dir)?.ok_or_else(|| {
        Error::usage("the table has not been loaded yet").at(Place::uri(table_dir.display().to_string()))
    })
}

/// Files of loads that are dead, which go whole.
fn dead_loads(table_dir: &Path) -> Result<Vec<Touched>> {
    let found = sweep::dead(table_dir)?.into_iter();
    Ok(found
        .map(|path| Touched::new(path.display().to_string(), "staged files", None, Done::Removed))
        .collect())
}

fn held(table_dir: &Path, version: &str, erasure: &Erasure, wanted: &Wanted) -> Result<Held> {
    let dir = table_dir.join(version);
    let entry = Entry::read(&dir)?;
    let (mut theirs, mut without_column) = (BTreeMap::new(), BTreeSet::new());
    let files = entry.files();
    for file in &files {
        whole::check_file(&dir, file)?;
        match rows_that_match(&dir.join(&file.name), &erasure.column, &|value| wanted.has(value))? {
            Some(rows) if rows.contains(&true) => drop(theirs.insert(file.name.clone(), rows)),
            Some(_) => {}
            None => drop(without_column.insert(file.name.clone())),
        }
    }
    let has_column = files.is_empty() || without_column.len() < files.len();
    let is_untold = |part: &&Part| {
        let another = erasure.tells_by_rules() && !part.is_under(erasure.privacy.as_ref());
        part.files.iter().any(|file| file.rows > 0 && (another || without_column.contains(&file.name)))
    };
    let untold = entry.parts.iter().filter(is_untold).count() as u64;
    Ok(Held { entry, theirs, has_column, untold })
}

/// The versions beside the current one.
#[derive(Default)]
struct Older {
    /// Those that go, with the rows of theirs that they hold, as far as that can be told.
    gone: Vec<(String, Option<u64>)>,
    /// Those that hold none, newest first.
    clean: Vec<String>,
    /// Those of which it cannot be told.
    left: Vec<Touched>,
}

fn older(table_dir: &Path, current: &str, erasure: &Erasure, wanted: &Wanted) -> Result<Older> {
    let mut found = Older::default();
    for version in ledger::versions(table_dir)?.into_iter().rev().filter(|version| version != current) {
        let place = table_dir.join(&version).display().to_string();
        match held(table_dir, &version, erasure, wanted) {
            Ok(held) if !held.theirs.is_empty() => found.gone.push((version, Some(held.rows()))),
            Ok(held) if held.untold > 0 => {
                found.left.push(Touched::untold(place, "older version", held.untold));
            }
            Ok(_) => found.clean.push(version),
            // What is damaged may hold anything, and brings nobody anything back.
            Err(error @ Error::Input(_)) => {
                tracing::warn!(%error, version, "the version is damaged, and goes");
                found.gone.push((version, None));
            }
            Err(error) => found.left.push(Touched::left(place, "older version", error.to_string())),
        }
    }
    Ok(found)
}

/// Makes the current version anew without their rows, and switches to it.
fn replace(table_dir: &Path, held: Held, erasure: &Erasure, previous: Option<String>) -> Result<()> {
    let started = SystemTime::now();
    let old = table_dir.join(&held.entry.load_id);
    let staging = table_dir.join(format!("{}{}", sweep::STAGING, erasure.erase_id));
    private::make_dir(&staging)
        .map_err(|cause| Error::io("cannot make the staging folder", &staging, cause))?;
    let rows = held.rows();
    let parts = merge::without((&old, &held.entry), &staging, &erasure.erase_id, &held.theirs)?;
    let entry = Entry {
        format: Entry::format_of(&parts, held.entry.rolled_back.as_ref()),
        load_id: erasure.erase_id.clone(),
        table: held.entry.table.clone(),
        kind: ExportKind::Incremental,
        source: Source { uri: ERASE_SOURCE.to_owned(), etag: None },
        exported_at: None,
        rows: Rows { read: rows, erased: rows, ..Rows::default() },
        started: ledger::timestamp(started),
        finished: ledger::timestamp(SystemTime::now()),
        program: concat!("csl-stream ", env!("CARGO_PKG_VERSION")).to_owned(),
        previous,
        rolled_back: held.entry.rolled_back,
        parts,
    };
    version::seal(&staging, &entry)?;
    version::place_version(table_dir, &staging, &entry.load_id)?;
    if version::switch(table_dir, &entry.load_id)? {
        return Ok(());
    }
    Err(Error::transient("the switch to the version without them may not outlast a power cut")
        .at(Place::uri(table_dir.display().to_string()))
        .help("the old version is still there: do it again"))
}

/// Folders that are none of ours, and those of ours that hold what is not: nobody knows what is in them.
fn strange(table_dir: &Path, dry_run: bool) -> Result<Vec<Touched>> {
    let failed = |cause| Error::io("cannot list the table's folder", table_dir, cause);
    let mut known: BTreeSet<String> = ledger::versions(table_dir)?.into_iter().collect();
    known.insert(ledger::RUNS_DIR.to_owned());
    if dry_run {
        let dead = sweep::dead(table_dir)?;
        known.extend(dead.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())));
    }
    let mut found = Vec::new();
    for item in fs::read_dir(table_dir).map_err(failed)? {
        let item = item.map_err(failed)?;
        let name = item.file_name().to_string_lossy().into_owned();
        if item.file_type().map_err(failed)?.is_dir() && !known.contains(&name) {
            let path = item.path().display().to_string();
            found.push(Touched::left(path, "folder", "something in it is not of this program: look at it"));
        }
    }
    Ok(found)
}

/// Reports of runs: what they say of columns and of values goes, whoever that is of.
fn runs(table_dir: &Path, dry_run: bool) -> Result<Vec<Touched>> {
    let cleaned = forget_values(table_dir, dry_run)?;
    let folder = table_dir.join(ledger::RUNS_DIR).display().to_string();
    let done = if cleaned.reports > 0 { Done::Rewritten } else { Done::Nothing };
    let mut touched = vec![Touched::new(folder, "run reports", None, done)];
    let left = |path| Touched::left(path, "run report", "it cannot be read: look at it, and remove it");
    touched.extend(cleaned.unread.into_iter().map(left));
    Ok(touched)
}
