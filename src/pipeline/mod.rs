//! The path: from an export to staged Parquet, and into the warehouse.

mod options;
mod watch;

pub use options::{Codec, ConvertOptions, EmptyStrings, Overlong, ROW_GROUP_BYTES, SEGMENT_BYTES};
pub use watch::Watch;

use crate::error::Result;
use crate::report::RunReport;
use crate::schema::Table;
use crate::store::{ByteSource, ExportKind, SegmentSink};
use crate::warehouse::Warehouse;
use std::path::PathBuf;

/// One export of one table, opened and named.
pub struct Job {
    /// UUIDv7 of the run.
    pub load_id: String,
    /// The table as the schema knows it.
    pub table: Table,
    /// Full or incremental.
    pub kind: ExportKind,
    /// The export's bytes.
    pub source: Box<dyn ByteSource>,
    /// When the export was made (`YYYYMMDDhhmmss`), if its name says so.
    pub exported_at: Option<String>,
    /// Where rejected records are written (CSV; the reasons go beside it, as JSON lines). `None`: nowhere.
    pub rejects: Option<PathBuf>,
}

/// How a run ended: the report is there either way, the error if it failed.
pub type Outcome = std::result::Result<RunReport, (Box<RunReport>, crate::Error)>;

/// Converts an export to Parquet in `sink`; loads nothing.
pub fn convert(job: Job, options: &ConvertOptions, sink: &dyn SegmentSink, watch: &Watch) -> Outcome {
    let _ = (job, options, sink, watch);
    unimplemented!("the path")
}

/// The whole job: converts the export and puts it into the warehouse's table, all or nothing.
pub fn backfill(job: Job, options: &ConvertOptions, warehouse: &dyn Warehouse, watch: &Watch) -> Outcome {
    let _ = (job, options, warehouse, watch);
    unimplemented!("the path")
}

/// Reads the header of an export and binds it to the table, without reading further.
///
/// # Errors
/// [`crate::Error::Schema`] naming every column that does not fit.
pub fn read_layout(job: &mut Job, options: &ConvertOptions) -> Result<crate::schema::Layout> {
    let _ = (job, options);
    unimplemented!("the path")
}
