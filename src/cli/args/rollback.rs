//! Flags of `rollback`.

use super::groups::parse_table;
use clap::{Args, ValueHint};

/// Flags of `rollback`.
#[derive(Debug, Args)]
#[command(after_help = "\
The table becomes what it was, in one step; readers see the old rows or the new
ones. What was current is kept as the version before, so a second rollback
undoes the first. The exports that went out of the table are not loaded again,
by hand or by night, unless with --again; a newer full export takes the place
of what the table went back to, and the report of its load says so.

Redshift keeps no versions: there the command says how to come back instead.

Examples:
  csl-stream rollback --table signatures --dry-run
  csl-stream rollback --table signatures
  csl-stream rollback --table signatures --load 0199e2")]
pub struct RollbackArgs {
    /// Table to take back
    #[arg(long, value_name = "TABLE", value_parser = parse_table)]
    pub table: String,
    /// The kept version to go back to, by its load's id or the beginning of it [default: the version before]
    #[arg(long, value_name = "ID")]
    pub load: Option<String>,
    /// Say what would become of the table; change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Folder of the local warehouse [config: warehouse.to; default: ./warehouse]
    #[arg(long, value_name = "DIR|redshift", value_hint = ValueHint::DirPath, help_heading = "Warehouse")]
    pub to: Option<String>,
}
