//! ControlShift's bulk schema: tables, columns, and the types they get in Parquet and Redshift. Pure.
//!
//! ```text
//! schema.json ─▶ BulkSchema ─┬─ Layout::bind ◀─ CSV header     what each field of a record becomes
//!                            │     └─ TargetTable::fit        … in the target's types
//!                            ├─ create_tables                  DDL for Redshift
//!                            └─ diff ◀─ another BulkSchema     what moved between two versions
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bulk;
mod ddl;
mod diff;
mod fitting;
mod header;
mod names;
mod target;
mod types;

pub use bulk::{BulkSchema, COLUMNS_MAX, IDENTIFIER_BYTES_MAX, SCHEMA_BYTES_MAX, TABLES_MAX};
pub use ddl::{Ddl, DdlOptions, create_table, create_tables, quote_identifier};
pub use diff::{
    ColumnEntry, ColumnMove, PropertyChange, PropertyValues, RenameCandidate, SchemaDiff, TableDiff,
    TargetChange, diff,
};
pub use header::{Layout, MissingColumns, OutputColumn, UnknownColumns, too_wide};
pub use target::{
    Conversion, Difference, Fitted, Identity, TargetColumn, TargetTable, TargetType, VARCHAR_BYTES_MAX,
};
pub use types::{ColumnType, DECIMAL_PRECISION_MAX, Width};

use indexmap::IndexMap;
use serde::Deserialize;

/// One column as the schema API describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Column {
    /// Rails type: `string`, `integer`, `datetime`, `enum` …
    #[serde(rename = "type")]
    pub kind: String,
    /// PostgreSQL type, for example `timestamp(6) without time zone`.
    pub sql_type: String,
    /// Limit as Rails knows it: characters of a string, bytes of an integer.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Whether NULL is allowed.
    #[serde(default = "yes")]
    pub nullable: bool,
    /// Default expression, if any.
    #[serde(default)]
    pub default_value: Option<serde_json::Value>,
}

fn yes() -> bool {
    true
}

/// One table; `columns` keep the schema's order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Table {
    /// Table name, `signatures`.
    pub name: String,
    /// Columns by name, in the table's order.
    #[serde(deserialize_with = "bulk::unique_columns")]
    pub columns: IndexMap<String, Column>,
}
