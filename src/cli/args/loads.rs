//! Flags of `loads`.

use super::groups::parse_table;
use crate::ops::loads::Ended;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// Where loads are remembered.
#[derive(Debug, Args)]
#[command(next_help_heading = "Warehouse")]
pub struct LedgerArgs {
    /// Folder of the local warehouse, or redshift [config: warehouse.to; default: ./warehouse]
    #[arg(long, value_name = "DIR|redshift", value_hint = ValueHint::DirPath)]
    pub to: Option<String>,
}

/// The ledger.
#[derive(Debug, Subcommand)]
pub enum LoadsCommand {
    /// List the loads, newest first
    List {
        /// Only those of this table
        #[arg(long, value_name = "TABLE", value_parser = parse_table)]
        table: Option<String>,
        /// Only those that ended so; killed ones failed too
        #[arg(long, value_enum)]
        status: Option<Ended>,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
        /// Where the warehouse is.
        #[command(flatten)]
        target: LedgerArgs,
    },
    /// Show the report of one load
    Show {
        /// The load's id as `loads list` prints it, the beginning of it, or last
        id: String,
        /// Write it as one page too, which refers to nothing; as Markdown if the name ends in .md
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        html: Option<PathBuf>,
        /// Where the warehouse is.
        #[command(flatten)]
        target: LedgerArgs,
    },
    /// Run a failed load into Redshift again, from what is staged of it
    Retry {
        /// The load's id as the run report has it, the beginning of it, or last
        id: String,
        /// Load a full export that leaves few rows of the table, or none; for this run
        #[arg(long)]
        allow_shrink: bool,
        /// Where the warehouse is.
        #[command(flatten)]
        target: LedgerArgs,
    },
}
