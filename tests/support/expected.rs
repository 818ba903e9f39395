//! What must come out of a fixture: `fixtures/postgres/NAME.expected.jsonl`, written by PostgreSQL.

use crate::cells::{Cells, Kind};
use serde_json::Value;
use std::path::Path;

/// Reads the file: an object a row, its members in the order of the columns.
pub(crate) fn read_expected(path: &Path, kinds: &[Kind]) -> Vec<Cells> {
    let text = std::fs::read_to_string(path).expect("the expected rows are readable");
    let mut columns: Vec<Cells> = kinds.iter().map(|&kind| Cells::new(kind)).collect();
    for line in text.lines() {
        let row: serde_json::Map<String, Value> = serde_json::from_str(line).expect("an object");
        assert_eq!(row.len(), kinds.len(), "a member for each column: {line}");
        for ((column, &kind), value) in columns.iter_mut().zip(kinds).zip(row.values()) {
            push(column, kind, value);
        }
    }
    columns
}

fn push(column: &mut Cells, kind: Kind, value: &Value) {
    let text = value.as_str();
    match column {
        Cells::Int(cells) => cells.push(match (kind, text) {
            (Kind::Real, Some(text)) => {
                Some(text.parse::<f32>().expect("a float").to_bits().cast_signed().into())
            }
            (Kind::Double, Some(text)) => Some(text.parse::<f64>().expect("a float").to_bits().cast_signed()),
            _ => value.as_i64().or(value.as_bool().map(i64::from)),
        }),
        Cells::Decimal(cells) => {
            cells.push(text.map(|text| text.replace('.', "").parse().expect("a decimal")));
        }
        Cells::Text(cells) => cells.push(text.map(|text| text.as_bytes().to_vec())),
    }
}
