//! `csl-stream query`: SQL over the local warehouse, or over Parquet that was staged or converted.

use super::args::{QueryArgs, QueryFormat};
use super::printer::Printer;
use super::{flags, sql};
use crate::config::Config;
use crate::error::Result;
use crate::ops::query::{Format, query, query_into};
use crate::report::words::plural;
use std::path::Path;

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &QueryArgs) -> Result<()> {
    flags::set_warehouse(&mut config, args.target.to.as_deref());
    if let Some(out) = &args.out {
        return into_file(printer, &config, args, out);
    }
    let format = match args.format {
        _ if printer.is_json() => Format::Json,
        QueryFormat::Table => Format::Table,
        QueryFormat::Csv => Format::Csv,
        QueryFormat::Json => Format::Json,
    };
    let sql = sql::statement(args.sql.as_deref(), args.file.as_deref())?;
    let printed = if printer.is_paged() && format == Format::Table {
        let mut text = Vec::new();
        let printed = query(&config, &sql, &args.files, format, &mut text)?;
        printer.long(&String::from_utf8_lossy(&text))?;
        printed
    } else {
        query(&config, &sql, &args.files, format, &mut *printer.pieces())?
    };
    if printed.cut {
        let rows = plural(printed.rows, "row");
        printer.note(&format!("cut after {rows}; --format csv or json prints all of them"));
    }
    Ok(())
}

fn into_file(printer: Printer, config: &Config, args: &QueryArgs, out: &Path) -> Result<()> {
    let answer = sql::answer_in(out)?;
    let sql = sql::statement(args.sql.as_deref(), args.file.as_deref())?;
    let written = query_into(config, &sql, &args.files, answer, (out, args.replace))?;
    printer.json(&serde_json::json!({ "file": out, "rows": written.rows }))?;
    printer.result(&format!("wrote {} ({})", out.display(), plural(written.rows, "row")))
}
