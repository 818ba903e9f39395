//! `csl-stream backfill`: find the exports, convert them, stage them, load them.

use super::args::BackfillArgs;
use super::flags;
use super::printer::Printer;
use super::reports::Reports;
use super::signals::Stopper;
use super::terminal::Terminal;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ops::tables::{ALL, Chosen, Tables, TablesBackfilled, backfill_tables};
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

/// The one table that the flags name; none for several.
fn one(args: &BackfillArgs) -> Option<&str> {
    match &args.tables[..] {
        [table] if !args.all => Some(table),
        _ => None,
    }
}

/// What the flags ask for of one table; without one, of each of several.
fn request(args: &BackfillArgs) -> Result<Backfill> {
    let named = args.export.export.as_deref().map(flags::export).transpose()?;
    Ok(Backfill {
        table: one(args).unwrap_or_default().to_owned(),
        export: ExportChoice {
            kind: args.export.kind,
            named,
            date: args.export.date.clone(),
            any_name: args.export.any_name,
        },
        conversion: flags::conversion(&args.conversion)?,
        again: args.again,
        allow_shrink: args.allow_shrink,
        rejects: args.conversion.rejects.clone(),
    })
}

/// What the flags ask of one table.
///
/// # Errors
/// [`Error::Usage`] if they name several.
pub(super) fn request_of_one(args: &BackfillArgs) -> Result<Backfill> {
    if one(args).is_none() {
        return Err(Error::usage("a plan is of one table").help("name one: --table TABLE"));
    }
    request(args)
}

/// What the flags ask of several tables.
fn request_of_many(args: &BackfillArgs) -> Result<Tables> {
    let several = |flag: &str, what: &str, help: &str| {
        Error::usage(format!("{flag} names one {what}, and several tables are to be loaded")).help(help)
    };
    if args.export.export.is_some() {
        return Err(several("--export", "export", "name the one table that it is of, or leave --export out"));
    }
    if args.conversion.rejects.is_some() {
        return Err(several("--rejects", "file", "leave --rejects out: each load gets a file of its own"));
    }
    let chosen = if args.all { Chosen::All } else { Chosen::Named(args.tables.clone()) };
    Ok(Tables { chosen, each: request(args)? })
}

/// Runs the command.
pub(super) fn run(printer: Printer, config: Result<Config>, args: &BackfillArgs) -> Result<()> {
    let named = [args.export.export.as_deref(), args.conversion.schema.schema.as_deref().map(OsStr::new)];
    let rejects = args.conversion.rejects.as_deref().map(ops::rejects_files);
    let named = named.into_iter().flatten().chain(rejects.iter().flatten().map(|path| path.as_os_str()));
    let reports = Reports::open(printer, args.output.report.as_deref(), named)?;
    let stopper = Stopper::of_signals(printer)?;
    let terminal = Terminal::of_run(printer, stopper, reports, "loaded");
    let config = config.and_then(|config| configured(config, args));
    if args.target.create_table && config.as_ref().is_ok_and(|config| !config.warehouse.to.is_redshift()) {
        printer.note("--create-table is for Redshift: a warehouse in a folder makes its tables anyway");
    }
    match one(args) {
        Some(table) => run_one(&terminal, config, args, table),
        None => run_many(Terminal { shows_errors: true, names_tables: true, ..terminal }, config, args),
    }
}

fn run_one(terminal: &Terminal, config: Result<Config>, args: &BackfillArgs, table: &str) -> Result<()> {
    let (config, request) = match config.and_then(|config| Ok((config, request(args)?))) {
        Ok(configured) => configured,
        Err(error) => return not_begun(terminal, args, table, error),
    };
    let done = ops::backfill(&config, &request, terminal)?;
    done.count.map_or(Ok(()), |count| terminal.printer.result(&counted(table, count)))
}

fn run_many(terminal: Terminal, config: Result<Config>, args: &BackfillArgs) -> Result<()> {
    let (config, request) = match config.and_then(|config| Ok((config, request_of_many(args)?))) {
        Ok(configured) => configured,
        Err(error) => {
            // It is of no table, and told once, by the caller.
            let terminal = Terminal { shows_errors: false, names_tables: false, ..terminal };
            return not_begun(&terminal, args, ALL, error);
        }
    };
    let done = backfill_tables(&config, &request, &terminal);
    terminal.printer.result(&tallied(&done))?;
    done.failure().map_or(Ok(()), Err)
}

fn not_begun(terminal: &Terminal, args: &BackfillArgs, table: &str, error: Error) -> Result<()> {
    let kind = args.export.kind.unwrap_or(ops::ExportKind::Full);
    terminal.conclude(ops::not_begun(table, kind, error)).map(drop)
}

fn counted(table: &str, count: Count) -> String {
    let Count { loaded, already, covered, rolled_back } = count;
    let were = |number: u64| if number == 1 { "was" } else { "were" };
    let mut text =
        format!("{table}: {} loaded, {already} {} loaded already", plural(loaded, "export"), were(already));
    if covered > 0 {
        text += &format!(", {covered} {} covered by the full export", were(covered));
    }
    if rolled_back > 0 {
        text += &format!(
            ", the table was rolled back from {rolled_back}: --export URI --again loads one all the same"
        );
    }
    text
}

fn tallied(done: &TablesBackfilled) -> String {
    let (loaded, skipped) = done.done();
    let failed = done.ended.len() - loaded - skipped;
    let parts = [
        (skipped, "skipped"),
        (failed, "failed"),
        (done.not_begun.len(), "not begun"),
        (done.without.len(), "without an export"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: String = parts.map(|(number, what)| format!(", {number} {what}")).collect();
    format!("{} loaded{parts}", plural(loaded as u64, "table"))
}
