//! The report of each table's last full load, kept in the staging place: what its columns held then.
//!
//! The ledger has a row of counts for a load; what each column held is too much for it, and nothing depends on it
//! but comparisons. A report that is gone, by a lifecycle rule say, is one comparison less.

use super::warehouse::RedshiftWarehouse;
use crate::error::{Error, Result};
use crate::ledger::check_name;
use crate::report::{RunReport, Status};
use crate::store::{self, ExportKind, objects};

/// Bytes of such a report at most: 1,600 columns, and the names of a thousand files.
const REPORT_BYTES_MAX: usize = 16 << 20;

impl RedshiftWarehouse {
    /// Keeps the report of a full load that is in its table, instead of the one before.
    pub(super) fn keep_profile(&self, report: &RunReport) -> Result<()> {
        let is_measured = report.columns.iter().any(|column| column.is_measured());
        if report.status != Status::Succeeded || report.kind != ExportKind::Full || !is_measured {
            return Ok(());
        }
        check_name("table name", &report.table)?;
        let bytes = serde_json::to_vec(report)
            .map_err(|cause| Error::machine("cannot write the run report as JSON").because(cause))?;
        objects::put_encrypted(
            &self.staging().profile(&report.table)?,
            bytes,
            self.settings().encryption.clone(),
        )
    }

    /// Gives a load its times, which the ledger does not have, if it is the one whose report is kept.
    pub(super) fn add_times(&self, report: &mut RunReport) {
        let kept = self.kept_profile(&report.table, report.kind);
        if let Some(kept) = kept.filter(|kept| kept.load_id == report.load_id) {
            (report.seconds, report.stages) = (kept.seconds, kept.stages);
        }
    }

    /// The report that is kept of a table, if one can be read.
    pub(super) fn kept_profile(&self, table: &str, kind: ExportKind) -> Option<RunReport> {
        if kind != ExportKind::Full || check_name("table name", table).is_err() {
            return None;
        }
        let kept =
            self.staging().profile(table).and_then(|place| store::fetch_small(&place, REPORT_BYTES_MAX));
        let report: RunReport = match kept {
            Ok(bytes) => serde_json::from_slice(&bytes).ok()?,
            Err(error) => {
                tracing::debug!(%error, table, "no report of the last full load");
                return None;
            }
        };
        (report.table == table && report.kind == kind).then_some(report)
    }
}
