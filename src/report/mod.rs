//! What is written down about one run: the JSON report.
//!
//! Its shape is a contract: scripts read it.

mod changes;
mod checklist;
mod columns;
mod end;
mod stages;
pub mod words;

pub use changes::{Changes, Drift, Drifting, ROWS_PERCENT_MAX, SHARE_POINTS_MAX};
pub use checklist::{Checked, Checklist};
pub use columns::ColumnReport;
pub use end::End;
pub use stages::{Clock, Commit, Span, Stage, Stages};

use crate::error::Error;
use crate::store::outputs::first_line;
use crate::store::{ExportKind, ObjectInfo};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Converted, and loaded where a load was asked for.
    Succeeded,
    /// Nothing was loaded; `error` says why.
    Failed,
    /// Nothing had to be done: the same export is loaded already, or a newer one.
    Skipped,
}

/// One run, from the source to the warehouse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// UUIDv7 of the run; sorts by time.
    pub load_id: String,
    /// Table name.
    pub table: String,
    /// Full or incremental.
    pub kind: ExportKind,
    /// How it ended.
    pub status: Status,
    /// What was read.
    pub source: SourceReport,
    /// Counts; they agree or the run failed.
    pub rows: Rows,
    /// Parquet files, in segment order.
    pub files: Vec<FileReport>,
    /// The columns that were written, in the order of the file; none of a run that wrote none.
    #[serde(default)]
    pub columns: Vec<ColumnReport>,
    /// What is different from the load before.
    #[serde(default)]
    pub changes: Changes,
    /// Records left out.
    pub rejects: RejectsReport,
    /// Wall-clock time.
    pub seconds: Seconds,
    /// When each stage that it came to began and ended; none in reports of programs that did not measure it.
    #[serde(default, skip_serializing_if = "Stages::is_empty")]
    pub stages: Stages,
    /// Why it failed or was skipped, in one line.
    pub error: Option<String>,
    /// The exit code of the run alone: 0 unless it failed.
    #[serde(default)]
    pub exit_code: u8,
    /// What else went wrong and changed nothing about the load: who could not be told of it.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// The object that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Object or file; a signed URL without its query.
    pub uri: String,
    /// Version of the content.
    pub etag: Option<String>,
    /// Bytes as stored.
    pub bytes: u64,
    /// `none`, `bzip2`, `gzip` or `zstd`, found from the first bytes; [`COMPRESSION_UNKNOWN`] if they were
    /// not read.
    pub compression: String,
}

/// The compression of a source that was never read: it was not found, or its load was skipped.
pub const COMPRESSION_UNKNOWN: &str = "unknown";

impl RunReport {
    /// Whether a file begins with a report, and so is one that a run may replace.
    pub fn is_first_in(path: &Path) -> bool {
        first_line(path).is_some_and(|line| serde_json::from_slice::<Self>(&line).is_ok())
    }

    /// The report of a run that has only begun: failed, unless it comes to another end. `source` is
    /// what is known of the export, if it was opened.
    pub fn begin(load_id: &str, table: &str, kind: ExportKind, source: &ObjectInfo) -> Self {
        Self {
            load_id: load_id.to_owned(),
            table: table.to_owned(),
            kind,
            status: Status::Failed,
            source: SourceReport {
                uri: source.uri.clone(),
                etag: source.etag.clone(),
                bytes: source.bytes.unwrap_or(0),
                compression: COMPRESSION_UNKNOWN.to_owned(),
            },
            rows: Rows::default(),
            files: Vec::new(),
            columns: Vec::new(),
            changes: Changes::default(),
            rejects: RejectsReport::default(),
            seconds: Seconds::default(),
            stages: Stages::default(),
            error: None,
            exit_code: 0,
            warnings: Vec::new(),
        }
    }

    /// Takes the run's times: it has ended.
    pub fn timed(&mut self, clock: &Clock) {
        self.stages = clock.stages();
        self.seconds.total = clock.seconds();
    }

    /// The report of the same run, which this error has ended.
    #[must_use]
    pub fn failed(self, error: &Error) -> Self {
        Self { status: Status::Failed, error: Some(error.to_string()), exit_code: error.exit_code(), ..self }
    }

    /// Compares a full load that succeeded with the one before it, and warns of what drifted, and of columns whose rule of
    /// privacy is another.
    pub fn note_drift(&mut self, before: &Self) {
        let drift =
            Drift::between((before.rows.accepted, &before.columns), (self.rows.accepted, &self.columns));
        let id = &before.load_id;
        self.warnings.extend(drift.iter().map(|drift| format!("drift since load {id}: {drift}")));
        for column in &self.columns {
            let old = before.columns.iter().find(|old| old.name == column.name);
            if let Some(old) = old.filter(|old| old.privacy != column.privacy) {
                self.warnings.push(format!(
                    "column {:?} has the rule of privacy {}, and had {} in load {id}",
                    column.name, column.privacy, old.privacy
                ));
            }
        }
        self.changes.rows_before = before.rows.accepted;
        self.changes.drift = drift;
    }
}

/// Row counts: `read = accepted + rejected + erased`, and after a load `accepted = loaded`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Data records in the file.
    pub read: u64,
    /// Records written to Parquet.
    pub accepted: u64,
    /// Records left out.
    pub rejected: u64,
    /// Records left out because whose they are was erased from the table; of a run of `erase`, rows that were erased.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub erased: u64,
    /// Values cut to their column's width: the sum over all columns.
    pub truncated_values: u64,
    /// Rows kept from the old table because the export was made before them.
    pub carried_over: u64,
    /// Rows of the export that the warehouse took.
    pub loaded: u64,
}

/// Asked by serde, which gives a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One Parquet file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Where it is.
    pub uri: String,
    /// Its rows, read back from its footer.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
}

/// Where the rejected records are, and the first of their faults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectsReport {
    /// The rejects file, if one was written.
    pub uri: Option<String>,
    /// The first faults, at most [`FIRST_FAULTS_MAX`].
    pub first: Vec<FaultReport>,
    /// How many faults there were of each rule and column, the most frequent first, at most [`FAULT_COUNTS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<FaultCount>,
}

/// How many rules and columns a report tells apart.
pub const FAULT_COUNTS_MAX: usize = 1_000;

/// Faults of one kind; a record may have several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCount {
    /// Column, if one is at fault.
    pub column: Option<String>,
    /// The rule that was broken.
    pub rule: String,
    /// How often.
    pub faults: u64,
    /// The first record that breaks it, from 1.
    pub first_record: u64,
}

/// How many faults a report repeats; the rejects file has all of them.
pub const FIRST_FAULTS_MAX: usize = 10;

/// One fault of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultReport {
    /// Data record, from 1.
    pub record: u64,
    /// Physical line where the record starts, from 1, the header being line 1.
    pub line: u64,
    /// Offset of the field (or the record, if no field is at fault) in the uncompressed CSV.
    pub byte: u64,
    /// Column, if one is at fault.
    pub column: Option<String>,
    /// The rule that was broken: `integer`, `timestamp`, `utf8`, `fields` …
    pub rule: String,
    /// The field's text, cut to a readable length; none unless `load.report_values` asks for it, and never of a
    /// column that a rule of privacy hides.
    #[serde(default)]
    pub value: Option<String>,
    /// Bytes of the field.
    #[serde(default)]
    pub value_bytes: u64,
    /// The text, for whoever sits at the terminal of the run: it is written nowhere.
    #[serde(skip)]
    pub shown: Option<String>,
}

/// Wall-clock seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// The whole run.
    pub total: f64,
    /// Reading to staged.
    pub convert: f64,
    /// Staged to loaded.
    pub load: f64,
}
