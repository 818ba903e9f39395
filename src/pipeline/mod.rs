//! The path: from an export to staged Parquet, and into the warehouse.
//!
//! ```text
//! ByteSource ─▶ decompress ─▶ split ─▶ RowGroup ─▶ encode ─▶ FinishedRowGroup ─▶ stage ─▶ load
//!              └─ one worker at a time ─┘        └ all workers ┘                └ in order ┘
//! ```

mod caught;
mod convert;
mod decompress;
mod digest;
mod faults;
mod foreign;
mod kernel;
mod load;
mod members;
mod nowhere;
mod options;
mod profile;
mod rejects;
#[cfg(feature = "query")]
pub mod rows;
mod split;
mod stage;
mod theirs;
mod watch;

pub use crate::pages::{Codec, EmptyStrings, Overlong};
pub use decompress::Compression;
pub use faults::{Faults, faults};
pub use load::{Job, Outcome, backfill, convert, read_layout};
pub use options::{ConvertOptions, ROW_GROUP_BYTES, ROW_GROUP_BYTES_MAX, SEGMENT_BYTES};
pub use profile::{Profile, profile};
pub use rejects::{RejectsPlace, are_reasons, files as rejects_files};
pub use theirs::{reasons_of_theirs, theirs};
pub use watch::Watch;
