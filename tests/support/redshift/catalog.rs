//! Tables as Redshift describes them: for COPY and for DescribeTable.

use serde_json::{Map, Value, json};
use tokio_postgres::Client;

use super::server::Refusal;
use super::{Setup, server, worker};

/// Columns in one answer of DescribeTable.
const PAGE_COLUMNS: usize = 1000;

/// A type of Redshift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Bool,
    SmallInt,
    Integer,
    BigInt,
    Real,
    Double,
    Decimal {
        precision: i32,
        scale: i32,
    },
    Date,
    Timestamp,
    TimestampTz,
    /// Bytes.
    Varchar(usize),
    Char(usize),
    Super,
    Geography,
    Other,
}

#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) target: Target,
    type_name: String,
    is_nullable: bool,
    default: Option<String>,
}

#[derive(Debug)]
pub(super) struct Table {
    pub(super) oid: u32,
    /// Quoted, with its schema.
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

fn target(type_name: &str, modifier: i32) -> Target {
    let length = usize::try_from(modifier - 4).unwrap_or(65_535);
    match type_name {
        "bool" => Target::Bool,
        "int2" => Target::SmallInt,
        "int4" => Target::Integer,
        "int8" => Target::BigInt,
        "float4" => Target::Real,
        "float8" => Target::Double,
        "numeric" if modifier < 4 => Target::Decimal { precision: 18, scale: 0 },
        "numeric" => Target::Decimal { precision: (modifier - 4) >> 16, scale: (modifier - 4) & 0xffff },
        "date" => Target::Date,
        "timestamp" => Target::Timestamp,
        "timestamptz" => Target::TimestampTz,
        "varchar" | "text" => Target::Varchar(length),
        "bpchar" => Target::Char(length),
        "super" => Target::Super,
        "geography" => Target::Geography,
        _ => Target::Other,
    }
}

/// The table, or `None` if there is none that the user could name so.
pub(super) async fn table(
    client: &Client,
    schema: Option<&str>,
    name: &str,
) -> Result<Option<Table>, String> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let name = match schema {
        Some(schema) => format!("{}.{}", quoted(schema), quoted(name)),
        None => quoted(name),
    };
    let query = "SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'v')";
    let row = client.query_opt(query, &[&name]).await.map_err(|error| worker::error_text(&error))?;
    let Some(row) = row else { return Ok(None) };
    let oid: u32 = row.get(0);
    let name = format!("{}.{}", quoted(row.get(1)), quoted(row.get(2)));
    let query = "SELECT a.attname, t.typname, a.atttypmod, a.attnotnull, pg_get_expr(d.adbin, d.adrelid) \
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
        WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
    let rows = client.query(query, &[&oid]).await.map_err(|error| worker::error_text(&error))?;
    let column = |row: &tokio_postgres::Row| Column {
        name: row.get(0),
        target: target(row.get(1), row.get(2)),
        type_name: row.get(1),
        is_nullable: !row.get::<_, bool>(3),
        default: row.get(4),
    };
    Ok(Some(Table { oid, name, columns: rows.iter().map(column).collect() }))
}

fn described(column: &Column, schema: &str, table: &str) -> Value {
    let (length, precision, scale, signed) = match column.target {
        Target::Bool => (1, 1, 0, false),
        Target::SmallInt => (5, 5, 0, true),
        Target::Integer => (10, 10, 0, true),
        Target::BigInt => (19, 19, 0, true),
        Target::Real => (8, 8, 8, true),
        Target::Double => (17, 17, 17, true),
        Target::Decimal { precision, scale } => (precision, precision, scale, true),
        Target::Date => (13, 13, 0, false),
        Target::Timestamp => (29, 29, 6, false),
        Target::TimestampTz => (35, 35, 6, false),
        Target::Varchar(bytes) | Target::Char(bytes) => (bytes as i32, bytes as i32, 0, false),
        Target::Super | Target::Geography | Target::Other => (0, 0, 0, false),
    };
    let type_name = if column.type_name == "text" { "varchar" } else { &column.type_name };
    let mut said = json!({
        "name": column.name, "label": column.name, "typeName": type_name, "length": length,
        "precision": precision, "scale": scale, "nullable": i32::from(column.is_nullable), "isSigned": signed,
        "isCurrency": false, "isCaseSensitive": matches!(column.target, Target::Varchar(_) | Target::Char(_)),
        "schemaName": schema, "tableName": table,
    });
    if let Some(default) = &column.default {
        said["columnDefault"] = json!(default);
    }
    said
}

/// DescribeTable. A table that is not there has no columns.
pub(super) async fn describe_table(setup: &Setup, request: &Map<String, Value>) -> Result<Value, Refusal> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let name = text("Table").ok_or_else(|| server::invalid("Table must be provided."))?;
    let schema = text("Schema").unwrap_or("public");
    let client = worker::connect(setup).await.map_err(server::invalid)?;
    let table = table(&client, Some(schema), name).await.map_err(server::invalid)?;
    let columns = table.map(|table| table.columns).unwrap_or_default();
    let from: usize = text("NextToken").and_then(|token| token.parse().ok()).unwrap_or(0);
    let asked = request.get("MaxResults").and_then(Value::as_u64).filter(|&size| size > 0);
    let end = columns.len().min(from + asked.map_or(PAGE_COLUMNS, |size| size as usize));
    let page = columns.get(from..end).unwrap_or_default();
    let list: Value = page.iter().map(|column| described(column, schema, name)).collect();
    let mut answer = json!({"TableName": name, "ColumnList": list});
    if end < columns.len() {
        answer["NextToken"] = json!(end.to_string());
    }
    Ok(answer)
}
