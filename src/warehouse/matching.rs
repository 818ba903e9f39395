//! Rows of a Parquet file, told by the text of one column: no other column is read.

use super::parquet_file::{batches, guarded, open, rows_of};
use super::rewritten::number_of;
use super::types::Type;
use crate::error::Result;
use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader};
use std::path::Path;

/// For each row whether its value in `column` matches, as PostgreSQL writes it; none if the file lacks the column.
/// NULL matches nothing.
///
/// # Errors
/// [`crate::Error::Input`] naming a damaged file, or a column whose values are no numbers and no texts.
pub(super) fn rows_that_match(
    path: &Path,
    column: &str,
    matches: &dyn Fn(&[u8]) -> bool,
) -> Result<Option<Vec<bool>>> {
    let reader = open(path)?;
    let columns = reader.metadata().file_metadata().schema_descr_ptr();
    let Some(at) = columns.columns().iter().position(|found| found.name() == column) else {
        return Ok(None);
    };
    let its = Type::of(&columns.column(at));
    let mut found = Vec::new();
    for group in 0..reader.num_row_groups() {
        guarded(path, Some(column), || {
            let group = reader.get_row_group(group)?;
            each(&*group, at, &its, |value| found.push(value.is_some_and(matches)))
        })?;
    }
    Ok(Some(found))
}

fn each(
    group: &dyn RowGroupReader,
    column: usize,
    its: &Type,
    mut take: impl FnMut(Option<&[u8]>),
) -> Result<(), ParquetError> {
    let rows = rows_of(group)?;
    macro_rules! each {
        ($reader:expr, $text:expr) => {
            batches($reader, 0..rows, |records, levels, values| {
                let mut values = values.iter();
                for record in 0..records {
                    // A required column has no levels.
                    let is_null = levels.get(record).is_some_and(|&level| level == 0);
                    let value = if is_null { None } else { values.next() };
                    let text = value.map($text);
                    take(text.as_ref().map(|text| text.as_ref()));
                }
                Ok(())
            })
        };
    }
    match (group.get_column_reader(column)?, its) {
        (ColumnReader::Int32ColumnReader(reader), Type::Smallint | Type::Integer) => {
            each!(reader, |number| number.to_string().into_bytes())
        }
        (ColumnReader::Int64ColumnReader(reader), Type::Bigint) => {
            each!(reader, |number| number.to_string().into_bytes())
        }
        (ColumnReader::FixedLenByteArrayColumnReader(reader), Type::Decimal { scale, .. }) => {
            each!(reader, |number| decimal(number_of(number.data()), *scale).into_bytes())
        }
        (ColumnReader::ByteArrayColumnReader(reader), _) => each!(reader, |text| text.data().to_vec()),
        _ => Err(ParquetError::General(format!("nobody can be told by a column that is {its}"))),
    }
}

/// A number without its point, as it is written with it.
fn decimal(unscaled: i128, scale: u32) -> String {
    let scale = scale as usize;
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_as_postgresql_writes_them() {
        for (unscaled, scale, text) in [
            (7, 0, "7"),
            (-7, 0, "-7"),
            (7, 2, "0.07"),
            (-1234, 2, "-12.34"),
            (100, 2, "1.00"),
            (0, 1, "0.0"),
        ] {
            assert_eq!(decimal(unscaled, scale), text);
        }
    }
}
