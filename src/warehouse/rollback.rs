//! Going back to what a table was: what is asked, and what came of it.

use crate::error::{Error, Place};
use crate::ledger::Run;
use crate::report::Status;
use crate::store::ExportKind;
use serde::Serialize;

/// What the ledger names as the source of a rollback; the load whose rows the table has again follows.
pub const ROLLBACK_SOURCE: &str = "csl-stream rollback";

/// A table that is to be what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// UUIDv7 of the run, and the name of the version that it makes.
    pub rollback_id: String,
    /// Table name.
    pub table: String,
    /// The kept version to go back to, by the load that made it; none: the one before the current one.
    pub load_id: Option<String>,
    /// Look, and change nothing.
    pub dry_run: bool,
}

/// What a rollback did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WentBack {
    /// The version that was current.
    pub from: String,
    /// The version whose rows the table has instead.
    pub to: String,
    /// When the full export was made that the table holds now, `YYYYMMDDhhmmss`, if that is known.
    pub exported_at: Option<String>,
    /// Rows before.
    pub rows_before: u64,
    /// Rows after.
    pub rows: u64,
    /// Rows that stayed out because whose they are was erased since.
    pub erased: u64,
    /// Loads that went out of the table: no run loads their exports again, unless with `--again`.
    pub loads: Vec<GoneLoad>,
}

/// A load that went out of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GoneLoad {
    /// The load.
    pub load_id: String,
    /// Full or incremental.
    pub kind: ExportKind,
    /// The export.
    pub source: String,
}

/// What is said where no version is kept: how to come back by other ways. `runs` are the table's, newest first.
pub(super) fn refused(warehouse: String, table: &str, runs: &[Run]) -> Error {
    let mut full = runs.iter().filter(|run| {
        run.status == Status::Succeeded && run.kind == ExportKind::Full && !run.source.is_empty()
    });
    let reload = match (full.next(), full.next()) {
        (Some(last), Some(before)) => format!(
            "load the full export before it again: csl-stream backfill --table {table} --to redshift --export {} \
             --again (load {}); until ControlShift has made a newer export, let no run load {} again",
            before.source, before.load_id, last.source
        ),
        _ => format!(
            "load an older full export: csl-stream backfill --table {table} --to redshift --export URI --again"
        ),
    };
    Error::usage("Redshift keeps no earlier version of a table, so there is none to go back to")
        .at(Place::uri(format!("{warehouse}: {table}")))
        .help(format!(
            "{reload}. Or restore the table from a snapshot under another name and rename it: \
             aws redshift restore-table-from-cluster-snapshot, or \
             aws redshift-serverless restore-table-from-snapshot"
        ))
}
