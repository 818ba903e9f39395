//! Flags of `check`.

use super::groups::{SchemaArgs, parse_table};
use clap::{Args, ValueHint};

/// Flags of `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each line is a thing that a load needs: a tick if it is there, a cross and the help if it is not. The exit \
code is that of the first cross.")]
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
}
