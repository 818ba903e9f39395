//! `csl-stream convert`: CSV to Parquet, without a load.

use super::args::ConvertArgs;
use super::flags;
use super::printer::Printer;
use super::reports::Reports;
use super::signals::Stopper;
use super::terminal::Terminal;
use crate::config::Config;
use crate::error::Result;
use crate::ops::{self, Convert, ExportKind};
use std::ffi::{OsStr, OsString};

/// Runs the command: the inputs in turn.
pub(super) fn run(printer: Printer, config: Result<Config>, args: &ConvertArgs) -> Result<()> {
    let named = args.inputs.iter().map(OsString::as_os_str);
    let named = named.chain(args.conversion.schema.schema.as_deref().map(OsStr::new));
    let rejects = args.conversion.rejects.as_deref().map(ops::rejects_files);
    let named = named.chain(rejects.iter().flatten().map(|path| path.as_os_str()));
    let reports = Reports::open(printer, args.output.report.as_deref(), named)?;
    let stopper = Stopper::of_signals(printer)?;
    let terminal = Terminal::of_run(printer, stopper, reports, "converted");
    let configured = config.and_then(|mut config| {
        flags::set_conversion(&mut config, &args.conversion);
        Ok((config, request(args)?))
    });
    match configured {
        Ok((config, request)) => {
            let terminal = Terminal { shows_errors: request.is_of_many(), ..terminal };
            ops::convert(&config, &request, &terminal).map(drop)
        }
        Err(error) => terminal.conclude(ops::not_begun(&args.table, ExportKind::Full, error)).map(drop),
    }
}

fn request(args: &ConvertArgs) -> Result<Convert> {
    Ok(Convert {
        table: args.table.clone(),
        inputs: args.inputs.iter().map(|input| flags::export(input)).collect::<Result<_>>()?,
        out: flags::location(&args.out)?,
        conversion: flags::conversion(&args.conversion)?,
        rejects: args.conversion.rejects.clone(),
        replace: args.replace,
        read_bytes: args.read_bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
    })
}
