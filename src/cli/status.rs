//! `csl-stream status`: the status pages as a server of their own.

use super::args::StatusArgs;
use super::printer::Printer;
use super::terminal::Terminal;
use super::{flags, serve};
use crate::config::{Address, Config, flag};
use crate::error::Result;
use crate::status::{DEFAULT_LISTEN, serve as pages};

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &StatusArgs) -> Result<()> {
    flag!(config.status.listen, "--listen", args.listen.clone().map(Address).map(Some));
    flags::set_warehouse(&mut config, args.target.to.as_deref());
    config.check()?;
    let listen = config.status.listen.as_ref().map_or(DEFAULT_LISTEN, |listen| listen.0.as_str()).to_owned();
    serve::block_on(async {
        let stop = serve::stop(printer)?;
        pages(&config, &listen, &Terminal::of_service(printer)?, stop).await
    })
}
