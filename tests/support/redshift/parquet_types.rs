//! Which Parquet column loads into which column of Redshift. What is not proven to load is refused.

use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::schema::types::ColumnDescriptor;

use super::catalog::Target;
use super::copy::ScanError;
use super::parquet_rows::Rules;

/// Compares a file's columns with the table's: by position, never by name.
pub(super) fn check(meta: &ParquetMetaData, rules: &Rules) -> Result<(), ScanError> {
    let schema = meta.file_metadata().schema_descr();
    let (file, table) = (schema.num_columns(), rules.columns.len());
    if file > table || (file < table && !rules.fills_record) {
        return Err(ScanError::new(format!(
            "Unmatched number of columns between table and file. Table columns: {table}, Data columns: {file}, \
             File name: {}",
            rules.url
        )));
    }
    for (at, column) in schema.columns().iter().enumerate() {
        let target = rules.columns[at].target;
        let is_plain = column.path().parts().len() == 1
            && column.self_type().get_basic_info().repetition() != Repetition::REPEATED;
        if !is_plain || !fits(column, target) {
            return Err(ScanError {
                column: Some(rules.columns[at].name.clone()),
                ..ScanError::new(format!(
                    "File '{}' has an incompatible Parquet schema for column '{}.{}'. Column type: {target:?}, Parquet \
                     schema: {} {:?} {:?} {:?}",
                    rules.url,
                    rules.url,
                    rules.columns[at].name,
                    column.name(),
                    column.physical_type(),
                    column.converted_type(),
                    column.logical_type_ref(),
                ))
            });
        }
    }
    Ok(())
}

/// Compressions that are known to load.
pub(super) fn check_codecs(group: &RowGroupMetaData, url: &str) -> Result<(), ScanError> {
    let unproven = group
        .columns()
        .iter()
        .find(|column| !matches!(column.compression(), Compression::SNAPPY | Compression::UNCOMPRESSED));
    match unproven {
        Some(column) => {
            Err(ScanError::new(format!("File '{url}': {:?} is not proven to load", column.compression())))
        }
        None => Ok(()),
    }
}

fn fits(column: &ColumnDescriptor, target: Target) -> bool {
    let logical = column.logical_type_ref();
    let converted = column.converted_type();
    let signed = |bits: &[i8]| match logical {
        None => matches!(
            converted,
            ConvertedType::NONE
                | ConvertedType::INT_8
                | ConvertedType::INT_16
                | ConvertedType::INT_32
                | ConvertedType::INT_64
        ),
        Some(LogicalType::Integer(kind)) => kind.is_signed && bits.contains(&kind.bit_width),
        Some(_) => false,
    };
    let is_plain = logical.is_none() && converted == ConvertedType::NONE;
    let is_text = match logical {
        Some(LogicalType::String) => true,
        None => converted == ConvertedType::UTF8,
        Some(_) => false,
    };
    match (target, column.physical_type()) {
        (Target::Bool, Physical::BOOLEAN) => is_plain,
        (Target::SmallInt, Physical::INT32) => signed(&[8, 16, 32]),
        (Target::Integer, Physical::INT32) => signed(&[8, 16, 32]),
        (Target::BigInt, Physical::INT64) => signed(&[64]),
        (Target::Real, Physical::FLOAT) | (Target::Double, Physical::DOUBLE) => is_plain,
        (Target::Date, Physical::INT32) => converted == ConvertedType::DATE,
        (Target::Timestamp, Physical::INT64) => match logical {
            Some(LogicalType::Timestamp(kind)) => !kind.is_adjusted_to_u_t_c && kind.unit == TimeUnit::MICROS,
            None => converted == ConvertedType::TIMESTAMP_MICROS,
            Some(_) => false,
        },
        (Target::TimestampTz, Physical::INT64) => match logical {
            Some(LogicalType::Timestamp(kind)) => kind.is_adjusted_to_u_t_c && kind.unit == TimeUnit::MICROS,
            None => converted == ConvertedType::TIMESTAMP_MICROS,
            Some(_) => false,
        },
        (Target::Decimal { precision, scale }, Physical::FIXED_LEN_BYTE_ARRAY) => {
            converted == ConvertedType::DECIMAL
                && column.type_precision() == precision
                && column.type_scale() == scale
                && column.type_length() == decimal_bytes(precision)
        }
        (Target::Varchar(_) | Target::Char(_), Physical::BYTE_ARRAY) => is_text,
        _ => false,
    }
}

/// The fewest bytes that hold every number of so many digits.
fn decimal_bytes(precision: i32) -> i32 {
    let largest = 10_u128.pow(precision as u32) - 1;
    // One bit more for the sign.
    let bits = u128::BITS - largest.leading_zeros() + 1;
    bits.div_ceil(8) as i32
}
