//! Runs that the ledger does not tell of: the failed and the killed ones, and what loads changed of a table's columns.
//!
//! The ledger has a row for each load that is in its table, written by its transaction. A failed run has no
//! transaction: its report is kept beside what is staged, as `_runs/<table>/<load id>.json`, without what it says of
//! values. Of a run that was killed the folder that it had begun to stage is left.

use super::history::no_load;
use super::staging::BEGUN_NAME;
use super::warehouse::RedshiftWarehouse;
use crate::error::{Error, Result};
use crate::ledger::{REPORTS_DIR, Run, Shown, Standing, check_name, is_load_id, timestamp};
use crate::report::{Rows, RunReport, Status};
use crate::store::objects::ObjectBelow;
use crate::store::{self, ExportKind, Location, objects};
use crate::warehouse::over;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// Bytes of a report without columns at most: the names of a thousand files.
const REPORT_BYTES_MAX: usize = 16 << 20;
/// Reports that one list fetches, each a request.
const FETCHED_MAX: usize = 50;
/// Staged objects that are looked at for loads that were killed.
const LOOKED_AT_MAX: usize = 10_000;
/// What is said of a load that has begun and of which no end is known.
const NO_END: &str = "no end is known of it: it is under way, or it was killed";

impl RedshiftWarehouse {
    /// Keeps the report of a run that failed, or that changed the table's columns; of another one that succeeded that
    /// of an earlier try goes.
    pub(super) fn keep_run(&self, report: &RunReport) -> Result<()> {
        if report.status == Status::Skipped {
            return Ok(());
        }
        let place = self.report_place(&report.table)?.child(&format!("{}.json", report.load_id))?;
        let is_plain = report.changes.added_columns.is_empty() && report.changes.widened_columns.is_empty();
        if report.status == Status::Succeeded && is_plain {
            return objects::remove(&place);
        }
        let mut kept = RunReport { columns: Vec::new(), files: Vec::new(), ..report.clone() };
        kept.rejects.first.iter_mut().for_each(|fault| fault.value = None);
        kept.changes.drift.clear();
        let bytes = serde_json::to_vec(&kept)
            .map_err(|cause| Error::machine("cannot write the run report as JSON").because(cause))?;
        objects::put_encrypted(&place, bytes, self.settings().encryption.clone())
    }

    fn reports(&self) -> Result<Location> {
        self.settings().staging.child(REPORTS_DIR)
    }

    fn report_place(&self, table: &str) -> Result<Location> {
        check_name("table name", table)?;
        self.reports()?.child(table)
    }

    /// What the ledger says, newest first, with what failed or was killed between it.
    pub(super) fn all_runs(&self, table: Option<&str>, limit: usize) -> Result<Vec<Run>> {
        let mut runs = self.ledger_runs(table, limit)?;
        match self.beside(table, limit) {
            Ok(beside) => self.merge(&mut runs, beside, limit),
            // Whoever may read the ledger need not be allowed to list the bucket.
            Err(error) => tracing::warn!(%error, "failed loads are not listed"),
        }
        Ok(runs)
    }

    fn merge(&self, runs: &mut Vec<Run>, beside: Vec<Run>, limit: usize) {
        let known: BTreeMap<String, usize> =
            runs.iter().enumerate().map(|(at, run)| (run.load_id.clone(), at)).collect();
        for run in beside {
            match known.get(&run.load_id) {
                Some(&at) => {
                    runs[at].added_columns = run.added_columns;
                    runs[at].widened_columns = run.widened_columns;
                }
                // A row beyond the limit is older than what is listed.
                None if self.is_listed(&run.load_id).unwrap_or(false) => {}
                None => runs.push(run),
            }
        }
        runs.sort_by(|a, b| (&b.started, &b.load_id).cmp(&(&a.started, &a.load_id)));
        runs.truncate(limit);
    }

    /// What lies beside the tables: the newest reports, and loads that have begun and have none.
    fn beside(&self, table: Option<&str>, limit: usize) -> Result<Vec<Run>> {
        let most = limit.min(FETCHED_MAX);
        let mut reports: Vec<(ObjectBelow, String, String)> = self.listed_reports(table)?;
        let reported: BTreeSet<String> = reports.iter().map(|(_, _, id)| id.clone()).collect();
        reports.sort_by_key(|(object, ..)| std::cmp::Reverse(object.modified));
        let mut runs = Vec::new();
        for (object, table, id) in reports.into_iter().take(most) {
            let place = self.report_place(&table)?.child(&format!("{id}.json"))?;
            let bytes = store::fetch_small(&place, REPORT_BYTES_MAX)?;
            let Ok(report) = serde_json::from_slice::<RunReport>(&bytes) else { continue };
            runs.push(of_report(report, object.modified));
        }
        let mut begun: Vec<_> =
            self.begun(table)?.into_iter().filter(|(_, id, _)| !reported.contains(id)).collect();
        begun.sort_by_key(|(.., at)| std::cmp::Reverse(*at));
        runs.extend(begun.into_iter().take(most).map(|(table, id, at)| without_end(table, id, at)));
        Ok(runs)
    }

    /// Loads of one table or of all that have begun to stage: table, load, and when.
    fn begun(&self, table: Option<&str>) -> Result<Vec<(String, String, SystemTime)>> {
        let begun = |object: ObjectBelow| match object.name.split('/').collect::<Vec<_>>()[..] {
            [of, load, BEGUN_NAME] if is_load_id(load) && table.is_none_or(|table| table == of) => {
                Some((of.to_owned(), load.to_owned(), object.modified))
            }
            _ => None,
        };
        let staged = objects::some_below(&self.settings().staging, LOOKED_AT_MAX)?;
        Ok(staged.into_iter().filter_map(begun).collect())
    }

    /// Each with its table and its load.
    fn listed_reports(&self, table: Option<&str>) -> Result<Vec<(ObjectBelow, String, String)>> {
        let found = match table {
            Some(table) => objects::below(&self.report_place(table)?)?
                .into_iter()
                .map(|object| ObjectBelow { name: format!("{table}/{}", object.name), ..object })
                .collect(),
            None => objects::below(&self.reports()?)?,
        };
        let named = |object: ObjectBelow| {
            let (table, file) = object.name.split_once('/')?;
            let id = file.strip_suffix(".json").filter(|id| is_load_id(id))?;
            let (table, id) = (table.to_owned(), id.to_owned());
            Some((object, table, id))
        };
        Ok(found.into_iter().filter_map(named).collect())
    }

    /// A run of this id that failed, if its report is kept.
    pub(super) fn failed_run(&self, id: &str) -> Result<Shown> {
        // Whoever may read the ledger need not be allowed to list the bucket.
        let listed = self.listed_reports(None).unwrap_or_default();
        let Some((object, table, _)) = listed.into_iter().find(|(.., load)| load == id) else {
            return Err(no_load(id));
        };
        let place = self.report_place(&table)?.child(&format!("{id}.json"))?;
        let report = serde_json::from_slice::<RunReport>(&store::fetch_small(&place, REPORT_BYTES_MAX)?)
            .map_err(|cause| Error::input("the run report is damaged").because(cause))?;
        Ok(Shown { run: of_report(report.clone(), object.modified), report: Some(report), entry: None })
    }

    /// Takes away reports that are over their time, of one table or of all, and says how many went.
    pub(super) fn sweep_runs(&self, table: Option<&str>, days: u32) -> Result<u64> {
        let Some(before) = over(days) else { return Ok(0) };
        let mut gone = 0;
        for (object, table, id) in
            self.listed_reports(table)?.into_iter().filter(|(o, ..)| o.modified < before)
        {
            objects::remove(&self.report_place(&table)?.child(&format!("{id}.json"))?)?;
            tracing::debug!(name = object.name, "run report swept");
            gone += 1;
        }
        Ok(gone)
    }
}

/// `ended` is when the report was written.
fn of_report(report: RunReport, ended: SystemTime) -> Run {
    let took = Duration::try_from_secs_f64(report.seconds.total).unwrap_or_default();
    Run {
        load_id: report.load_id,
        table: report.table,
        kind: report.kind,
        status: report.status,
        killed: false,
        started: Some(timestamp(ended.checked_sub(took).unwrap_or(ended))),
        source: report.source.uri,
        rows: report.rows,
        standing: Standing::Gone,
        error: report.error,
        added_columns: report.changes.added_columns,
        widened_columns: report.changes.widened_columns,
    }
}

fn without_end(table: String, load_id: String, at: SystemTime) -> Run {
    Run {
        load_id,
        table,
        // Its folder does not say it.
        kind: ExportKind::Full,
        status: Status::Failed,
        killed: true,
        started: Some(timestamp(at)),
        source: String::new(),
        rows: Rows::default(),
        standing: Standing::Gone,
        error: Some(NO_END.to_owned()),
        added_columns: Vec::new(),
        widened_columns: Vec::new(),
    }
}
