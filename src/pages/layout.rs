//! The Parquet schema that Redshift's COPY takes: every column optional, the legacy converted types
//! beside the logical ones, decimals as byte arrays of the least length.

use super::boolean::BooleanColumn;
use super::column::{Column, Common};
use super::compiled::{Compiled, compiled};
use super::fixed::FixedColumn;
use super::kind::{BigInt, Date, Decimal, Double, Integer, Real, Timestamp};
use super::options::EncodeOptions;
use super::text::TextColumn;
use crate::csv::Kernel;
use crate::schema::{ColumnType, OutputColumn};
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::errors::Result;
use parquet::schema::types::{SchemaDescriptor, Type};
use std::sync::Arc;

/// The file schema of these columns.
pub(super) fn file_schema(columns: &[OutputColumn]) -> Result<SchemaDescriptor> {
    let fields = columns.iter().map(|column| field(column).map(Arc::new)).collect::<Result<_>>()?;
    let root = Type::group_type_builder("schema").with_fields(fields).build()?;
    Ok(SchemaDescriptor::new(Arc::new(root)))
}

fn field(column: &OutputColumn) -> Result<Type> {
    let (physical, logical) = match column.column_type {
        ColumnType::SmallInt => (PhysicalType::INT32, Some(LogicalType::integer(16, true))),
        ColumnType::Integer => (PhysicalType::INT32, None),
        ColumnType::BigInt => (PhysicalType::INT64, None),
        ColumnType::Boolean => (PhysicalType::BOOLEAN, None),
        ColumnType::Decimal { precision, scale } => {
            return decimal(&column.name, precision, scale);
        }
        ColumnType::Real => (PhysicalType::FLOAT, None),
        ColumnType::Double => (PhysicalType::DOUBLE, None),
        ColumnType::Timestamp => (PhysicalType::INT64, Some(LogicalType::timestamp(false, TimeUnit::MICROS))),
        ColumnType::TimestampTz => {
            (PhysicalType::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS)))
        }
        ColumnType::Date => (PhysicalType::INT32, Some(LogicalType::Date)),
        ColumnType::Uuid | ColumnType::Geography | ColumnType::Structured | ColumnType::Text => {
            (PhysicalType::BYTE_ARRAY, Some(LogicalType::String))
        }
    };
    Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
}

fn decimal(name: &str, precision: u8, scale: u8) -> Result<Type> {
    let (precision_i32, scale) = (i32::from(precision), i32::from(scale));
    Type::primitive_type_builder(name, PhysicalType::FIXED_LEN_BYTE_ARRAY)
        .with_repetition(Repetition::OPTIONAL)
        .with_length(Decimal::bytes(precision) as i32)
        .with_logical_type(Some(LogicalType::decimal(scale, precision_i32)))
        .with_precision(precision_i32)
        .with_scale(scale)
        .build()
}

/// The columns' builders, in the order of the schema.
pub(super) fn builders(
    columns: &[OutputColumn],
    schema: &SchemaDescriptor,
    options: &EncodeOptions,
    kernel: Kernel,
) -> Vec<Box<dyn Compiled<dyn Column>>> {
    let build = |(i, spec): (usize, &OutputColumn)| {
        let common = Common::new(spec.clone(), schema.column(i), options.empty_strings);
        match spec.column_type {
            ColumnType::SmallInt => compiled(kernel, FixedColumn::new(common, Integer { is_small: true })),
            ColumnType::Integer => compiled(kernel, FixedColumn::new(common, Integer { is_small: false })),
            ColumnType::BigInt => compiled(kernel, FixedColumn::new(common, BigInt)),
            ColumnType::Boolean => compiled(kernel, BooleanColumn::new(common)),
            ColumnType::Decimal { precision, scale } => {
                compiled(kernel, FixedColumn::new(common, Decimal::new(precision, scale)))
            }
            ColumnType::Real => compiled(kernel, FixedColumn::new(common, Real)),
            ColumnType::Double => compiled(kernel, FixedColumn::new(common, Double)),
            ColumnType::Timestamp => compiled(kernel, FixedColumn::new(common, Timestamp::new(false))),
            ColumnType::TimestampTz => compiled(kernel, FixedColumn::new(common, Timestamp::new(true))),
            ColumnType::Date => compiled(kernel, FixedColumn::new(common, Date)),
            ColumnType::Uuid | ColumnType::Geography | ColumnType::Structured | ColumnType::Text => {
                compiled(kernel, TextColumn::new(common, options))
            }
        }
    };
    columns.iter().enumerate().map(build).collect()
}
