//! `csl-stream completions`: what a shell needs to complete our commands.

use super::args::{Cli, CompletionsArgs};
use super::printer::Printer;
use crate::error::Result;
use clap::CommandFactory;

/// Runs the command.
pub(super) fn run(printer: Printer, args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "csl-stream", &mut script);
    printer.raw(&script)
}
