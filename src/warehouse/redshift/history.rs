//! Rows of the ledger in the words of every warehouse.

use super::ledger::LedgerRow;
use crate::error::Error;
use crate::ledger::{Run, Shown, Standing};
use crate::report::{FileReport, Rows, RunReport, Status};
use crate::store::{ExportKind, ObjectInfo};
use std::collections::BTreeSet;

/// Rows, newest first: what stands below a full load of the same table was replaced by it.
pub(super) fn runs(rows: &[LedgerRow]) -> Vec<Run> {
    let mut replaced = BTreeSet::new();
    let mut runs = Vec::with_capacity(rows.len());
    for row in rows {
        let standing = if replaced.contains(row.table.as_str()) { Standing::Gone } else { Standing::Current };
        if row.kind == ExportKind::Full {
            replaced.insert(row.table.as_str());
        }
        runs.push(run(row, standing));
    }
    runs
}

/// One load.
pub(super) fn shown(row: &LedgerRow, standing: Standing) -> Shown {
    Shown { run: run(row, standing), report: Some(report(row, Vec::new())), entry: None }
}

/// What is said of an id that the ledger does not have.
pub(super) fn no_load(id: &str) -> Error {
    Error::usage(format!("there is no load {id:?} in the ledger"))
        .help("`csl-stream loads list` shows those there are; one that failed is not in the ledger")
}

fn run(row: &LedgerRow, standing: Standing) -> Run {
    Run {
        load_id: row.load_id.clone(),
        table: row.table.clone(),
        kind: row.kind,
        status: Status::Succeeded,
        killed: false,
        started: Some(rfc_3339(&row.started)),
        source: row.source_uri.clone(),
        rows: counts(row),
        standing,
        error: None,
        added_columns: Vec::new(),
        widened_columns: Vec::new(),
    }
}

/// The report of a load that is in its table, as far as the ledger remembers it.
pub(super) fn report(row: &LedgerRow, files: Vec<FileReport>) -> RunReport {
    let source =
        ObjectInfo { uri: row.source_uri.clone(), etag: row.source_etag.clone(), ..ObjectInfo::default() };
    let begun = RunReport::begin(&row.load_id, &row.table, row.kind, &source);
    RunReport { status: Status::Succeeded, rows: counts(row), files, ..begun }
}

fn counts(row: &LedgerRow) -> Rows {
    Rows {
        read: row.rows_read,
        accepted: row.rows_accepted,
        rejected: row.rows_rejected,
        erased: row.rows_read.saturating_sub(row.rows_accepted + row.rows_rejected),
        truncated_values: row.values_truncated,
        carried_over: row.rows_carried_over,
        loaded: row.rows_loaded,
    }
}

/// A TIMESTAMP as the ledger has it, `2026-03-01 03:15:00`, in UTC.
fn rfc_3339(timestamp: &str) -> String {
    format!("{}Z", timestamp.get(..19).unwrap_or(timestamp).replace(' ', "T"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: &str, kind: ExportKind) -> LedgerRow {
        let cells = format!("L {table} {} u e 20260301 1 2 3 4 5 6 7 8 x y v", kind.word());
        let mut cells: Vec<_> = cells.split(' ').map(|cell| Some(cell.to_owned())).collect();
        cells[14] = Some("2026-03-01 03:15:00.25".to_owned());
        LedgerRow::read(&cells).unwrap()
    }

    #[test]
    fn a_full_load_replaces_what_was_before_it() {
        use ExportKind::{Full, Incremental};
        use Standing::{Current, Gone};
        let rows = [("t", Incremental), ("t", Full), ("u", Incremental), ("t", Incremental), ("t", Full)];
        let runs = runs(&rows.map(|(table, kind)| row(table, kind)));
        let standings: Vec<_> = runs.iter().map(|run| run.standing).collect();
        assert_eq!(standings, [Current, Current, Current, Gone, Gone]);
        assert_eq!(runs[0].started.as_deref(), Some("2026-03-01T03:15:00Z"));
        assert_eq!((runs[0].rows.read, runs[0].rows.carried_over, runs[0].rows.loaded), (1, 5, 6));
    }
}
