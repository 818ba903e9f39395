//! What an alert may know of a load: names, rules and counts, and no text that anybody wrote.
//!
//! An error's text, its help and its causes can repeat a value, and a value can be a person's. So none of them
//! comes this far: an alert is made of these parts alone.

use super::news::News;
use crate::ledger::check_name;
use crate::report::{Drift, End, Rows, RunReport, Status};
use crate::store::unsigned::unsigned;
use crate::store::{ExportKind, Location, exported_at_of};

/// The table of a message that nobody can read, or whose name cannot be a table's.
pub(super) const UNKNOWN_TABLE: &str = "unknown";

/// A load's end.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) table: String,
    pub(super) kind: ExportKind,
    pub(super) load_id: String,
    pub(super) ended: Ended,
    /// The export, without what signs it; empty if none was found.
    pub(super) export: String,
    pub(super) exported_at: Option<String>,
    pub(super) rows: Rows,
    pub(super) first_reject: Option<RejectAt>,
    pub(super) rejects: Option<String>,
    pub(super) added_columns: Vec<String>,
    pub(super) widened_columns: Vec<String>,
    pub(super) drift: Vec<String>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Succeeded,
    /// There was nothing to do.
    Skipped,
    Failed {
        /// As [`crate::Error::class`] has it.
        class: &'static str,
        end: End,
    },
}

/// The first rejected record: where, and by which rule.
#[derive(Debug, Clone)]
pub(super) struct RejectAt {
    pub(super) record: u64,
    pub(super) line: u64,
    /// Of the schema, never of a header.
    pub(super) column: Option<String>,
    pub(super) rule: String,
}

impl Event {
    pub(super) fn of(news: &News<'_>) -> Self {
        let report = news.report;
        let named = check_name("table name", &report.table).is_ok();
        let changes = &report.changes;
        Self {
            table: if named { report.table.clone() } else { UNKNOWN_TABLE.to_owned() },
            kind: report.kind,
            load_id: report.load_id.clone(),
            ended: ended(news),
            export: unsigned(&report.source.uri),
            exported_at: Location::parse(&report.source.uri).ok().as_ref().and_then(exported_at_of),
            rows: report.rows,
            first_reject: first_reject(report),
            rejects: report.rejects.uri.as_deref().map(unsigned),
            added_columns: changes.added_columns.clone(),
            widened_columns: changes.widened_columns.clone(),
            drift: changes.drift.iter().map(drifted).collect(),
        }
    }
}

fn ended(news: &News<'_>) -> Ended {
    match (news.report.status, news.error) {
        (Status::Succeeded, _) => Ended::Succeeded,
        (Status::Skipped, _) => Ended::Skipped,
        (Status::Failed, error) => {
            Ended::Failed { class: error.map_or("unknown", crate::Error::class), end: news.end }
        }
    }
}

fn first_reject(report: &RunReport) -> Option<RejectAt> {
    let fault = report.rejects.first.first()?;
    Some(RejectAt {
        record: fault.record,
        line: fault.line,
        column: fault.column.clone(),
        rule: fault.rule.clone(),
    })
}

fn drifted(drift: &Drift) -> String {
    drift.to_string()
}
