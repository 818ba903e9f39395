//! One load as `backfill` and `work` do it: from an export that was named to the ledger.
//!
//! ```text
//! open ──▶ wait for the old job ──▶ preflight ──▶ pipeline::backfill ──▶ catalog      then, by the caller:
//!                                                                                    notices ──▶ ledger
//! ```

use super::catalog;
use super::printer::Printer;
use super::run::Run;
use super::settings;
use super::target::{Load, Target};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ledger;
use crate::pipeline::{self, ConvertOptions, Job, Outcome};
use crate::report::RunReport;
use crate::schema::Table;
use crate::store::ByteSource;
use crate::warehouse::ShrinkGuard;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A load that is about to begin.
pub(super) struct Loading<'a> {
    pub(super) run: &'a Run,
    pub(super) config: &'a Config,
    pub(super) options: ConvertOptions,
    pub(super) target: Target,
    pub(super) table: Table,
    /// Make the table if it is not there.
    pub(super) create_table: bool,
    /// Where rejected records go, if there are any.
    pub(super) rejects: PathBuf,
}

impl Loading<'_> {
    /// Loads the export that `open` opens; `uri` is its name until then.
    pub(super) fn load(
        self,
        uri: &str,
        exported_at: Option<String>,
        open: impl FnOnce() -> Result<Box<dyn ByteSource>>,
    ) -> Outcome {
        let Self { run, config, options, mut target, table, create_table, rejects } = self;
        let failed = |error| run.failed(Some(uri.to_owned()), error);
        tracing::info!(load_id = run.load_id, table = run.table, export = uri, "export found");
        run.printer.note(&format!("{}: loading {uri}", run.table));
        let source = open().map_err(failed)?;
        let watch = Arc::clone(&run.watch);
        target.stop_when(move || watch.stopped());
        let work = Load {
            table: &table,
            kind: run.kind,
            source: source.info(),
            exported_at: exported_at.as_deref(),
            options: &options,
            create_table,
        };
        let watch = &run.watch;
        catalog::wait_for_job(config, run.printer, &|| watch.stopped()).map_err(failed)?;
        let load_id = target.preflight(&work, &run.load_id).map_err(failed)?;
        let progress = run.progress(source.info().bytes);
        let job = Job {
            load_id,
            table,
            kind: run.kind,
            source,
            exported_at,
            rejects: Some(rejects),
            shrink: ShrinkGuard::default(),
            again: false,
        };
        let outcome = pipeline::backfill(job, &options, target.warehouse(), &run.watch);
        drop(progress);
        catalog::registered(config, outcome)
    }
}

/// The same outcome, written into the ledger of a folder; Redshift's is in Redshift, written with the data.
pub(super) fn remembered(printer: Printer, config: &Config, outcome: Outcome) -> Outcome {
    if let Ok(dir) = settings::warehouse_dir(config) {
        remember(printer, &dir, &outcome);
    }
    outcome
}

/// Writes the run into the ledger, whatever its end. The data is loaded or not by now: a ledger that
/// refuses is told, and changes nothing about that.
fn remember(printer: Printer, dir: &Path, outcome: &Outcome) {
    let report: &RunReport = match outcome {
        Ok(report) => report,
        Err((report, _)) => report,
    };
    // A mistyped command or table leaves no trace: it would make a warehouse of any folder.
    let mistyped = match outcome {
        Err((_, Error::Usage(_))) => true,
        Err((report, Error::Schema(_))) => report.source.uri.is_empty(),
        _ => false,
    };
    if mistyped {
        return;
    }
    if let Err(error) = ledger::record(dir, report) {
        printer.note(&format!("the run could not be written into the ledger: {error}"));
    }
}
