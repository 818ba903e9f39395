//! `csl-stream query`: SQL over the local warehouse, or over Parquet that was staged or converted.

use super::args::QueryArgs;
use super::printer::Printer;
use crate::config::Config;
use crate::error::Result;

/// Runs the command.
#[cfg(feature = "query")]
pub(super) fn run(printer: Printer, mut config: Config, args: &QueryArgs) -> Result<()> {
    use super::args::QueryFormat;
    use super::size::plural;
    use crate::warehouse::query::{self, FilesTable, Format, Query};

    super::settings::set_warehouse(&mut config, args.target.to.as_deref());
    let files = args.files.iter().map(|text| text.parse()).collect::<Result<Vec<FilesTable>>>()?;
    // Files stand alone too: whoever names them need not have a warehouse.
    let dir = match super::settings::warehouse_dir(&config) {
        Ok(dir) => Some(dir),
        Err(_) if !files.is_empty() && args.target.to.is_none() => None,
        Err(error) => return Err(error),
    };
    let format = match args.format {
        _ if printer.is_json() => Format::Json,
        QueryFormat::Table => Format::Table,
        QueryFormat::Csv => Format::Csv,
        QueryFormat::Json => Format::Json,
    };
    let query = Query { sql: &args.sql, warehouse: dir.as_deref(), files: &files };
    let printed = query::run(&query, format, &mut std::io::stdout().lock())?;
    if printed.cut {
        let rows = plural(printed.rows, "row");
        printer.note(&format!("cut after {rows}; --format csv or json prints all of them"));
    }
    Ok(())
}

/// Says that this build cannot.
#[cfg(not(feature = "query"))]
pub(super) fn run(_printer: Printer, _config: Config, _args: &QueryArgs) -> Result<()> {
    Err(crate::Error::usage("this csl-stream was built without the query feature")
        .help("use a build with it, or read the warehouse's Parquet files with DuckDB, pandas or Polars"))
}
