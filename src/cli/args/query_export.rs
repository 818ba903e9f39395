//! Flags of `query` that are about exports as they lie there.

use super::groups::{SchemaArgs, parse_table};
use crate::ops::{EmptyStrings, MissingColumns, Overlong, UnknownColumns};
use clap::{Args, ValueHint};
use std::ffi::OsString;

/// Exports that are asked before they are loaded, and how they are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Exports")]
pub struct QueryExportArgs {
    /// An export as a table named after its table, or NAME: CSV, plain or compressed; a path, s3://, https://, - for
    /// standard input, @FILE, a file whose first line names it, or a folder or s3://bucket/slug that holds full/, for
    /// the newest full export
    #[arg(long, value_name = "[NAME=]URI", value_hint = ValueHint::AnyPath)]
    pub export: Vec<OsString>,
    /// Table whose rows these are [default: what the export's name says, else NAME]
    #[arg(long, value_name = "TABLE", value_parser = parse_table, requires = "export")]
    pub table: Option<String>,
    /// Where the schema is.
    #[command(flatten)]
    pub schema: SchemaArgs,
    /// Columns of the file that the schema lacks; refuse is another word for fail [config: load.unknown_columns;
    /// default: refuse]
    #[arg(long, value_enum, value_name = "fail|drop", requires = "export")]
    pub unknown_columns: Option<UnknownColumns>,
    /// Columns of the schema that the file lacks; refuse is another word for fail [config: load.missing_columns;
    /// default: refuse]
    #[arg(long, value_enum, value_name = "fail|null", requires = "export")]
    pub missing_columns: Option<MissingColumns>,
    /// Records that may be left out because a value of theirs is wrong; then all columns are read [config:
    /// load.max_rejects; default: 0]
    #[arg(long, value_name = "N", requires = "export")]
    pub max_rejects: Option<u64>,
    /// Text wider than its column: cut at a character boundary, or its record rejected [config: load.overlong; default:
    /// truncate]
    #[arg(long, value_enum, value_name = "truncate|reject", requires = "export")]
    pub overlong: Option<Overlong>,
    /// "" in text columns: kept apart from NULL, or made NULL [config: load.empty_strings; default: keep]
    #[arg(long, value_enum, value_name = "keep|null", requires = "export")]
    pub empty_strings: Option<EmptyStrings>,
    /// Take a last record without a line end for whole: a file made by hand. Of an export it is a cut
    #[arg(long, requires = "export")]
    pub allow_open_end: bool,
}
