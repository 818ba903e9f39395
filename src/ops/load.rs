//! One load as `backfill` and the worker do it: from an export that was named to the ledger.
//!
//! ```text
//! open ──▶ wait for the old job ──▶ prepare ──▶ pipeline::backfill ──▶ catalog      then, by the caller:
//!                                     ▲               │                            listeners ──▶ ledger
//!                                     └─ once more, if the schema has moved
//! ```

use super::options::Conversion;
use super::progress::{Beacon, Progress};
use super::rejects::Rejects;
use super::run::Run;
use super::{cluster, glue_job, retention, schema, target};
use crate::config::Config;
use crate::error::Error;
use crate::pipeline::{self, ConvertOptions, Job, Outcome};
use crate::report::RunReport;
use crate::schema::Table;
use crate::store::{ByteSource, ExportKind, Location, ObjectInfo};
use crate::warehouse::{Altered, Intent, LoadRequest, ShrinkGuard, Warehouse};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A load that is about to begin.
pub(super) struct Loading<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) config: &'a Config,
    pub(super) conversion: &'a Conversion,
    pub(super) options: ConvertOptions,
    pub(super) warehouse: Box<dyn Warehouse>,
    pub(super) table: Table,
    /// Load it though it or a newer full export is in the table.
    pub(super) again: bool,
    /// Where rejected records go, if there are any.
    pub(super) rejects: Rejects,
    /// How small a full export may leave the table.
    pub(super) shrink: ShrinkGuard,
    /// Kind of the export that mended rejects are of.
    pub(super) rejected_from: Option<ExportKind>,
}

impl Loading<'_> {
    /// Loads the export that `open` opens; `uri` is its name until then. What does not fit the schema is looked at
    /// once more with the schema as it is by then: it may have moved since it was read.
    pub(super) fn load(
        mut self,
        uri: &str,
        exported_at: Option<String>,
        open: impl Fn() -> crate::Result<Box<dyn ByteSource>>,
    ) -> Outcome {
        let (run, config) = (self.run, self.config);
        let failed = |error| run.failed(Some(uri.to_owned()), error);
        tracing::info!(load_id = run.load_id, table = run.table, export = uri, "export found");
        run.observer.note(&format!("{}: loading {uri}", run.table));
        let source = open().map_err(failed)?;
        let watch = Arc::clone(&run.watch);
        let stopped = move || watch.stopped();
        let warning = glue_job::wait(config, run.observer, &stopped).map_err(failed)?;
        self.warehouse.stop_when(Arc::new(stopped));
        let watch = Arc::clone(&run.watch);
        self.warehouse.tell_waits(Arc::new(move |what| watch.wait_for(what)));
        // A run that cannot be announced is none the worse for it.
        let object = ObjectInfo { uri: uri.to_owned(), ..ObjectInfo::default() };
        let begun = self.warehouse.begin(&RunReport::begin(&run.load_id, &run.table, run.kind, &object));
        let begun = begun.inspect_err(|error| tracing::debug!(%error, "the run is not announced"));
        let mut altered = Altered::default();
        let mut outcome = self.once(uri, exported_at.clone(), source, &mut altered);
        if let Err((_, Error::Schema(_))) = &outcome
            && let Some((table, options)) = self.moved_schema()
            && let Ok(source) = open()
        {
            run.observer.note(&format!("{}: the schema has changed, once more with the new one", run.table));
            (self.table, self.options) = (table, options);
            run.watch.source_bytes.store(0, Ordering::Relaxed);
            outcome = self.once(uri, exported_at, source, &mut altered);
        }
        match &mut outcome {
            Ok(report) => altered.note_in(report),
            Err((report, _)) => altered.note_in(report),
        }
        let outcome = glue_job::registered(config, &*self.warehouse, warned(outcome, warning));
        drop(begun);
        outcome
    }

    fn once(
        &self,
        uri: &str,
        exported_at: Option<String>,
        source: Box<dyn ByteSource>,
        altered: &mut Altered,
    ) -> Outcome {
        let Self { run, config, options, warehouse, table, again, rejects, shrink, rejected_from, .. } = self;
        let request = LoadRequest {
            again: *again,
            shrink: *shrink,
            rejected_from: *rejected_from,
            exported_at,
            privacy: table.policy_id(&options.policy),
            ..LoadRequest::new(&run.load_id, &table.name, run.kind, source.info())
        };
        let units = Location::parse(uri).and_then(|location| cluster::units(config, &location));
        let units = units.map_err(|error| run.failed(Some(uri.to_owned()), error))?;
        let view = table.under(options.policy.rules());
        let view = view.map_err(|error| run.failed(Some(uri.to_owned()), error))?;
        let intent = intent(config, request, &view, options);
        let prepared = warehouse.prepare(&intent, &run.load_id, altered);
        let load_id = prepared.map_err(|error| run.failed(Some(uri.to_owned()), error))?;
        let request = LoadRequest { load_id, ..intent.request };
        let progress = run.observer.converting(&run.table, &run.watch, source.info().bytes);
        let begun = Progress::begun(&request.load_id, &run.table, &source.info().uri, source.info().bytes);
        let beacon = Beacon::begin(config, begun, &run.watch);
        let pair = rejects
            .pair(&table.name, &request.load_id)
            .map_err(|error| run.failed(Some(uri.to_owned()), error))?;
        let job = Job { request, table: table.clone(), source, rejects: Some(pair), began: run.began };
        let outcome = match units {
            Some(units) => pipeline::backfill_in_units(job, options, &**warehouse, &*units, &run.watch),
            None => pipeline::backfill(job, options, &**warehouse, &run.watch),
        };
        drop((progress, beacon));
        retention::sweep(config, &**warehouse, rejects, Some(&table.name));
        outcome
    }

    /// The table, and how it is converted, by the schema as it is now; none if it is the one of this load.
    fn moved_schema(&self) -> Option<(Table, ConvertOptions)> {
        // Standard input cannot be read again.
        if self.run.watch.stopped() || schema::location(self.config).ok()? == Location::Stdin {
            return None;
        }
        let schema = schema::read(self.config).ok()?;
        let table = schema.table(&self.table.name).ok()?.clone();
        (table != self.table).then_some((table, self.conversion.options(self.config, &schema).ok()?))
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

/// What is loaded, as far as it is known before a byte is read; `table` is as the warehouse has it.
pub(super) fn intent<'a>(
    config: &Config,
    request: LoadRequest,
    table: &'a Table,
    options: &ConvertOptions,
) -> Intent<'a> {
    // None of these shapes a file.
    let others = std::sync::Arc::default();
    let shaping = ConvertOptions { threads: 0, max_rejects: 0, other_tables: others, ..options.clone() };
    Intent {
        request,
        table,
        missing_columns: options.missing_columns,
        create_table: config.load.create_table,
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
