use super::args::BackfillArgs; use super::printer::Printer; use crate::config::Config; use crate::error::Result;
pub(super) fn run(_: Printer, config: Config, args: &BackfillArgs) -> Result<()> { let c=super::backfill::configured(config,args)?; let p=super::backfill::prepare(&c,args)?; drop(p); Ok(()) }
