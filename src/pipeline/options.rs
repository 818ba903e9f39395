//! What a user may choose about a conversion.

use super::cuts::CUT_RULE;
use crate::csv::LineEnd;
use crate::pages::{Codec, EmptyStrings, EncodeOptions, Overlong};
use crate::privacy::{Marks, Policy};
use crate::schema::{MissingColumns, Table, UnknownColumns};
use std::fmt;
use std::sync::Arc;

/// Choices for one conversion. [`Default`] is what the README documents.
#[derive(Clone, PartialEq, Eq)]
pub struct ConvertOptions {
    /// Worker threads; all of the work is done by these.
    pub threads: usize,
    /// Uncompressed CSV bytes of one row group, the unit of parallel work; at most
    /// [`ROW_GROUP_BYTES_MAX`].
    pub row_group_bytes: usize,
    /// Bytes of one segment, which becomes one Parquet file: of the CSV, or of bzip2 a quarter of it as stored. A segment
    /// ends with the record that lies over such a place of the stored file.
    pub segment_bytes: u64,
    /// Compression of pages.
    pub codec: Codec,
    /// How many records may be rejected before the run stops.
    pub max_rejects: u64,
    /// Values wider than their column.
    pub overlong: Overlong,
    /// `""` in text columns.
    pub empty_strings: EmptyStrings,
    /// Columns of the file that the schema lacks.
    pub unknown_columns: UnknownColumns,
    /// Columns of the schema that the file lacks.
    pub missing_columns: MissingColumns,
    /// Widest text in bytes where the schema names no width; `None`: any.
    pub text_bytes_max: Option<u32>,
    /// Whether a last record without a line end is whole. PostgreSQL ends every record, so a file that lacks the
    /// last line end was cut; one that was made by hand may lack it.
    pub allow_open_end: bool,
    /// Other tables of the schema: a header that does not fit the table may fit one of them, and then says so.
    pub other_tables: Arc<[Table]>,
    /// Which columns are hidden, and how.
    pub policy: Arc<Policy>,
    /// Whose records are left out because they were erased.
    pub erased: Arc<Marks>,
    /// Put rejected values into the report too.
    pub report_values: bool,
}

/// Without what stands for itself in the identity of a load, which these words are a part of: the policy; and without marks,
/// which a load reads when it begins.
impl fmt::Debug for ConvertOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            threads,
            row_group_bytes,
            segment_bytes,
            codec,
            max_rejects,
            overlong,
            empty_strings,
            unknown_columns,
            missing_columns,
            text_bytes_max,
            allow_open_end,
            other_tables,
            policy: _,
            erased: _,
            report_values: _,
        } = self;
        f.debug_struct("ConvertOptions")
            .field("threads", threads)
            .field("row_group_bytes", row_group_bytes)
            .field("segment_bytes", segment_bytes)
            .field("cut_at", &CUT_RULE)
            .field("codec", codec)
            .field("max_rejects", max_rejects)
            .field("overlong", overlong)
            .field("empty_strings", empty_strings)
            .field("unknown_columns", unknown_columns)
            .field("missing_columns", missing_columns)
            .field("text_bytes_max", text_bytes_max)
            .field("allow_open_end", allow_open_end)
            .field("other_tables", other_tables)
            .finish()
    }
}

/// Uncompressed CSV bytes of a row group unless told otherwise: 16 MiB.
pub const ROW_GROUP_BYTES: usize = 16 << 20;
/// What more is asked for is cut to this, 1 GiB: row groups are held in memory, one for each thread.
pub const ROW_GROUP_BYTES_MAX: usize = 1 << 30;
/// Uncompressed CSV bytes of a segment unless told otherwise: 256 MiB, some 64 MiB of Parquet.
pub const SEGMENT_BYTES: u64 = 256 << 20;

impl Default for ConvertOptions {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            row_group_bytes: ROW_GROUP_BYTES,
            segment_bytes: SEGMENT_BYTES,
            codec: Codec::default(),
            max_rejects: 0,
            overlong: Overlong::default(),
            empty_strings: EmptyStrings::default(),
            unknown_columns: UnknownColumns::Fail,
            missing_columns: MissingColumns::Fail,
            text_bytes_max: None,
            allow_open_end: false,
            other_tables: Arc::default(),
            policy: Arc::default(),
            erased: Arc::default(),
            report_values: false,
        }
    }
}

impl ConvertOptions {
    /// The choices that shape the pages.
    pub(super) fn encode_options(&self, line_end: LineEnd) -> EncodeOptions {
        EncodeOptions {
            codec: self.codec,
            overlong: self.overlong,
            empty_strings: self.empty_strings,
            text_bytes_max: self.text_bytes_max,
            rejects_max: self.max_rejects,
            text_hashes: false,
            line_end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_the_cuts_is_part_of_a_loads_identity() {
        let words = format!("{:?}", ConvertOptions::default());
        assert!(words.contains(&format!("cut_at: {CUT_RULE:?}")), "{words}");
    }
}
