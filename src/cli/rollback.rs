//! `csl-stream rollback`: a table as it was, in words.

use super::args::RollbackArgs;
use super::flags;
use super::printer::Printer;
use super::terminal::Terminal;
use crate::config::Config;
use crate::error::Result;
use crate::ops::rollback::{Rollback, RolledBack, rollback};
use crate::report::words::plural;

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &RollbackArgs) -> Result<()> {
    flags::set_warehouse(&mut config, args.to.as_deref());
    config.check()?;
    let request = Rollback { table: args.table.clone(), load: args.load.clone(), dry_run: args.dry_run };
    let done = rollback(&config, &request, &Terminal::plain(printer)?)?;
    printer.json(&done)?;
    printer.result(&text(&done))
}

fn text(done: &RolledBack) -> String {
    let RolledBack { table, went_back, .. } = done;
    let verb = if done.dry_run { "would be rolled back" } else { "rolled back" };
    let made = went_back.exported_at.as_ref().map_or(String::new(), |at| format!(", full export of {at}"));
    let mut text = format!(
        "{table}: {verb} from load {} ({}) to load {} ({}{made})\n",
        went_back.from,
        plural(went_back.rows_before, "row"),
        went_back.to,
        plural(went_back.rows, "row"),
    );
    if went_back.erased > 0 {
        text += &format!("  {} of people who were erased since stay out\n", plural(went_back.erased, "row"));
    }
    for load in &went_back.loads {
        text += &format!("  not loaded again without --again: {} (load {})\n", load.source, load.load_id);
    }
    if !done.dry_run {
        text += &format!("  rollback {}; csl-stream rollback --table {table} undoes it\n", done.rollback_id);
    }
    text
}
