//! What each command does, without a terminal: one file for each verb.
//!
//! ```text
//!  cli, lambda, other programs            ops                          the path
//!  ───────────────────────────            ───                          ────────
//!  Config + a request ──────────▶ backfill · convert · work ────▶ pipeline, warehouse, store
//!  Observer ◀── notes, progress, "stop?" ──┘        │
//!  values ◀─────────────────────────────────────────┘   nothing is printed here
//! ```
//! [`backfill()`] loads exports, [`tables`] those of several tables, [`convert()`] makes Parquet of it, [`plan`] says what [`backfill()`] would do,
//! [`check`] what it needs, [`faults`] what is wrong with an export, [`verify`] whether a table is what an export says; [`rollback`] makes a table what it was, [`erase`] takes people out of one; [`loads`] is what was loaded, [`cost`] what it costs. With the feature `serve`,
//! `receive` takes webhooks, `work` loads what they name, and `dead_letters` is what could not be loaded.
//!
//! All of it blocks the thread that calls it, for as long as a load takes, and starts threads of its own:
//! inside an async program call it from `spawn_blocking`. `receive` alone is for the async side; it says so.
//! Options are those of the configuration; what only one run decides is in its request.

pub mod backfill;
pub mod check;
pub mod cluster;
mod comparison;
pub mod convert;
pub mod cost;
#[cfg(feature = "serve")]
pub mod dead_letters;
pub mod erase;
mod export;
pub mod faults;
#[cfg(feature = "serve")]
pub mod function;
mod glue_job;
pub mod init;
mod inputs;
mod listeners;
mod load;
mod load_ids;
pub mod loads;
mod measure;
mod observer;
mod options;
mod outputs;
mod pending;
pub mod plan;
pub mod privacy;
mod progress;
#[cfg(feature = "query")]
pub mod query;
#[cfg(feature = "query")]
mod query_export;
#[cfg(feature = "serve")]
mod queues;
#[cfg(feature = "serve")]
pub mod receive;
mod rejects;
mod retention;
pub mod rollback;
mod run;
pub mod schema;
pub mod state;
pub mod tables;
mod target;
#[cfg(feature = "aws")]
mod telling;
pub mod verify;
#[cfg(feature = "serve")]
pub mod work;
#[cfg(feature = "serve")]
mod work_load;

pub use crate::pipeline::{
    Codec, ConvertOptions, EmptyStrings, Outcome, Overlong, ROW_GROUP_BYTES_MAX, Watch, rejects_files,
};
pub use crate::schema::{ColumnType, MissingColumns, UnknownColumns, Width};
pub use crate::store::{ExportKind, Location};
pub use backfill::{Backfill, Backfilled, Count, backfill};
pub use convert::{Convert, convert};
pub use export::ExportChoice;
pub use observer::{Observer, Silent};
pub use options::Conversion;
pub use outputs::{PAGE_MARK, ReportForm, open_report, write_file};
pub use run::not_begun;
