//! `csl-stream privacy`: what becomes of each column, and what nobody has decided.

use super::args::{PrivacyCommand, SchemaArgs};
use super::flags;
use super::printer::{Printer, columns};
use crate::config::Config;
use crate::error::Result;
use crate::ops::privacy::{Examined, ShownRule, examine, show};
use crate::ops::schema;
use crate::report::words::plural;

/// Runs the command.
pub(super) fn run(printer: Printer, config: Config, command: &PrivacyCommand) -> Result<()> {
    match command {
        PrivacyCommand::Show { schema: args, tables } => {
            let config = configured(config, args)?;
            let shown = show(&config, &schema::read(&config)?, tables)?;
            printer.json(&shown)?;
            printer.long(&rules_text(&shown))
        }
        PrivacyCommand::Check { schema: args } => {
            let config = configured(config, args)?;
            let examined = examine(&config, &schema::read(&config)?)?;
            printer.json(&examined)?;
            printer.result(&examined_text(&examined))?;
            examined.verdict()
        }
    }
}

fn configured(mut config: Config, args: &SchemaArgs) -> Result<Config> {
    flags::set_schema(&mut config, args);
    config.check()?;
    Ok(config)
}

/// Columns under each other, with what becomes of them.
pub(super) fn rules_text(shown: &[ShownRule]) -> String {
    let row = |one: &ShownRule| {
        vec![
            format!("{}.{}", one.table, one.column),
            one.rule.to_string(),
            one.decided_by.clone(),
            one.holds.unwrap_or("not in the list").to_owned(),
        ]
    };
    columns(&shown.iter().map(row).collect::<Vec<_>>())
}

fn examined_text(examined: &Examined) -> String {
    let Examined { policy, columns, undecided, credentials, without_columns } = examined;
    let mut text = format!("rules      {policy}\ncolumns    {columns}, {} undecided\n", undecided.len());
    if !credentials.is_empty() {
        let kept = plural(credentials.len() as u64, "credential");
        text += &format!("warning    {kept} kept: {}\n", credentials.join(", "));
    }
    for glob in without_columns {
        text += &format!("warning    the rule {glob} matches no column\n");
    }
    if !undecided.is_empty() {
        text += &format!("\n{}", rules_text(undecided));
    }
    text
}
