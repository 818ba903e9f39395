//! What stands in for the receiver in a build without its feature: advice.

use super::args::ServeArgs;
use super::printer::Printer;
use crate::config::Config;
use crate::error::{Error, Result};

pub(super) fn run(_printer: Printer, _config: Config, _args: &ServeArgs) -> Result<()> {
    Err(Error::usage("this csl-stream was built without the serve feature").help("use a build with it"))
}
