//! Flags of `serve`.

use super::listen::parse_listen;
use clap::Args;

/// Flags of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
POST / and POST /webhook take webhooks; GET /healthz, /readyz and /metrics are for whoever runs it. \
SIGTERM ends it when the requests under way are answered.

Example:
  csl-stream serve --listen 0.0.0.0:8080")]
pub struct ServeArgs {
    /// Address and port [config: webhook.listen; default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_listen)]
    pub listen: Option<String>,
    /// The status pages too, at another address [config: status.listen]
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_listen)]
    pub status_listen: Option<String>,
}
