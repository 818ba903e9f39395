use super::args::SchemaCommand; use super::printer::Printer; use crate::config::Config; use crate::error::Result;
pub(super) fn run(_: Printer, _: impl Fn() -> Result<Config>, _: &SchemaCommand) -> Result<()> { Ok(()) }
