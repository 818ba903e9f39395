//! `csl-stream lambda`: the parts that this program answers Lambda's events with.

use super::printer::Printer;
use super::receiver::receiver;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::lambda::Function;
use crate::webhook::Receiver;

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
    runtime.block_on(Function::new(receives(printer, config)).run())
}

/// A function's disk is gone with it, and the local queue is a file.
fn receives(printer: Printer, config: &Config) -> Result<Receiver> {
    if config.text("queue.url").is_none() {
        return Err(
            Error::usage("a Lambda function has no local queue").mend("set queue.url to an SQS queue")
        );
    }
    receiver(printer, config)
}
