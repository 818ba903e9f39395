//! Flags of `check`.

use super::groups::{SchemaArgs, parse_table, parse_threads};
use crate::ops::{EmptyStrings, MissingColumns, Overlong, UnknownColumns};
use clap::{Args, ValueHint};
use std::ffi::OsString;

/// Flags of `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each line is a thing that a load needs: a tick if it is there, a cross and the help if it is not. The exit \
code is that of the first cross.

With --export nothing of that is looked at, and one export is read to its end instead: all its faults are \
counted, by rule and column, without a value. Nothing is loaded or written. Exit code 0: sound; 5: records \
would be rejected; 4: its columns do not fit; 1: it is damaged or cut off.

Examples:
  csl-stream check --all
  csl-stream check --table signatures --export signatures_20260301031500.csv.bz2")]
pub struct CheckArgs {
    /// Tables to look at [config: work.tables; all of the schema if that says all]
    #[arg(long = "table", value_name = "TABLE", value_parser = parse_table, value_delimiter = ',')]
    pub tables: Vec<String>,
    /// Look at every table of the schema that has an export
    #[arg(long, conflicts_with = "tables")]
    pub all: bool,
    /// Send a test to those who hear of alerts: alerts.slack_url, alerts.teams_url, alerts.webhook_url
    #[arg(long)]
    pub alerts: bool,
    /// Root of the exports [config: exports.root]
    #[arg(long, value_name = "URI", value_hint = ValueHint::AnyPath)]
    pub exports: Option<String>,
    /// Where the schema is.
    #[command(flatten)]
    pub schema: SchemaArgs,
    /// Folder of the local warehouse, or redshift [config: warehouse.to; default: ./warehouse]
    #[arg(long, value_name = "DIR|redshift", value_hint = ValueHint::DirPath)]
    pub to: Option<String>,
    /// How an export is read.
    #[command(flatten)]
    pub faults: FaultsArgs,
}

/// The export whose faults are counted, and how it is read.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Faults of an export")]
pub struct FaultsArgs {
    /// Count all faults of this export, and load nothing: a path, s3://, https://, - for standard input, or @FILE, a file
    /// whose first line names it
    #[arg(long, value_name = "URI", value_hint = ValueHint::AnyPath, requires = "tables",
        conflicts_with_all = ["all", "alerts", "exports", "to"])]
    pub export: Option<OsString>,
    /// Take --export though its name is that of another table
    #[arg(long, requires = "export")]
    pub any_name: bool,
    /// As for backfill
    #[arg(long, value_enum, value_name = "fail|drop", requires = "export")]
    pub unknown_columns: Option<UnknownColumns>,
    /// As for backfill
    #[arg(long, value_enum, value_name = "fail|null", requires = "export")]
    pub missing_columns: Option<MissingColumns>,
    /// As for backfill
    #[arg(long, value_enum, value_name = "truncate|reject", requires = "export")]
    pub overlong: Option<Overlong>,
    /// As for backfill
    #[arg(long, value_enum, value_name = "keep|null", requires = "export")]
    pub empty_strings: Option<EmptyStrings>,
    /// As for backfill
    #[arg(long, requires = "export")]
    pub allow_open_end: bool,
    /// Worker threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = parse_threads(), requires = "export")]
    pub threads: Option<u16>,
}
