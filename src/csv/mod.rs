//! PostgreSQL's CSV, cut into blocks, records and fields. Pure: bytes in, positions out; the system is only asked for
//! large pages.
//!
//! ```text
//!  bytes ──▶ Splitter ──▶ Block (whole records) ──▶ scan ──▶ field ends + "something is wrong here"
//!                                                     └────▶ exact records: where, what, which rule
//! ```
//!
//! The dialect is that of `COPY … TO … CSV` ([PostgreSQL 15, COPY][copy]): comma, `"` around a field
//! and doubled inside one, NULL as an unquoted empty field, every record ended by LF, the last one too (CRLF is
//! read as well, if all end so).
//! A quote never stands anywhere else, so the parity of the quotes seen so far tells whether a
//! newline ends a record: cutting needs no guessing, however the bytes arrive.
//!
//! [copy]: https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.3

mod block;
mod exact;
mod large_pages;
mod line_end;
mod masks;
mod scan;
#[cfg(target_arch = "x86_64")]
mod scan_x86;
mod segment;
mod split;
mod sync;

pub use block::{Block, Blocks, PAD_AFTER, PAD_BEFORE};
pub use exact::{FieldFault, RawField, RawRecord, raw_records};
pub use line_end::LineEnd;
pub use scan::{Kernel, Scan};
pub use segment::{Piece, Segment};
pub use split::{GAP_BYTES_MAX, RECORD_BYTES_MAX, SplitError, Splitter};
pub use sync::first_record;
