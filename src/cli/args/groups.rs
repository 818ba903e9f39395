//! Groups of flags that several commands share, and how their values are read.

use super::cluster::ClusterArgs;
use crate::ops::{
    Codec, EmptyStrings, ExportKind, MissingColumns, Overlong, ROW_GROUP_BYTES_MAX, UnknownColumns,
};
use clap::{Args, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// Which export is loaded.
#[derive(Debug, Args)]
#[command(next_help_heading = "Export")]
pub struct ExportArgs {
    /// Root that holds full/ and incremental/: a folder, or s3://bucket/slug [config: exports.root]
    #[arg(long, value_name = "URI", value_hint = ValueHint::AnyPath)]
    pub exports: Option<String>,
    /// One export file instead of the newest: a path, s3://, https://, - for standard input, or @FILE, a file whose
    /// first line names it
    #[arg(long, value_name = "URI", value_hint = ValueHint::AnyPath)]
    pub export: Option<OsString>,
    /// Whether the export replaces the table or adds to it [default: what its name says, else full]
    #[arg(long, value_enum)]
    pub kind: Option<ExportKind>,
    /// Take --export though its name is that of another table
    #[arg(long, requires = "export")]
    pub any_name: bool,
    /// The newest full export of this day, or all incremental ones of it, instead of those of all days
    #[arg(long, value_name = "YYYYMMDD", value_parser = parse_date, conflicts_with = "export")]
    pub date: Option<String>,
}

/// Where the table goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Warehouse")]
pub struct TargetArgs {
    /// Folder of the local warehouse, or redshift [config: warehouse.to; default: ./warehouse]
    #[arg(long, value_name = "DIR|redshift", value_hint = ValueHint::DirPath)]
    pub to: Option<String>,
    /// Versions of the table that are kept, the current one among them [config: warehouse.keep_versions; default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_versions: Option<u32>,
    /// Create the table in Redshift from the schema if it is not there [config: load.create_table; default: false]
    #[arg(long)]
    pub create_table: bool,
}

/// Where the bulk schema is.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// The bulk schema: a file or the URL of schema.json [config: schema.source]
    #[arg(long, value_name = "FILE|URL", help_heading = "Schema", value_hint = ValueHint::AnyPath)]
    pub schema: Option<String>,
}

/// How an export is converted.
#[derive(Debug, Args)]
#[command(next_help_heading = "Conversion")]
pub struct ConversionArgs {
    /// Where the schema is.
    #[command(flatten)]
    pub schema: SchemaArgs,
    /// Columns of the file that the schema lacks; refuse is another word for fail [config: load.unknown_columns;
    /// default: refuse]
    #[arg(long, value_enum, value_name = "fail|drop", help_heading = "Schema")]
    pub unknown_columns: Option<UnknownColumns>,
    /// Columns of the schema that the file lacks; refuse is another word for fail [config: load.missing_columns;
    /// default: refuse]
    #[arg(long, value_enum, value_name = "fail|null", help_heading = "Schema")]
    pub missing_columns: Option<MissingColumns>,
    /// Rejected records that are tolerated [config: load.max_rejects; default: 0]
    #[arg(long, value_name = "N")]
    pub max_rejects: Option<u64>,
    /// Where rejected records go, if there are any; reasons go beside it as JSON lines [default:
    /// TABLE-LOAD.rejects.csv in load.rejects]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub rejects: Option<PathBuf>,
    /// Text wider than its column: cut at a character boundary and counted, or rejected [config:
    /// load.overlong; default: truncate]
    #[arg(long, value_enum, value_name = "truncate|reject")]
    pub overlong: Option<Overlong>,
    /// "" in text columns: kept apart from NULL, or made NULL [config: load.empty_strings; default: keep]
    #[arg(long, value_enum, value_name = "keep|null")]
    pub empty_strings: Option<EmptyStrings>,
    /// Take a last record without a line end for whole: a file made by hand. Of an export it is a cut
    #[arg(long)]
    pub allow_open_end: bool,
    /// Widest text where the schema names no width, in bytes; default: any
    #[arg(long, value_name = "BYTES", value_parser = parse_text_bytes)]
    pub text_bytes_max: Option<u32>,
    /// Worker threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = parse_threads())]
    pub threads: Option<u16>,
    /// CSV bytes of one Parquet file, of bzip2 a quarter of them as stored; like 256MiB or 1GB [default: 256MiB]
    #[arg(long, value_name = "BYTES", value_parser = crate::cli::size::parse_some)]
    pub segment_size: Option<u64>,
    /// CSV bytes of one row group, the unit of parallel work [default: 16MiB]
    #[arg(long, value_name = "BYTES", value_parser = parse_row_group)]
    pub row_group_size: Option<u64>,
    /// Compression of the Parquet pages
    #[arg(long, value_enum, default_value_t = Codec::Snappy)]
    pub codec: Codec,
    /// Who else converts.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// What is written down about a run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Write the run report to this file, also when the run fails; - is standard output, as with --json
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,
}

/// Where a local warehouse is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Warehouse")]
pub struct LocalArgs {
    /// Folder of the local warehouse [config: warehouse.to; default: ./warehouse]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub to: Option<String>,
}

/// More threads than any machine has use for.
const THREADS_MAX: i64 = 1024;
/// PostgreSQL's limit of names, which ControlShift's tables keep.
const NAME_BYTES_MAX: usize = 63;

/// How many threads work.
pub(super) fn parse_threads() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=THREADS_MAX)
}

/// A table's name becomes part of paths and of SQL.
pub(super) fn parse_table(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || text.len() > NAME_BYTES_MAX || !text.chars().all(plain) {
        return Err(format!("a name has 1 to {NAME_BYTES_MAX} letters, digits and underscores"));
    }
    Ok(text.to_owned())
}

pub(super) fn parse_date(text: &str) -> Result<String, String> {
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    let part = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u32>().ok());
    match (digits, part(4..6), part(6..8)) {
        (true, Some(1..=12), Some(1..=31)) => Ok(text.to_owned()),
        _ => Err("a date is YYYYMMDD, like 20260301".to_owned()),
    }
}

pub(super) fn parse_row_group(text: &str) -> Result<u64, String> {
    let bytes = crate::cli::size::parse_some(text)?;
    if bytes > ROW_GROUP_BYTES_MAX as u64 {
        return Err("a row group is at most 1GiB".to_owned());
    }
    Ok(bytes)
}

pub(super) fn parse_text_bytes(text: &str) -> Result<u32, String> {
    let bytes = crate::cli::size::parse_some(text)?;
    u32::try_from(bytes).map_err(|_| "at most 4294967295 bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_dates() {
        for (text, fits) in
            [("signatures", true), ("a_1", true), ("", false), ("../x", false), ("a b", false)]
        {
            assert_eq!(parse_table(text).is_ok(), fits, "{text}");
        }
        for (text, fits) in [("20260301", true), ("20261301", false), ("2026030", false), ("2026-3-1", false)]
        {
            assert_eq!(parse_date(text).is_ok(), fits, "{text}");
        }
    }
}
