//! `csl-stream loads`: what the ledger remembers.

use super::args::{LedgerArgs, LoadsCommand};
use super::printer::{Printer, columns};
use super::redshift;
use super::run::{status_word, summary};
use super::settings;
use super::size::count;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ledger::{self, Run, Shown, Standing};
use crate::report::Status;

/// Runs the command.
pub(super) fn run(printer: Printer, config: Config, command: &LoadsCommand) -> Result<()> {
    let (LoadsCommand::List { target, .. }
    | LoadsCommand::Show { target, .. }
    | LoadsCommand::Retry { target, .. }) = command;
    let config = configured(config, target)?;
    if settings::is_redshift(&config) {
        return match command {
            LoadsCommand::List { table, limit, .. } => {
                redshift::list(printer, &config, table.as_deref(), *limit)
            }
            LoadsCommand::Show { id, .. } => redshift::show(printer, &config, id),
            LoadsCommand::Retry { id, .. } => redshift::retry(printer, &config, id),
        };
    }
    match command {
        LoadsCommand::List { table, limit, .. } => {
            let dir = settings::warehouse_dir(&config)?;
            let mut runs = ledger::list(&dir, table.as_deref())?;
            let more = runs.len().saturating_sub(*limit);
            runs.truncate(*limit);
            printer.json(&runs)?;
            if runs.is_empty() {
                return printer.result(&format!("no loads in {} yet", dir.display()));
            }
            printer.result(&table_of(&runs))?;
            if more > 0 {
                printer.note(&format!("{more} older not shown; --limit shows more"));
            }
            Ok(())
        }
        LoadsCommand::Show { id, .. } => {
            let shown = ledger::show(&settings::warehouse_dir(&config)?, id)?;
            printer.json(&shown)?;
            printer.result(&details(&shown))
        }
        LoadsCommand::Retry { .. } => {
            Err(Error::usage("a local load that failed leaves nothing that could be retried")
                .help("run backfill again; --to redshift retries a load into Redshift"))
        }
    }
}

fn configured(mut config: Config, args: &LedgerArgs) -> Result<Config> {
    settings::set_warehouse(&mut config, args.to.as_deref());
    config.check()?;
    Ok(config)
}

fn table_of(runs: &[Run]) -> String {
    let head = ["STARTED", "LOAD", "TABLE", "KIND", "STATUS", "ROWS", "REJECTED", "DATA", "SOURCE"];
    let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect()];
    rows.extend(runs.iter().map(row));
    columns(&rows)
}

fn row(run: &Run) -> Vec<String> {
    vec![
        run.started.clone().unwrap_or_else(|| "-".to_owned()),
        run.load_id.clone(),
        run.table.clone(),
        run.kind.word().to_owned(),
        status_word(run.status).to_owned(),
        count(run.rows.loaded),
        count(run.rows.rejected),
        // What was never loaded is not gone.
        if run.status == Status::Succeeded { standing_word(run.standing) } else { "-" }.to_owned(),
        run.source.clone(),
    ]
}

fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Current => "current",
        Standing::Kept => "kept",
        Standing::Gone => "gone",
    }
}

/// One run for people: the summary of its report, its files, its faults.
fn details(shown: &Shown) -> String {
    let Some(report) = &shown.report else {
        return format!("{}(the run left no report)", table_of(std::slice::from_ref(&shown.run)));
    };
    let mut lines = vec![summary(report, "loaded")];
    if let Some(started) = &shown.run.started {
        lines.push(format!("  started {started}"));
    }
    if report.status == Status::Succeeded {
        lines.push(format!("  its rows are {}", standing_word(shown.run.standing)));
    }
    lines.extend(report.files.iter().map(|file| format!("  {} ({} rows)", file.uri, count(file.rows))));
    for fault in &report.rejects.first {
        let column = fault.column.as_deref().unwrap_or("-");
        lines.push(format!(
            "  rejected: record {}, line {}, byte {}, column {column}, rule {}: {:?}",
            fault.record, fault.line, fault.byte, fault.rule, fault.value
        ));
    }
    lines.join("\n")
}
