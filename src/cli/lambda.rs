//! `csl-stream lambda`: answers the events of an AWS Lambda function.

use super::printer::Printer;
use super::terminal::Terminal;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ops::function;

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
    runtime.block_on(function::run(config, &Terminal::of_service(printer)?))
}
