//! `csl-stream loads`: what the ledger remembers.

use super::args::{LedgerArgs, LoadsCommand};
use super::flags;
use super::printer::{Printer, Tone, columns};
use super::reports;
use super::summary::{status_word, summary};
use super::terminal::Terminal;
use crate::config::Config;
use crate::error::{Result, cut};
use crate::ops::loads::{self, Ended, Retried, Run, Shown, Standing};
use crate::report::Status;
use crate::report::words::{count, plural};
use crate::status::LoadPage;

/// Runs the command.
pub(super) fn run(printer: Printer, config: Config, command: &LoadsCommand) -> Result<()> {
    let (LoadsCommand::List { target, .. }
    | LoadsCommand::Show { target, .. }
    | LoadsCommand::Retry { target, .. }) = command;
    let config = configured(config, target)?;
    match command {
        LoadsCommand::List { table, status, limit, .. } => {
            list(printer, &config, table.as_deref(), *status, *limit)
        }
        LoadsCommand::Show { id, html, .. } => {
            let shown = loads::show(&config, id)?;
            if let Some(path) = html {
                reports::write_page(path, &LoadPage::of(&shown))?;
                printer.note(&format!("the page is in {}", path.display()));
            }
            printer.json(&shown)?;
            match shown.report {
                Some(_) => printer.long(&details(&shown)),
                None => show(printer, std::slice::from_ref(&shown.run)),
            }
        }
        LoadsCommand::Retry { id, allow_shrink, .. } => retry(printer, &config, id, *allow_shrink),
    }
}

fn configured(mut config: Config, args: &LedgerArgs) -> Result<Config> {
    flags::set_warehouse(&mut config, args.to.as_deref());
    config.check()?;
    Ok(config)
}

fn list(
    printer: Printer,
    config: &Config,
    table: Option<&str>,
    status: Option<Ended>,
    limit: usize,
) -> Result<()> {
    let loads = loads::list(config, table, status, limit)?;
    printer.json(&loads.runs)?;
    if loads.runs.is_empty() {
        return printer.result(&match status {
            None => format!("no loads in {} yet", loads.warehouse),
            Some(_) => format!("no load in {} ended so", loads.warehouse),
        });
    }
    show(printer, &loads.runs)?;
    if loads.more {
        printer.note("older ones are not shown; --limit shows more");
    }
    Ok(())
}

fn retry(printer: Printer, config: &Config, id: &str, allow_shrink: bool) -> Result<()> {
    let terminal = Terminal::plain(printer)?;
    match loads::retry(config, id, allow_shrink, &terminal)? {
        Retried::Before(shown) => {
            printer.json(&shown.report)?;
            printer.result(&format!("this load is in the table already\n{}", details(&shown)))
        }
        Retried::Now(outcome) => terminal.conclude(*outcome).map(drop),
    }
}

fn table_of(runs: &[Run]) -> String {
    let head = ["STARTED", "LOAD", "TABLE", "KIND", "STATUS", "ROWS", "REJECTED", "DATA", "SOURCE"];
    let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect()];
    rows.extend(runs.iter().map(row));
    columns(&rows)
}

/// Characters of a reason in a list.
const REASON_CHARS_MAX: usize = 240;

/// Shows runs, with the reason under each that has one.
fn show(printer: Printer, runs: &[Run]) -> Result<()> {
    let lines = with_reasons(runs);
    printer.lines(lines.iter().map(|(tone, line)| (*tone, line.as_str())))
}

fn with_reasons(runs: &[Run]) -> Vec<(Tone, String)> {
    let table = table_of(runs);
    let mut rows = table.lines();
    let mut lines = vec![(Tone::Plain, rows.next().unwrap_or_default().to_owned())];
    for (row, run) in rows.zip(runs) {
        let tone = if run.status == Status::Failed { Tone::Bad } else { Tone::Plain };
        lines.push((tone, row.to_owned()));
        if let Some(error) = &run.error {
            lines.push((tone, format!("    {}", cut(&error.replace('\n', " "), REASON_CHARS_MAX))));
        }
    }
    lines
}

fn row(run: &Run) -> Vec<String> {
    vec![
        run.started.clone().unwrap_or_else(|| "-".to_owned()),
        run.load_id.clone(),
        run.table.clone(),
        run.kind.word().to_owned(),
        if run.killed { "killed" } else { status_word(run.status) }.to_owned(),
        count(run.rows.loaded),
        count(run.rows.rejected),
        data(run),
        run.source.clone(),
    ]
}

/// Where its rows are, and what became of the table's columns: `current, +2 columns`.
fn data(run: &Run) -> String {
    // What was never loaded is not gone.
    let standing = if run.status == Status::Succeeded { standing_word(run.standing) } else { "-" };
    let mut text = standing.to_owned();
    let changes = [(&run.added_columns, "+", ""), (&run.widened_columns, "", " wider")];
    for (columns, before, after) in changes.into_iter().filter(|(columns, ..)| !columns.is_empty()) {
        text += &format!(", {before}{}{after}", plural(columns.len() as u64, "column"));
    }
    text
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
        return table_of(std::slice::from_ref(&shown.run));
    };
    let mut lines = vec![summary(report, "loaded")];
    if let Some(started) = &shown.run.started {
        lines.push(format!("  started {started}"));
    }
    if report.status == Status::Succeeded {
        lines.push(format!("  its rows are {}", standing_word(shown.run.standing)));
    }
    let part =
        shown.entry.as_ref().and_then(|entry| entry.parts.iter().find(|part| part.load_id == report.load_id));
    lines.extend(part.and_then(|part| part.privacy.as_ref()).map(|id| format!("  rules of privacy: {id}")));
    lines.extend(report.files.iter().map(|file| format!("  {} ({} rows)", file.uri, count(file.rows))));
    for fault in &report.rejects.first {
        let column = fault.column.as_deref().unwrap_or("-");
        lines.push(format!(
            "  rejected: record {}, line {}, byte {}, column {column}, rule {}: {}",
            fault.record,
            fault.line,
            fault.byte,
            fault.rule,
            fault
                .value
                .as_ref()
                .map_or_else(|| plural(fault.value_bytes, "byte"), |value| format!("{value:?}"))
        ));
    }
    lines.join("\n")
}
