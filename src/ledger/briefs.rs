//! All runs of a warehouse again and again, for somebody who looks at them all the time.
//!
//! Reports are written once and seldom anew, so each is read once and kept as its brief: a look costs a listing
//! and the metadata of each report, whatever stands in them.

use super::entry::Entry;
use super::layout::{RUNS_DIR, check_name, table_dir};
use super::runs::{
    Run, Shown, killed_runs, known_tables, parsed, report_names, report_run, versions_and_parts,
};
use crate::error::Result;
use crate::report::{Drift, RunReport};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// One run, and what of its report is worth a look in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Brief {
    /// The run.
    pub run: Run,
    /// Wall-clock time, if it was written down.
    pub seconds: Option<f64>,
    /// Warnings of its report, what drifted among them.
    pub warnings: u64,
    /// What was strange about the export beside the one before.
    pub drift: Vec<Drift>,
}

/// What a table holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its name.
    pub table: String,
    /// Its rows, if they are known.
    pub rows: Option<u64>,
    /// When the newest export was made that is in it, `YYYYMMDDhhmmss`.
    pub exported_at: Option<String>,
}

/// What was read before.
#[derive(Debug, Default)]
pub struct Briefs {
    seen: HashMap<PathBuf, Seen>,
}

/// A report as it was when it was read.
#[derive(Debug)]
struct Seen {
    written: Option<SystemTime>,
    bytes: u64,
    /// None: it cannot be read, which was told then.
    brief: Option<Brief>,
}

impl Brief {
    /// A run of which no report is kept.
    pub fn of_run(run: Run) -> Self {
        Self { run, seconds: None, warnings: 0, drift: Vec::new() }
    }

    fn of_report(report: &RunReport) -> Self {
        Self {
            run: report_run(report, None),
            seconds: Some(report.seconds.total),
            warnings: report.warnings.len() as u64,
            drift: report.changes.drift.clone(),
        }
    }
}

impl Briefs {
    /// All runs, newest first: the same as [`super::list`].
    ///
    /// # Errors
    /// If the warehouse cannot be read.
    pub fn all(&mut self, dir: &Path) -> Result<Vec<Brief>> {
        let mut before = std::mem::take(&mut self.seen);
        let mut all = Vec::new();
        for table in known_tables(dir)? {
            let table_dir = table_dir(dir, &table)?;
            let mut runs: BTreeMap<String, Brief> = versions_and_parts(&table_dir)?
                .into_iter()
                .map(|(id, shown)| (id, Brief::of_run(shown.run)))
                .collect();
            let folder = table_dir.join(RUNS_DIR);
            for path in report_names(&folder)?.iter().map(|name| folder.join(name)) {
                let seen = Seen::again(&path, before.remove(&path));
                if let Some(brief) = &seen.brief {
                    let known = runs.remove(&brief.run.load_id);
                    let mut brief = brief.clone();
                    if let Some(Brief { run, .. }) = known {
                        brief.run.standing = run.standing;
                        brief.run.started = run.started.or(brief.run.started);
                    }
                    runs.insert(brief.run.load_id.clone(), brief);
                }
                self.seen.insert(path, seen);
            }
            for run in killed_runs(&table_dir)? {
                runs.entry(run.load_id.clone()).or_insert(Brief::of_run(run));
            }
            all.extend(runs.into_values());
        }
        all.sort_by(|a, b| b.run.load_id.cmp(&a.run.load_id));
        Ok(all)
    }
}

impl Seen {
    /// The report of this path, read only if it is not as it was.
    fn again(path: &Path, before: Option<Self>) -> Self {
        let metadata = fs::metadata(path).ok();
        let written = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
        let bytes = metadata.map_or(0, |metadata| metadata.len());
        if let Some(before) = before
            && before.written == written
            && before.bytes == bytes
        {
            return before;
        }
        Self { written, bytes, brief: parsed(path).map(|report| Brief::of_report(&report)) }
    }
}

/// What each table of a folder holds; of a damaged one nothing is known.
///
/// # Errors
/// If the folder cannot be read.
pub fn held(dir: &Path) -> Result<Vec<Held>> {
    let held = |table: String| {
        let entry = Entry::current(&table_dir(dir, &table)?).unwrap_or_default();
        let exported_at =
            entry.iter().flat_map(|entry| &entry.parts).filter_map(|part| part.exported_at.clone());
        Ok(Held { exported_at: exported_at.max(), rows: entry.as_ref().map(Entry::rows_in_table), table })
    };
    known_tables(dir)?.into_iter().map(held).collect()
}

/// All that is known of one run of a table that is known: one report is read, and not all of them.
///
/// # Errors
/// If the table cannot be read.
pub fn shown(dir: &Path, table: &str, load_id: &str) -> Result<Option<Shown>> {
    check_name("load id", load_id)?;
    let table_dir = table_dir(dir, table)?;
    let known = versions_and_parts(&table_dir)?.remove(load_id);
    let path = table_dir.join(RUNS_DIR).join(format!("{load_id}.json"));
    let Some(report) = path.is_file().then(|| parsed(&path)).flatten() else {
        let killed =
            || killed_runs(&table_dir).map(|runs| runs.into_iter().find(|run| run.load_id == load_id));
        let of_killed = |run| Shown { run, report: None, entry: None };
        return Ok(known.or(killed()?.map(of_killed)));
    };
    let run = report_run(&report, known.as_ref().map(|shown| &shown.run));
    Ok(Some(Shown { run, report: Some(report), entry: known.and_then(|shown| shown.entry) }))
}
