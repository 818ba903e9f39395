//! `csl-stream backfill`: find the export, convert it, stage it, load it.

use super::args::BackfillArgs;
use super::catalog;
use super::notices;
use super::printer::Printer;
use super::run::{Reports, Run, conclude};
use super::settings::{self, FoundExport};
use super::signals::Stopper;
use super::target::{Load, Target};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ledger;
use crate::pipeline::{self, ConvertOptions, Job, Outcome};
use crate::report::RunReport;
use crate::schema::Table;
use crate::store;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

/// What a backfill needs to know before it opens the export.
pub(super) struct Prepared {
    pub(super) options: ConvertOptions,
    pub(super) target: Target,
    pub(super) table: Table,
    pub(super) export: FoundExport,
}

/// The configuration with the flags on top.
pub(super) fn configured(mut config: Config, args: &BackfillArgs) -> Result<Config> {
    settings::set_exports(&mut config, args.export.exports.as_deref());
    settings::set_target(&mut config, &args.target);
    settings::set_conversion(&mut config, &args.conversion);
    config.check()?;
    Ok(config)
}

/// Reads the schema and finds the export; changes nothing.
pub(super) fn prepare(config: &Config, args: &BackfillArgs) -> Result<Prepared> {
    let options = settings::convert_options(config, &args.conversion)?;
    let named = args.export.export.as_deref().map(settings::location).transpose()?;
    let target = Target::of(config)?;
    let table = settings::schema(config)?.table(&args.table)?.clone();
    let export = settings::find_export(config, named, &args.export, &args.table)?;
    Ok(Prepared { options, target, table, export })
}

/// [`prepare`], and begins the report, which must be none of the inputs.
fn prepare_beside(reports: &mut Reports, config: &Config, args: &BackfillArgs) -> Result<Prepared> {
    reports.spare(&settings::schema_location(config))?;
    let prepared = prepare(config, args)?;
    reports.spare([&prepared.export.location])?;
    reports.begin()?;
    Ok(prepared)
}

/// Runs the command.
pub(super) fn run(printer: Printer, config: Result<Config>, args: &BackfillArgs) -> Result<()> {
    if args.dry_run {
        return super::plan::run(printer, config?, args);
    }
    let named = [args.export.export.as_deref(), args.conversion.schema.schema.as_deref().map(OsStr::new)];
    let mut reports = Reports::open(printer, args.output.report.as_deref(), named.into_iter().flatten())?;
    let run = Run::begin(printer, &args.table, args.export.kind, &Stopper::of_signals(printer)?);
    let config = match config.and_then(|config| configured(config, args)) {
        Ok(config) => config,
        Err(error) => return conclude(printer, &reports, "loaded", Err(run.failed(None, error))).map(drop),
    };
    let outcome = load(&run, &mut reports, &config, args);
    let outcome = notices::told(&config, catalog::registered(&config, outcome));
    // Redshift's ledger is in Redshift, written with the data.
    if let Ok(dir) = settings::warehouse_dir(&config) {
        remember(printer, &dir, &outcome);
    }
    conclude(printer, &reports, "loaded", outcome).map(drop)
}

fn load(run: &Run, reports: &mut Reports, config: &Config, args: &BackfillArgs) -> Outcome {
    let prepared = prepare_beside(reports, config, args).map_err(|error| run.failed(None, error))?;
    let uri = prepared.export.location.to_string();
    let failed = |error| run.failed(Some(uri.clone()), error);
    tracing::info!(load_id = run.load_id, table = run.table, export = uri, "export found");
    run.printer.note(&format!("{}: loading {uri}", run.table));
    let source = store::open(&prepared.export.location).map_err(failed)?;
    let watch = Arc::clone(&run.watch);
    let mut target = prepared.target;
    target.stop_when(move || watch.stopped());
    let work = Load {
        table: &prepared.table,
        kind: run.kind,
        source: source.info(),
        exported_at: prepared.export.exported_at.as_deref(),
        options: &prepared.options,
        create_table: args.target.create_table,
    };
    let watch = &run.watch;
    catalog::wait_for_job(config, run.printer, &|| watch.stopped()).map_err(failed)?;
    let load_id = target.preflight(&work, &run.load_id).map_err(failed)?;
    let progress = run.progress(source.info().bytes);
    let job = Job {
        load_id,
        table: prepared.table,
        kind: run.kind,
        source,
        exported_at: prepared.export.exported_at,
        rejects: Some(run.rejects_path(args.conversion.rejects.as_deref())),
    };
    let outcome = pipeline::backfill(job, &prepared.options, target.warehouse(), &run.watch);
    drop(progress);
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
