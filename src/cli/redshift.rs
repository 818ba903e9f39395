//! Redshift as the command line sees it: configuration, preflight, plan, ledger.

use super::catalog;
use super::notices;
use super::printer::{Printer, columns};
use super::run::{Reports, conclude};
use super::signals::Stopper;
use super::size::{count, plural, show as show_bytes};
use super::target::Load;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::pipeline::{ConvertOptions, Outcome};
use crate::report::{FileReport, Rows, RunReport, Status};
use crate::schema::{Difference, Layout, TargetTable};
use crate::store::{Location, ObjectInfo};
use crate::warehouse::Warehouse;
use crate::warehouse::redshift::{
    Connection, DataApi, LedgerRow, ManifestPlace, RedshiftSettings, RedshiftWarehouse, load_id,
};
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// A database of Redshift, ready to be asked.
#[derive(Debug)]
pub(super) struct Target(RedshiftWarehouse);

/// What a plan says of the table.
#[derive(Debug, Serialize)]
pub(super) struct TargetPlan {
    /// The table, or none if it would be created or is missing.
    table: Option<TargetTable>,
    created: bool,
    differences: Vec<Difference>,
    sql: Vec<String>,
    #[serde(skip)]
    misfit: Option<Error>,
}

impl Target {
    /// The database of the configuration; nothing is asked yet.
    pub(super) fn of(config: &Config) -> Result<Self> {
        let text = |key| config.text(key);
        let connection = Connection::of(
            text("redshift.cluster"),
            text("redshift.workgroup"),
            text("redshift.database"),
            text("redshift.secret_arn"),
            text("redshift.db_user"),
        )?;
        let staging = text("staging.url").ok_or_else(|| {
            Error::usage("no staging place was named")
                .help("set staging.url to s3://bucket/prefix, in Redshift's region, in csl-stream.toml")
        })?;
        let word = |key, default: &str| text(key).unwrap_or(default).to_owned();
        let manifests = match text("manifest.url") {
            None => None,
            Some(url) => Some(ManifestPlace {
                url: Location::parse(url)?,
                prefix: word("manifest.prefix", "manifests"),
                failed_prefix: word("manifest.failed_prefix", "failed"),
            }),
        };
        let settings = RedshiftSettings {
            schema: word("redshift.schema", "public"),
            iam_role: word("redshift.iam_role", "default"),
            staging: Location::parse(staging)?,
            manifests,
        };
        RedshiftWarehouse::new(DataApi::new(connection)?, settings).map(Self)
    }

    /// Cancels what runs as soon as `stop` says so.
    pub(super) fn stop_when(&mut self, stop: impl Fn() -> bool + Send + Sync + 'static) {
        self.0.stop_when(Arc::new(stop));
    }

    pub(super) fn warehouse(&self) -> &dyn Warehouse {
        &self.0
    }

    pub(super) fn redshift(&self) -> &RedshiftWarehouse {
        &self.0
    }

    pub(super) fn shown(&self) -> String {
        format!("{}/{}", self.0.api().connection(), self.0.settings().schema)
    }

    pub(super) fn preflight(&self, load: &Load<'_>, id: &str) -> Result<String> {
        let target = match self.0.find_target(&load.table.name)? {
            None if load.create_table => {
                self.0.create(&[self.ddl(load)?])?;
                self.0.target(&load.table.name)?
            }
            None => return self.0.target(&load.table.name).map(|_| id.to_owned()),
            Some(target) => target,
        };
        Ok(id_of(load, &target).unwrap_or_else(|| id.to_owned()))
    }

    fn ddl(&self, load: &Load<'_>) -> Result<String> {
        super::redshift_check::ddl(load.table, &self.0.settings().schema)
    }

    pub(super) fn plan(&self, load: &Load<'_>, layout: &Layout, rows: u64) -> Result<TargetPlan> {
        let Some(target) = self.0.find_target(&load.table.name)? else {
            let misfit = if load.create_table { None } else { self.0.target(&load.table.name).err() };
            let sql = if load.create_table { vec![self.ddl(load)?] } else { Vec::new() };
            return Ok(TargetPlan {
                table: None,
                created: load.create_table,
                differences: Vec::new(),
                sql,
                misfit,
            });
        };
        let fitted = target.compare(layout.clone(), load.table, load.options.missing_columns);
        let misfit = fitted.fault(&target);
        let id = id_of(load, &target).unwrap_or_else(|| "(a new id)".to_owned());
        let sql = match misfit {
            Some(_) => Vec::new(),
            None => self.0.plan_sql(&load.request(&id), &target, &fitted, rows)?,
        };
        Ok(TargetPlan { table: Some(target), created: false, differences: fitted.differences, sql, misfit })
    }
}

/// The id of this very work; none if the export's content is not known by an etag.
fn id_of(load: &Load<'_>, target: &TargetTable) -> Option<String> {
    let etag = load.source.etag.as_deref()?;
    // Neither shapes a file.
    let options = ConvertOptions { threads: 0, max_rejects: 0, ..load.options.clone() };
    let identity = [
        env!("CARGO_PKG_VERSION"),
        &load.source.uri,
        etag,
        load.kind.word(),
        &format!("{options:?}"),
        &format!("{:?}", load.table),
        &format!("{target:?}"),
    ];
    Some(load_id(load.exported_at, &identity))
}

impl TargetPlan {
    /// Why nothing can be loaded, once.
    pub(super) fn misfit(&mut self) -> Option<Error> {
        self.misfit.take()
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if self.created {
            text += "table      is not there and would be created\n";
        } else if self.table.is_none() {
            text += "table      is not there: --create-table creates it\n";
        }
        for Difference { what, help, stops } in &self.differences {
            let word = if *stops { "misfit" } else { "differs" };
            text += &format!("{word:<10} {what}\n");
            if !help.is_empty() {
                text += &format!("           {help}\n");
            }
        }
        if !self.sql.is_empty() {
            text += &format!("\n{}, as one transaction\n", plural(self.sql.len() as u64, "statement"));
            text += &self.sql.iter().map(|sql| format!("  {sql};\n")).collect::<String>();
        }
        text
    }
}

pub(super) fn list(printer: Printer, config: &Config, table: Option<&str>, limit: usize) -> Result<()> {
    let target = Target::of(config)?;
    let rows = target.redshift().loads(table, Some(limit))?;
    printer.json(&rows)?;
    if rows.is_empty() {
        return printer.result(&format!("no loads in {} yet", target.shown()));
    }
    let head = ["FINISHED", "LOAD", "TABLE", "KIND", "ROWS", "REJECTED", "CARRIED OVER", "SOURCE"];
    let mut cells = vec![head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
    cells.extend(rows.iter().map(|row| {
        vec![
            row.finished.clone().unwrap_or_else(|| "-".to_owned()),
            row.load_id.clone(),
            row.table.clone(),
            row.kind.word().to_owned(),
            count(row.rows_loaded),
            count(row.rows_rejected),
            count(row.rows_carried_over),
            row.source_uri.clone(),
        ]
    }));
    printer.result(&columns(&cells))
}

pub(super) fn show(printer: Printer, config: &Config, id: &str) -> Result<()> {
    let target = Target::of(config)?;
    let row = target.redshift().load(id)?.ok_or_else(|| {
        Error::usage(format!("there is no load {id:?} in the ledger"))
            .help("`csl-stream loads list` shows those there are; one that failed is not in the ledger")
    })?;
    printer.json(&row)?;
    printer.result(&details(&row))
}

/// Loads from what is staged of a run: a run like any other, with its guard and its notices.
pub(super) fn retry(printer: Printer, config: &Config, id: &str) -> Result<()> {
    let mut target = Target::of(config)?;
    if let Some(row) = target.redshift().load(id)? {
        printer.json(&report_of(&row, Vec::new()))?;
        return printer.result(&format!("this load is in the table already\n{}", details(&row)));
    }
    let staged = target.redshift().staged(id)?;
    let watch = Stopper::of_signals(printer)?.watch();
    let stopped = {
        let watch = Arc::clone(&watch);
        move || watch.stopped()
    };
    target.stop_when(stopped.clone());
    let started = Instant::now();
    let outcome = catalog::wait_for_job(config, printer, &stopped)
        .and_then(|()| target.redshift().retry(id))
        .map(|(row, files)| report_of(&row, files))
        .map_err(|error| {
            let report = RunReport {
                status: Status::Failed,
                error: Some(error.to_string()),
                ..report_of(&staged, Vec::new())
            };
            (Box::new(report), error)
        });
    let outcome = timed(outcome, started.elapsed().as_secs_f64());
    let outcome = notices::told(config, catalog::registered(config, outcome));
    conclude(printer, &Reports::open(printer, None, [])?, "loaded", outcome).map(drop)
}

fn timed(mut outcome: Outcome, seconds: f64) -> Outcome {
    let report = match &mut outcome {
        Ok(report) => report,
        Err((report, _)) => &mut **report,
    };
    (report.seconds.total, report.seconds.load) = (seconds, seconds);
    outcome
}

/// The report of a load that is in its table.
fn report_of(row: &LedgerRow, files: Vec<FileReport>) -> RunReport {
    let source =
        ObjectInfo { uri: row.source_uri.clone(), etag: row.source_etag.clone(), ..ObjectInfo::default() };
    let rows = Rows {
        read: row.rows_read,
        accepted: row.rows_accepted,
        rejected: row.rows_rejected,
        truncated_values: row.values_truncated,
        carried_over: row.rows_carried_over,
        loaded: row.rows_loaded,
    };
    let begun = RunReport::begin(&row.load_id, &row.table, row.kind, &source);
    RunReport { status: Status::Succeeded, rows, files, ..begun }
}

fn details(row: &LedgerRow) -> String {
    let mut lines = vec![
        format!("{}: {} loaded ({})", row.table, plural(row.rows_loaded, "row"), row.kind.word()),
        format!("  from {}", row.source_uri),
        format!("  into {}, {}", plural(row.files, "file"), show_bytes(row.bytes)),
        format!(
            "  read {} = accepted {} + rejected {}",
            count(row.rows_read),
            count(row.rows_accepted),
            count(row.rows_rejected)
        ),
    ];
    if row.rows_loaded < row.rows_accepted {
        let present = plural(row.rows_accepted - row.rows_loaded, "row");
        lines.push(format!("  {present} passed over: the id was there already"));
    }
    if row.rows_carried_over > 0 {
        lines.push(format!("  {} kept from the old table", plural(row.rows_carried_over, "row")));
    }
    let finished = row.finished.as_deref().unwrap_or("-");
    lines.push(format!("  started {}, finished {finished}", row.started));
    lines.push(format!("  load {}", row.load_id));
    lines.join("\n")
}
