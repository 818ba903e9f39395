//! Flags of `status`.

use super::listen::parse_listen;
use super::loads::LedgerArgs;
use clap::Args;

/// Flags of `status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without status.token_file it listens on this machine alone, shows, and does
nothing. With it whoever has the token may also put dead letters back and
check. /api/openapi.json describes the same as JSON. Ctrl-C ends it.

Example:
  csl-stream status --listen 127.0.0.1:8081")]
pub struct StatusArgs {
    /// Address and port [config: status.listen; default: 127.0.0.1:8081]
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_listen)]
    pub listen: Option<String>,
    /// Where the tables are.
    #[command(flatten)]
    pub target: LedgerArgs,
}
