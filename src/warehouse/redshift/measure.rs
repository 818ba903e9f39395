//! What a table in Redshift holds, column by column, by one SELECT.
//!
//! ```sql
//! SELECT (SELECT COUNT(*) FROM t), COUNT(*), COUNT("a"), MIN("a"), MAX("a"), SUM("a"), … FROM t WHERE …
//! ```
//! The expressions are those by which an export is summed up ([`crate::values::Measure`]); a test holds both against
//! PostgreSQL.

use super::data_api::{DataApi, Fault, Row};
use super::ledger::LEDGER;
use super::messages::Class;
use super::quote::{qualified, quote_literal};
use super::sql::{CREATED_AT, timestamp_text};
use super::warehouse::RedshiftWarehouse;
use crate::error::{Error, Place, Result};
use crate::ledger::RECENT_HOURS;
use crate::report::ColumnReport;
use crate::schema::{
    Evolve, Layout, MissingColumns, Table, TargetColumn, TargetTable, TargetType, quote_identifier,
};
use crate::store::ExportKind;
use crate::values::{FLOAT_SUMMED_MAX, Figure, Form, SUM_DIGITS_MAX};
use crate::warehouse::{Held, Holding, Scope};
use std::time::Duration;

/// How long a SELECT over a whole table may take.
const DEADLINE: Duration = Duration::from_secs(2 * 3600);
/// Bytes of a SELECT; a table of more columns is asked in several. The Data API takes 100,000.
const SELECT_BYTES_MAX: usize = 64_000;
/// Expressions of a SELECT. A table has at most 1,600 columns, and so has a result ([limits]).
///
/// [limits]: https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_usage.html
const EXPRESSIONS_MAX: usize = 1_200;

/// A table of Redshift.
pub(super) struct TableHolding {
    api: DataApi,
    schema: String,
    target: TargetTable,
}

impl RedshiftWarehouse {
    /// The table, to be compared with an export.
    ///
    /// # Errors
    /// [`Error::Schema`] if it is not there.
    pub(super) fn table_holding(&self, table: &str) -> Result<TableHolding> {
        let schema = self.settings().schema.clone();
        Ok(TableHolding { api: self.api().clone(), schema, target: self.target(table)? })
    }
}

/// What the ledger says of a full load.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LastFull {
    load_id: String,
    source_uri: String,
    carried_over: u64,
    finished: String,
}

impl Holding for TableHolding {
    fn fit(&self, layout: Layout, table: &Table) -> Layout {
        self.target.compare(layout, table, MissingColumns::Null, Evolve::Add).layout
    }

    fn holds(&self, load_id: &str) -> Result<bool> {
        Ok(self.last_full()?.is_some_and(|full| full.load_id == load_id))
    }

    fn sum_up(&self, scope: &Scope<'_>) -> Result<Held> {
        let filter = self.filter(scope)?;
        let columns: Vec<Measured<'_>> =
            self.target.columns.iter().map(|column| Measured::new(column, scope.hashes)).collect();
        let mut held = Held { notes: self.notes(), ..Held::default() };
        let mut counted = None;
        for columns in chunks(&columns) {
            let row = self.one(&select(&self.target, columns, filter.as_deref()))?;
            let mut cells = row.into_iter();
            let mut count = || number(cells.next().flatten());
            let (all, rows) = (count(), count());
            if counted.replace((all, rows)).is_some_and(|before| before != (all, rows)) {
                return Err(Error::transient("the table changed while it was looked at")
                    .at(self.place())
                    .help("run it again when nothing is loaded"));
            }
            (held.rows, held.later) = (rows, all.saturating_sub(rows));
            held.columns.extend(columns.iter().map(|column| column.read(rows, &mut cells)));
        }
        Ok(held)
    }
}

impl TableHolding {
    fn place(&self) -> Place {
        Place::uri(format!("{}/{}", self.api.connection(), self.target.qualified()))
    }

    fn one(&self, sql: &str) -> Result<Row> {
        let failed = |fault: Fault| fault.into_error("looking at the table", self.api.connection());
        let rows = self.api.query_within(sql, DEADLINE).map_err(failed)?;
        rows.into_iter().next().ok_or_else(|| Error::machine("a SELECT of counts gave no row"))
    }

    /// What is compared by its NULLs alone.
    fn notes(&self) -> Vec<String> {
        let opaque = self.target.columns.iter().filter(|column| kind(&column.target_type) == Kind::Opaque);
        let note = |column: &TargetColumn| {
            format!("of {:?} ({}) the NULLs alone are compared", column.name, column.target_type.ddl())
        };
        opaque.map(note).collect()
    }

    /// Which rows an export can have brought; none: all of them.
    ///
    /// A table that was loaded by this export alone holds just its rows. Where incrementals came after it, or
    /// another program loads, rows count as later ones if they were made after the newest of the export, in the
    /// hours in which exports are made or after them: so an export may lack them. All others must be the export's.
    fn filter(&self, scope: &Scope<'_>) -> Result<Option<String>> {
        let full = self.last_full()?;
        let own = full.filter(|full| scope.load_id.is_some() || full.source_uri == scope.source.uri);
        if let Some(full) = own
            && full.carried_over == 0
            && !self.grew_after(&full)?
        {
            return Ok(None);
        }
        Ok(later_left_out(&self.target, scope))
    }

    /// The last full load that the ledger knows, if there is a ledger.
    fn last_full(&self) -> Result<Option<LastFull>> {
        let sql = format!(
            "SELECT load_id, source_uri, rows_carried_over, finished FROM {} WHERE {} AND kind = '{}' \
             ORDER BY finished DESC, load_id DESC LIMIT 1",
            qualified(&self.schema, LEDGER),
            self.of_table(),
            ExportKind::Full.word(),
        );
        let rows = match self.api.query(&sql) {
            Err(Fault::Statement(fault)) if fault.is_missing() => return Ok(None),
            // Whoever only compares need not be allowed to read the ledger.
            Err(Fault::Statement(fault)) if fault.class() == Class::Access => return Ok(None),
            rows => rows.map_err(|fault| fault.into_error("reading the ledger", self.api.connection()))?,
        };
        let read = |row: Row| -> Option<LastFull> {
            let mut cells = row.into_iter();
            Some(LastFull {
                load_id: cells.next()??,
                source_uri: cells.next()??,
                carried_over: cells.next()??.parse().ok()?,
                finished: cells.next()??,
            })
        };
        Ok(rows.into_iter().next().and_then(read))
    }

    /// Whether anything was loaded after it.
    fn grew_after(&self, full: &LastFull) -> Result<bool> {
        let sql = format!(
            "SELECT COUNT(*) FROM {} WHERE {} AND kind <> '{}' AND finished >= CAST({} AS TIMESTAMP)",
            qualified(&self.schema, LEDGER),
            self.of_table(),
            ExportKind::Full.word(),
            quote_literal(&full.finished),
        );
        Ok(self.one(&sql)?.into_iter().next().flatten().is_some_and(|count| count != "0"))
    }

    fn of_table(&self) -> String {
        format!("table_name = {}", quote_literal(&self.target.name))
    }
}

/// The condition that leaves out what may have come after the export; none where rows or exports have no time.
fn later_left_out(target: &TargetTable, scope: &Scope<'_>) -> Option<String> {
    let exported_at = timestamp_text(scope.exported_at?)?;
    let created = target.column(CREATED_AT)?;
    let sql_type = match created.target_type {
        TargetType::Timestamp => "TIMESTAMP",
        TargetType::TimestampTz => "TIMESTAMPTZ",
        _ => return None,
    };
    let name = quote_identifier(&created.name);
    let newest = quote_literal(scope.newest?);
    Some(format!(
        "{name} IS NULL OR {name} <= CAST({newest} AS {sql_type}) \
         OR {name} < CAST('{exported_at}' AS TIMESTAMP) - INTERVAL '{RECENT_HOURS} hours'"
    ))
}

/// What of a column can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Numbers(Form),
    /// A decimal of more digits than are summed.
    Unsummed(Form),
    Texts,
    /// Its NULLs.
    Opaque,
}

fn kind(its: &TargetType) -> Kind {
    match its {
        TargetType::SmallInt | TargetType::Integer | TargetType::BigInt => Kind::Numbers(Form::Integer),
        TargetType::Decimal { precision, scale } if *precision > SUM_DIGITS_MAX => {
            Kind::Unsummed(Form::Decimal(*scale))
        }
        TargetType::Decimal { scale, .. } => Kind::Numbers(Form::Decimal(*scale)),
        TargetType::Real | TargetType::Double => Kind::Numbers(Form::Float),
        TargetType::Boolean => Kind::Numbers(Form::Boolean),
        TargetType::Date => Kind::Numbers(Form::Date),
        TargetType::Timestamp => Kind::Numbers(Form::Timestamp),
        TargetType::TimestampTz => Kind::Numbers(Form::TimestampTz),
        TargetType::Char(_) | TargetType::Varchar(_) => Kind::Texts,
        TargetType::Super | TargetType::Geography | TargetType::Other(_) => Kind::Opaque,
    }
}

/// A column with the expressions that sum it up; the first counts its values.
struct Measured<'a> {
    column: &'a TargetColumn,
    kind: Kind,
    hashes: bool,
    expressions: Vec<String>,
}

impl<'a> Measured<'a> {
    fn new(column: &'a TargetColumn, hashes: bool) -> Self {
        let kind = kind(&column.target_type);
        let name = quote_identifier(&column.name);
        let mut expressions = vec![format!("COUNT({name})")];
        match kind {
            Kind::Numbers(form) | Kind::Unsummed(form) => {
                let value = number_sql(form, &name);
                if form != Form::Boolean {
                    expressions.extend([format!("MIN({value})"), format!("MAX({value})")]);
                }
                // SUM of an INTEGER is a BIGINT, of a BIGINT a NUMERIC(38,0) (dg/r_SUM).
                let summed = match form {
                    Form::Float => {
                        format!("CASE WHEN ABS({value}) >= {FLOAT_SUMMED_MAX:e} THEN 0 ELSE {value} END")
                    }
                    _ => value,
                };
                expressions.extend(matches!(kind, Kind::Numbers(_)).then(|| format!("SUM({summed})")));
            }
            Kind::Texts => {
                // By its bytes: a comparison with '' is true of blanks in a CHAR.
                let bytes = format!("OCTET_LENGTH({name})");
                expressions.push(format!("SUM(CASE WHEN {bytes} = 0 THEN 1 ELSE 0 END)"));
                expressions.push(format!("SUM(CAST({bytes} AS BIGINT))"));
                let hash = || format!("SUM(CASE WHEN {bytes} > 0 THEN FNV_HASH({name}) END)");
                expressions.extend(hashes.then(hash));
            }
            Kind::Opaque => {}
        }
        Self { column, kind, hashes, expressions }
    }

    /// The column as its cells say, of so many rows.
    fn read(&self, rows: u64, cells: &mut impl Iterator<Item = Option<String>>) -> ColumnReport {
        let mut next = || cells.next().flatten();
        let nulls = rows.saturating_sub(number(next()));
        let mut report = ColumnReport { name: self.column.name.clone(), nulls, ..ColumnReport::default() };
        match self.kind {
            Kind::Numbers(form) | Kind::Unsummed(form) => {
                if form != Form::Boolean {
                    report.min = next().map(|text| end(form, text));
                    report.max = next().map(|text| end(form, text));
                }
                if matches!(self.kind, Kind::Numbers(_)) {
                    report.sum = next().map(|text| exact(form, text));
                }
            }
            Kind::Texts => {
                report.empties = number(next());
                report.bytes = number(next());
                report.sum = self.hashes.then(next).flatten().map(|text| exact(Form::Integer, text));
            }
            Kind::Opaque => {}
        }
        report
    }
}

/// The number that stands for a value: of times days or microseconds since 1970, of booleans 0 and 1. DATEDIFF counts
/// in BIGINT (dg/r_DATEDIFF_function), and takes times without a zone.
fn number_sql(form: Form, name: &str) -> String {
    match form {
        Form::Boolean => format!("CASE WHEN {name} THEN 1 WHEN NOT {name} THEN 0 END"),
        Form::Float => format!("CAST({name} AS DOUBLE PRECISION)"),
        Form::Date => format!("DATEDIFF(day, CAST('1970-01-01' AS DATE), {name})"),
        Form::Timestamp => format!("DATEDIFF(microsecond, CAST('1970-01-01 00:00:00' AS TIMESTAMP), {name})"),
        Form::TimestampTz => {
            format!(
                "DATEDIFF(microsecond, CAST('1970-01-01 00:00:00' AS TIMESTAMP), {name} AT TIME ZONE 'UTC')"
            )
        }
        Form::Integer | Form::Decimal(_) | Form::Text => name.to_owned(),
    }
}

/// The SELECT over these columns.
fn select(target: &TargetTable, columns: &[Measured<'_>], filter: Option<&str>) -> String {
    let table = target.qualified();
    let expressions: Vec<&str> =
        columns.iter().flat_map(|column| &column.expressions).map(String::as_str).collect();
    let filter = filter.map_or(String::new(), |filter| format!(" WHERE {filter}"));
    format!(
        "SELECT (SELECT COUNT(*) FROM {table}), COUNT(*), {} FROM {table}{filter}",
        expressions.join(", ")
    )
}

/// As many columns at once as a SELECT takes.
fn chunks<'a, 'b>(mut columns: &'b [Measured<'a>]) -> Vec<&'b [Measured<'a>]> {
    let mut chunks = Vec::new();
    while !columns.is_empty() {
        let (mut bytes, mut expressions) = (0, 0);
        let fits = |column: &&Measured<'_>| {
            bytes += column.expressions.iter().map(|sql| sql.len() + 2).sum::<usize>();
            expressions += column.expressions.len();
            bytes <= SELECT_BYTES_MAX && expressions <= EXPRESSIONS_MAX
        };
        let count = columns.iter().take_while(fits).count().max(1);
        let (chunk, rest) = columns.split_at(count);
        chunks.push(chunk);
        columns = rest;
    }
    chunks
}

fn number(cell: Option<String>) -> u64 {
    cell.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The least or the greatest value.
fn end(form: Form, text: String) -> Figure {
    match (form, text.parse::<i128>()) {
        (Form::Date, Ok(days)) => Figure::date(days),
        (Form::Timestamp, Ok(us)) => Figure::timestamp(us, false),
        (Form::TimestampTz, Ok(us)) => Figure::timestamp(us, true),
        _ => exact(form, text),
    }
}

/// A number as its column has them.
fn exact(form: Form, text: String) -> Figure {
    match form {
        Form::Float => text.parse().map_or(Figure::Text(text), Figure::float),
        Form::Decimal(_) => Figure::Text(text),
        _ => text.parse().map_or(Figure::Text(text), Figure::integer),
    }
}
