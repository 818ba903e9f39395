//! A table of the bulk schema, and its columns.

use crate::error::shown;
use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess};
use std::fmt;

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
    #[serde(deserialize_with = "unique_columns")]
    pub columns: IndexMap<String, Column>,
}

impl Table {
    /// Whether it has a column: one without is listed, and neither Redshift nor Parquet can hold it.
    pub fn is_loadable(&self) -> bool {
        !self.columns.is_empty()
    }
}

/// Reads a map of columns, where a name that comes twice is an error rather than the last one's win.
fn unique_columns<'de, D>(deserializer: D) -> Result<IndexMap<String, Column>, D::Error>
where
    D: Deserializer<'de>,
{
    struct Columns;

    impl<'de> de::Visitor<'de> for Columns {
        type Value = IndexMap<String, Column>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of columns")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut columns = IndexMap::new();
            while let Some(name) = map.next_key::<String>()? {
                let column: Column = map.next_value()?;
                if columns.contains_key(&name) {
                    return Err(de::Error::custom(format!("column {} is there twice", shown(&name))));
                }
                columns.insert(name, column);
            }
            Ok(columns)
        }
    }

    deserializer.deserialize_map(Columns)
}
