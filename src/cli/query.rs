//! `csl-stream query`: SQL over the local warehouse, or over Parquet that was staged or converted.

use super::args::{QueryArgs, QueryFormat};
use super::flags;
use super::printer::Printer;
use crate::config::Config;
use crate::error::Result;
use crate::ops::query::{Format, query};
use crate::report::words::plural;

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &QueryArgs) -> Result<()> {
    flags::set_warehouse(&mut config, args.target.to.as_deref());
    let format = match args.format {
        _ if printer.is_json() => Format::Json,
        QueryFormat::Table => Format::Table,
        QueryFormat::Csv => Format::Csv,
        QueryFormat::Json => Format::Json,
    };
    let printed = query(&config, &args.sql, &args.files, format, &mut *printer.pieces())?;
    if printed.cut {
        let rows = plural(printed.rows, "row");
        printer.note(&format!("cut after {rows}; --format csv or json prints all of them"));
    }
    Ok(())
}
