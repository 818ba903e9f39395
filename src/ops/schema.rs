//! The bulk schema: found, fetched, as DDL, compared.

use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::report::words::plural;
use crate::schema::{self, BulkSchema, ColumnType, SCHEMA_BYTES_MAX, Table, Width};
use crate::store::{self, Location, write_atomically};
use serde::Serialize;
use std::path::Path;

pub use crate::schema::{Ddl, DdlOptions, SchemaDiff};

/// The database user that grants are for, unless one is named.
pub const LOADER: &str = "loader";
/// The database of a new cluster, unless another is configured.
pub const DATABASE: &str = "dev";

/// Where the configuration says that it is.
///
/// # Errors
/// [`Error::Usage`] if it says nothing.
pub fn location(config: &Config) -> Result<Location> {
    let source = config.schema.source.as_deref().ok_or_else(|| {
        Error::usage("no bulk schema was named").help(
            "give --schema FILE|URL, or set schema.source in csl-stream.toml; \
             the URL is https://<your host>/api/bulk_data/schema.json",
        )
    })?;
    Location::parse(source)
}

/// Reads the configuration's schema and checks it.
///
/// # Errors
/// If it cannot be read, or is none.
pub fn read(config: &Config) -> Result<BulkSchema> {
    fetch(&location(config)?).map(|(schema, _)| schema)
}

/// Reads and checks a bulk schema, and gives its bytes too.
///
/// # Errors
/// As [`read`].
pub fn fetch(location: &Location) -> Result<(BulkSchema, Vec<u8>)> {
    let origin = location.to_string();
    let bytes = store::fetch_small(location, SCHEMA_BYTES_MAX).map_err(|error| error.in_object(&origin))?;
    Ok((BulkSchema::parse(&bytes, &origin)?, bytes))
}

/// The tables of these names, or all that can be loaded.
///
/// # Errors
/// [`Error::Schema`] if one is not there, or has no columns.
pub fn chosen<'a>(bulk: &'a BulkSchema, names: &[String]) -> Result<Vec<&'a Table>> {
    if names.is_empty() {
        return Ok(bulk.loadable().collect());
    }
    names.iter().map(|name| bulk.table(name)).collect()
}

/// The statements that make these tables in Redshift.
///
/// # Errors
/// If a type is not known.
pub fn ddl(bulk: &BulkSchema, names: &[String], options: &DdlOptions) -> Result<Ddl> {
    let tables: Vec<Table> = chosen(bulk, names)?.into_iter().cloned().collect();
    let mut ddl = schema::create_tables(&BulkSchema { tables, ..bulk.clone() }, options)?;
    ddl.warnings.extend(left_out(bulk, names));
    Ok(ddl)
}

/// What is to be said of tables that nobody named and that cannot be loaded.
fn left_out(bulk: &BulkSchema, names: &[String]) -> Vec<String> {
    let tables = bulk.tables.iter().filter(|table| names.is_empty() && !table.is_loadable());
    tables.map(|table| format!("{}: it has no columns, and is left out", table.name)).collect()
}

/// The statements that make the ledger and the locks of these tables, or of all, and grant `user` what a load
/// needs; for somebody who owns the tables.
///
/// # Errors
/// [`Error::Schema`] if a table is not there, [`Error::Usage`] in a build that cannot load into Redshift.
pub fn ledger_ddl(
    config: &Config,
    bulk: &BulkSchema,
    names: &[String],
    options: &DdlOptions,
    user: &str,
) -> Result<String> {
    let tables: Vec<String> = chosen(bulk, names)?.into_iter().map(|table| table.name.clone()).collect();
    let database = config.redshift.database.as_deref().unwrap_or(DATABASE);
    let schema = options.schema.as_deref().unwrap_or(&config.redshift.schema);
    ledger_of(database, schema, &tables, user)
}

#[cfg(feature = "aws")]
fn ledger_of(database: &str, schema: &str, tables: &[String], user: &str) -> Result<String> {
    Ok(crate::warehouse::redshift::ledger_ddl(database, schema, tables, user))
}

#[cfg(not(feature = "aws"))]
fn ledger_of(_: &str, _: &str, _: &[String], _: &str) -> Result<String> {
    Err(crate::features::Feature::Aws.missing("the ledger in Redshift"))
}

/// What changed from one schema to the next.
///
/// # Errors
/// If one of them cannot be read.
pub fn diff(old: &Location, new: &Location) -> Result<SchemaDiff> {
    if *old == Location::Stdin && *new == Location::Stdin {
        return Err(Error::usage("standard input can be one of the two schemas only"));
    }
    let (old, _) = fetch(old)?;
    let (new, _) = fetch(new)?;
    Ok(schema::diff(&old, &new))
}

/// A column as it is shown: its types in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownColumn {
    /// Its name.
    pub name: String,
    /// PostgreSQL's type; none where the schema lacks the column.
    pub sql_type: Option<String>,
    /// The Parquet type.
    pub parquet: String,
    /// The type in Redshift.
    pub redshift: String,
    /// The widest value, if there is a limit.
    pub width: Option<String>,
    /// Whether NULL may stand in it.
    pub nullable: bool,
}

/// A table as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownTable {
    /// Its name.
    pub table: String,
    /// Its columns, in the schema's order.
    pub columns: Vec<ShownColumn>,
}

/// The tables of these names, or all, with the types that their columns get; and what is to be warned of.
///
/// # Errors
/// If a type is not known, with the column.
pub fn show(bulk: &BulkSchema, names: &[String]) -> Result<(Vec<ShownTable>, Vec<String>)> {
    let mut warnings = left_out(bulk, names);
    let mut shown = Vec::new();
    for table in chosen(bulk, names)? {
        let mut columns = Vec::with_capacity(table.columns.len());
        for (name, column) in &table.columns {
            let place = || Place { column: Some(format!("{}.{name}", table.name)), ..Place::default() };
            let (column_type, warning) = ColumnType::of(column).map_err(|error| error.at(place()))?;
            warnings.extend(warning.map(|warning| format!("{}.{name}: {warning}", table.name)));
            let sql_type = Some(column.sql_type.as_str());
            columns.push(shown_column(name, sql_type, column_type, column.width(), column.nullable));
        }
        shown.push(ShownTable { table: table.name.clone(), columns });
    }
    Ok((shown, warnings))
}

/// A column's types, in words.
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
        Width::Super => "SUPER".to_owned(),
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
        ColumnType::Uuid | ColumnType::Geography | ColumnType::Structured | ColumnType::Text => {
            "UTF8".to_owned()
        }
    }
}

/// Writes a schema's bytes, whole or not at all.
///
/// # Errors
/// Whatever the file system refuses.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    // A bare name has no folder to be renamed in; the current one is meant.
    write_atomically(&Path::new(".").join(path), bytes)
}
