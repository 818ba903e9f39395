//! How a message becomes a load: the same as a backfill of the export that it names.
//!
//! ```text
//! order ─ prepare: schema, table, target, anew each time ─▶ open ─▶ Loading::load ─▶ told, remembered, ended
//!                                                            │
//!                    the signed URL; where that is refused, the s3:// name (store::open_either)
//! ```
//! Whichever opens, the export keeps the
//! name that [`LoadOrder::name`] gives it, so that the ledger knows it again.

use super::listeners::{End, Listeners};
use super::load::{Loading, remembered, shrink_guard};
use super::measure::measured;
use super::observer::Observer;
use super::options::Conversion;
use super::queues::policy;
use super::rejects::Rejects;
use super::run::Run;
use super::{privacy, retention, schema, target};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::pipeline::{ConvertOptions, Outcome, Watch};
use crate::queue::{LoadOrder, ObjectName};
use crate::report::Status;
use crate::schema::{BulkSchema, Table};
use crate::store::{self, ByteSource, ExportKind, Location, ObjectInfo};
use crate::warehouse::Warehouse;
use crate::work::Loader;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What the worker decides for all of its loads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Work {
    /// How exports are converted.
    pub conversion: Conversion,
    /// Folder of rejected records where nothing else says where they go; empty: the current one.
    pub rejects: PathBuf,
}

/// Loads what messages name, under one configuration.
pub(super) struct Loads<'a> {
    config: &'a Config,
    request: &'a Work,
    observer: &'a dyn Observer,
    listeners: Listeners<'a>,
    metrics: Arc<Metrics>,
    /// The load under way.
    current: Mutex<Arc<Watch>>,
}

/// What a load needs to know before it opens the export.
struct Ready {
    options: ConvertOptions,
    warehouse: Box<dyn Warehouse>,
    table: Table,
}

impl<'a> Loads<'a> {
    pub(super) fn new(config: &'a Config, request: &'a Work, observer: &'a dyn Observer) -> Self {
        let listeners = Listeners::of(config);
        Self { config, request, observer, listeners, metrics: Arc::default(), current: Mutex::default() }
    }

    pub(super) fn observer(&self) -> &'a dyn Observer {
        self.observer
    }

    /// What was counted.
    pub(super) fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Whether the settings can be worked with at all.
    pub(super) fn check(&self) -> Result<()> {
        policy(self.config)?;
        target::open(self.config)?;
        self.rejects()?;
        privacy::policy(self.config)?;
        schema::read(self.config).map(drop)
    }

    /// Where rejected records go.
    fn rejects(&self) -> Result<Rejects> {
        Rejects::of_loads(self.config, &self.request.rejects, None)
    }

    /// Takes away what is over its time.
    pub(super) fn sweep(&self) -> Result<()> {
        retention::sweep(self.config, &*target::open(self.config)?, &self.rejects()?, None);
        Ok(())
    }

    /// The receiver has asked this; others that write to the queue need not have.
    fn allow(&self, order: &LoadOrder) -> Result<()> {
        policy(self.config)?.allows(order).map_err(|refusal| {
            Error::usage(format!("this export may not be fetched: {}", refusal.reason())).help(
                "correct exports.buckets or exports.slug if it is yours; if not, look who writes to the queue",
            )
        })
    }

    /// The schema is read anew: it moves, and an export is of the schema of its night.
    fn prepare(&self, order: &LoadOrder) -> Result<Ready> {
        let warehouse = target::open(self.config).map_err(passing)?;
        let schema = schema::read(self.config).and_then(named_tables).map_err(passing)?;
        let options = self.request.conversion.options(self.config, &schema).map_err(passing)?;
        Ok(Ready { options, warehouse, table: schema.table(&order.table)?.clone() })
    }

    fn load_one(&self, run: &Run<'_>, order: &LoadOrder) -> Outcome {
        let uri = order.name();
        let ready = self.allow(order).and_then(|()| self.prepare(order)).map_err(|error| {
            // A table that the schema lacks must not become a folder of the warehouse.
            let uri = (!matches!(error, Error::Schema(_))).then(|| uri.clone());
            run.failed(uri, error)
        })?;
        let Ready { options, warehouse, table } = ready;
        let (config, conversion) = (self.config, &self.request.conversion);
        let shrink = shrink_guard(config, false);
        let rejects = self.rejects().map_err(|error| run.failed(Some(uri.clone()), passing(error)))?;
        let (again, rejected_from) = (false, None);
        let loading = Loading {
            run,
            config,
            conversion,
            options,
            warehouse,
            table,
            again,
            rejects,
            shrink,
            rejected_from,
        };
        let outcome = loading.load(&uri, order.exported_at(), || open(order));
        outcome.map_err(|(report, error)| (report, advised(error, &uri)))
    }
}

impl Loads<'_> {
    /// A load has ended whatever becomes of what is written about it.
    fn written(&self, outcome: &Outcome) {
        if let Err(refused) = self.observer.ended(outcome) {
            tracing::warn!(error = %refused, "the end of a load could not be written down");
        }
    }
}

impl Loader for Loads<'_> {
    fn load(&self, order: &LoadOrder, is_final: &dyn Fn(&Error) -> bool) -> Result<Status> {
        let run = Run::begin(self.observer, &order.table, order.kind);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&run.watch);
        let outcome = self.load_one(&run, order);
        let end = match &outcome {
            Ok(_) => End::Done,
            Err((_, error)) if is_final(error) => End::Dead,
            Err(_) => End::Again,
        };
        let again = end == End::Again;
        let outcome = self.listeners.told(outcome, end);
        let outcome = remembered(&run, self.config, outcome);
        measured(self.config, self.observer, &outcome, again);
        let report = match &outcome {
            Ok(report) => report,
            Err((report, _)) => report,
        };
        self.metrics.loaded(report, again);
        self.written(&outcome);
        outcome.map(|report| report.status).map_err(|(_, error)| error)
    }

    fn buried(&self, order: Option<&LoadOrder>, error: Error) {
        // A message that nobody can read names no table; listeners want one.
        let (table, kind) = order.map_or(("unknown", ExportKind::Full), |order| (&order.table, order.kind));
        let run = Run::begin(self.observer, table, kind);
        let outcome = Err(run.failed(order.map(LoadOrder::name), error));
        let outcome = self.listeners.told(outcome, End::Buried);
        self.written(&outcome);
    }

    fn cut(&self) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).stop();
    }

    fn note(&self, text: &str) {
        self.observer.note(text);
    }

    fn rest(&self, latest: Option<Instant>) {
        self.listeners.finish(latest);
    }
}

/// A schema or a target that cannot be reached is not the message's fault; neither is an address that
/// answers with a page of HTML, half a JSON, or nothing.
fn passing(error: Error) -> Error {
    let help = error.detail().map(|detail| detail.help.clone()).unwrap_or_default();
    match error {
        Error::Interrupted | Error::Transient(_) | Error::Machine(_) => error,
        lasting => Error::transient("the worker cannot load anything now").help(help).because(lasting),
    }
}

/// A schema without a table is none: every export would be of a table that it lacks.
fn named_tables(schema: BulkSchema) -> Result<BulkSchema> {
    if schema.loadable().next().is_none() {
        return Err(Error::schema("the schema names no table that can be loaded"));
    }
    Ok(schema)
}

fn open(order: &LoadOrder) -> Result<Box<dyn ByteSource>> {
    let url = store::foreign(&order.download_url)?;
    let name = order.object().map(|ObjectName { bucket, key }| Location::S3 { bucket, key });
    let source = store::open_either(&url, name.as_ref())?;
    let info = ObjectInfo { uri: order.name(), ..source.info().clone() };
    Ok(Box::new(Named { source, info }))
}

/// A source under the export's own name.
struct Named {
    source: Box<dyn ByteSource>,
    info: ObjectInfo,
}

impl ByteSource for Named {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        self.source.read(buf)
    }
}

/// An export that is refused has most likely run out: S3 answers the same to one that was never granted.
fn advised(error: Error, uri: &str) -> Error {
    let place = error.detail().and_then(|detail| detail.place.uri.clone()).unwrap_or_default();
    let is_export = place == uri || place.starts_with("http");
    match error {
        Error::Access(_) if is_export => error.help(
            "an export can be read for 6 hours after it was made: request a test ingest in ControlShift's \
             webhook settings, which sends a new one",
        ),
        // Permissions of the warehouse, say, or a table that is damaged: they are fixed sooner than an export is
        // made anew.
        Error::Usage(_) | Error::Access(_) => passing(error),
        Error::Input(_) if !is_export => passing(error),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Place;

    #[test]
    fn only_the_export_itself_makes_a_dead_letter_of_its_message() {
        let export = "s3://b/org/full/t/20260301/t_20260301031500.csv";
        for (place, code) in [(export, 3), ("https://b.s3.amazonaws.com/k?…", 3), ("./warehouse/t", 7)] {
            let error = advised(Error::access("permission denied").at(Place::uri(place)), export);
            assert_eq!(error.exit_code(), code, "{place}");
        }
        assert_eq!(advised(Error::schema("another column"), export).exit_code(), 4);
        for (place, code) in [(export, 1), ("./warehouse/t/v/x.parquet", 7)] {
            let error = advised(Error::input("damaged").at(Place::uri(place)), export);
            assert_eq!(error.exit_code(), code, "{place}");
        }
    }
}
