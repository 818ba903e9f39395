//! `csl-stream check --export`: all that is wrong with an export, in words.

use super::args::CheckArgs;
use super::flags;
use super::printer::{Printer, columns};
use super::summary::stored;
use super::terminal::Terminal;
use crate::config::{Config, flag};
use crate::error::{Error, Result};
use crate::ops::faults::{CheckExport, Soundness, check_export};
use crate::ops::{Conversion, ExportChoice};
use crate::report::words::{count, plural};
use std::ffi::OsStr;

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &CheckArgs, export: &OsStr) -> Result<()> {
    let own = &args.faults;
    flags::set_schema(&mut config, &args.schema);
    flag!(config.load.overlong, "--overlong", own.overlong);
    flag!(config.load.empty_strings, "--empty-strings", own.empty_strings);
    flag!(config.load.unknown_columns, "--unknown-columns", own.unknown_columns);
    flag!(config.load.missing_columns, "--missing-columns", own.missing_columns);
    config.check()?;
    let [table] = &args.tables[..] else {
        return Err(Error::usage("an export is of one table").help("name one: --table TABLE"));
    };
    let choice = ExportChoice {
        named: Some(flags::export(export)?),
        any_name: own.any_name,
        ..ExportChoice::default()
    };
    let conversion = Conversion {
        threads: own.threads.map(usize::from),
        allow_open_end: own.allow_open_end,
        ..Conversion::default()
    };
    let request = CheckExport { table: table.clone(), export: choice, conversion };
    let found = check_export(&config, &request, &Terminal::plain(printer)?)?;
    printer.json(&found)?;
    printer.result(&text(&found))?;
    found.verdict()
}

fn text(found: &Soundness) -> String {
    let Soundness { table, source, rows, .. } = found;
    let word = if found.sound { "sound" } else { "not sound" };
    let mut text = format!(
        "{table}: {word}: {} read, {} rejected\n  from {}{}\n",
        plural(rows.read, "record"),
        count(rows.rejected),
        source.uri,
        stored(source),
    );
    if rows.truncated_values > 0 {
        text += &format!(
            "  {} would be cut to the width of the column\n",
            plural(rows.truncated_values, "value")
        );
    }
    if found.error.is_some() {
        text += "  it could not be read to its end: these are the faults up to there\n";
    }
    if found.faults.is_empty() {
        return text;
    }
    let head = ["FAULTS", "RULE", "COLUMN", "FIRST RECORD"].map(str::to_owned).to_vec();
    let row = |fault: &crate::report::FaultCount| {
        let column = fault.column.clone().unwrap_or_else(|| "-".to_owned());
        vec![count(fault.faults), fault.rule.clone(), column, count(fault.first_record)]
    };
    text + "\n" + &columns(&std::iter::once(head).chain(found.faults.iter().map(row)).collect::<Vec<_>>())
}
