//! `csl-stream plan`: what backfill would do. Reads the header of the export; changes nothing.
//!
//! A header that does not fit is part of the plan: it is shown, and the exit code is that of the run.

use super::args::BackfillArgs;
use super::backfill::{self, Prepared};
use super::cost::{self, Cost, Work};
use super::printer::Printer;
use super::redshift::TargetPlan;
use super::schema::{ShownColumn, columns_text, shown_column};
use super::size::{count, plural, show};
use super::target::Load;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ledger;
use crate::pipeline::{self, ConvertOptions, Job};
use crate::report::Status;
use crate::schema::{DdlOptions, Layout, MissingColumns, Table, UnknownColumns, create_table};
use crate::store::{self, ExportKind, Location, ObjectInfo};
use crate::warehouse::{Admission, ShrinkGuard};
use serde::Serialize;
use std::path::Path;

/// How many times smaller bzip2 makes `signatures`, when no earlier load says more.
const BZIP2_RATIO: u64 = 4;
/// Bytes of CSV in a row of `signatures`, when no earlier load says more.
const ROW_BYTES: u64 = 500;
/// Bytes of CSV that one thread converts in a second, when no earlier load says more: on the safe side.
const CSV_BYTES_PER_SECOND: u64 = 100_000_000;
/// How many times smaller Parquet is than CSV, when no earlier load says more.
const PARQUET_RATIO: u64 = 4;

/// The plan, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Plan {
    table: String,
    kind: ExportKind,
    source: PlannedSource,
    warehouse: String,
    /// `load`, `skip` or `refuse`.
    action: &'static str,
    why: String,
    differences: Differences,
    columns: Vec<ShownColumn>,
    warnings: Vec<String>,
    estimate: Option<Estimate>,
    cost: Option<Cost>,
    /// What Redshift's table makes of it; none for a local warehouse.
    target: Option<TargetPlan>,
    ddl: String,
}

/// What the header and the schema do not have in common, whether it is allowed or not.
#[derive(Debug, Serialize)]
struct Differences {
    not_in_schema: Vec<String>,
    not_in_file: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PlannedSource {
    uri: String,
    etag: Option<String>,
    bytes: Option<u64>,
    exported_at: Option<String>,
}

/// What the run will come to, about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Estimate {
    rows: u64,
    parquet_bytes: u64,
    seconds: u64,
    /// The load that this is calculated from; none: from rules of thumb.
    from_load: Option<String>,
}

/// Runs the command.
pub(super) fn run(printer: Printer, config: Config, args: &BackfillArgs) -> Result<()> {
    let config = backfill::configured(config, args)?;
    // The report is that of a run, and this is none.
    if let Some(path) = &args.output.report {
        printer.note(&format!("no run, so no report in {}", path.display()));
    }
    let (plan, misfit) = plan(&config, args)?;
    printer.json(&plan)?;
    printer.result(&plan.text())?;
    misfit.map_or(Ok(()), Err)
}

/// The plan, and the error of its columns if they do not fit.
fn plan(config: &Config, args: &BackfillArgs) -> Result<(Plan, Option<Error>)> {
    let Prepared { options, target, table, export } = backfill::prepare(config, args)?;
    let source = store::open(&export.location)?;
    let info = source.info().clone();
    let load_id = uuid::Uuid::now_v7().to_string();
    let kind = args.export.kind;
    let exported_at = export.exported_at;
    let work = Load {
        table: &table,
        kind,
        source: &info,
        exported_at: exported_at.as_deref(),
        options: &options,
        create_table: args.target.create_table,
    };
    let (mut action, mut why) = verdict(target.warehouse().admit(&work.request(&load_id))?, kind);
    let ddl_options =
        DdlOptions { schema: config.text("redshift.schema").map(str::to_owned), replace: false };
    let ddl = create_table(&table, &ddl_options)?;
    let mut job = Job {
        load_id,
        table: table.clone(),
        kind,
        source,
        exported_at: exported_at.clone(),
        rejects: None,
        shrink: ShrinkGuard::default(),
        again: false,
    };
    let (layout, mut misfit) = layout_of(&mut job, &export.location, &options)?;
    let mut warnings = ddl.warnings;
    match &misfit {
        None => warnings.splice(..0, layout.warnings.clone()).for_each(drop),
        // What is skipped is not read as far as its header.
        Some(_) if action == "skip" => misfit = None,
        Some(_) => {
            action = "refuse";
            why = "the columns of the export do not fit the schema".to_owned();
        }
    }
    let estimate = estimate(target.dir(), &table.name, kind, &info, options.threads);
    let mut planned = target.plan(&work, &layout, estimate.as_ref().map_or(0, |estimate| estimate.rows))?;
    if let Some(fault) = planned.as_mut().and_then(TargetPlan::misfit)
        && action == "load"
    {
        action = "refuse";
        why = "the table in Redshift does not fit the export".to_owned();
        misfit = Some(fault);
    }
    let csv_bytes = info.bytes.map(|bytes| csv_bytes(&info.uri, bytes));
    let plan = Plan {
        cost: estimate.as_ref().zip(csv_bytes).map(|(estimate, csv_bytes)| {
            cost::cost(Work { csv_bytes, seconds: estimate.seconds, threads: options.threads })
        }),
        target: planned,
        estimate,
        columns: shown_layout(&layout, &job.table),
        table: job.table.name,
        kind,
        source: PlannedSource { uri: info.uri, etag: info.etag, bytes: info.bytes, exported_at },
        warehouse: target.shown(),
        action,
        why,
        differences: differences(&layout),
        warnings,
        ddl: ddl.sql,
    };
    Ok((plan, misfit))
}

/// The layout of the export; if its columns do not fit, the one it would have if they were allowed to,
/// and the error.
fn layout_of(
    job: &mut Job,
    location: &Location,
    options: &ConvertOptions,
) -> Result<(Layout, Option<Error>)> {
    let misfit = match pipeline::read_layout(job, options) {
        Ok(layout) => return Ok((layout, None)),
        // Standard input cannot be read again.
        Err(error @ Error::Schema(_)) if *location != Location::Stdin => error,
        Err(error) => return Err(error),
    };
    let (unknown_columns, missing_columns) = (UnknownColumns::Drop, MissingColumns::Null);
    let allowing = ConvertOptions { unknown_columns, missing_columns, ..options.clone() };
    job.source = store::open(location)?;
    match pipeline::read_layout(job, &allowing) {
        Ok(layout) => Ok((layout, Some(misfit))),
        Err(_) => Err(misfit),
    }
}

fn differences(layout: &Layout) -> Differences {
    let missing = layout.columns.iter().filter(|column| column.field.is_none());
    Differences {
        not_in_schema: layout.dropped.clone(),
        not_in_file: missing.map(|column| column.name.clone()).collect(),
    }
}

fn verdict(admission: Admission, kind: ExportKind) -> (&'static str, String) {
    match (admission.reason(), kind) {
        (Some(reason), _) => ("skip", reason),
        (None, ExportKind::Full) => ("load", "replaces the table".to_owned()),
        (None, ExportKind::Incremental) => ("load", "adds to the table".to_owned()),
    }
}

fn shown_layout(layout: &Layout, table: &Table) -> Vec<ShownColumn> {
    let shown = |column: &crate::schema::OutputColumn| {
        let sql_type = table.columns.get(&column.name).map(|column| column.sql_type.as_str());
        shown_column(&column.name, sql_type, column.column_type, column.width, column.nullable)
    };
    layout.columns.iter().map(shown).collect()
}

/// From the last load of the same table and kind, else from rules of thumb; none for an unknown length.
fn estimate(
    dir: Option<&Path>,
    table: &str,
    kind: ExportKind,
    info: &ObjectInfo,
    threads: usize,
) -> Option<Estimate> {
    let bytes = info.bytes?;
    let history = dir.and_then(|dir| from_history(dir, table, kind, bytes));
    Some(history.unwrap_or_else(|| by_thumb(&info.uri, bytes, threads)))
}

/// An unreadable ledger is no reason to show no plan.
fn from_history(dir: &Path, table: &str, kind: ExportKind, bytes: u64) -> Option<Estimate> {
    let runs = ledger::list(dir, Some(table)).ok()?;
    let last = runs.iter().find(|run| run.status == Status::Succeeded && run.kind == kind)?;
    let report = ledger::show(dir, &last.load_id).ok()?.report?;
    let factor = bytes as f64 / report.source.bytes.max(1) as f64;
    let scaled = |value: f64| (value * factor).round() as u64;
    let written: u64 = report.files.iter().map(|file| file.bytes).sum();
    Some(Estimate {
        rows: scaled(report.rows.read as f64),
        parquet_bytes: scaled(written as f64),
        seconds: scaled(report.seconds.total).max(1),
        from_load: Some(report.load_id),
    })
}

/// Bytes of CSV in an export of this length.
fn csv_bytes(uri: &str, bytes: u64) -> u64 {
    let compressed = [".bz2", ".gz", ".zst"].iter().any(|ending| uri.ends_with(ending));
    if compressed { bytes.saturating_mul(BZIP2_RATIO) } else { bytes }
}

/// Here the name's ending must do: the bytes themselves are looked at by the run.
fn by_thumb(uri: &str, bytes: u64, threads: usize) -> Estimate {
    let csv_bytes = csv_bytes(uri, bytes);
    Estimate {
        rows: csv_bytes / ROW_BYTES,
        parquet_bytes: csv_bytes / PARQUET_RATIO,
        seconds: (csv_bytes / CSV_BYTES_PER_SECOND / threads.max(1) as u64).max(1),
        from_load: None,
    }
}

impl Plan {
    fn text(&self) -> String {
        let kind = self.kind.word();
        let size = self.source.bytes.map_or("length unknown".to_owned(), show);
        let made = self.source.exported_at.as_ref().map_or(String::new(), |at| format!(", made {at}"));
        let mut text = format!(
            "export     {} ({kind}, {size}{made})\nwarehouse  {}\naction     {}: {}\n",
            self.source.uri, self.warehouse, self.action, self.why
        );
        if let Some(estimate) = &self.estimate {
            let from =
                estimate.from_load.as_ref().map_or("rules of thumb".to_owned(), |id| format!("load {id}"));
            text += &format!(
                "estimate   about {} rows, {} of Parquet, {} (from {from})\n",
                count(estimate.rows),
                show(estimate.parquet_bytes),
                plural(estimate.seconds, "second"),
            );
        }
        if let Some(cost) = &self.cost {
            text += &format!("cost       {cost}\n");
        }
        for name in &self.differences.not_in_schema {
            text += &format!("schema     {name:?} is in the export, not in the schema\n");
        }
        for name in &self.differences.not_in_file {
            text += &format!("schema     {name:?} is in the schema, not in the export\n");
        }
        for warning in &self.warnings {
            text += &format!("warning    {warning}\n");
        }
        let columns = plural(self.columns.len() as u64, "column");
        text += &format!("\n{columns}, in the order of the file\n{}", columns_text(&self.columns));
        match &self.target {
            Some(target) => text.insert_str(text.find("\n\n").map_or(0, |at| at + 1), &target.text()),
            None => text += &format!("\nthe table in Redshift would be\n{}", self.ddl),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_without_history_look_at_the_size() {
        let plain = by_thumb("a.csv", 1_000_000_000, 2);
        assert_eq!(
            plain,
            Estimate { rows: 2_000_000, parquet_bytes: 250_000_000, seconds: 5, from_load: None }
        );
        assert_eq!(by_thumb("a.csv.bz2", 250_000_000, 2), plain);
        assert_eq!(by_thumb("a.csv", 0, 0).seconds, 1);
    }

    #[test]
    fn verdicts_say_why() {
        let older = Admission::Older { than: "20260301031500".to_owned() };
        assert_eq!(verdict(Admission::Proceed, ExportKind::Full), ("load", "replaces the table".to_owned()));
        assert_eq!(verdict(Admission::Proceed, ExportKind::Incremental).1, "adds to the table");
        assert_eq!(verdict(older, ExportKind::Full).0, "skip");
    }
}
