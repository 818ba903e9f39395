//! The Arrow types of columns: those that DataFusion finds in a Parquet file of ours.

use super::boolean::BooleanColumnArray;
use super::column::ArrayColumn;
use super::fixed::{FixedArray, Make};
use super::text::TextArray;
use crate::csv::Kernel;
use crate::pages::column::Common;
use crate::pages::compiled::{Compiled, compiled};
use crate::pages::encoding::Encoding;
use crate::pages::kind::{BigInt, Date, Decimal, Double, Integer, Kind, Real, Timestamp};
use crate::schema::{ColumnType, OutputColumn};
use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array,
    TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

/// The columns with their types.
pub fn arrow_schema(columns: &[OutputColumn]) -> SchemaRef {
    let field = |column: &OutputColumn| Field::new(&column.name, data_type(column.column_type), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

fn data_type(column_type: ColumnType) -> DataType {
    match column_type {
        ColumnType::SmallInt => DataType::Int16,
        ColumnType::Integer => DataType::Int32,
        ColumnType::BigInt => DataType::Int64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(precision, scale as i8),
        ColumnType::Real => DataType::Float32,
        ColumnType::Double => DataType::Float64,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Date => DataType::Date32,
        ColumnType::Uuid | ColumnType::Geography | ColumnType::Structured | ColumnType::Text => {
            DataType::Utf8View
        }
    }
}

type Column = Box<dyn Compiled<dyn ArrayColumn>>;

/// The columns of an encoding's layout, in its order.
pub(super) fn builders(encoding: &Encoding) -> Vec<Column> {
    let columns = encoding.layout.columns.iter().enumerate();
    columns.map(|(at, spec)| builder(encoding, at, spec)).collect()
}

fn builder(encoding: &Encoding, at: usize, spec: &OutputColumn) -> Column {
    let (kernel, options) = (encoding.kernel, &encoding.options);
    let common = Common::new(spec.clone(), encoding.schema().column(at), options.empty_strings);
    match spec.column_type {
        ColumnType::SmallInt => fixed(kernel, common, Integer { is_small: true }, |values, nulls, _| {
            Arc::new(Int16Array::new(values.into_iter().map(|value| value as i16).collect(), nulls))
        }),
        ColumnType::Integer => fixed(kernel, common, Integer { is_small: false }, |values, nulls, _| {
            Arc::new(Int32Array::new(values.into(), nulls))
        }),
        ColumnType::BigInt => {
            fixed(kernel, common, BigInt, |values, nulls, _| Arc::new(Int64Array::new(values.into(), nulls)))
        }
        ColumnType::Boolean => compiled(kernel, BooleanColumnArray::new(common)),
        ColumnType::Decimal { precision, scale } => {
            fixed(kernel, common, Decimal::new(precision, scale), |values, nulls, data_type| {
                Arc::new(Decimal128Array::new(values.into(), nulls).with_data_type(data_type.clone()))
            })
        }
        ColumnType::Real => {
            fixed(kernel, common, Real, |values, nulls, _| Arc::new(Float32Array::new(values.into(), nulls)))
        }
        ColumnType::Double => fixed(kernel, common, Double, |values, nulls, _| {
            Arc::new(Float64Array::new(values.into(), nulls))
        }),
        ColumnType::Timestamp => fixed(kernel, common, Timestamp::new(false), times),
        ColumnType::TimestampTz => fixed(kernel, common, Timestamp::new(true), times),
        ColumnType::Date => {
            fixed(kernel, common, Date, |values, nulls, _| Arc::new(Date32Array::new(values.into(), nulls)))
        }
        ColumnType::Uuid | ColumnType::Geography | ColumnType::Structured | ColumnType::Text => {
            compiled(kernel, TextArray::new(common, options))
        }
    }
}

fn fixed<K: Kind<Value: Default> + 'static>(
    kernel: Kernel,
    common: Common,
    kind: K,
    make: Make<K::Value>,
) -> Column {
    let data_type = data_type(common.spec.column_type);
    compiled(kernel, FixedArray::new(common, kind, data_type, make))
}

fn times(values: Vec<i64>, nulls: Option<NullBuffer>, data_type: &DataType) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::new(values.into(), nulls).with_data_type(data_type.clone()))
}
