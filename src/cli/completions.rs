//! `csl-stream completions`: what a shell needs to complete our commands.

use super::args::{Cli, CompletionsArgs};
use super::printer::Printer;
use crate::error::{Error, Result};
use clap::CommandFactory;
use clap_complete::Shell;

/// Runs the command.
pub(super) fn run(printer: Printer, args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "csl-stream", &mut script);
    if args.shell == Shell::Bash {
        script = with_one_name(script)?;
    }
    printer.raw(&script)
}

/// clap_complete 4.6 writes the hyphen of a program's name in two ways, and then finds nothing behind the first
/// word.
fn with_one_name(script: Vec<u8>) -> Result<Vec<u8>> {
    let script = String::from_utf8(script)
        .map_err(|cause| Error::machine("the completion script is not UTF-8").because(cause))?;
    Ok(script.replace("csl__subcmd__stream", "csl__stream").into_bytes())
}
