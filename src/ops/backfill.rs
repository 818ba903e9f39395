//! The whole job: find the exports, convert them, stage them, load them.

use super::export::{ExportChoice, FoundExport};
use super::listeners::{End, Listeners};
use super::load::{Loading, remembered, shrink_guard};
use super::measure::measured;
use super::observer::Observer;
use super::options::Conversion;
use super::pending::{self, Pending, Standing};
use super::rejects::Rejects;
use super::run::Run;
use super::{schema, target};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::pipeline::{ConvertOptions, Outcome};
use crate::report::{RunReport, Status};
use crate::schema::{BulkSchema, Table};
use crate::store;
use crate::warehouse::Warehouse;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What one call decides for itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backfill {
    /// Table to load.
    pub table: String,
    /// Which export.
    pub export: ExportChoice,
    /// How it is converted.
    pub conversion: Conversion,
    /// Load it though it or a newer full export is in the table.
    pub again: bool,
    /// Let a full export leave as few rows as it brings.
    pub allow_shrink: bool,
    /// The file that rejected records go to, if there are any; none: one named after the run, where the
    /// configuration says.
    pub rejects: Option<PathBuf>,
}

/// What all tables of one call share.
pub(super) struct Shared {
    pub(super) schema: BulkSchema,
    options: ConvertOptions,
}

impl Shared {
    /// Reads the schema.
    pub(super) fn read(config: &Config, conversion: &Conversion) -> Result<Self> {
        let schema = schema::read(config)?;
        Ok(Self { options: conversion.options(config, &schema)?, schema })
    }
}

/// What a load needs to know before it opens the export.
pub(super) struct Prepared {
    pub(super) options: ConvertOptions,
    pub(super) warehouse: Box<dyn Warehouse>,
    pub(super) table: Table,
    pub(super) pending: Pending,
    /// How long they were looked for.
    looking: Duration,
}

/// What became of the exports.
#[derive(Debug, Default)]
pub struct Backfilled {
    /// Of each run, in their order.
    pub reports: Vec<RunReport>,
    /// How many of several exports were loaded by now, before, or are covered by a full export; none if there
    /// was one alone.
    pub count: Option<Count>,
}

/// Numbers of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Loaded by this call.
    pub loaded: u64,
    /// In the table before.
    pub already: u64,
    /// Older than the full export in the table can lack.
    pub covered: u64,
    /// In the table once, which was rolled back from them.
    pub rolled_back: u64,
}

/// Reads the schema and finds the exports; changes nothing.
pub(super) fn prepare(config: &Config, request: &Backfill) -> Result<Prepared> {
    let warehouse = target::open(config)?;
    prepare_one(config, &Shared::read(config, &request.conversion)?, request, warehouse)
}

/// Finds the exports of one table; changes nothing.
pub(super) fn prepare_one(
    config: &Config,
    shared: &Shared,
    request: &Backfill,
    warehouse: Box<dyn Warehouse>,
) -> Result<Prepared> {
    let began = Instant::now();
    let (table, options) = (shared.schema.table(&request.table)?.clone(), shared.options.clone());
    let load = pending::Load {
        table: &request.table,
        privacy: table.policy_id(&options.policy),
        again: request.again,
    };
    let pending = pending::pending(config, &request.export, &load, &*warehouse)?;
    let exports = pending.exports.len();
    if exports > 1 && request.rejects.is_some() {
        let what = format!("--rejects names one file, and {exports} exports are to be loaded");
        return Err(Error::usage(what).help("leave --rejects out: each load gets a file of its own"));
    }
    Ok(Prepared { options, warehouse, table, pending, looking: began.elapsed() })
}

/// Loads the export that is named or the newest full one, all or nothing; of incremental ones all that the table
/// lacks, oldest first, each by itself, up to the first that fails. `observer` hears how each ended; a failed run
/// has a report too. The listeners of the configuration hear of each, and the ledger remembers it.
///
/// # Errors
/// The first failure. What was loaded before it stays.
pub fn backfill(config: &Config, request: &Backfill, observer: &dyn Observer) -> Result<Backfilled> {
    let prepared = prepare_beside(observer, config, request);
    let listeners = Listeners::of(config);
    let done = load_all(config, &listeners, request, prepared, observer);
    listeners.finish(None);
    done
}

/// Loads the exports of one table, or tells everybody why it cannot begin.
pub(super) fn load_all(
    config: &Config,
    listeners: &Listeners<'_>,
    request: &Backfill,
    prepared: Result<Prepared>,
    observer: &dyn Observer,
) -> Result<Backfilled> {
    let begin = || Run::begin(observer, &request.table, request.export.kind());
    let Prepared { options, warehouse, table, pending, mut looking } = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let run = begin();
            let outcome = concluded(&run, config, listeners, Err(run.failed(None, error)));
            return outcome.map(|report| Backfilled { reports: vec![report], count: None });
        }
    };
    let (mut warehouse, exports) = (Some(warehouse), pending.exports.len());
    let mut reports = Vec::with_capacity(exports);
    for (at, export) in pending.exports.iter().enumerate() {
        // The first of them is as late as all were looked for.
        let run = begin().after(std::mem::take(&mut looking));
        let outcome = warehouse.take().map_or_else(|| target::open(config), Ok);
        let outcome = outcome.map_err(|error| run.failed(None, error)).and_then(|warehouse| {
            load(&run, config, request, (options.clone(), warehouse, table.clone()), export)
        });
        let concluded = concluded(&run, config, listeners, outcome);
        reports.push(concluded.map_err(|error| with_left(observer, error, exports - at - 1))?);
    }
    let count = pending.standing.map(|standing| counted(standing, &reports));
    Ok(Backfilled { reports, count })
}

fn load(
    run: &Run<'_>,
    config: &Config,
    request: &Backfill,
    (options, warehouse, table): (ConvertOptions, Box<dyn Warehouse>, Table),
    export: &FoundExport,
) -> Outcome {
    let failed = |error| run.failed(Some(store::name_of(&export.location)), error);
    let rejects = Rejects::of_loads(config, Path::new(""), request.rejects.as_deref()).map_err(failed)?;
    let (conversion, again) = (&request.conversion, request.again);
    let shrink = shrink_guard(config, request.allow_shrink);
    let rejected_from = export.rejected_from;
    let loading =
        Loading { run, config, conversion, options, warehouse, table, again, rejects, shrink, rejected_from };
    let open = || store::open(&export.location);
    loading.load(&store::name_of(&export.location), export.exported_at.clone(), open)
}

/// Everybody is told. A load has ended whatever becomes of what is written about it: whoever ran it again for
/// that would find nothing to do.
fn concluded(
    run: &Run<'_>,
    config: &Config,
    listeners: &Listeners<'_>,
    outcome: Outcome,
) -> Result<RunReport> {
    let outcome = remembered(run, config, listeners.told(outcome, End::Done));
    measured(config, run.observer, &outcome, false);
    if let Err(refused) = run.observer.ended(&outcome) {
        run.observer.note(&format!("all is loaded, but what is said of it could not be written: {refused}"));
    }
    outcome.map_err(|(_, error)| error)
}

/// The error, and how many exports were not begun because of it.
fn with_left(observer: &dyn Observer, error: Error, left: usize) -> Error {
    if left == 0 {
        return error;
    }
    let exports =
        if left == 1 { "1 later export was".to_owned() } else { format!("{left} later exports were") };
    let told = format!("{exports} not begun: the next run loads what the table lacks then");
    match error.detail().map(|detail| detail.help.clone()) {
        Some(help) if help.is_empty() => error.help(told),
        Some(help) => error.help(format!("{help}; {told}")),
        None => {
            observer.note(&told);
            error
        }
    }
}

/// One whose content turned out to be in the table was loaded already.
fn counted(standing: Standing, reports: &[RunReport]) -> Count {
    let loaded = reports.iter().filter(|report| report.status == Status::Succeeded).count() as u64;
    let already = standing.already + standing.lacking.saturating_sub(loaded);
    Count { loaded, already, covered: standing.covered, rolled_back: standing.rolled_back }
}

/// [`prepare`], and shows the observer what will be read.
fn prepare_beside(observer: &dyn Observer, config: &Config, request: &Backfill) -> Result<Prepared> {
    let prepared = prepare(config, request)?;
    let exports = prepared.pending.exports.iter().map(|export| export.location.clone());
    let inputs = std::iter::once(schema::location(config)?).chain(exports);
    observer.about_to_read(&inputs.collect::<Vec<_>>())?;
    Ok(prepared)
}
