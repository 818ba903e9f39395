//! Field bytes to finished Parquet: typed values, pages, column chunks, row groups, files.
//!
//! ```text
//! Block ─▶ RowGroupEncoder ─▶ EncodedRowGroup ─▶ SegmentFile ─▶ Bytes, page by page
//!             one a worker       column chunks      in order
//!       └▶ BatchDecoder ─▶ RecordBatch: Arrow arrays of some columns, for queries (feature `query`)
//! ```
//!
//! Each field goes from its bytes in the CSV to its bytes in the page in one step: no row objects,
//! no arrays between. Levels, dictionaries and PLAIN values and page headers are
//! written here; the footer is the parquet crate's. What comes out depends on the records alone.

#[cfg(feature = "query")]
mod arrays;
mod bits;
mod boolean;
mod bytes;
mod chunk;
mod column;
mod compiled;
mod compress;
mod dictionary;
mod encoding;
mod explain;
mod fast;
mod file;
mod fixed;
#[cfg(test)]
mod for_tests;
mod gather;
mod gauge;
mod group;
mod hashed;
mod header;
mod indices;
mod intake;
mod kind;
mod layout;
mod made;
mod marked;
mod options;
mod portable;
mod rejects;
mod simd;
#[cfg(target_arch = "x86_64")]
mod simd_x86;
mod spans;
mod sums;
mod text;
mod text_fields;
mod text_value;
mod turn;

#[cfg(feature = "query")]
pub use arrays::{BatchDecoder, arrow_schema};
pub use encoding::Encoding;
pub use file::{CREATED_BY, FOOTER_BYTES_GUESS, SegmentFile, footer_rows};
pub use group::{Counted, DictionaryPlan, EncodedColumns, EncodedRowGroup, RowGroupEncoder};
pub use header::{PageKind, write_page_header};
pub use intake::Counts;
pub use kind::rule_of;
pub use options::{Codec, EmptyStrings, EncodeOptions, Overlong};
pub use rejects::{Fault, PackedReject, Reject, Rejects};
