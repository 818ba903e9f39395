//! The path: from an export to staged Parquet, and into the warehouse.
//!
//! ```text
//! ByteSource ─▶ decompress ─▶ split ─▶ RowGroup ─▶ encode ─▶ FinishedRowGroup ─▶ stage ─▶ load
//!              └─ one worker at a time ─┘        └ all workers ┘                └ in order ┘
//! ```

mod caught;
mod compression;
mod convert;
mod counts;
mod cuts;
mod decompress;
mod digest;
mod encode;
mod faults;
mod files;
mod foreign;
mod join;
mod kernel;
mod load;
mod members;
mod nowhere;
mod options;
mod profile;
mod rejects;
#[cfg(feature = "query")]
pub mod rows;
mod spec;
mod split;
mod stage;
mod tally;
mod theirs;
mod unit;
mod units;
mod watch;

pub use crate::pages::{Codec, EmptyStrings, Overlong};
pub use compression::Compression;
pub use faults::{Faults, faults};
pub use load::{Job, Outcome, backfill, backfill_in_units, convert, convert_in_units, read_layout};
pub use options::{ConvertOptions, ROW_GROUP_BYTES, ROW_GROUP_BYTES_MAX, SEGMENT_BYTES};
pub use profile::{Profile, profile};
pub use rejects::{RejectsPlace, are_reasons, files as rejects_files};
pub use spec::Spec;
pub use theirs::{reasons_of_theirs, theirs};
pub use unit::{Known, Ranges, Receipt, Seam, Start, Unit, run_unit};
pub use units::{Here, Units};
pub use watch::Watch;
