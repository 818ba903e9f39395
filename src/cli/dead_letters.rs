//! `csl-stream dead-letters`: messages that could not be loaded.

use super::args::DeadLettersCommand;
use super::printer::{Printer, columns};
use crate::config::Config;
use crate::error::Result;
use crate::ops::dead_letters::{self, DeadLetter};
use crate::report::words::plural;

/// Runs the command.
pub(super) fn run(printer: Printer, config: &Config, command: &DeadLettersCommand) -> Result<()> {
    match command {
        DeadLettersCommand::List => {
            let letters = dead_letters::list(config)?;
            printer.json(&letters)?;
            if letters.is_empty() {
                return printer.result("no dead letters");
            }
            printer.long(&table_of(&letters))
        }
        DeadLettersCommand::Show { id } => {
            let letter = dead_letters::show(config, id)?;
            printer.json(&letter)?;
            printer.result(&details(&letter))
        }
        // Clap wants either ids or --all.
        DeadLettersCommand::Redrive { ids, all: _ } => {
            let (gone, missing) = dead_letters::redrive(config, ids)?;
            printer.json(&gone)?;
            printer.result(&format!("{} put back into the queue", plural(gone.len() as u64, "message")))?;
            missing.map_or(Ok(()), Err)
        }
    }
}

fn table_of(letters: &[DeadLetter]) -> String {
    let head = ["DIED", "ID", "TABLE", "KIND", "TRIES", "CODE", "REASON"];
    let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
    let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    rows.extend(letters.iter().map(|letter| {
        vec![
            or_dash(letter.died_at.clone()),
            letter.id.clone(),
            or_dash(letter.table.clone()),
            or_dash(letter.kind.clone()),
            or_dash(letter.tries.map(|tries| tries.to_string())),
            or_dash(letter.exit_code.map(|code| code.to_string())),
            letter.reason.clone(),
        ]
    }));
    columns(&rows)
}

fn details(letter: &DeadLetter) -> String {
    let export = letter.export.as_deref().unwrap_or("no load message");
    let died = letter.died_at.as_deref().unwrap_or("-");
    let mut lines = vec![format!("{export}"), format!("  {}", letter.reason)];
    if let Some(code) = letter.exit_code {
        lines.push(format!("  exit code {code}"));
    }
    if let Some(tries) = letter.tries {
        lines.push(format!(
            "  tried {}",
            if tries == 1 { "once".to_owned() } else { plural(u64::from(tries), "time") }
        ));
    }
    lines.push(format!("  died {died}"));
    lines.push(format!("  message {}", letter.message));
    lines.join("\n")
}
