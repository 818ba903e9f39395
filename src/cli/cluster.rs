//! `csl-stream cluster`: the processes of other machines.

use super::args::{ClusterCommand, ExecutorArgs, SchedulerArgs, SecurityArgs};
use super::printer::Printer;
use crate::config::{Config, flag};
use crate::error::{Error, Result};
use crate::ops::cluster::{Executor, Peer, Scheduler, run_executor, run_scheduler, security};
use std::time::Duration;

/// Runs the command.
pub(super) fn run(printer: Printer, config: Config, command: &ClusterCommand) -> Result<()> {
    match command {
        ClusterCommand::Scheduler(args) => scheduler(printer, config, args),
        ClusterCommand::Executor(args) => executor(printer, config, args),
    }
}

fn scheduler(printer: Printer, mut config: Config, args: &SchedulerArgs) -> Result<()> {
    set_security(&mut config, &args.security);
    let listen: Peer = args.listen.parse()?;
    let security = security(&config, &[&listen])?;
    let executor_timeout = Duration::from_secs(config.cluster.executor_timeout_seconds);
    let wait = Duration::from_secs(config.cluster.wait_seconds);
    let scheduler = Scheduler { listen, security, executor_timeout, wait };
    run_scheduler(scheduler, &|address| printer.note(&format!("the scheduler listens on {address}")))
}

fn executor(printer: Printer, mut config: Config, args: &ExecutorArgs) -> Result<()> {
    set_security(&mut config, &args.security);
    flag!(config.cluster.scheduler, "--scheduler", args.scheduler.clone());
    let Some(scheduler) = config.cluster.scheduler.as_deref() else {
        return Err(Error::usage("no scheduler is named").help("--scheduler HOST:PORT"));
    };
    let (scheduler, own): (Peer, Peer) =
        (scheduler.parse()?, format!("{}:{}", args.host, args.port).parse()?);
    let security = security(&config, &[&scheduler, &own])?;
    let cores =
        args.cores.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    printer.note(&format!("the executor at {own} asks {scheduler} for work"));
    run_executor(Executor { scheduler, own, security, cores, work_dir: args.work_dir.clone() })?;
    printer.note("the executor has ended");
    Ok(())
}

fn set_security(config: &mut Config, args: &SecurityArgs) {
    flag!(config.cluster.tls, "--tls", args.tls.clone());
    flag!(config.cluster.insecure, "--insecure", args.insecure.then_some(true));
}
