//! Flags of `cost`.

use super::super::size::parse_some;
use clap::Args;

/// Flags of `cost`.
#[derive(Debug, Args)]
#[command(after_help = "\
List prices of us-east-1, for one load; the COPY in Redshift is calculated by its own line. The rate is what \
`convert` was measured with from .bz2, which is the slower of the two; `--rate 440MB` is that of plain CSV.

Examples:
  csl-stream cost
  csl-stream cost 200GB --vcpus 8
  csl-stream cost 50GB --rate 440MB --json")]
pub struct CostArgs {
    /// Bytes of uncompressed CSV
    #[arg(value_name = "BYTES", value_parser = parse_some, default_values = ["1GB", "10GB", "50GB"])]
    pub bytes: Vec<u64>,
    /// vCPUs of the Fargate task
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..=16))]
    pub vcpus: u16,
    /// Bytes of CSV that one vCPU converts in a second
    #[arg(long, value_name = "BYTES", value_parser = parse_some, default_value = "140MB")]
    pub rate: u64,
}
