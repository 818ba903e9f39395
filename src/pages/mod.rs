//! Field bytes to finished Parquet: typed values, pages, column chunks, row groups, files.
//!
//! ```text
//! Block ─▶ RowGroupEncoder ─▶ EncodedRowGroup ─▶ SegmentFile ─▶ Bytes, page by page
//!             one a worker       column chunks      in order
//! ```
//!
//! Each field goes from its bytes in the CSV to its bytes in the page in one step: no row objects,
//! no arrays between. Levels, dictionaries and PLAIN values and page headers are
//! written here; the footer is the parquet crate's. What comes out depends on the records alone.

mod bits;
mod boolean;
mod bytes;
mod chunk;
mod column;
mod compiled;
mod compress;
mod dictionary;
mod explain;
mod fast;
mod file;
mod fixed;
#[cfg(test)]
mod for_tests;
mod gather;
mod gauge;
mod group;
mod header;
mod indices;
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
mod text_value;
mod turn;

pub use file::{CREATED_BY, FOOTER_BYTES_GUESS, SegmentFile, footer_rows};
pub use group::{Counted, DictionaryPlan, EncodedColumns, EncodedRowGroup, Encoding, RowGroupEncoder};
pub use header::{PageKind, write_page_header};
pub use kind::rule_of;
pub use options::{Codec, EmptyStrings, EncodeOptions, Overlong};
pub use rejects::{Fault, PackedReject, Reject, Rejects};
