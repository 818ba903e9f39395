//! `csl-stream backfill`: find the export, convert it, stage it, load it.

use super::args::BackfillArgs;
use super::flags;
use super::printer::Printer;
use super::reports::Reports;
use super::signals::Stopper;
use super::terminal::Terminal;
use crate::config::Config;
use crate::error::Result;
use crate::ops::{self, Backfill, Count, ExportChoice};
use crate::report::words::plural;
use std::ffi::OsStr;

/// The configuration with the flags on top.
pub(super) fn configured(mut config: Config, args: &BackfillArgs) -> Result<Config> {
    flags::set_exports(&mut config, args.export.exports.as_deref());
    flags::set_target(&mut config, &args.target);
    flags::set_conversion(&mut config, &args.conversion);
    config.check()?;
    Ok(config)
}

/// What the flags ask for.
pub(super) fn request(args: &BackfillArgs) -> Result<Backfill> {
    let named = args.export.export.as_deref().map(flags::export).transpose()?;
    Ok(Backfill {
        table: args.table.clone(),
        export: ExportChoice {
            kind: args.export.kind,
            named,
            date: args.export.date.clone(),
            any_name: args.export.any_name,
        },
        conversion: flags::conversion(&args.conversion)?,
        create_table: args.target.create_table,
        again: args.again,
        allow_shrink: args.allow_shrink,
        rejects: args.conversion.rejects.clone(),
    })
}

/// Runs the command.
pub(super) fn run(printer: Printer, config: Result<Config>, args: &BackfillArgs) -> Result<()> {
    let named = [args.export.export.as_deref(), args.conversion.schema.schema.as_deref().map(OsStr::new)];
    let rejects = args.conversion.rejects.as_deref().map(ops::rejects_files);
    let named = named.into_iter().flatten().chain(rejects.iter().flatten().map(|path| path.as_os_str()));
    let reports = Reports::open(printer, args.output.report.as_deref(), named)?;
    let stopper = Stopper::of_signals(printer)?;
    let terminal = Terminal { printer, stopper, reports, verb: "loaded", shows_errors: false };
    let configured = config.and_then(|config| Ok((configured(config, args)?, request(args)?)));
    let (config, request) = match configured {
        Ok(configured) => configured,
        Err(error) => {
            let kind = args.export.kind.unwrap_or(ops::ExportKind::Full);
            return terminal.conclude(ops::not_begun(&args.table, kind, error)).map(drop);
        }
    };
    let done = ops::backfill(&config, &request, &terminal)?;
    done.count.map_or(Ok(()), |count| printer.result(&counted(&args.table, count)))
}

fn counted(table: &str, count: Count) -> String {
    let Count { loaded, already, covered } = count;
    let were = |number: u64| if number == 1 { "was" } else { "were" };
    let mut text =
        format!("{table}: {} loaded, {already} {} loaded already", plural(loaded, "export"), were(already));
    if covered > 0 {
        text += &format!(", {covered} {} covered by the full export", were(covered));
    }
    text
}
