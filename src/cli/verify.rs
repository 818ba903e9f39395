//! `csl-stream verify`: an export beside its table, in words.

use super::args::VerifyArgs;
use super::flags;
use super::printer::{Printer, columns};
use super::terminal::Terminal;
use crate::config::Config;
use crate::error::Result;
use crate::ops::ExportChoice;
use crate::ops::verify::{Compared, Verified, Verify, verify};
use crate::report::ColumnReport;
use crate::report::words::{count, plural};

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &VerifyArgs) -> Result<()> {
    flags::set_exports(&mut config, args.export.exports.as_deref());
    flags::set_warehouse(&mut config, args.to.as_deref());
    flags::set_conversion(&mut config, &args.conversion);
    config.check()?;
    let verified = verify(&config, &request(args)?, &Terminal::plain(printer)?)?;
    printer.json(&verified)?;
    printer.result(&text(&verified))?;
    verified.verdict()
}

fn request(args: &VerifyArgs) -> Result<Verify> {
    let given = &args.export;
    let named = given.export.as_deref().map(flags::location).transpose()?;
    let is_asked = named.is_some() || given.exports.is_some() || given.date.is_some() || given.kind.is_some();
    let choice = ExportChoice { kind: given.kind, named, date: given.date.clone(), any_name: given.any_name };
    Ok(Verify {
        table: args.table.clone(),
        export: is_asked.then_some(choice),
        conversion: flags::conversion(&args.conversion)?,
    })
}

fn text(verified: &Verified) -> String {
    let Verified { table, export, load_id, warehouse, rows, .. } = verified;
    let by = load_id.as_ref().map_or(String::new(), |id| format!(" (load {id})"));
    let mut text = format!(
        "table      {table} in {warehouse}\nexport     {export}{by}\nrows       {} in the export, {} in the table\n",
        count(rows.export),
        count(rows.table),
    );
    for note in &verified.notes {
        text += &format!("note       {note}\n");
    }
    for difference in &verified.differences {
        text += &format!("differs    {difference}\n");
    }
    if verified.differences.is_empty() {
        let count = plural(verified.columns.len() as u64, "column");
        text += &format!("\n{count}, no difference\n{}", table_of(&verified.columns, rows.export));
    }
    text
}

/// The columns of both sides, where they are the same.
fn table_of(compared: &[Compared], rows: u64) -> String {
    let header = ["", "values", "empty", "bytes", "least", "greatest"].map(str::to_owned).to_vec();
    let row = |Compared { export, .. }: &Compared| {
        let ColumnReport { name, nulls, empties, bytes, min, max, .. } = export;
        let end = |figure: &Option<_>| figure.as_ref().map_or(String::new(), ToString::to_string);
        let some = |number: u64| if number == 0 { String::new() } else { count(number) };
        let values = count(rows.saturating_sub(*nulls));
        vec![name.clone(), values, some(*empties), some(*bytes), end(min), end(max)]
    };
    columns(&std::iter::once(header).chain(compared.iter().map(row)).collect::<Vec<_>>())
}
