//! What a user may choose about the pages.

use crate::csv::LineEnd;
use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Compression of the Parquet pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, serde::Serialize, serde::Deserialize)]
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
    /// The end of a file name. Redshift would unpack a `*.snappy` or `*.zst` whole, so it is never last.
    pub fn file_suffix(self) -> &'static str {
        match self {
            Self::Snappy => "snappy.parquet",
            Self::Zstd => "zstd.parquet",
            Self::None => "parquet",
        }
    }
}

/// What happens to a value of plain text that is wider than its column. What has a form ([`ColumnType::is_plain_text`]
/// says no) is rejected whatever is asked for: half a JSON is none.
///
/// [`ColumnType::is_plain_text`]: crate::schema::ColumnType::is_plain_text
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overlong {
    /// Cut at a character boundary, counted and reported.
    #[default]
    Truncate,
    /// The record is rejected.
    Reject,
}

/// What becomes of `""`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EmptyStrings {
    /// It stays the empty string, apart from NULL.
    #[default]
    Keep,
    /// It becomes NULL.
    Null,
}

/// Choices that shape the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EncodeOptions {
    /// Compression of pages.
    pub codec: Codec,
    /// Values wider than their column.
    pub overlong: Overlong,
    /// `""`.
    pub empty_strings: EmptyStrings,
    /// Widest text in bytes where the column names no width; `None`: any.
    pub text_bytes_max: Option<u32>,
    /// Rejects after which a row group need not be finished.
    pub rejects_max: u64,
    /// Sum up the hashes of texts too: as much work as reading them, so not on the way into a table.
    pub text_hashes: bool,
    /// How the records of the file end.
    pub line_end: LineEnd,
}
