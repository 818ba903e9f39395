//! `CREATE TABLE` for Redshift, from the schema. The same schema gives the same text.
//!
//! Columns carry no NOT NULL: what the source enforces is checked when an export is read, and a table
//! that refuses NULL could not take exports from before a column was there.

use super::names::listed;
use super::types::NUMERIC_MEND;
use super::{BulkSchema, ColumnType, Table};
use crate::error::{Error, Result};

/// How the statements are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DdlOptions {
    /// Redshift schema that the tables are in; none leaves it to the search path.
    pub schema: Option<String>,
    /// Drop each table first.
    pub replace: bool,
}

/// Statements, and what the reader should know about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ddl {
    /// SQL text, a statement ending in a semicolon and a newline.
    pub sql: String,
    /// Columns whose type is not known, by table.
    pub warnings: Vec<String>,
}

/// The statements for every table that can be loaded, in the schema's order.
///
/// # Errors
/// [`Error::Schema`] that names every column without a type in Redshift.
pub fn create_tables(schema: &BulkSchema, options: &DdlOptions) -> Result<Ddl> {
    create_each(schema.loadable(), options)
}

/// The statements for one table.
///
/// # Errors
/// As [`create_tables`].
pub fn create_table(table: &Table, options: &DdlOptions) -> Result<Ddl> {
    create_each(std::iter::once(table), options)
}

/// The name between double quotes, those inside it doubled.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn create_each<'a>(tables: impl Iterator<Item = &'a Table>, options: &DdlOptions) -> Result<Ddl> {
    let mut ddl = Ddl::default();
    let mut faults = Vec::new();
    for table in tables {
        if !ddl.sql.is_empty() {
            ddl.sql.push('\n');
        }
        let columns = columns_of(table, &mut ddl.warnings, &mut faults);
        write_table(&mut ddl.sql, &qualified(table, options), &columns, options.replace);
    }
    if faults.is_empty() { Ok(ddl) } else { Err(Error::schema(listed(&faults)).help(NUMERIC_MEND)) }
}

fn columns_of(table: &Table, warnings: &mut Vec<String>, faults: &mut Vec<String>) -> Vec<String> {
    let mut lines = Vec::with_capacity(table.columns.len());
    for (name, column) in &table.columns {
        let at = format!("{}.{}", quote_identifier(&table.name), quote_identifier(name));
        match ColumnType::of(column) {
            Ok((column_type, warning)) => {
                warnings.extend(warning.map(|warning| format!("{at}: {warning}")));
                lines.push(format!("    {} {}", quote_identifier(name), column_type.redshift_ddl()));
            }
            Err(error) => faults.push(format!("{at}: {error}")),
        }
    }
    lines
}

fn write_table(sql: &mut String, name: &str, columns: &[String], replace: bool) {
    let if_not_exists = if replace { "" } else { "IF NOT EXISTS " };
    if replace {
        sql.push_str(&format!("DROP TABLE IF EXISTS {name};\n"));
    }
    sql.push_str(&format!("CREATE TABLE {if_not_exists}{name} (\n{}\n);\n", columns.join(",\n")));
}

fn qualified(table: &Table, options: &DdlOptions) -> String {
    let name = quote_identifier(&table.name);
    match &options.schema {
        Some(schema) => format!("{}.{name}", quote_identifier(schema)),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(columns: &str) -> BulkSchema {
        let json = format!(r#"{{"table":{{"name":"we\"ird","columns":{{{columns}}}}}}}"#);
        BulkSchema::parse(json.as_bytes(), "test").unwrap()
    }

    const COLUMNS: &str = r#""id":{"type":"integer","sql_type":"bigint"},
        "order":{"type":"string","sql_type":"character varying(5)","nullable":false},
        "v":{"type":"x","sql_type":"tsvector"}"#;

    #[test]
    fn creates_unless_there() {
        let ddl = create_tables(&parse(COLUMNS), &DdlOptions::default()).unwrap();
        let expected = "CREATE TABLE IF NOT EXISTS \"we\"\"ird\" (\n    \"id\" BIGINT,\n    \"order\" CHARACTER VARYING(max),\n    \"v\" CHARACTER VARYING(max)\n);\n";
        assert_eq!(ddl.sql, expected);
        assert_eq!(ddl.warnings.len(), 1);
        assert!(ddl.warnings[0].contains("\"we\"\"ird\".\"v\""), "{}", ddl.warnings[0]);
    }

    #[test]
    fn replaces_in_a_schema() {
        let options = DdlOptions { schema: Some("pub".to_owned()), replace: true };
        let ddl = create_tables(&parse(r#""a":{"type":"x","sql_type":"uuid"}"#), &options).unwrap();
        let expected = "DROP TABLE IF EXISTS \"pub\".\"we\"\"ird\";\nCREATE TABLE \"pub\".\"we\"\"ird\" (\n    \"a\" CHAR(36)\n);\n";
        assert_eq!(ddl.sql, expected);
    }

    #[test]
    fn names_every_column_it_cannot_type() {
        let numeric =
            r#""a":{"type":"decimal","sql_type":"numeric"},"b":{"type":"decimal","sql_type":"numeric(50)"}"#;
        let error = create_tables(&parse(numeric), &DdlOptions::default()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(r#""a": "#) && text.contains(r#""b": "#), "{text}");
        assert!(error.detail().unwrap().help.contains("numeric(p,s)"));
    }

    #[test]
    fn published_schemas_have_one_statement_a_table() {
        for (json, tables) in [
            // One of its fifty has no columns.
            (&include_bytes!("../../fixtures/schema/2020-03-25.json")[..], 49),
            (&include_bytes!("../../fixtures/schema/2022-10-19.json")[..], 59),
            (&include_bytes!("../../fixtures/schema/2025-08-28.json")[..], 63),
        ] {
            let schema = BulkSchema::parse(json, "fixture").unwrap();
            let ddl = create_tables(&schema, &DdlOptions::default()).unwrap();
            assert_eq!(ddl.sql.matches("CREATE TABLE IF NOT EXISTS").count(), tables);
            assert_eq!(ddl.warnings, [""; 0]);
            let columns: usize = schema.tables.iter().map(|table| table.columns.len()).sum();
            assert_eq!(ddl.sql.lines().filter(|line| line.starts_with("    ")).count(), columns);
        }
    }
}
