//! `csl-stream query`: SQL over the local warehouse, or over Parquet that was staged or converted, or over
//! exports as they lie there.

use super::args::{QueryArgs, QueryExportArgs, QueryFormat};
use super::flags;
use super::printer::Printer;
use crate::config::Config;
use crate::error::Result;
use crate::ops::Conversion;
use crate::ops::query::{AskedExport, Exports, Format, open_exports, query};
use crate::report::words::plural;
use std::ffi::{OsStr, OsString};

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &QueryArgs) -> Result<()> {
    flags::set_warehouse(&mut config, args.target.to.as_deref());
    let format = match args.format {
        _ if printer.is_json() => Format::Json,
        QueryFormat::Table => Format::Table,
        QueryFormat::Csv => Format::Csv,
        QueryFormat::Json => Format::Json,
    };
    flags::set_query_export(&mut config, &args.exported);
    let exports = open_exports(&config, &exports(&args.exported)?)?;
    let printed = query(&config, &args.sql, &args.files, &exports, format, &mut *printer.pieces())?;
    exports.iter().flat_map(|export| export.notes()).for_each(|note| printer.note(&note));
    if printed.cut {
        let rows = plural(printed.rows, "row");
        printer.note(&format!("cut after {rows}; --format csv or json prints all of them"));
    }
    Ok(())
}

fn exports(args: &QueryExportArgs) -> Result<Exports> {
    let asked = |text: &OsString| -> Result<AskedExport> {
        let (name, location) = named(text);
        Ok(AskedExport { name: name.map(str::to_owned), location: flags::export(location)? })
    };
    Ok(Exports {
        exports: args.export.iter().map(asked).collect::<Result<_>>()?,
        table: args.table.clone(),
        conversion: Conversion { allow_open_end: args.allow_open_end, ..Conversion::default() },
    })
}

/// `NAME=URI`, or a URI alone; what stands before the `=` of a URL is no name.
fn named(text: &OsStr) -> (Option<&str>, &OsStr) {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match text.to_str().and_then(|text| text.split_once('=')).filter(|(name, _)| is_name(name)) {
        Some((name, uri)) => (Some(name), OsStr::new(uri)),
        None => (None, text),
    }
}
