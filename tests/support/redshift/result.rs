//! Rows of a query, kept for GetStatementResult in the form in which it gives them.

use serde_json::{Value, json};
use tokio_postgres::types::Type;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

/// What a result may have at most.
pub(super) const RESULT_BYTES_MAX: usize = 100 << 20;

#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Type,
}

/// The rows that a statement gave.
#[derive(Debug, Clone)]
pub(super) struct ResultSet {
    pub(super) columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    bytes: usize,
}

impl ResultSet {
    pub(super) fn of(columns: Vec<Column>, messages: &[SimpleQueryMessage]) -> Result<Self, String> {
        let mut set = Self { columns, rows: Vec::new(), bytes: 0 };
        for message in messages {
            if let SimpleQueryMessage::Row(row) = message {
                let row = set.fields(row);
                set.rows.push(row);
            }
            if set.bytes > RESULT_BYTES_MAX {
                return Err("ERROR: Query results exceed the maximum size of 100 MB".to_owned());
            }
        }
        Ok(set)
    }

    fn fields(&mut self, row: &SimpleQueryRow) -> Vec<Value> {
        let texts = (0..row.len()).map(|at| row.get(at));
        self.bytes += texts.map(|text| text.map_or(1, str::len)).sum::<usize>();
        self.columns.iter().enumerate().map(|(at, column)| field(&column.kind, row.get(at))).collect()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// The answer from row `from` on.
    pub(super) fn page(&self, from: usize, rows: usize) -> Value {
        let end = self.rows.len().min(from + rows);
        let columns: Value = self.columns.iter().map(metadata).collect();
        let mut page = json!({
            "Records": self.rows.get(from..end).unwrap_or_default(), "ColumnMetadata": columns,
            "TotalNumRows": self.rows.len(),
        });
        if end < self.rows.len() {
            page["NextToken"] = json!(end.to_string());
        }
        page
    }
}

fn field(kind: &Type, text: Option<&str>) -> Value {
    let Some(text) = text else { return json!({"isNull": true}) };
    match *kind {
        Type::BOOL => json!({"booleanValue": text == "t"}),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => match text.parse::<i64>() {
            Ok(value) => json!({"longValue": value}),
            Err(_) => json!({"stringValue": text}),
        },
        // JSON has no NaN.
        Type::FLOAT4 | Type::FLOAT8 => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => json!({"doubleValue": value}),
            _ => json!({"stringValue": text}),
        },
        Type::BYTEA => json!({"stringValue": text.trim_start_matches("\\x").to_ascii_uppercase()}),
        _ => json!({"stringValue": text}),
    }
}

fn metadata(column: &Column) -> Value {
    let is_text = matches!(column.kind, Type::TEXT | Type::VARCHAR | Type::BPCHAR);
    let is_signed = matches!(
        column.kind,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC
    );
    let type_name = match column.kind {
        Type::TEXT => "varchar",
        Type::JSONB => "super",
        Type::BYTEA => "geography",
        ref kind => kind.name(),
    };
    json!({
        "name": column.name, "label": column.name, "typeName": type_name, "nullable": 1, "length": 0,
        "precision": 0, "scale": 0, "isSigned": is_signed, "isCurrency": false, "isCaseSensitive": is_text,
        "schemaName": "", "tableName": "",
    })
}
