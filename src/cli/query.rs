use super::args::QueryArgs; use super::printer::Printer; use crate::config::Config; use crate::error::Result;
pub(super) fn run(_: Printer, _: Config, _: &QueryArgs) -> Result<()> { Ok(()) }
