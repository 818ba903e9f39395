//! Flags of `verify`.

use super::groups::parse_table;
use super::{ConversionArgs, ExportArgs};
use clap::{Args, ValueHint};

/// Flags of `verify`.
#[derive(Debug, Args)]
#[command(mut_arg("codec", |flag| flag.hide(true)), mut_arg("rejects", |flag| flag.hide(true)))]
#[command(mut_arg("segment_size", |flag| flag.hide(true)), mut_arg("kind", |flag| flag.hide(true)))]
#[command(after_help = "\
Without --export, --exports or --date the table is compared with what its last full load \
brought, if that is known, else with the newest full export below exports.root.

Exit code 6 if anything differs. Changes nothing.

Examples:
  csl-stream verify --table signatures
  csl-stream verify --table signatures --to redshift \\
      --export s3://bucket/org/full/signatures/20260301/signatures_20260301031500.csv.bz2 --json")]
pub struct VerifyArgs {
    /// Table to look at
    #[arg(long, value_name = "TABLE", value_parser = parse_table)]
    pub table: String,
    /// With which export, and where it is.
    #[command(flatten)]
    pub export: ExportArgs,
    /// Folder of the local warehouse, or redshift [config: warehouse.to; default: ./warehouse]
    #[arg(long, value_name = "DIR|redshift", value_hint = ValueHint::DirPath, help_heading = "Warehouse")]
    pub to: Option<String>,
    /// How the export is read.
    #[command(flatten)]
    pub conversion: ConversionArgs,
}
