//! `csl-stream erase`: people out of a table, in words.

use super::args::EraseArgs;
use super::flags;
use super::printer::{Printer, columns};
use super::terminal::Terminal;
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::ops::erase::{Done, Erase, ID, Outcome, Touched, erase};
use crate::report::words::{count, plural};

/// Bytes of a file of values at most.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &EraseArgs) -> Result<()> {
    flags::set_warehouse(&mut config, args.to.as_deref());
    config.check()?;
    let outcome = erase(&config, &request(args)?, &Terminal::plain(printer)?)?;
    printer.json(&outcome)?;
    printer.result(&text(&outcome))?;
    outcome.verdict()
}

fn request(args: &EraseArgs) -> Result<Erase> {
    let are_emails = !args.emails.is_empty();
    let (column, given) = if are_emails { (&*args.email_column, &args.emails) } else { (ID, &args.ids) };
    let mut values = Vec::new();
    for value in given {
        match value.strip_prefix('@') {
            Some(file) => values.extend(lines(file)?),
            None => values.push(value.clone()),
        }
    }
    Ok(Erase {
        table: args.table.clone(),
        column: column.to_owned(),
        values,
        are_emails,
        dry_run: args.dry_run,
    })
}

fn lines(file: &str) -> Result<Vec<String>> {
    let failed = |cause| Error::io("cannot read the file of values", std::path::Path::new(file), cause);
    if std::fs::metadata(file).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(Error::usage("the file of values is longer than 1 MiB").at(Place::uri(file)));
    }
    let text = std::fs::read_to_string(file).map_err(failed)?;
    Ok(lines_of(&text).map(str::to_owned).collect())
}

/// A value a line, as it stands there.
fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.trim_start_matches('\u{feff}').split('\n');
    let values = lines.map(|line| line.strip_suffix('\r').unwrap_or(line));
    values.filter(|line| !line.trim_matches(' ').is_empty())
}

fn text(outcome: &Outcome) -> String {
    let Outcome { table, column, values, rows, rows_left, dry_run, .. } = outcome;
    let (verb, left) = match dry_run {
        true => ("would be erased", String::new()),
        false => ("erased", format!(", {} left", count(*rows_left))),
    };
    let mut text = format!(
        "{table}: {} {verb}, by {} of {column}{left}\n\n",
        plural(*rows, "row"),
        plural(*values, "value")
    );
    let head = ["DONE", "ROWS", "WHAT", "WHERE"].map(str::to_owned).to_vec();
    let row = |touched: &Touched| {
        let rows = touched.rows.map_or("-".to_owned(), count);
        let place = match &touched.why {
            Some(why) => format!("{}: {why}", touched.place),
            None => touched.place.clone(),
        };
        vec![word(touched.done).to_owned(), rows, touched.what.to_owned(), place]
    };
    text += &columns(&std::iter::once(head).chain(outcome.touched.iter().map(row)).collect::<Vec<_>>());
    text += "\n\nnot reached:\n";
    let unreached: Vec<_> = outcome.unreached.iter().map(|place| format!("  {place}")).collect();
    text += &unreached.join("\n");
    text
}

/// What became of a place.
fn word(done: Done) -> &'static str {
    match done {
        Done::Nothing => "held nothing",
        Done::Rewritten => "rewritten",
        Done::Removed => "removed",
        Done::Marked => "marked",
        Done::Left => "LEFT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_value_with_all_its_blanks() {
        for (text, values) in [
            ("7\n\n 8 \r\n9", &["7", " 8 ", "9"][..]),
            ("\u{feff}7\t\r\n\u{a0}8\r", &["7\t", "\u{a0}8"]),
            ("  \n\r\n", &[]),
        ] {
            assert_eq!(lines_of(text).collect::<Vec<_>>(), values, "{text:?}");
        }
    }
}
