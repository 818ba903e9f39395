//! `csl-stream query`: SQL over the local warehouse, or over Parquet that was staged or converted, or over
//! exports as they lie there.

use super::args::{QueryArgs, QueryExportArgs, QueryFormat};
use super::printer::Printer;
use super::{flags, sql};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ops::Conversion;
use crate::ops::query::{Asked, AskedExport, Export, Exports, Format, open_exports, query, query_into};
use crate::report::words::plural;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &QueryArgs) -> Result<()> {
    flags::set_warehouse(&mut config, args.target.to.as_deref());
    flags::set_query_export(&mut config, &args.exported);
    let sql = statement(args)?;
    let exports = open_exports(&config, &exports(&args.exported)?)?;
    let asked = Asked { sql: &sql, files: &args.files, exports: &exports };
    if let Some(out) = &args.out {
        return into_file(printer, &config, &asked, (out, args.replace));
    }
    let format = match args.format {
        _ if printer.is_json() => Format::Json,
        QueryFormat::Table => Format::Table,
        QueryFormat::Csv => Format::Csv,
        QueryFormat::Json => Format::Json,
    };
    let printed = if printer.is_paged() && format == Format::Table {
        let mut text = Vec::new();
        let printed = query(&config, &asked, format, &mut text)?;
        printer.long(&String::from_utf8_lossy(&text))?;
        printed
    } else {
        query(&config, &asked, format, &mut *printer.pieces())?
    };
    tell_notes(printer, &exports);
    if printed.cut {
        let rows = plural(printed.rows, "row");
        printer.note(&format!("cut after {rows}; --format csv or json prints all of them"));
    }
    Ok(())
}

/// The statement; one that would come from standard input beside an export that does is an error.
fn statement(args: &QueryArgs) -> Result<String> {
    let is_stdin = args.file.is_none() && args.sql.as_deref().is_none_or(|sql| sql == "-");
    if is_stdin && args.exported.export.iter().any(|export| named(export).1 == "-") {
        return Err(Error::usage("the statement and the export cannot both come from standard input")
            .help("give the statement as an argument, or in a file: -f"));
    }
    sql::statement(args.sql.as_deref(), args.file.as_deref())
}

fn tell_notes(printer: Printer, exports: &[Export]) {
    exports.iter().flat_map(Export::notes).for_each(|note| printer.note(&note));
}

fn into_file(
    printer: Printer,
    config: &Config,
    asked: &Asked<'_>,
    (out, replace): (&Path, bool),
) -> Result<()> {
    let answer = sql::answer_in(out)?;
    let written = query_into(config, asked, answer, (out, replace))?;
    tell_notes(printer, asked.exports);
    printer.json(&serde_json::json!({ "file": out, "rows": written.rows }))?;
    printer.result(&format!("wrote {} ({})", out.display(), plural(written.rows, "row")))
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
