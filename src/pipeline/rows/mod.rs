//! An export's rows for a query, without Parquet between (feature `query`).
//!
//! ```text
//!                one worker at a time            every worker, one for each partition        in order
//! ByteSource ──▶ decompress ──▶ split ──▶ turn ──▶ scan · check · commit ──▶ RecordBatch     tally
//!                                          │  1 MiB of whole records          8,192 rows       ▲
//!                                          └──────────────── counts, rejects, errors ──────────┘
//! ```
//! It is the path of a conversion up to the fields, which go to Arrow arrays in place of pages. Workers give batches as
//! they have them; what is wrong is told in the order of the file, under the numbers that a conversion gives it.

mod export;
mod provider;
mod reading;
mod scan;
mod source;
mod tally;

pub use export::{ExportRows, Opening};
pub use provider::ExportTable;
pub use reading::Reading;
