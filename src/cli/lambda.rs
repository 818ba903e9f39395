//! `csl-stream lambda`: the parts that this program answers Lambda's events with.

use super::args::WorkArgs;
use super::loader::Loads;
use super::printer::Printer;
use super::receiver::{policy, receiver};
use super::signals::Stopper;
use super::work::{queue, worker};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::lambda::{Fargate, Function, Jobs};
use crate::queue::{Queue, QueueSettings};
use crate::webhook::Receiver;
use crate::work::Loader;
use std::path::PathBuf;

/// Events come one at a time; a second thread is for what AWS's clients do beside.
const THREADS: usize = 2;

/// Runs the command.
pub(super) fn run(printer: Printer, config: &Config) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("csl-lambda")
        .enable_all()
        .build();
    let runtime = runtime.map_err(|cause| Error::machine("cannot start the threads").because(cause))?;
    let args = WorkArgs::preset();
    // The only folder that a function may write to. The first rejects are in the failure message too.
    let loads =
        Loads::new(printer, config.clone(), &args, Stopper::default()).rejects_in(std::env::temp_dir());
    // The path's own threads are made outside the async surroundings: jobs leave them before they load.
    let function = Function::new(receives(printer, config), jobs(config, &loads));
    runtime.block_on(function.run())
}

/// A function's disk is gone with it, and the local queue is a file.
fn queue_url(config: &Config) -> Result<&str> {
    config.text("queue.url").ok_or_else(|| {
        Error::usage("a Lambda function has no local queue").help("set queue.url to an SQS queue")
    })
}

fn receives(printer: Printer, config: &Config) -> Result<Receiver> {
    queue_url(config)?;
    receiver(printer, config)
}

fn jobs<'a>(config: &Config, loader: &'a dyn Loader) -> Result<Jobs<'a>> {
    queue_url(config)?;
    let queue = queue(config)?;
    queue.check_dead_letters()?;
    Ok(Jobs { worker: worker(config)?, loader, queue, fargate: fargate(config)? })
}

/// Where large loads go, if anywhere: `fargate.cluster` says so.
fn fargate(config: &Config) -> Result<Option<Fargate>> {
    let Some(cluster) = config.text("fargate.cluster") else { return Ok(None) };
    let needed = |key: &str| {
        config.text(key).map(str::to_owned).ok_or_else(|| {
            Error::usage(format!("fargate.cluster is set, and {key} is not")).help("set both, or none")
        })
    };
    let queue_url = needed("fargate.queue_url")?;
    let settings =
        QueueSettings { url: Some(queue_url.clone()), dead_letter_url: None, path: PathBuf::default() };
    Ok(Some(Fargate {
        cluster: cluster.to_owned(),
        task_definition: needed("fargate.task_definition")?,
        container: needed("fargate.container")?,
        subnets: config.list("fargate.subnets").to_vec(),
        security_groups: config.list("fargate.security_groups").to_vec(),
        queue: Queue::open(&settings)?,
        policy: policy(config)?,
        queue_url,
        over_bytes: config.number("fargate.over_bytes").unwrap_or(0),
    }))
}
