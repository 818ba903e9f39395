//! What stands in for the Lambda function in a build without its feature: advice.

use super::printer::Printer;
use crate::config::Config;
use crate::error::{Error, Result};

pub(super) fn run(_printer: Printer, _config: &Config) -> Result<()> {
    Err(Error::usage("this csl-stream was built without the lambda feature").help("use a build with it"))
}
