//! Every run of a table, failed and skipped ones too.

use super::begun::{BEGUN_ENDING, Begun, NEW_EXTENSION, killed};
use super::entry::{Entry, Part};
use super::layout::{RUNS_DIR, check_name, current_version, is_load_id, table_dir, tables, versions};
use super::time::timestamp;
use crate::error::{Error, Place, Result};
use crate::report::{Rows, RunReport, Status};
use crate::store::{ExportKind, private, temporary_of, write_atomically};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Most run reports kept for one table, about 2 kB each: a week of one incremental export a minute.
pub const RUNS_KEPT_MAX: usize = 10_000;
/// A half-written report older than this is a dead process's.
const TEMPORARY_AGE_MAX: Duration = Duration::from_secs(3600);

/// Whether the rows of a load can still be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// They are in the table.
    Current,
    /// They are in an older version that was kept.
    Kept,
    /// Swept, replaced, or never loaded.
    Gone,
}

/// One run, in one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The run.
    pub load_id: String,
    /// Table name.
    pub table: String,
    /// Full or incremental.
    pub kind: ExportKind,
    /// How it ended.
    pub status: Status,
    /// Whether it failed because its process was killed, or its machine stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub killed: bool,
    /// When it began, RFC 3339 in UTC, as its id says.
    pub started: Option<String>,
    /// The export.
    pub source: String,
    /// Its counts.
    pub rows: Rows,
    /// Where its rows are now.
    pub standing: Standing,
    /// Why it failed or was skipped.
    pub error: Option<String>,
    /// Columns that the table got with it, as far as that is remembered.
    #[serde(default)]
    pub added_columns: Vec<String>,
    /// Columns whose type became wider with it, as far as that is remembered.
    #[serde(default)]
    pub widened_columns: Vec<String>,
}

/// All that is known of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The run in one line.
    pub run: Run,
    /// Its report, unless the process died before writing it or it was removed as one of the oldest.
    pub report: Option<RunReport>,
    /// The version it made, if that is kept.
    pub entry: Option<Entry>,
}

/// Remembers how a run ended, whatever the end, and forgets the oldest beyond [`RUNS_KEPT_MAX`].
///
/// # Errors
/// Whatever the file system refuses; names that cannot be file names.
pub fn record(dir: &Path, report: &RunReport) -> Result<()> {
    check_name("load id", &report.load_id)?;
    let runs = table_dir(dir, &report.table)?.join(RUNS_DIR);
    private::make_dirs(&runs).map_err(|cause| Error::io("cannot make the folder of runs", &runs, cause))?;
    write_report(&runs.join(format!("{}.json", report.load_id)), report)?;
    forget_oldest(&runs, RUNS_KEPT_MAX)
}

/// Runs of one table or of all, newest first.
///
/// # Errors
/// If the warehouse cannot be read.
pub fn list(dir: &Path, table: Option<&str>) -> Result<Vec<Run>> {
    let names = match table {
        Some(table) => vec![table.to_owned()],
        None => known_tables(dir)?,
    };
    let mut runs = Vec::new();
    for name in names {
        runs.extend(of_table(dir, &name)?.into_iter().map(|shown| shown.run));
    }
    runs.sort_by(|a, b| b.load_id.cmp(&a.load_id));
    Ok(runs)
}

/// All that is known of one table's runs, newest first.
///
/// # Errors
/// If the folder is there and cannot be read.
pub fn of_table(dir: &Path, table: &str) -> Result<Vec<Shown>> {
    Ok(table_runs(&table_dir(dir, table)?)?.into_values().rev().collect())
}

/// One run by its id.
///
/// # Errors
/// [`Error::Usage`] if there is no such run.
pub fn show(dir: &Path, load_id: &str) -> Result<Shown> {
    for name in known_tables(dir)? {
        if let Some(shown) = table_runs(&table_dir(dir, &name)?)?.remove(load_id) {
            return Ok(shown);
        }
    }
    Err(Error::usage(format!("there is no load {load_id:?}"))
        .at(Place::uri(dir.display().to_string()))
        .help("list the loads there are: csl-stream loads list"))
}

/// Tables with a version, and those whose loads all failed so far.
pub(super) fn known_tables(dir: &Path) -> Result<Vec<String>> {
    let mut names = tables(dir)?;
    let listing = match fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(names),
        Err(cause) => return Err(Error::io("cannot list the warehouse", dir, cause)),
    };
    for item in listing.flatten() {
        let Ok(name) = item.file_name().into_string() else { continue };
        if check_name("table name", &name).is_ok() && item.path().join(RUNS_DIR).is_dir() {
            names.push(name);
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// All runs of a table by id, put together from what `current` holds, the versions, and the reports: a
/// process that dies right after the switch has loaded, though it wrote no report; one that dies right
/// before it has not, though its version lies there.
fn table_runs(table_dir: &Path) -> Result<BTreeMap<String, Shown>> {
    let mut runs = versions_and_parts(table_dir)?;
    for report in reports(&table_dir.join(RUNS_DIR))? {
        let known = runs.remove(&report.load_id);
        let run = report_run(&report, known.as_ref().map(|shown| &shown.run));
        let entry = known.and_then(|shown| shown.entry);
        runs.insert(report.load_id.clone(), Shown { run, report: Some(report), entry });
    }
    for run in killed_runs(table_dir)? {
        // One that was killed right after the switch has loaded.
        runs.entry(run.load_id.clone()).or_insert(Shown { run, report: None, entry: None });
    }
    Ok(runs)
}

/// Runs of a table that were killed: they have begun, nobody goes on with them, and they left no report.
pub(super) fn killed_runs(table_dir: &Path) -> Result<Vec<Run>> {
    let dir = table_dir.join(RUNS_DIR);
    Ok(killed(&dir, names_in(&dir)?.into_iter()).iter().map(killed_run).collect())
}

/// The runs that the versions know of, without their reports.
pub(super) fn versions_and_parts(table_dir: &Path) -> Result<BTreeMap<String, Shown>> {
    let mut runs = BTreeMap::new();
    if let Some(current) = Entry::current(table_dir)? {
        for part in &current.parts {
            let run = part_run(&current.table, part);
            runs.insert(part.load_id.clone(), Shown { run, report: None, entry: None });
        }
    }
    let current = current_version(table_dir)?;
    let lineage: BTreeSet<String> = Entry::lineage(table_dir, usize::MAX)?.into_iter().collect();
    for version in versions(table_dir)?.iter().filter(|version| lineage.contains(*version)) {
        let Some(entry) = readable(Entry::read(&table_dir.join(version))) else { continue };
        // A run that erased has brought no part of its own.
        let is_current = runs.contains_key(&entry.load_id) || current.as_ref() == Some(&entry.load_id);
        let standing = if is_current { Standing::Current } else { Standing::Kept };
        let run = entry_run(&entry, standing);
        runs.insert(entry.load_id.clone(), Shown { run, report: None, entry: Some(entry) });
    }
    Ok(runs)
}

/// A load whose rows are in the table, though its own version may be gone.
fn part_run(table: &str, part: &Part) -> Run {
    Run {
        load_id: part.load_id.clone(),
        table: table.to_owned(),
        kind: part.kind,
        status: Status::Succeeded,
        killed: false,
        started: began(&part.load_id),
        source: part.source.uri.clone(),
        rows: Rows { accepted: part.rows(), loaded: part.rows(), ..Rows::default() },
        standing: Standing::Current,
        error: None,
        added_columns: Vec::new(),
        widened_columns: Vec::new(),
    }
}

fn entry_run(entry: &Entry, standing: Standing) -> Run {
    Run {
        load_id: entry.load_id.clone(),
        table: entry.table.clone(),
        kind: entry.kind,
        status: Status::Succeeded,
        killed: false,
        started: Some(entry.started.clone()),
        source: entry.source.uri.clone(),
        rows: entry.rows,
        standing,
        error: None,
        added_columns: Vec::new(),
        widened_columns: Vec::new(),
    }
}

fn killed_run(begun: &Begun) -> Run {
    Run {
        load_id: begun.load_id.clone(),
        table: begun.table.clone(),
        kind: begun.kind,
        status: Status::Failed,
        killed: true,
        started: Some(begun.started.clone()),
        source: begun.source.clone(),
        rows: Rows::default(),
        standing: Standing::Gone,
        error: Some(begun.shown()),
        added_columns: Vec::new(),
        widened_columns: Vec::new(),
    }
}

pub(super) fn report_run(report: &RunReport, known: Option<&Run>) -> Run {
    Run {
        load_id: report.load_id.clone(),
        table: report.table.clone(),
        kind: report.kind,
        status: report.status,
        killed: false,
        started: known.and_then(|run| run.started.clone()).or_else(|| began(&report.load_id)),
        source: report.source.uri.clone(),
        rows: report.rows,
        standing: known.map_or(Standing::Gone, |run| run.standing),
        error: report.error.clone(),
        added_columns: report.changes.added_columns.clone(),
        widened_columns: report.changes.widened_columns.clone(),
    }
}

fn reports(runs: &Path) -> Result<Vec<RunReport>> {
    Ok(report_names(runs)?.iter().filter_map(|name| parsed(&runs.join(name))).collect())
}

/// One report; none that cannot be read.
pub(super) fn parsed(path: &Path) -> Option<RunReport> {
    let report = fs::read(path)
        .map_err(|cause| Error::io("cannot read the run report", path, cause))
        .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|cause| damaged(path, cause)));
    readable(report)
}

/// What became of a table's reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Reports that said something of values.
    pub reports: u64,
    /// Reports that cannot be read, and stay as they are.
    pub unread: Vec<String>,
}

/// Takes out of a table's reports what they say of values: what columns hold, what was rejected.
///
/// # Errors
/// Whatever the file system refuses.
pub fn forget_values(table_dir: &Path, dry_run: bool) -> Result<Cleaned> {
    let runs = table_dir.join(RUNS_DIR);
    let mut cleaned = Cleaned::default();
    for name in report_names(&runs)?.iter().filter(|name| name.strip_suffix(".json").is_some_and(is_load_id))
    {
        let path = runs.join(name);
        let bytes = match fs::read(&path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => continue,
            read => read.map_err(|cause| Error::io("cannot read the run report", &path, cause))?,
        };
        let Ok(mut report) = serde_json::from_slice::<RunReport>(&bytes) else {
            cleaned.unread.push(path.display().to_string());
            continue;
        };
        let told = report.rejects.first.iter_mut().filter_map(|fault| fault.value.take()).count();
        if told == 0 && report.columns.is_empty() {
            continue;
        }
        report.columns.clear();
        cleaned.reports += 1;
        if !dry_run {
            write_report(&path, &report)?;
        }
    }
    Ok(cleaned)
}

fn write_report(path: &Path, report: &RunReport) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(report)
        .map_err(|cause| Error::machine("cannot write the run report as JSON").because(cause))?;
    bytes.push(b'\n');
    write_atomically(path, &bytes)
}

fn damaged(path: &Path, cause: serde_json::Error) -> Error {
    Error::input("the run report is damaged").at(Place::uri(path.display().to_string())).because(cause)
}

/// One unreadable record must not hide all others; it is an event instead.
fn readable<T>(read: Result<T>) -> Option<T> {
    read.inspect_err(|error| tracing::warn!(%error, "ledger record left out")).ok()
}

/// Names in the folder of runs; none if there is no such folder.
fn names_in(runs: &Path) -> Result<Vec<String>> {
    let listing = match fs::read_dir(runs) {
        Ok(listing) => listing,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(Error::io("cannot list the runs", runs, cause)),
    };
    Ok(listing.flatten().filter_map(|item| item.file_name().into_string().ok()).collect())
}

/// Names of the reports, oldest first.
pub(super) fn report_names(runs: &Path) -> Result<Vec<String>> {
    let mut names = names_in(runs)?;
    names.retain(|name| name.ends_with(".json") && !name.starts_with('.'));
    names.sort_unstable();
    Ok(names)
}

/// Forgets a table's runs that began before this, as their ids say; says how many.
///
/// # Errors
/// Whatever the file system refuses.
pub fn forget_older(table_dir: &Path, before: SystemTime) -> Result<u64> {
    let runs = table_dir.join(RUNS_DIR);
    // Ids sort by time, and most are later than this: they need not be taken apart.
    let first_kept = first_id_at(before);
    let is_older = |name: &String| *name < first_kept && run_of(name).is_some();
    let mut gone = 0;
    for name in names_in(&runs)?.iter().filter(|name| is_older(name)) {
        remove(&runs.join(name))?;
        gone += 1;
    }
    Ok(gone)
}

fn forget_oldest(runs: &Path, kept: usize) -> Result<()> {
    let names = names_in(runs)?;
    if names.len() > kept {
        // Only what this program has put there: another's file may end in .json too.
        let is_report = |name: &&String| run_of(name).is_some();
        let mut reports: Vec<_> = names.iter().filter(is_report).collect();
        reports.sort_unstable();
        reports.truncate(reports.len().saturating_sub(kept));
        for name in reports {
            remove(&runs.join(name))?;
        }
    }
    for name in names.iter().filter(|name| is_temporary(name)) {
        let path = runs.join(name);
        let age = path.metadata().and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > TEMPORARY_AGE_MAX) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// The run that a file is of: a report, or the beginning of one.
fn run_of(name: &str) -> Option<&str> {
    let new = || name.strip_suffix(NEW_EXTENSION)?.strip_suffix('.');
    let id = name.strip_suffix(".json").or_else(|| name.strip_suffix(BEGUN_ENDING)).or_else(new);
    id.filter(|id| is_load_id(id))
}

/// Whether a name is that of a report on its way: `.<load id>.json.RANDOM.tmp`.
fn is_temporary(name: &str) -> bool {
    let report = temporary_of(name).and_then(|name| name.strip_suffix(".json"));
    report.is_some_and(is_load_id)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        // Another run forgets the same ones.
        Err(cause) if cause.kind() != ErrorKind::NotFound => {
            Err(Error::io("cannot remove the file", path, cause))
        }
        _ => Ok(()),
    }
}

/// When a run began, as a UUIDv7 says.
fn began(load_id: &str) -> Option<String> {
    began_at(load_id).map(timestamp)
}

fn began_at(load_id: &str) -> Option<SystemTime> {
    let (seconds, nanos) = uuid::Uuid::parse_str(load_id).ok()?.get_timestamp()?.to_unix();
    UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
}

/// What the ids of loads that began at this time, to the millisecond, begin with (UUID version 7, RFC 9562): earlier
/// ones are less.
fn first_id_at(at: SystemTime) -> String {
    let millis = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    format!("{:08x}-{:04x}", millis >> 16, millis & 0xffff)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_oldest_runs_and_dead_temporaries_only() {
        let dir = tempfile::tempdir().unwrap();
        let ids: Vec<String> = (0..4).map(|_| uuid::Uuid::now_v7().to_string()).collect();
        let report = |number: usize| format!("{}.json", ids[number]);
        let old = [format!(".{}.json.1.tmp", ids[3]), ".notes.tmp".to_owned(), "0.json".to_owned()];
        for name in [report(0), report(1), report(2), format!(".{}.1.tmp", report(2))].iter().chain(&old) {
            fs::write(dir.path().join(name), "{}").unwrap();
        }
        for name in &old {
            let file = fs::File::options().write(true).open(dir.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - 2 * TEMPORARY_AGE_MAX).unwrap();
        }
        forget_oldest(dir.path(), 2).unwrap();
        assert_eq!(report_names(dir.path()).unwrap(), ["0.json".to_owned(), report(1), report(2)]);
        assert!(dir.path().join(format!(".{}.1.tmp", report(2))).exists(), "a live one");
        assert!(dir.path().join(".notes.tmp").exists(), "another's");
        assert!(!dir.path().join(&old[0]).exists(), "a dead one");
    }
}
