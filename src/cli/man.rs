//! `csl-stream man`: a manual page for every command, from the words of `--help`.

use super::args::{Cli, ManArgs};
use super::printer::Printer;
use crate::error::{Error, Result};
use crate::ops::write_file;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::path::Path;

const VERSION: &str = concat!("csl-stream ", env!("CARGO_PKG_VERSION"));

/// Runs the command.
pub(super) fn run(printer: Printer, args: &ManArgs) -> Result<()> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let written = write(&command, &args.dir)?;
    printer.result(&format!("{written} pages in {}", args.dir.display()))
}

/// Writes the page of a command and those below it; says how many.
fn write(command: &Command, dir: &Path) -> Result<usize> {
    // No date: the same program writes the same pages. A blank, since without any the next word would be one.
    let page = Man::new(command.clone()).date(" ").source(VERSION).manual("csl-stream");
    let mut text = Vec::new();
    page.render(&mut text).map_err(|cause| Error::machine("cannot write a manual page").because(cause))?;
    write_file(&dir.join(page.get_filename()), &text)?;
    let below = command.get_subcommands().filter(|command| !command.is_hide_set());
    below.map(|command| write(command, dir)).try_fold(1, |written, more| Ok(written + more?))
}
