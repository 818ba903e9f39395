//! Flags of `work` and `dead-letters`.

use super::groups::{ConversionArgs, TargetArgs};
use super::listen::parse_listen;
use clap::{Args, Subcommand};

/// Flags of `work`.
#[derive(Debug, Args)]
#[command(after_help = "\
The queue is that of queue.url (SQS), or the file of queue.path. work.tables and work.kinds say which exports \
are loaded; others go to queue.others_url, or back.

SIGTERM and Ctrl-C let the load under way go on for 20 s; what is not done then goes back to the queue, within \
30 s of the signal. Once more ends the process at once; its messages come back by themselves.

Exit codes: 0 stopped between loads, or the queue is empty (--once); 1 with --once, if messages became dead \
letters; 130 if a load was cut off, or --once was stopped before the queue was empty; else those of backfill.

Examples:
  csl-stream work
  csl-stream work --once --to redshift")]
pub struct WorkArgs {
    /// End when the queue is empty and nothing is left that was put back for another try, or that a worker who
    /// died may have had
    #[arg(long)]
    pub once: bool,
    /// Answer GET /metrics for Prometheus at this address and port [config: metrics.listen; default: nowhere]
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_listen)]
    pub metrics_listen: Option<String>,
    /// Where the tables go.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How exports are converted.
    #[command(flatten)]
    pub conversion: ConversionArgs,
}

/// Messages that could not be loaded.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List them, oldest first, with the reason of each
    List,
    /// Show one of them
    Show {
        /// Its id, as `dead-letters list` prints it
        id: String,
    },
    /// Put them back into the queue, after what was wrong is fixed
    Redrive {
        /// Their ids
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// Every one
        #[arg(long)]
        all: bool,
    },
}
