//! What a user may choose about a conversion, and the limits that nobody may.

use clap::ValueEnum;

/// Compression of the Parquet pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Codec {
    /// Fast, and what Redshift is known to load.
    #[default]
    Snappy,
    /// Smaller; level 1.
    Zstd,
    /// Uncompressed.
    None,
}

impl Codec {
    /// The middle of a file name: `part-00000.snappy.parquet`. Redshift would unpack `*.zst` whole.
    pub fn file_suffix(self) -> &'static str {
        match self {
            Self::Snappy => "snappy.parquet",
            Self::Zstd => "zstd.parquet",
            Self::None => "parquet",
        }
    }
}

/// What happens to a text value that is wider than its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Overlong {
    /// Cut at a character boundary, counted and reported.
    #[default]
    Truncate,
    /// The record is rejected.
    Reject,
}

/// What becomes of `""`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum EmptyStrings {
    /// It stays the empty string, apart from NULL.
    #[default]
    Keep,
    /// It becomes NULL.
    Null,
}

/// Choices for one conversion. [`Default`] is what the README documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvertOptions {
    /// Worker threads; all of the work is done by these.
    pub threads: usize,
    /// Uncompressed CSV bytes of one row group, the unit of parallel work.
    pub row_group_bytes: usize,
    /// Uncompressed CSV bytes of one segment, which becomes one Parquet file.
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
    pub unknown_columns: crate::schema::UnknownColumns,
    /// Columns of the schema that the file lacks.
    pub missing_columns: crate::schema::MissingColumns,
    /// Widest text in bytes where the schema names no width; `None`: any.
    pub text_bytes_max: Option<u32>,
}

/// Uncompressed CSV bytes of a row group unless told otherwise: 16 MiB.
pub const ROW_GROUP_BYTES: usize = 16 << 20;
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
            unknown_columns: crate::schema::UnknownColumns::Fail,
            missing_columns: crate::schema::MissingColumns::Fail,
            text_bytes_max: None,
        }
    }
}
