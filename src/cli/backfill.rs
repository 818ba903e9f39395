//! `csl-stream backfill`: find the export, convert it, stage it, load it.

use super::args::BackfillArgs;
use super::load::{Loading, remembered};
use super::notices;
use super::printer::Printer;
use super::run::{Reports, Run, conclude};
use super::settings::{self, FoundExport};
use super::signals::Stopper;
use super::target::Target;
use crate::config::Config;
use crate::error::Result;
use crate::pipeline::{ConvertOptions, Outcome, rejects_files};
use crate::schema::Table;
use crate::store;
use std::ffi::OsStr;

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
    let rejects = args.conversion.rejects.as_deref().map(rejects_files);
    let named = named.into_iter().flatten().chain(rejects.iter().flatten().map(|path| path.as_os_str()));
    let mut reports = Reports::open(printer, args.output.report.as_deref(), named)?;
    let run = Run::begin(printer, &args.table, args.export.kind, &Stopper::of_signals(printer)?);
    let config = match config.and_then(|config| configured(config, args)) {
        Ok(config) => config,
        Err(error) => return conclude(printer, &reports, "loaded", Err(run.failed(None, error))).map(drop),
    };
    let outcome = load(&run, &mut reports, &config, args);
    let outcome = remembered(printer, &config, notices::told(&config, outcome));
    conclude(printer, &reports, "loaded", outcome).map(drop)
}

fn load(run: &Run, reports: &mut Reports, config: &Config, args: &BackfillArgs) -> Outcome {
    let prepared = prepare_beside(reports, config, args).map_err(|error| run.failed(None, error))?;
    let Prepared { options, target, table, export } = prepared;
    let rejects = run.rejects_path(args.conversion.rejects.as_deref());
    let loading =
        Loading { run, config, options, target, table, create_table: args.target.create_table, rejects };
    loading.load(&export.location.to_string(), export.exported_at, || store::open(&export.location))
}
