//! Flags of `erase`.

use super::groups::parse_table;
use clap::{ArgGroup, Args, ValueHint};

/// Flags of `erase`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whom").required(true).args(["ids", "emails"])))]
#[command(after_help = "\
Their rows go out of every version of the table, staged files, rejects and run \
reports; each place is listed, and so is what cannot be reached. They are \
remembered as salted hashes: no load brings their rows back, of an older export \
or a newer one.

Exit code 7 if a place may still hold something of them: what to do stands \
beside it. Running it again goes on with a run that was broken off.

Examples:
  csl-stream erase --table signatures --id 4711 --dry-run
  csl-stream erase --table signatures --id 4711,4712 --to redshift
  csl-stream erase --table signatures --email @addresses.txt")]
pub struct EraseArgs {
    /// Table to erase from
    #[arg(long, value_name = "TABLE", value_parser = parse_table)]
    pub table: String,
    /// What the column id holds of them; @FILE: one a line
    #[arg(long = "id", value_name = "N", num_args = 1.., value_delimiter = ',', conflicts_with = "emails")]
    pub ids: Vec<String>,
    /// Their e-mail addresses; @FILE: one a line, so that they are in no list of processes
    #[arg(long = "email", value_name = "ADDRESS", num_args = 1.., value_delimiter = ',')]
    pub emails: Vec<String>,
    /// Column of the addresses
    #[arg(long, value_name = "COLUMN", default_value = "email", requires = "emails")]
    pub email_column: String,
    /// Count what would go, place by place; change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Folder of the local warehouse, or redshift [config: warehouse.to; default: ./warehouse]
    #[arg(long, value_name = "DIR|redshift", value_hint = ValueHint::DirPath, help_heading = "Warehouse")]
    pub to: Option<String>,
}
