//! `csl-stream schema`: the bulk schema as DDL, compared, shown, fetched.

use super::args::SchemaCommand;
use super::printer::{Printer, columns};
use super::settings;
use super::size::plural;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::schema::{self, BulkSchema, ColumnType, Ddl, DdlOptions, Table, Width};
use crate::store::Location;
use serde::Serialize;
use std::path::Path;

/// Whom grants are printed for, unless somebody is named.
const LOADER: &str = "loader";
/// The database of a new cluster, unless another is configured.
const DATABASE: &str = "dev";
/// The schema of the mirror, unless another is configured.
const SCHEMA: &str = "public";

/// The ledger's tables and grants.
#[cfg(feature = "redshift")]
fn ledger_ddl(database: &str, schema: &str, tables: &[String], user: &str) -> Result<String> {
    Ok(crate::warehouse::redshift::ledger_ddl(database, schema, tables, user))
}

/// The same, where this program cannot load into Redshift.
#[cfg(not(feature = "redshift"))]
fn ledger_ddl(_: &str, _: &str, _: &[String], _: &str) -> Result<String> {
    Err(Error::usage("this program was built without the feature redshift"))
}

/// A column as `schema show` and `plan` show it.
#[derive(Debug, Serialize)]
pub(super) struct ShownColumn {
    pub(super) name: String,
    pub(super) sql_type: Option<String>,
    pub(super) parquet: String,
    pub(super) redshift: String,
    pub(super) width: Option<String>,
    pub(super) nullable: bool,
}

/// A table as `schema show --json` shows it.
#[derive(Debug, Serialize)]
struct ShownTable {
    table: String,
    columns: Vec<ShownColumn>,
}

/// Runs the command; `config` is read only by those that use it.
pub(super) fn run(
    printer: Printer,
    config: impl Fn() -> Result<Config>,
    command: &SchemaCommand,
) -> Result<()> {
    let configured = |args| {
        let mut config = config()?;
        settings::set_schema(&mut config, args);
        Ok::<_, Error>(config)
    };
    match command {
        SchemaCommand::Ddl { schema, tables, in_schema, replace, ledger, user } => {
            let config = configured(schema)?;
            let in_schema = in_schema.as_deref().or(config.text("redshift.schema"));
            let options = DdlOptions { schema: in_schema.map(str::to_owned), replace: *replace };
            let user = user.as_deref().or(config.text("redshift.db_user")).unwrap_or(LOADER);
            let grants = ledger.then(|| (config.text("redshift.database").unwrap_or(DATABASE), user));
            ddl(printer, &settings::schema(&config)?, tables, &options, grants)
        }
        SchemaCommand::Diff { old, new } => {
            diff(printer, &settings::location(old)?, &settings::location(new)?)
        }
        SchemaCommand::Show { schema, tables } => {
            show(printer, &chosen(&settings::schema(&configured(schema)?)?, tables)?)
        }
        SchemaCommand::Pull { schema, out } => {
            pull(printer, &settings::schema_location(&configured(schema)?)?, out.as_deref())
        }
    }
}

/// The tables that were asked for, or all.
fn chosen<'a>(bulk: &'a BulkSchema, names: &[String]) -> Result<Vec<&'a Table>> {
    if names.is_empty() {
        return Ok(bulk.tables.iter().collect());
    }
    names.iter().map(|name| bulk.table(name)).collect()
}

/// Prints the tables; with `grants`, a database and a user, the ledger and what that user must be granted too.
fn ddl(
    printer: Printer,
    bulk: &BulkSchema,
    names: &[String],
    options: &DdlOptions,
    grants: Option<(&str, &str)>,
) -> Result<()> {
    let tables: Vec<Table> = chosen(bulk, names)?.into_iter().cloned().collect();
    let only = BulkSchema { tables, ..bulk.clone() };
    let Ddl { mut sql, warnings } = schema::create_tables(&only, options)?;
    if let Some((database, user)) = grants {
        let names: Vec<String> = only.tables.iter().map(|table| table.name.clone()).collect();
        let in_schema = options.schema.as_deref().unwrap_or(SCHEMA);
        sql += "\n";
        sql += &ledger_ddl(database, in_schema, &names, user)?;
    }
    for warning in &warnings {
        printer.note(&format!("warning: {warning}"));
    }
    printer.json(&serde_json::json!({ "sql": sql, "warnings": warnings }))?;
    printer.result(&sql)
}

fn diff(printer: Printer, old: &Location, new: &Location) -> Result<()> {
    if *old == Location::Stdin && *new == Location::Stdin {
        return Err(Error::usage("standard input can be one of the two schemas only"));
    }
    let (old, _) = settings::read_schema(old)?;
    let (new, _) = settings::read_schema(new)?;
    let diff = schema::diff(&old, &new);
    printer.json(&diff)?;
    if diff.is_empty() {
        return printer.result("no differences");
    }
    printer.result(&diff.to_string())
}

fn show(printer: Printer, tables: &[&Table]) -> Result<()> {
    let mut shown = Vec::with_capacity(tables.len());
    for table in tables {
        let columns = table.columns.iter().map(|(name, column)| {
            let (column_type, warning) =
                ColumnType::of(column).map_err(|error| in_column(error, table, name))?;
            if let Some(warning) = warning {
                printer.note(&format!("warning: {}.{name}: {warning}", table.name));
            }
            let width = column.width();
            Ok(shown_column(name, Some(&column.sql_type), column_type, width, column.nullable))
        });
        shown.push(ShownTable { table: table.name.clone(), columns: columns.collect::<Result<_>>()? });
    }
    printer.json(&shown)?;
    let text = |table: &ShownTable| {
        let count = plural(table.columns.len() as u64, "column");
        format!("{} ({count})\n{}", table.table, columns_text(&table.columns))
    };
    printer.result(&shown.iter().map(text).collect::<Vec<_>>().join("\n"))
}

fn in_column(error: Error, table: &Table, name: &str) -> Error {
    let place = crate::Place { column: Some(format!("{}.{name}", table.name)), ..crate::Place::default() };
    error.at(place)
}

/// A column's types, as words.
pub(super) fn shown_column(
    name: &str,
    sql_type: Option<&str>,
    column_type: ColumnType,
    width: Option<Width>,
    nullable: bool,
) -> ShownColumn {
    let width = width.map(|width| match width {
        Width::Chars(count) => plural(u64::from(count), "character"),
        Width::Bytes(count) => plural(u64::from(count), "byte"),
    });
    ShownColumn {
        name: name.to_owned(),
        sql_type: sql_type.map(str::to_owned),
        parquet: parquet_type(column_type),
        redshift: column_type.redshift_ddl().into_owned(),
        width,
        nullable,
    }
}

/// Columns under each other, indented.
pub(super) fn columns_text(shown: &[ShownColumn]) -> String {
    let row = |column: &ShownColumn| {
        let null = if column.nullable { "" } else { "not null" };
        vec![
            format!("  {}", column.name),
            column.sql_type.clone().unwrap_or_default(),
            column.parquet.clone(),
            column.redshift.clone(),
            [column.width.as_deref().unwrap_or_default(), null].join(" ").trim().to_owned(),
        ]
    };
    columns(&shown.iter().map(row).collect::<Vec<_>>())
}

/// The Parquet type in a word.
fn parquet_type(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::SmallInt => "INT32 (INT_16)".to_owned(),
        ColumnType::Integer => "INT32".to_owned(),
        ColumnType::BigInt => "INT64".to_owned(),
        ColumnType::Boolean => "BOOLEAN".to_owned(),
        ColumnType::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
        ColumnType::Real => "FLOAT".to_owned(),
        ColumnType::Double => "DOUBLE".to_owned(),
        ColumnType::Timestamp => "TIMESTAMP(µs)".to_owned(),
        ColumnType::TimestampTz => "TIMESTAMP(µs, UTC)".to_owned(),
        ColumnType::Date => "DATE".to_owned(),
        ColumnType::Uuid | ColumnType::Geography | ColumnType::Text => "UTF8".to_owned(),
    }
}

/// Fetches a schema; nothing is written unless it is one.
fn pull(printer: Printer, location: &Location, out: Option<&Path>) -> Result<()> {
    let (bulk, bytes) = settings::read_schema(location)?;
    let Some(path) = out else { return printer.raw(&bytes) };
    // A bare name has no folder to be renamed in; the current one is meant.
    crate::ledger::write_atomically(&Path::new(".").join(path), &bytes)?;
    let tables = bulk.tables.len() as u64;
    printer.json(&serde_json::json!({ "file": path, "tables": tables, "bytes": bytes.len() }))?;
    printer.result(&format!("{} with {}", path.display(), plural(tables, "table")))
}
