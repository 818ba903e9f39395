//! Where tables live. One trait, one contract suite; the local warehouse is the embedded default.

mod local;
mod lock;
mod parts;
#[cfg(feature = "query")]
pub mod query;
#[cfg(feature = "redshift")]
pub mod redshift;
mod sweep;
mod version;

pub use local::{KEEP_VERSIONS, LOCK_WAIT_MAX, LocalWarehouse, Snapshot};

use crate::error::Result;
use crate::report::{FileReport, Rows};
use crate::schema::{Layout, MissingColumns, Table};
use crate::store::{ExportKind, ObjectInfo, SegmentSink};

/// How much smaller than the last full load a full export may leave the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShrinkGuard {
    /// Percent of the last full load's rows that may be missing; `None`: the table may shrink, or be emptied.
    pub max_percent: Option<u8>,
}

impl Default for ShrinkGuard {
    fn default() -> Self {
        Self { max_percent: Some(50) }
    }
}

/// A load that is about to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadRequest {
    /// UUIDv7 of the run.
    pub load_id: String,
    /// Table name.
    pub table: String,
    /// Full replaces, incremental adds.
    pub kind: ExportKind,
    /// The export; `uri` and `etag` together say whether it was loaded before.
    pub source: ObjectInfo,
    /// When the export was made, as its key says: `YYYYMMDDhhmmss`, digits only; sorts as text.
    pub exported_at: Option<String>,
    /// What a full export may do to the number of rows.
    pub shrink: ShrinkGuard,
}

/// Whether a load may go ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Go.
    Proceed,
    /// This very export (uri and etag) is in the table already, by this load.
    AlreadyLoaded {
        /// The load that brought it.
        load_id: String,
    },
    /// A newer full export is in the table.
    Older {
        /// `exported_at` of the one in the table.
        than: String,
    },
}

/// What the warehouse did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadReceipt {
    /// Rows that came from the export.
    pub loaded: u64,
    /// Rows of an incremental export that were there already, and were passed over.
    pub present: u64,
    /// Rows kept from the old table.
    pub carried_over: u64,
    /// The files as they are addressed now, after the load.
    pub files: Vec<FileReport>,
}

/// A place that holds tables and replaces or extends them in one step.
pub trait Warehouse: Send + Sync {
    /// Whether this load should happen at all. Changes nothing.
    fn admit(&self, request: &LoadRequest) -> Result<Admission>;

    /// Takes the table's lock and prepares an empty place for the segments.
    fn stage(&self, request: &LoadRequest) -> Result<Box<dyn Staging>>;
}

/// The segments of one load, on their way into a table. Dropped without [`Staging::load`], it
/// removes what was staged and leaves the table as it was.
pub trait Staging: Send + Sync {
    /// Where segments are written.
    fn sink(&self) -> &dyn SegmentSink;

    /// What the table that is there makes of the file's columns: its own names, types and widths. Asked
    /// once, when the header was read, before any row is.
    ///
    /// # Errors
    /// [`crate::Error::Schema`] naming everything that does not fit.
    fn fit(&self, layout: Layout, table: &Table, missing: MissingColumns) -> Result<Layout> {
        let _ = (table, missing);
        Ok(layout)
    }

    /// Puts the staged files into the table, all or none, and writes the ledger entry with it.
    ///
    /// # Errors
    /// [`crate::Error::Counts`] if the files do not hold `rows.accepted` rows.
    fn load(self: Box<Self>, files: &[FileReport], rows: &Rows) -> Result<LoadReceipt>;
}
