//! The schema API's answer: `{"tables":[{"table":{"name":…,"columns":{…}}}],"settings":{…}}`.

use super::Table;
use super::names::listed;
use crate::error::{Error, Place, Result, shown};
use crate::names::nearest;
use std::collections::HashSet;

/// A schema larger than this is not one.
pub const SCHEMA_BYTES_MAX: usize = 64 << 20;
/// Tables of a schema.
pub const TABLES_MAX: usize = 10_000;
/// Columns of a table, in PostgreSQL and Redshift alike.
pub const COLUMNS_MAX: usize = 1_600;
/// Bytes of a table's or column's name in Redshift; PostgreSQL has 63.
pub const IDENTIFIER_BYTES_MAX: usize = 127;

const REFRESH: &str =
    "fetch the schema anew with `csl-stream schema pull`, or name the right file with --schema";

/// All tables that are exported, in the API's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkSchema {
    /// The tables.
    pub tables: Vec<Table>,
    /// `settings.compression_format` as the API spells it (`BZIP2`); absent when compression is off.
    pub compression_format: Option<String>,
}

#[derive(serde::Deserialize)]
struct Document {
    tables: Option<Vec<Entry>>,
    table: Option<Table>,
    settings: Option<Settings>,
}

#[derive(serde::Deserialize)]
struct Entry {
    table: Table,
}

#[derive(serde::Deserialize)]
struct Settings {
    compression_format: Option<String>,
}

impl BulkSchema {
    /// Reads the schema API's JSON, or a single `{"table":{…}}`. Unknown keys are ignored.
    /// `origin` is the file or address that errors name.
    ///
    /// # Errors
    /// [`Error::Input`] if it is not JSON, [`Error::Schema`] if it is not a schema that can be used.
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self> {
        Self::read(bytes).map_err(|error| error.at(Place::uri(origin)).help(REFRESH))
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        // Editors and some servers put a mark of the encoding first (RFC 8259: it may be ignored).
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        if bytes.len() > SCHEMA_BYTES_MAX {
            return Err(Error::schema(format!("the schema has more than {SCHEMA_BYTES_MAX} bytes")));
        }
        let document: Document = serde_json::from_slice(bytes).map_err(|cause| match cause.classify() {
            serde_json::error::Category::Data => {
                Error::schema("the JSON is not a bulk schema").because(cause)
            }
            _ => Error::input("the schema is not JSON").because(cause),
        })?;
        let tables = match (document.tables, document.table) {
            (Some(entries), None) => entries.into_iter().map(|entry| entry.table).collect(),
            (None, Some(table)) => vec![table],
            (Some(_), Some(_)) => return Err(Error::schema("the schema has both \"tables\" and \"table\"")),
            (None, None) => return Err(Error::schema("the schema has neither \"tables\" nor \"table\"")),
        };
        check(&tables)?;
        let compression_format = document.settings.and_then(|settings| settings.compression_format);
        Ok(Self { tables, compression_format })
    }

    /// The table of that name.
    ///
    /// # Errors
    /// [`Error::Schema`] that names the tables most like it, or says that this one has no columns.
    pub fn table(&self, name: &str) -> Result<&Table> {
        let table = self.find(name).ok_or_else(|| {
            let near: Vec<String> = nearest(name, self.tables.iter().map(|table| table.name.as_str()))
                .into_iter()
                .map(shown)
                .collect();
            let hint =
                if near.is_empty() { String::new() } else { format!("; near names: {}", listed(&near)) };
            Error::schema(format!("the schema has no table {}{hint}", shown(name)))
                .help("`csl-stream schema show` lists the tables")
        })?;
        if !table.is_loadable() {
            let what = format!("table {} has no columns in the schema", shown(name));
            return Err(
                Error::schema(what).help("there is nothing of it to load; the other tables are unhurt")
            );
        }
        Ok(table)
    }

    /// The tables that can be loaded, in the API's order: those that have a column. A published schema of 2020 has one
    /// without.
    pub fn loadable(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(|table| table.is_loadable())
    }

    /// The table of that name, if there is one.
    pub fn find(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

fn check(tables: &[Table]) -> Result<()> {
    if tables.len() > TABLES_MAX {
        return Err(Error::schema(format!("the schema has more than {TABLES_MAX} tables")));
    }
    let mut seen = HashSet::new();
    let mut faults = Vec::new();
    for table in tables {
        faults.extend(
            identifier_fault(&table.name).map(|fault| format!("table {} {fault}", shown(&table.name))),
        );
        if !seen.insert(&table.name) {
            faults.push(format!("table {} is there twice", shown(&table.name)));
        }
        faults.extend(column_faults(table));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::schema(listed(&faults))) }
}

fn column_faults(table: &Table) -> Vec<String> {
    let of = shown(&table.name);
    let mut faults: Vec<String> = table
        .columns
        .keys()
        .filter_map(|name| Some(format!("column {} of {of} {}", shown(name), identifier_fault(name)?)))
        .collect();
    if table.columns.len() > COLUMNS_MAX {
        faults.push(format!("table {of} has more than {COLUMNS_MAX} columns"));
    }
    faults
}

fn identifier_fault(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("has an empty name"),
        _ if name.len() > IDENTIFIER_BYTES_MAX => Some("has a name of more than 127 bytes"),
        _ if name.contains(char::is_control) => Some("has a control character in its name"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<BulkSchema> {
        BulkSchema::parse(json.as_bytes(), "schema.json")
    }

    #[test]
    fn keeps_the_order_and_ignores_what_it_does_not_know() {
        let schema = parse(
            r#"{"version":2,"tables":[{"x":1,"table":{"name":"t","comment":"","columns":{
                "z":{"type":"string","sql_type":"character varying(5)","limit":5,"nullable":false,"default_value":"a","new":[]},
                "a":{"type":"integer","sql_type":"integer"}}}}],
                "settings":{"compression_format":"BZIP2","other":true}}"#,
        )
        .unwrap();
        assert_eq!(schema.compression_format.as_deref(), Some("BZIP2"));
        let table = schema.table("t").unwrap();
        assert_eq!(table.columns.keys().collect::<Vec<_>>(), ["z", "a"]);
        let (z, a) = (&table.columns["z"], &table.columns["a"]);
        assert_eq!(
            (z.limit, z.nullable, z.default_value.as_ref().unwrap().as_str()),
            (Some(5), false, Some("a"))
        );
        assert_eq!((a.limit, a.nullable, a.default_value.as_ref()), (None, true, None));
    }

    #[test]
    fn published_schemas() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema");
        let of = |day: &str| {
            let bytes = std::fs::read(folder.join(format!("{day}.json"))).unwrap();
            BulkSchema::parse(&bytes, day).unwrap()
        };
        for (day, tables) in [
            ("2020-03-25", 50),
            ("2022-10-19", 59),
            ("2022-11-10", 59),
            ("2023-01-13", 59),
            ("2023-03-13", 60),
            ("2024-10-16", 63),
            ("2025-08-28", 63),
        ] {
            assert_eq!(of(day).tables.len(), tables, "{day}");
        }
        let new = of("2025-08-28");
        assert_eq!(new.compression_format.as_deref(), Some("BZIP2"));
        assert!(new.table("signatures").unwrap().columns.contains_key("after_action"));
    }

    /// In March 2020 a table had no columns: it alone cannot be loaded.
    #[test]
    fn a_table_without_columns_is_refused_when_it_is_asked_for() {
        let schema =
            BulkSchema::parse(include_bytes!("../../fixtures/schema/2020-03-25.json"), "first").unwrap();
        let names: Vec<&str> = schema.loadable().map(|table| table.name.as_str()).collect();
        assert_eq!((schema.tables.len(), names.len()), (50, 49));
        assert!(names.iter().all(|name| schema.table(name).is_ok()));
        let error = schema.table("export_download_logs").unwrap_err();
        assert_eq!(error.exit_code(), 4, "{error}");
        assert!(error.to_string().contains("\"export_download_logs\" has no columns"), "{error}");
    }

    #[test]
    fn single_table_and_absent_settings() {
        let one = r#"{"table":{"name":"t","columns":{"a":{"type":"integer","sql_type":"integer"}}}}"#;
        assert_eq!(parse(one).unwrap().tables.len(), 1);
        assert_eq!(parse(r#"{"tables":[],"settings":null}"#).unwrap().compression_format, None);
        assert_eq!(parse(r#"{"tables":[],"settings":{}}"#).unwrap().compression_format, None);
    }

    #[test]
    fn faults() {
        let column = r#"{"type":"integer","sql_type":"integer"}"#;
        let table = format!(r#"{{"table":{{"name":"t","columns":{{"a":{column}}}}}}}"#);
        let long = "x".repeat(128);
        let cases = [
            ("<html>".to_owned(), 1, "not JSON"),
            (String::new(), 1, "not JSON"),
            (r#"{"tables":["#.to_owned(), 1, "not JSON"),
            ("[]".to_owned(), 4, "not a bulk schema"),
            ("{}".to_owned(), 4, "neither"),
            (format!(r#"{{"tables":[{table},{table}]}}"#), 4, "table \"t\" is there twice"),
            (
                format!(r#"{{"table":{{"name":"t","columns":{{"a":{column},"a":{column}}}}}}}"#),
                4,
                "\"a\" is there twice",
            ),
            (r#"{"table":{"name":"t","columns":{"a":{"type":"integer"}}}}"#.to_owned(), 4, "sql_type"),
            (format!(r#"{{"table":{{"name":"t","columns":{{"":{column}}}}}}}"#), 4, "empty name"),
            (format!(r#"{{"table":{{"name":"t","columns":{{"{long}":{column}}}}}}}"#), 4, "127 bytes"),
            (format!(r#"{{"table":{{"name":"t\n","columns":{{"a":{column}}}}}}}"#), 4, "control character"),
        ];
        for (json, exit_code, text) in cases {
            let error = parse(&json).unwrap_err();
            assert!(error.to_string().contains(text), "{json}: {error}");
            assert!(error.to_string().contains("schema.json"), "{error}");
            assert_eq!(error.exit_code(), exit_code, "{error}");
            assert!(!error.detail().unwrap().help.is_empty());
        }
    }

    #[test]
    fn unknown_table_names_its_neighbours() {
        let schema =
            BulkSchema::parse(include_bytes!("../../fixtures/schema/2025-08-28.json"), "new").unwrap();
        let error = schema.table("signature").unwrap_err();
        assert!(error.to_string().contains("near names: \"signatures\""), "{error}");
        assert!(!schema.table("qqqqqqqq").unwrap_err().to_string().contains("near"));
    }
}
