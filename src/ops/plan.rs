//! What `backfill` would do. Reads the header of the export; changes nothing.
//!
//! A header that does not fit is part of the plan: it is shown, and the error comes beside it.

use super::backfill::{Backfill, Prepared, prepare};
use super::cost::{self, Cost, Work};
use super::export::FoundExport;
use super::load::{intent, shrink_guard};
use super::pending::{self, Pending};
use super::privacy::{self, PolicyId, Rule, ShownRule};
use super::schema::{ShownColumn, shown_column};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::pipeline::{self, ConvertOptions, Job};
use crate::report::{RunReport, Status};
use crate::schema::{DdlOptions, Layout, MissingColumns, OutputColumn, Table, UnknownColumns, create_table};
use crate::store::{self, ExportKind, Location, ObjectInfo};
use crate::warehouse::{Admission, LoadRequest, Warehouse};
use serde::Serialize;

pub use crate::schema::Difference;
pub use crate::warehouse::TargetPlan;

/// How many times smaller bzip2 makes `signatures`, when no earlier load says more.
const BZIP2_RATIO: u64 = 4;
/// No export of people's rows is smaller by more than this.
const COMPRESSION_RATIO_MAX: u64 = 100;
/// Loads of a ledger that are looked through for the last full one.
const RUNS_LOOKED_AT: usize = 1_000;
/// Bytes of CSV in a row of `signatures`, when no earlier load says more.
const ROW_BYTES: u64 = 500;
/// Bytes of CSV that one thread converts in a second, when no earlier load says more: on the safe side.
const CSV_BYTES_PER_SECOND: u64 = 100_000_000;
/// How many times smaller Parquet is than CSV, when no earlier load says more.
const PARQUET_RATIO: u64 = 4;

/// What a load would do.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// Table name.
    pub table: String,
    /// Full or incremental.
    pub kind: ExportKind,
    /// The export.
    pub source: PlannedSource,
    /// Where the table goes.
    pub warehouse: String,
    /// Load, skip or refuse.
    pub action: Action,
    /// Why.
    pub why: String,
    /// What the header and the schema do not have in common.
    pub differences: Differences,
    /// The columns that would be written, in the order of the file.
    pub columns: Vec<ShownColumn>,
    /// What becomes of people's values; none where nothing of the table is hidden.
    pub privacy: Option<PlannedPolicy>,
    /// What is to be looked at.
    pub warnings: Vec<String>,
    /// What the run will come to; none for an unknown length.
    pub estimate: Option<Estimate>,
    /// What that costs.
    pub cost: Option<Cost>,
    /// What Redshift's table makes of it; none for a local warehouse.
    pub target: Option<TargetPlan>,
    /// The statement that would make the table in Redshift.
    pub ddl: String,
    /// All incremental exports, if there are several; `source` is the first that would be loaded, and the
    /// estimate is of all of them.
    pub incrementals: Option<Incrementals>,
}

/// The policy of privacy, as far as it changes the table.
#[derive(Debug, Serialize)]
pub struct PlannedPolicy {
    /// What tells it from another.
    #[serde(flatten)]
    pub id: PolicyId,
    /// The columns that are not loaded as they are.
    pub columns: Vec<ShownRule>,
}

/// Incremental exports: each that the table lacks would be loaded by itself, oldest first.
#[derive(Debug, Default, Serialize)]
pub struct Incrementals {
    /// Those that would be loaded.
    pub to_load: Vec<PlannedSource>,
    /// How many are in the table.
    pub already: u64,
    /// How many are older than the full export in the table can lack.
    pub covered: u64,
    /// How many were in the table once, which was rolled back from them.
    pub rolled_back: u64,
}

/// What a load would come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It loads.
    Load,
    /// There is nothing to do.
    Skip,
    /// It would end with an error before a row is read.
    Refuse,
}

impl Action {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Skip => "skip",
            Self::Refuse => "refuse",
        }
    }
}

/// What the header and the schema do not have in common, whether it is allowed or not.
#[derive(Debug, Serialize)]
pub struct Differences {
    /// Columns of the file.
    pub not_in_schema: Vec<String>,
    /// Columns of the schema.
    pub not_in_file: Vec<String>,
}

/// The export.
#[derive(Debug, Serialize)]
pub struct PlannedSource {
    /// Object or file.
    pub uri: String,
    /// Version of its content.
    pub etag: Option<String>,
    /// Bytes as stored.
    pub bytes: Option<u64>,
    /// `YYYYMMDDhhmmss`, if its name says so.
    pub exported_at: Option<String>,
}

/// What the run will come to, about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// Data records.
    pub rows: u64,
    /// Bytes of Parquet.
    pub parquet_bytes: u64,
    /// Seconds.
    pub seconds: u64,
    /// The load that this is calculated from; none: from rules of thumb.
    pub from_load: Option<String>,
}

/// The plan, and the error of its columns or of its table if they do not fit.
///
/// # Errors
/// If there is nothing to plan: no schema, no export, no access.
pub fn plan(config: &Config, asked: &Backfill) -> Result<(Plan, Option<Error>)> {
    let Prepared { options, warehouse, table, pending, .. } = prepare(config, asked)?;
    let incrementals = incrementals(&pending)?;
    let export = pending.exports.into_iter().next();
    let export = export.ok_or_else(|| Error::access("no export was found"))?;
    let source = store::open(&export.location)?;
    let info = source.info().clone();
    let load_id = uuid::Uuid::now_v7().to_string();
    let (kind, exported_at) = (asked.export.kind(), export.exported_at);
    let shrink = shrink_guard(config, asked.allow_shrink);
    let wanted = LoadRequest {
        again: asked.again,
        shrink,
        rejected_from: export.rejected_from,
        exported_at: exported_at.clone(),
        privacy: table.policy_id(&options.policy),
        ..LoadRequest::new(&load_id, &table.name, kind, &info)
    };
    let (mut action, mut why) = verdict(warehouse.admit(&wanted)?, kind);
    let ddl_options = DdlOptions { schema: Some(config.redshift.schema.clone()), replace: false };
    let rules = options.policy.rules();
    let view = table.under(rules)?;
    let ddl = create_table(&view, &ddl_options)?;
    let job = Job::new(&load_id, table.clone(), kind, source);
    let mut job = Job { request: wanted.clone(), ..job };
    let (layout, mut misfit) = layout_of(&mut job, &export.location, &options)?;
    let mut warnings = ddl.warnings;
    warnings.extend(privacy::warning(&privacy::credentials(rules, &table)));
    match &misfit {
        None => warnings.splice(..0, layout.warnings.clone()).for_each(drop),
        // What is skipped is not read as far as its header.
        Some(_) if action == Action::Skip => misfit = None,
        Some(_) => {
            (action, why) = (Action::Refuse, "the columns of the export do not fit the schema".to_owned());
        }
    }
    let bytes = incrementals.as_ref().map_or(info.bytes, |all| total(&all.to_load)).or(info.bytes);
    let last = warehouse.last_report(&table.name, kind);
    let estimate = bytes.map(|bytes| estimate(last.as_ref(), &info.uri, bytes, options.threads));
    if action == Action::Load && kind == ExportKind::Full {
        let before =
            last.as_ref().map_or_else(|| last_full_rows(&*warehouse, &table.name), |last| last.rows.accepted);
        let about = match (&last, &estimate) {
            (Some(_), Some(estimate)) => Some(estimate.rows),
            _ => bytes.map(|bytes| rows_at_most(&info.uri, bytes, &layout)),
        };
        warnings.extend(about.and_then(|about| shrink.foretold(before, about)));
    }
    let rows = estimate.as_ref().map_or(0, |estimate| estimate.rows);
    let policy = wanted.privacy.clone().map(|id| PlannedPolicy {
        id,
        columns: privacy::shown(rules, &table).into_iter().filter(|column| column.rule.hides()).collect(),
    });
    let mut target = warehouse.plan(&intent(config, wanted, &view, &options), &layout, rows)?;
    if let Some(fault) = target.as_mut().and_then(|target| target.misfit.take())
        && action == Action::Load
    {
        (action, why) = (Action::Refuse, "the table in Redshift does not fit the export".to_owned());
        misfit = Some(fault);
    }
    let csv_bytes = bytes.map(|bytes| csv_bytes(&info.uri, bytes));
    let plan = Plan {
        cost: estimate.as_ref().zip(csv_bytes).map(|(estimate, csv_bytes)| {
            cost::cost(Work { csv_bytes, seconds: estimate.seconds, threads: options.threads })
        }),
        target,
        estimate,
        differences: differences(&layout, &table),
        columns: shown_layout(&layout, &job.table),
        privacy: policy,
        table: job.table.name,
        kind,
        source: PlannedSource { uri: info.uri, etag: info.etag, bytes: info.bytes, exported_at },
        warehouse: warehouse.shown(),
        action,
        why,
        warnings,
        ddl: ddl.sql,
        incrementals,
    };
    Ok((plan, misfit))
}

/// Looks at each of several exports that would be loaded.
fn incrementals(pending: &Pending) -> Result<Option<Incrementals>> {
    let Some(standing) = pending.standing else { return Ok(None) };
    let to_load = match standing.lacking {
        0 => &[],
        _ => &pending.exports[..],
    };
    let planned = |export: &FoundExport| {
        let ObjectInfo { uri, etag, bytes } = store::open(&export.location)?.info().clone();
        Ok(PlannedSource { uri, etag, bytes, exported_at: export.exported_at.clone() })
    };
    let to_load = to_load.iter().map(planned).collect::<Result<_>>()?;
    let pending::Standing { already, covered, rolled_back, .. } = standing;
    Ok(Some(Incrementals { to_load, already, covered, rolled_back }))
}

/// Bytes of all; none if one's are not known, or there is none.
fn total(sources: &[PlannedSource]) -> Option<u64> {
    let bytes: Option<u64> = sources.iter().map(|source| source.bytes).sum();
    bytes.filter(|_| !sources.is_empty())
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

/// Columns that a rule of privacy drops or empties are no difference.
fn differences(layout: &Layout, table: &Table) -> Differences {
    let missing =
        layout.columns.iter().filter(|column| column.field.is_none() && column.privacy != Rule::Null);
    let unknown = layout.dropped.iter().filter(|name| !table.columns.contains_key(*name));
    Differences {
        not_in_schema: unknown.cloned().collect(),
        not_in_file: missing.map(|column| column.name.clone()).collect(),
    }
}

fn verdict(admission: Admission, kind: ExportKind) -> (Action, String) {
    match (admission.reason(), kind) {
        (Some(reason), _) => (Action::Skip, reason),
        (None, ExportKind::Full) => (Action::Load, "replaces the table".to_owned()),
        (None, ExportKind::Incremental) => (Action::Load, "adds to the table".to_owned()),
    }
}

fn shown_layout(layout: &Layout, table: &Table) -> Vec<ShownColumn> {
    let shown = |column: &OutputColumn| {
        let sql_type = table.columns.get(&column.name).map(|column| column.sql_type.as_str());
        shown_column(&column.name, sql_type, column.column_type, column.width, column.nullable)
    };
    layout.columns.iter().map(shown).collect()
}

/// From the last load of the same table and kind, else from rules of thumb.
fn estimate(last: Option<&RunReport>, uri: &str, bytes: u64, threads: usize) -> Estimate {
    let Some(last) = last else { return by_thumb(uri, bytes, threads) };
    // One may be compressed and the other not.
    let factor = csv_bytes(uri, bytes) as f64 / csv_bytes(&last.source.uri, last.source.bytes).max(1) as f64;
    let scaled = |value: f64| (value * factor).round() as u64;
    let written: u64 = last.files.iter().map(|file| file.bytes).sum();
    Estimate {
        rows: scaled(last.rows.read as f64),
        parquet_bytes: scaled(written as f64),
        seconds: scaled(last.seconds.total).max(1),
        from_load: Some(last.load_id.clone()),
    }
}

/// Bytes of CSV in an export of this length.
fn csv_bytes(uri: &str, bytes: u64) -> u64 {
    if is_compressed(uri) { bytes.saturating_mul(BZIP2_RATIO) } else { bytes }
}

fn is_compressed(uri: &str) -> bool {
    [".bz2", ".gz", ".zst"].iter().any(|ending| uri.ends_with(ending))
}

/// Rows of the last full load, where nothing tells the size of its export; 0 if nobody knows.
fn last_full_rows(warehouse: &dyn Warehouse, table: &str) -> u64 {
    let runs = warehouse.loads(Some(table), RUNS_LOOKED_AT).unwrap_or_default();
    let full = runs.iter().find(|run| run.kind == ExportKind::Full && run.status == Status::Succeeded);
    full.map_or(0, |run| run.rows.loaded)
}

/// Rows that an export of this length can hold: each has a byte for each of its fields.
fn rows_at_most(uri: &str, bytes: u64, layout: &Layout) -> u64 {
    let csv_bytes = if is_compressed(uri) { bytes.saturating_mul(COMPRESSION_RATIO_MAX) } else { bytes };
    csv_bytes / (layout.columns.len().max(1) as u64)
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
        let load = (Action::Load, "replaces the table".to_owned());
        assert_eq!(verdict(Admission::Proceed, ExportKind::Full), load);
        assert_eq!(verdict(Admission::Proceed, ExportKind::Incremental).1, "adds to the table");
        assert_eq!(verdict(older, ExportKind::Full).0, Action::Skip);
    }
}
