//! What every warehouse does with a load: admits it, stages it, puts it into the table.

use super::erasure::{Erased, Erasure};
use super::holding::Holding;
use super::kept::Kept;
use super::rollback::{self, Rollback, WentBack};
use super::shrink::ShrinkGuard;
use crate::error::{Error, Result};
use crate::ledger::{Run, Shown};
use crate::privacy::{Marks, PolicyId};
use crate::report::words::plural;
use crate::report::{Checklist, Clock, Commit, FileReport, Rows, RunReport, Status};
use crate::schema::{Difference, Layout, MissingColumns, Table, TargetTable};
use crate::store::{ExportKind, Location, ObjectInfo, SegmentSink, exported_at_of};
use serde::Serialize;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Loads that are looked through for the newest of each table.
const RUNS_LOOKED_MAX: usize = 1_000;

/// Asked now and then while something waits: whether it is to end.
pub type Stop = Arc<dyn Fn() -> bool + Send + Sync>;
/// Hears what a load waits for, and none when the wait is over.
pub type Waits = Arc<dyn Fn(Option<String>) + Send + Sync>;
/// Says of one export after the other whether its load should happen.
pub type Admissions<'a> = Box<dyn Fn(&LoadRequest) -> Result<Admission> + 'a>;
/// Writes the Parquet file of a probe (one row of one integer column, `a`) into a place.
pub type WriteProbe<'a> = dyn Fn(&Location) -> Result<Vec<FileReport>> + 'a;

/// A load that is about to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadRequest {
    /// UUIDv7 of the run.
    pub load_id: String,
    /// Table name.
    pub table: String,
    /// Full replaces, incremental adds.
    pub kind: ExportKind,
    /// The export; `uri` and `etag` together say whether it was loaded before.
    pub source: ObjectInfo,
    /// When the export was made, as its key says: `YYYYMMDDhhmmss`, digits only; sorts as text.
    pub exported_at: Option<String>,
    /// How small it may leave the table.
    pub shrink: ShrinkGuard,
    /// Load it on purpose, though it or a newer full export is in the table.
    pub again: bool,
    /// Kind of the export that mended rejects are of; none: the rows are of this export itself.
    pub rejected_from: Option<ExportKind>,
    /// The policy of privacy that its values are made by: the same export under another one is another load. None where
    /// nothing of the table is hidden.
    pub privacy: Option<PolicyId>,
}

impl LoadRequest {
    /// A load of an export of which nothing else is known; the guard is as it is by default.
    pub fn new(load_id: &str, table: &str, kind: ExportKind, source: &ObjectInfo) -> Self {
        Self {
            load_id: load_id.to_owned(),
            table: table.to_owned(),
            kind,
            source: source.clone(),
            exported_at: None,
            shrink: ShrinkGuard::default(),
            again: false,
            rejected_from: None,
            privacy: None,
        }
    }

    /// Kind of the export that the rows are of, for the rule of what a full export covers: of rejects the kind of
    /// the export that they were rejected from, for whatever replaces that one replaces them.
    pub fn rows_of(&self) -> ExportKind {
        self.rejected_from.unwrap_or(self.kind)
    }
}

/// A load as far as it is known before a byte of it is read.
#[derive(Debug)]
pub struct Intent<'a> {
    /// The load, under an id of its own.
    pub request: LoadRequest,
    /// The table as the schema knows it, under the policy of privacy: as the warehouse has it.
    pub table: &'a Table,
    /// Columns of the schema that the file lacks.
    pub missing_columns: MissingColumns,
    /// Make the table if it is not there.
    pub create_table: bool,
    /// All choices that shape the files, in words: the same words, the same files.
    pub choices: String,
}

/// What became of a table's columns, so that it takes those of the schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Altered {
    /// Columns that it got, NULL in the rows that were there.
    pub added: Vec<String>,
    /// Columns whose type became wider.
    pub widened: Vec<String>,
    /// What else it would need, and why it did not get it.
    pub warnings: Vec<String>,
}

impl Altered {
    /// Writes it into the report of the load that it was done for, however that ended.
    pub fn note_in(self, report: &mut RunReport) {
        if !self.added.is_empty() || !self.widened.is_empty() {
            tracing::info!(table = report.table, added = ?self.added, widened = ?self.widened, "the table was altered");
        }
        report.changes.added_columns.extend(self.added);
        report.changes.widened_columns.extend(self.widened);
        report.warnings.extend(self.warnings);
    }
}

/// What a plan says of the table.
#[derive(Debug, Default, Serialize)]
pub struct TargetPlan {
    /// The table, or none if it would be created or is missing.
    pub table: Option<TargetTable>,
    /// Whether it would be created.
    pub created: bool,
    /// What it and the export do not have in common, once it is altered.
    pub differences: Vec<Difference>,
    /// The statements that give it what the schema has more, each by itself, before the load.
    pub alterations: Vec<String>,
    /// The statements of the load, one transaction.
    pub sql: Vec<String>,
    /// Why nothing can be loaded.
    #[serde(skip)]
    pub misfit: Option<Error>,
}

/// Whether a load may go ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Go.
    Proceed,
    /// This very export (uri and etag) is in the table already, by this load.
    AlreadyLoaded {
        /// The load that brought it.
        load_id: String,
    },
    /// This very export was in the table, and somebody went back from it.
    RolledBack {
        /// The load that had brought it.
        load_id: String,
        /// The rollback, as [`crate::ledger::RolledBack::shown`] tells of it.
        told: String,
    },
    /// A full export that covers this one is in the table: `crate::ledger::Cover` has the rule.
    Older {
        /// `exported_at` of the one in the table.
        than: String,
    },
}

impl Admission {
    /// Why the load is not to happen, and how to do it all the same.
    pub fn reason(&self) -> Option<String> {
        let again = "to load it all the same: --again";
        match self {
            Self::Proceed => None,
            Self::AlreadyLoaded { load_id } => {
                Some(format!("this export is in the table already, by load {load_id}; {again}"))
            }
            Self::RolledBack { load_id, told } => {
                Some(format!("this export was in the table by load {load_id}, and {told}; {again}"))
            }
            Self::Older { than } => Some(format!("the table holds a newer full export, of {than}; {again}")),
        }
    }
}

/// What is to be said where a table keeps rows of so many loads that were made under another policy of privacy.
pub(super) fn another_policy(loads: u64) -> String {
    format!(
        "the table keeps rows of {} that another policy of privacy has made: a full export that is loaded later takes \
         their place",
        plural(loads, "load")
    )
}

/// What the warehouse did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadReceipt {
    /// Rows that came from the export: all of a full one; of an incremental those that were not there already.
    pub loaded: u64,
    /// Rows kept from the old table.
    pub carried_over: u64,
    /// The files as they are addressed now, after the load.
    pub files: Vec<FileReport>,
    /// What went wrong beside the load, and does not undo it.
    pub warnings: Vec<String>,
    /// What became of the table's columns with it.
    pub altered: Altered,
    /// When it was committed, if that could be seen.
    pub commit: Option<Commit>,
}

/// A place that holds tables and replaces or extends them in one step.
///
/// What only one of them can has a default here, so that nobody who loads asks which it is.
pub trait Warehouse: Send + Sync {
    /// Where it is, for people.
    fn shown(&self) -> String;

    /// Ends waits as soon as `stop` says so, and cancels what runs.
    fn stop_when(&mut self, stop: Stop) {
        drop(stop);
    }

    /// Tells what a load waits for, while it does.
    fn tell_waits(&mut self, waits: Waits) {
        drop(waits);
    }

    /// Looks at the table before a byte is read, makes it if that is wanted, gives it what the schema has more, and
    /// says under which id the load runs: `id`, unless the work itself has one. What was altered stands in
    /// `altered`, also if this fails.
    ///
    /// # Errors
    /// [`Error::Schema`] if there is no table that could be loaded into.
    fn prepare(&self, intent: &Intent<'_>, id: &str, altered: &mut Altered) -> Result<String> {
        let _ = (intent, altered);
        Ok(id.to_owned())
    }

    /// Whether this load should happen at all. Changes nothing.
    fn admit(&self, request: &LoadRequest) -> Result<Admission>;

    /// [`Warehouse::admit`] for many exports of this kind of one table, which is looked at once where that is possible.
    ///
    /// # Errors
    /// As [`Warehouse::admit`].
    fn admissions(&self, table: &str, kind: ExportKind) -> Result<Admissions<'_>> {
        let _ = (table, kind);
        Ok(Box::new(move |request| self.admit(request)))
    }

    /// Takes the table's lock and prepares an empty place for the segments.
    fn stage(&self, request: &LoadRequest) -> Result<Box<dyn Staging>>;

    /// What a load of `rows` rows of this layout would do to the table; none where tables take every shape.
    ///
    /// # Errors
    /// If the table cannot be looked at.
    fn plan(&self, intent: &Intent<'_>, layout: &Layout, rows: u64) -> Result<Option<TargetPlan>> {
        let _ = (intent, layout, rows);
        Ok(None)
    }

    /// Loads of one table or of all, newest first, at most so many.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    fn loads(&self, table: Option<&str>, limit: usize) -> Result<Vec<Run>>;

    /// Runs of one table or of all, newest first, at most so many: loads, and what is known of those that failed.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    fn runs(&self, table: Option<&str>, limit: usize) -> Result<Vec<Run>> {
        self.loads(table, limit)
    }

    /// Remembers that a run begins, so that one that is killed is known. What is returned is dropped at its end.
    ///
    /// # Errors
    /// If it cannot be written.
    fn begin(&self, report: &RunReport) -> Result<Box<dyn Any>> {
        let _ = report;
        Ok(Box::new(()))
    }

    /// All that is known of one load.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no such load.
    fn load(&self, id: &str) -> Result<Shown>;

    /// Writes down how a run ended, where the load itself has not done so.
    ///
    /// # Errors
    /// If it cannot be written.
    fn remember(&self, report: &RunReport) -> Result<()> {
        let _ = report;
        Ok(())
    }

    /// The report of the last successful load of this kind, where reports are kept.
    fn last_report(&self, table: &str, kind: ExportKind) -> Option<RunReport> {
        let _ = (table, kind);
        None
    }

    /// A table, to be compared with an export.
    ///
    /// # Errors
    /// [`Error::Usage`] or [`Error::Schema`] if there is none of this name.
    fn holding(&self, table: &str) -> Result<Box<dyn Holding>>;

    /// Tables, each with when the newest export was made that is in it, `YYYYMMDDhhmmss`; those alone of which
    /// that is known without looking at everything.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    fn newest(&self) -> Result<BTreeMap<String, String>> {
        let mut newest = BTreeMap::new();
        for run in self.loads(None, RUNS_LOOKED_MAX)? {
            let exported = Location::parse(&run.source).ok().as_ref().and_then(exported_at_of);
            if let Some(at) = exported.filter(|_| run.status == Status::Succeeded) {
                let known: &mut String = newest.entry(run.table).or_default();
                *known = at.max(std::mem::take(known));
            }
        }
        Ok(newest)
    }

    /// A failed load as far as its files are there, to be loaded by [`Warehouse::retry`].
    ///
    /// # Errors
    /// [`Error::Usage`] if nothing is left of it.
    fn staged(&self, id: &str) -> Result<RunReport> {
        let _ = id;
        Err(Error::usage("a local load that failed leaves nothing that could be retried")
            .help("run backfill again; --to redshift retries a load into Redshift"))
    }

    /// Loads from what [`Warehouse::staged`] found, without reading the export again, and tells the clock.
    ///
    /// # Errors
    /// As a load.
    fn retry(&self, id: &str, shrink: ShrinkGuard, clock: &Clock) -> Result<RunReport> {
        let _ = (shrink, clock);
        self.staged(id)
    }

    /// Who was erased from a table.
    ///
    /// # Errors
    /// If it cannot be told.
    fn marks(&self, table: &str) -> Result<Marks>;

    /// Takes people's rows out of a table and of everything that its loads have left where this warehouse keeps it,
    /// and remembers them, so that no load brings them back. Doing it again goes on with one that was broken off.
    ///
    /// # Errors
    /// Those of the warehouse. Readers see the table as it was, or without them.
    fn erase(&self, erasure: &Erasure) -> Result<Erased>;

    /// Makes a table what it was before its last load, or after an earlier one whose version is kept.
    ///
    /// # Errors
    /// [`Error::Usage`] where no version is kept, with what can be done instead.
    fn rollback(&self, request: &Rollback) -> Result<WentBack> {
        Err(rollback::refused(
            self.shown(),
            &request.table,
            &self.loads(Some(&request.table), RUNS_LOOKED_MAX)?,
        ))
    }

    /// What it keeps for a while, beside the tables.
    fn kept(&self) -> Vec<Kept> {
        Vec::new()
    }

    /// Takes away of one kind of [`Warehouse::kept`] what is over its time, of every table, and says how many went;
    /// after a load of the table `loaded`, or when nothing is loaded.
    ///
    /// # Errors
    /// Those of the warehouse.
    fn sweep(&self, what: &str, loaded: Option<&str>) -> Result<u64> {
        let _ = (what, loaded);
        Ok(0)
    }

    /// Tries what a load of these tables needs, on nothing that matters. A table comes with its columns, if
    /// the schema has them.
    fn check(&self, tables: &[(String, Option<Table>)], probe: &WriteProbe<'_>, list: &mut Checklist<'_>);

    /// Where staged files stay for others to read, if they do.
    fn staging_place(&self) -> Option<&Location> {
        None
    }
}

/// The segments of one load, on their way into a table. Dropped without [`Staging::load`], it
/// removes what was staged and leaves the table as it was.
pub trait Staging: Send + Sync {
    /// Where segments are written.
    fn sink(&self) -> &dyn SegmentSink;

    /// Whose records are to be left out: who was erased from the table, as of now.
    fn erased(&self) -> Arc<Marks>;

    /// What the table that is there makes of the file's columns: its own names, types and widths. Asked
    /// once, when the header was read, before any row is.
    ///
    /// # Errors
    /// [`crate::Error::Schema`] naming everything that does not fit.
    fn fit(&self, layout: Layout, table: &Table, missing: MissingColumns) -> Result<Layout> {
        let _ = (table, missing);
        Ok(layout)
    }

    /// Whether the export, now that its content is known, should go into the table. `digest` is the
    /// content's, for sources whose name and etag do not say what they are.
    ///
    /// # Errors
    /// If the table cannot be read.
    fn admit_content(&mut self, digest: &str) -> Result<Admission> {
        let _ = digest;
        Ok(Admission::Proceed)
    }

    /// Puts the staged files into the table, all or none, and writes the ledger entry with it.
    ///
    /// # Errors
    /// [`crate::Error::Counts`] if the files do not hold `rows.accepted` rows.
    fn load(self: Box<Self>, files: &[FileReport], rows: &Rows) -> Result<LoadReceipt>;
}
