//! All that is wrong with an export, counted. Loads nothing.

use super::export::ExportChoice;
use super::observer::Observer;
use super::options::Conversion;
use super::schema;
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::pipeline;
use crate::report::words::plural;
use crate::report::{COMPRESSION_UNKNOWN, FaultCount, FaultReport, Rows, SourceReport};
use crate::store;
use serde::Serialize;

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckExport {
    /// Table whose rows these are.
    pub table: String,
    /// The export.
    pub export: ExportChoice,
    /// How it is read.
    pub conversion: Conversion,
}

/// What is wrong with an export.
#[derive(Debug, Serialize)]
pub struct Soundness {
    /// Table name.
    pub table: String,
    /// Whether nothing is.
    pub sound: bool,
    /// The export.
    pub source: SourceReport,
    /// Its counts, as far as it was read.
    pub rows: Rows,
    /// Its faults by rule and column, the most frequent first.
    pub faults: Vec<FaultCount>,
    /// The first of them.
    pub first: Vec<FaultReport>,
    /// Why it could not be read to its end.
    pub error: Option<String>,
    #[serde(skip)]
    stopped: Option<Error>,
}

impl Soundness {
    /// The error that says what a load would end with.
    ///
    /// # Errors
    /// Why it could not be read; [`Error::Rejects`] if records would be rejected.
    pub fn verdict(self) -> Result<()> {
        if let Some(error) = self.stopped {
            return Err(error);
        }
        if self.sound {
            return Ok(());
        }
        let rejected = plural(self.rows.rejected, "record");
        Err(Error::rejects(format!("{rejected} of {} would be rejected", self.rows.read))
            .at(Place::uri(self.source.uri))
            .help("fix the source; a load leaves them out with --max-rejects, and keeps them in a file"))
    }
}

/// Reads an export to its end as a load would, and counts what is wrong with it.
///
/// # Errors
/// If it cannot be opened, or the schema cannot be read. What is wrong with it is no error here:
/// [`Soundness::verdict`].
pub fn check_export(config: &Config, request: &CheckExport, observer: &dyn Observer) -> Result<Soundness> {
    let bulk = schema::read(config)?;
    let (table, options) = (bulk.table(&request.table)?.clone(), request.conversion.options(config, &bulk)?);
    let export = request.export.find(config, &request.table)?;
    observer.about_to_read(&[schema::location(config)?, export.location.clone()])?;
    let opened = store::open(&export.location)?;
    let info = opened.info().clone();
    observer.note(&format!("{}: reading {}", request.table, info.uri));
    let watch = observer.watch();
    let progress = observer.converting(&request.table, &watch, info.bytes);
    let found = pipeline::faults(opened, &table, &options, &watch);
    drop(progress);
    let read = watch.source_bytes.load(std::sync::atomic::Ordering::Relaxed);
    let compression = found.compression.map_or(COMPRESSION_UNKNOWN, |found| found.as_str());
    let stopped = found.result.err();
    Ok(Soundness {
        table: request.table.clone(),
        sound: stopped.is_none() && found.rows.rejected == 0,
        source: SourceReport {
            uri: info.uri,
            etag: info.etag,
            bytes: info.bytes.unwrap_or(read),
            compression: compression.to_owned(),
        },
        rows: found.rows,
        faults: found.rejects.counts,
        first: found.rejects.first,
        error: stopped.as_ref().map(ToString::to_string),
        stopped,
    })
}
