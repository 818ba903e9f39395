//! What an export, or the last load, says of a table beside what the table holds. Changes nothing.

use super::comparison::{Side, compare};
use super::export::ExportChoice;
use super::observer::Observer;
use super::options::Conversion;
use super::{schema, target};
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::pipeline::{self, Watch};
use crate::privacy::Rules;
use crate::report::{ColumnReport, RunReport};
use crate::store::{self, ExportKind, Location, ObjectInfo};
use crate::values::Figure;
use crate::warehouse::{Held, Holding, Scope, Warehouse};
use serde::Serialize;
use std::sync::Arc;

pub use super::comparison::{Discrepancy, Measured};

/// What stands in place of figures that are not shown.
const HIDDEN: &str = "they differ; a rule of privacy hides them";
/// The column whose greatest value says how far an export reaches.
const CREATED_AT: &str = "created_at";

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verify {
    /// Table to look at.
    pub table: String,
    /// Which export; none: the last full load, or if nothing is known of its columns, the newest full export.
    pub export: Option<ExportChoice>,
    /// How the export is read.
    pub conversion: Conversion,
}

/// Both sides, and in what they differ.
#[derive(Debug, Serialize)]
pub struct Verified {
    /// Table name.
    pub table: String,
    /// The export that the table is compared with.
    pub export: String,
    /// The load whose report speaks for the export; none: the export itself was read.
    pub load_id: Option<String>,
    /// Where the table is, for people.
    pub warehouse: String,
    /// Its rows.
    pub rows: ComparedRows,
    /// Its columns, in the order of the export.
    pub columns: Vec<Compared>,
    /// In what they differ; none if the table is what the export says.
    pub differences: Vec<Discrepancy>,
    /// What is to be known about the comparison.
    pub notes: Vec<String>,
}

/// Rows of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ComparedRows {
    /// Of the export.
    pub export: u64,
    /// Of the table, as far as they can be the export's.
    pub table: u64,
    /// Of the table besides: they came after the export.
    pub later: u64,
}

/// One column of both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// Its name.
    pub name: String,
    /// What the export says.
    pub export: ColumnReport,
    /// What the table holds; none if it lacks the column.
    pub table: Option<ColumnReport>,
}

impl Verified {
    /// The error that says how much differs.
    ///
    /// # Errors
    /// [`Error::Counts`] if anything does.
    pub fn verdict(&self) -> Result<()> {
        let Some(first) = self.differences.first() else { return Ok(()) };
        let what = match self.differences.len() {
            1 => format!("the table differs from the export: {first}"),
            more => format!("the table differs from the export in {more} ways; the first: {first}"),
        };
        Err(Error::counts(what)
            .at(Place::uri(format!("{}: {}", self.warehouse, self.table)))
            .help("nothing was changed; a full export loaded anew makes the table what the export says"))
    }
}

/// What an export says.
struct Said {
    source: ObjectInfo,
    exported_at: Option<String>,
    load_id: Option<String>,
    rows: u64,
    columns: Vec<ColumnReport>,
}

/// Compares a table with an export, or with its last full load.
///
/// # Errors
/// If one of the two cannot be read. That they differ is no error here: [`Verified::verdict`].
pub fn verify(config: &Config, request: &Verify, observer: &dyn Observer) -> Result<Verified> {
    let mut warehouse = target::open(config)?;
    let watch = observer.watch();
    let stop = Arc::clone(&watch);
    warehouse.stop_when(Arc::new(move || stop.stopped()));
    let holding = warehouse.holding(&request.table)?;
    let said_by_load = match request.export {
        None => last_load(&*warehouse, &*holding, &request.table)?,
        Some(_) => None,
    };
    let mut notes = Vec::new();
    let said = match said_by_load {
        Some(said) => {
            notes.push(
                "texts are compared by their number and bytes; --export compares their content".to_owned(),
            );
            said
        }
        None => read(config, request, &*warehouse, &*holding, observer, &watch)?,
    };
    let held = holding.sum_up(&Scope {
        load_id: said.load_id.as_deref(),
        source: &said.source,
        exported_at: said.exported_at.as_deref(),
        newest: newest(&said.columns),
        hashes: said.load_id.is_none(),
    })?;
    let rules = config.privacy.rules()?;
    Ok(hushed(compared(request, warehouse.shown(), said, held, notes), &rules))
}

/// Without figures of columns that a rule of privacy hides, by now or when they were loaded: what the table holds may be
/// older than the rule.
fn hushed(mut verified: Verified, rules: &Rules) -> Verified {
    let mut hidden = Vec::new();
    for column in &mut verified.columns {
        let now = rules.decide(&verified.table, &column.name).rule;
        if now.hides() || column.export.privacy.hides() {
            hidden.push(column.name.clone());
            [Some(&mut column.export), column.table.as_mut()].into_iter().flatten().for_each(without_figures);
        }
    }
    for difference in &mut verified.differences {
        let is_figure = matches!(difference.measure, Measured::Min | Measured::Max | Measured::Sum);
        if is_figure && difference.column.as_ref().is_some_and(|name| hidden.contains(name)) {
            (difference.export, difference.table, difference.hint) = (None, None, HIDDEN);
        }
    }
    verified
}

fn without_figures(column: &mut ColumnReport) {
    (column.min, column.max, column.sum) = (None, None, None);
}

fn compared(request: &Verify, warehouse: String, said: Said, held: Held, mut notes: Vec<String>) -> Verified {
    let export = Side { rows: said.rows, columns: &said.columns };
    let (differences, more) = compare(export, Side { rows: held.rows, columns: &held.columns });
    notes.extend(held.notes.into_iter().chain(more));
    if held.later > 0 {
        notes.push(format!("{} rows that came after the export are left out", held.later));
    }
    let beside = |export: ColumnReport| {
        let same = |column: &&ColumnReport| column.name.eq_ignore_ascii_case(&export.name);
        let exact = held.columns.iter().find(|column| column.name == export.name);
        let table = exact.or_else(|| held.columns.iter().find(same)).cloned();
        Compared { name: export.name.clone(), export, table }
    };
    Verified {
        table: request.table.clone(),
        export: said.source.uri,
        load_id: said.load_id,
        warehouse,
        rows: ComparedRows { export: said.rows, table: held.rows, later: held.later },
        columns: said.columns.into_iter().map(beside).collect(),
        differences,
        notes,
    }
}

/// What is known of the last full load, if its columns were summed up and it is in the table.
fn last_load(warehouse: &dyn Warehouse, holding: &dyn Holding, table: &str) -> Result<Option<Said>> {
    let Some(report) = warehouse.last_report(table, ExportKind::Full) else { return Ok(None) };
    let RunReport { load_id, source, rows, columns, .. } = report;
    let is_measured = rows.accepted == 0 || columns.iter().any(ColumnReport::is_measured);
    if !is_measured || !holding.holds(&load_id)? {
        return Ok(None);
    }
    let exported_at = Location::parse(&source.uri).ok().and_then(|location| store::exported_at_of(&location));
    Ok(Some(Said {
        source: ObjectInfo { uri: source.uri, etag: source.etag, bytes: None },
        exported_at,
        load_id: Some(load_id),
        rows: rows.accepted,
        columns,
    }))
}

/// Reads the export as a load would.
fn read(
    config: &Config,
    request: &Verify,
    warehouse: &dyn Warehouse,
    holding: &dyn Holding,
    observer: &dyn Observer,
    watch: &Arc<Watch>,
) -> Result<Said> {
    let choice = request.export.clone().unwrap_or_default();
    if choice.kind() == ExportKind::Incremental {
        return Err(Error::usage("an incremental export is a part of its table alone")
            .help("compare the table with a full export, or leave --export out for its last full load"));
    }
    if request.export.is_none() && config.exports.root.is_none() {
        return Err(Error::usage(format!(
            "nothing is known of what the last full load of {} held",
            request.table
        ))
        .help("name the export that was loaded: --export FILE, or --exports ROOT for the newest"));
    }
    let schema = schema::read(config)?;
    let (table, mut options) =
        (schema.table(&request.table)?.clone(), request.conversion.options(config, &schema)?);
    let view = table.under(options.policy.rules())?;
    // Whoever was erased is in the export, and is not to be in the table.
    options.erased = Arc::new(warehouse.marks(&request.table)?);
    let export = choice.find(config, &request.table)?;
    observer.about_to_read(&[schema::location(config)?, export.location.clone()])?;
    let opened = store::open(&export.location)?;
    let source = opened.info().clone();
    observer.note(&format!("{}: reading {}", request.table, source.uri));
    let progress = observer.converting(&request.table, watch, source.bytes);
    let fit = |layout| Ok(holding.fit(layout, &view));
    let profile = pipeline::profile(opened, &table, &options, &fit, watch);
    drop(progress);
    let profile = profile?;
    Ok(Said {
        source,
        exported_at: export.exported_at,
        load_id: None,
        rows: profile.rows.accepted,
        columns: profile.columns,
    })
}

/// The greatest time at which a row of the export was made.
fn newest(columns: &[ColumnReport]) -> Option<&str> {
    let created = columns.iter().find(|column| column.name.eq_ignore_ascii_case(CREATED_AT))?;
    match created.max.as_ref()? {
        Figure::Text(time) => Some(time),
        _ => None,
    }
}
