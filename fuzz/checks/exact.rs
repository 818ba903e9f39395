//! What the exact readers make of records, cell by cell.

use csl_stream::csv::{LineEnd, raw_records};
use csl_stream::schema::{ColumnType, Layout, OutputColumn};
use csl_stream::values;
use parquet::data_type::Decimal;
use parquet::record::Field;

/// The cells of each record, in the form in which the parquet crate reads them back; of a record that
/// must be rejected, its bytes.
pub fn exact(layout: &Layout, records: &[u8], line_end: LineEnd) -> Vec<Result<Vec<Field>, Vec<u8>>> {
    raw_records(records, line_end, layout.fields)
        .map(|record| {
            let cells = record.fields.iter().zip(&layout.columns).map(|(raw, column)| match raw.value() {
                Ok(Some(value)) => cell(column, &value),
                Ok(None) => column.nullable.then_some(Field::Null),
                Err(_) => None,
            });
            let cells: Option<Vec<Field>> = cells.collect();
            let ends = record.bytes.ends_with(line_end.bytes());
            cells.filter(|_| ends && record.width == layout.fields).ok_or_else(|| record.bytes.to_vec())
        })
        .collect()
}

fn cell(column: &OutputColumn, value: &[u8]) -> Option<Field> {
    match column.column_type {
        ColumnType::SmallInt => values::small_int(value).ok().map(Field::Short),
        ColumnType::Integer => values::integer(value).ok().map(Field::Int),
        ColumnType::BigInt => values::big_int(value).ok().map(Field::Long),
        ColumnType::Boolean => values::boolean(value).ok().map(Field::Bool),
        ColumnType::Real => values::real(value).ok().map(Field::Float),
        ColumnType::Double => values::double(value).ok().map(Field::Double),
        ColumnType::Timestamp => values::timestamp(value).ok().map(Field::TimestampMicros),
        ColumnType::TimestampTz => values::timestamp_tz(value).ok().map(Field::TimestampMicros),
        ColumnType::Date => values::date(value).ok().map(Field::Date),
        ColumnType::Decimal { precision, scale } => {
            values::decimal(value, precision, scale).ok().map(|number| decimal(number, precision, scale))
        }
        ColumnType::Uuid => values::uuid(value).ok().and_then(|()| text(column, value)),
        ColumnType::Geography => values::geography(value).ok().and_then(|()| text(column, value)),
        ColumnType::Structured => text(column, value).filter(|_| fits(column, value)),
        ColumnType::Text => text(column, value),
    }
}

/// In as few bytes as hold every number of the precision.
fn decimal(number: i128, precision: u8, scale: u8) -> Field {
    let largest = 10i128.pow(precision.into()) - 1;
    let bytes = (1..=16).find(|&bytes| bytes == 16 || largest < 1 << (8 * bytes - 1)).unwrap_or(16);
    let bytes = number.to_be_bytes()[16 - bytes..].to_vec();
    Field::Decimal(Decimal::from_bytes(bytes.into(), precision.into(), scale.into()))
}

fn fits(column: &OutputColumn, value: &[u8]) -> bool {
    column.width.is_none_or(|width| values::fits(value, width))
}

fn text(column: &OutputColumn, value: &[u8]) -> Option<Field> {
    let bytes = column.width.map_or(value.len(), |width| values::truncate(value, width));
    Some(Field::Str(std::str::from_utf8(&value[..bytes]).ok()?.to_owned()))
}
