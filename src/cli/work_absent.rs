//! What stands in for the worker in a build without its feature: advice.

use super::args::{DeadLettersCommand, WorkArgs};
use super::printer::Printer;
use crate::config::Config;
use crate::error::{Error, Result};

pub(super) fn run(_printer: Printer, _config: Config, _args: &WorkArgs) -> Result<()> {
    Err(absent())
}

pub(super) fn dead_letters(_printer: Printer, _config: &Config, _command: &DeadLettersCommand) -> Result<()> {
    Err(absent())
}

pub(super) fn check(_config: &Config, _say: &mut super::check::Say<'_>) {}

fn absent() -> Error {
    Error::usage("this csl-stream was built without the serve feature").help("use a build with it")
}
