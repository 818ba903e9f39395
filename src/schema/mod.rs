//! ControlShift's bulk schema: tables, columns, and the types they get in Parquet and Redshift. Pure.

mod types;

pub use types::{ColumnType, Width};

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
    pub columns: IndexMap<String, Column>,
}
