//! One load as `backfill` and the worker do it: from an export that was named to the ledger.
//!
//! ```text
//! open ──▶ wait for the old job ──▶ prepare ──▶ pipeline::backfill ──▶ catalog      then, by the caller:
//!                                                                                  listeners ──▶ ledger
//! ```

use super::run::Run;
use super::{glue_job, target};
use crate::config::Config;
use crate::error::Error;
use crate::pipeline::{self, ConvertOptions, Job, Outcome};
use crate::report::RunReport;
use crate::schema::Table;
use crate::store::ByteSource;
use crate::warehouse::{Intent, LoadRequest, ShrinkGuard, Warehouse};
use std::path::PathBuf;
use std::sync::Arc;

/// A load that is about to begin.
pub(super) struct Loading<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) config: &'a Config,
    pub(super) options: ConvertOptions,
    pub(super) warehouse: Box<dyn Warehouse>,
    pub(super) table: Table,
    /// Make the table if it is not there.
    pub(super) create_table: bool,
    /// Load it though it or a newer full export is in the table.
    pub(super) again: bool,
    /// Where rejected records go, if there are any.
    pub(super) rejects: PathBuf,
    /// How small a full export may leave the table.
    pub(super) shrink: ShrinkGuard,
}

impl Loading<'_> {
    /// Loads the export that `open` opens; `uri` is its name until then.
    pub(super) fn load(
        self,
        uri: &str,
        exported_at: Option<String>,
        open: impl FnOnce() -> crate::Result<Box<dyn ByteSource>>,
    ) -> Outcome {
        let Self { run, config, options, mut warehouse, table, create_table, again, rejects, shrink } = self;
        let failed = |error| run.failed(Some(uri.to_owned()), error);
        tracing::info!(load_id = run.load_id, table = run.table, export = uri, "export found");
        run.observer.note(&format!("{}: loading {uri}", run.table));
        let source = open().map_err(failed)?;
        let watch = Arc::clone(&run.watch);
        let stopped = move || watch.stopped();
        let warning = glue_job::wait(config, run.observer, &stopped).map_err(failed)?;
        warehouse.stop_when(Arc::new(stopped));
        let watch = Arc::clone(&run.watch);
        warehouse.tell_waits(Arc::new(move |what| watch.wait_for(what)));
        let request = LoadRequest {
            again,
            shrink,
            exported_at,
            ..LoadRequest::new(&run.load_id, &table.name, run.kind, source.info())
        };
        let intent = intent(request, &table, &options, create_table);
        let load_id = warehouse.prepare(&intent, &run.load_id).map_err(failed)?;
        let request = LoadRequest { load_id, ..intent.request };
        let progress = run.observer.converting(&run.watch, source.info().bytes);
        let job = Job { request, table, source, rejects: Some(rejects) };
        let outcome = pipeline::backfill(job, &options, &*warehouse, &run.watch);
        drop(progress);
        glue_job::registered(config, &*warehouse, warned(outcome, warning))
    }
}

/// The same outcome, with a warning more.
pub(super) fn warned(mut outcome: Outcome, warnings: impl IntoIterator<Item = String>) -> Outcome {
    match &mut outcome {
        Ok(report) => report.warnings.extend(warnings),
        Err((report, _)) => report.warnings.extend(warnings),
    }
    outcome
}

/// What the configuration lets a full export leave of a table; `allowed` lifts it for one run.
pub(super) fn shrink_guard(config: &Config, allowed: bool) -> ShrinkGuard {
    ShrinkGuard { max_percent: (!allowed).then_some(config.load.shrink_max_percent) }
}

/// What is loaded, as far as it is known before a byte is read.
pub(super) fn intent<'a>(
    request: LoadRequest,
    table: &'a Table,
    options: &ConvertOptions,
    create_table: bool,
) -> Intent<'a> {
    // None of these shapes a file.
    let others = std::sync::Arc::default();
    let shaping = ConvertOptions { threads: 0, max_rejects: 0, other_tables: others, ..options.clone() };
    Intent {
        request,
        table,
        missing_columns: options.missing_columns,
        create_table,
        choices: format!("{shaping:?}"),
    }
}

/// The same outcome, written into the ledger where the load itself has not done so. The data is loaded or not
/// by now: a ledger that refuses is told, and changes nothing about that.
pub(super) fn remembered(run: &Run<'_>, config: &Config, outcome: Outcome) -> Outcome {
    let report: &RunReport = match &outcome {
        Ok(report) => report,
        Err((report, _)) => report,
    };
    // A mistyped command or table leaves no trace: it would make a warehouse of any folder.
    let mistyped = match &outcome {
        Err((_, Error::Usage(_))) => true,
        Err((report, Error::Schema(_))) => report.source.uri.is_empty(),
        _ => false,
    };
    if mistyped {
        return outcome;
    }
    let remembered = target::open(config).and_then(|warehouse| warehouse.remember(report));
    if let Err(error) = remembered {
        run.observer.note(&format!("the run could not be written into the ledger: {error}"));
    }
    outcome
}
