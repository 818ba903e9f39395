//! Flags of other machines: those of commands that have them work, and of their processes.

use super::listen::parse_listen;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// Who else converts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterArgs {
    /// Have the machines of this scheduler convert [config: cluster.scheduler]
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_listen)]
    pub cluster: Option<String>,
    /// Folder with ca.crt, node.crt and node.key, for mutual TLS [config: cluster.tls]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub cluster_tls: Option<String>,
}

/// The processes of a cluster.
#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// Give units of exports to executors, until it is told to end
    Scheduler(SchedulerArgs),
    /// Ask the scheduler for units and convert them, until it is told to end
    Executor(ExecutorArgs),
}

/// Flags of `cluster scheduler`.
#[derive(Debug, Args)]
pub struct SchedulerArgs {
    /// Address and port
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_listen, default_value = "127.0.0.1:50050")]
    pub listen: String,
    /// Who may speak to it.
    #[command(flatten)]
    pub security: SecurityArgs,
}

/// Flags of `cluster executor`.
#[derive(Debug, Args)]
pub struct ExecutorArgs {
    /// The scheduler [config: cluster.scheduler]
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_listen)]
    pub scheduler: Option<String>,
    /// Name or address by which the other machines reach this one
    #[arg(long, value_name = "NAME", default_value = "127.0.0.1")]
    pub host: String,
    /// Port where they do
    #[arg(long, value_name = "PORT", default_value_t = 50051, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Units at once, each of some 90 MiB [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub cores: Option<u16>,
    /// Folder for answers until the driver has them, a few KiB a unit [default: a temporary one]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub work_dir: Option<PathBuf>,
    /// Who may speak to it.
    #[command(flatten)]
    pub security: SecurityArgs,
}

/// Who may speak to a process.
#[derive(Debug, Args)]
pub struct SecurityArgs {
    /// Folder with ca.crt, node.crt and node.key: mutual TLS; needed but on 127.0.0.1 [config: cluster.tls]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub tls: Option<String>,
    /// Other machines without TLS: whoever reaches this one can run anything on it [config: cluster.insecure]
    #[arg(long)]
    pub insecure: bool,
}
