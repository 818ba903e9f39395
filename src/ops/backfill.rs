//! The whole job: find the export, convert it, stage it, load it.

use super::export::{ExportChoice, FoundExport};
use super::listeners::{End, Listeners};
use super::load::{Loading, remembered, shrink_guard};
use super::measure::measured;
use super::observer::Observer;
use super::options::Conversion;
use super::run::Run;
use super::{schema, target};
use crate::config::Config;
use crate::error::Result;
use crate::pipeline::{ConvertOptions, Outcome};
use crate::schema::Table;
use crate::store;
use crate::warehouse::Warehouse;
use std::path::PathBuf;

/// What one load decides for itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backfill {
    /// Table to load.
    pub table: String,
    /// Which export.
    pub export: ExportChoice,
    /// How it is converted.
    pub conversion: Conversion,
    /// Make the table in Redshift from the schema if it is not there.
    pub create_table: bool,
    /// Load it though it or a newer full export is in the table.
    pub again: bool,
    /// Let a full export leave as few rows as it brings.
    pub allow_shrink: bool,
    /// Where rejected records go, if there are any; none: a file named after the run in the current folder.
    pub rejects: Option<PathBuf>,
}

/// What a load needs to know before it opens the export.
pub(super) struct Prepared {
    pub(super) options: ConvertOptions,
    pub(super) warehouse: Box<dyn Warehouse>,
    pub(super) table: Table,
    pub(super) export: FoundExport,
}

/// Reads the schema and finds the export; changes nothing.
pub(super) fn prepare(config: &Config, request: &Backfill) -> Result<Prepared> {
    let warehouse = target::open(config)?;
    let schema = schema::read(config)?;
    let (table, options) =
        (schema.table(&request.table)?.clone(), request.conversion.options(config, &schema));
    let export = request.export.find(config, &request.table)?;
    Ok(Prepared { options, warehouse, table, export })
}

/// Loads one export, all or nothing; a failed run has a report too. The listeners of the configuration hear of
/// it, and the ledger remembers it.
pub fn backfill(config: &Config, request: &Backfill, observer: &dyn Observer) -> Outcome {
    let run = Run::begin(observer, &request.table, request.export.kind());
    let listeners = Listeners::of(config);
    let outcome = listeners.told(load(&run, config, request), End::Done);
    let outcome = remembered(&run, config, outcome);
    measured(config, observer, &outcome, false);
    listeners.finish(None);
    outcome
}

fn load(run: &Run<'_>, config: &Config, request: &Backfill) -> Outcome {
    let prepared = prepare_beside(run.observer, config, request).map_err(|error| run.failed(None, error))?;
    let Prepared { options, warehouse, table, export } = prepared;
    let rejects = run.rejects_path(request.rejects.as_deref());
    let (create_table, again) = (request.create_table, request.again);
    let shrink = shrink_guard(config, request.allow_shrink);
    let loading = Loading { run, config, options, warehouse, table, create_table, again, rejects, shrink };
    loading.load(&store::name_of(&export.location), export.exported_at, || store::open(&export.location))
}

/// [`prepare`], and shows the observer what will be read.
fn prepare_beside(observer: &dyn Observer, config: &Config, request: &Backfill) -> Result<Prepared> {
    let prepared = prepare(config, request)?;
    observer.about_to_read(&[schema::location(config)?, prepared.export.location.clone()])?;
    Ok(prepared)
}
