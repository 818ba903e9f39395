//! Dates, times and floating-point numbers of a result as text: what else prints them knows no years beyond 262142,
//! and writes `0.0` and `1e300` where PostgreSQL writes `0` and `1e+300`.

use crate::error::{Error, Result};
use crate::values::{WrittenDate, WrittenFloat, WrittenTimestamp};
use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, OffsetSizeTrait, PrimitiveArray,
    RecordBatch, RecordBatchOptions, StringArray, StructArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Date64Type, Field, FieldRef, Fields, Float32Type, Float64Type,
    Schema, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use std::fmt::Display;
use std::sync::Arc;

const MILLIS_PER_DAY: i64 = 86_400_000;

/// The batch with every date and time written as PostgreSQL writes it, in lists and structs too, and each column of
/// floating-point numbers; `as_json` as its
/// `to_json` does.
///
/// # Errors
/// [`Error::Usage`] for a time of a zone, or in a type, that cannot be written: a cell is right or not there.
pub(super) fn written(batch: &RecordBatch, as_json: bool) -> Result<RecordBatch> {
    let schema = batch.schema();
    // JSON has numbers of its own.
    let floats =
        |data_type: &DataType| !as_json && matches!(data_type, DataType::Float32 | DataType::Float64);
    if !schema.fields().iter().any(|field| holds_times(field.data_type()) || floats(field.data_type())) {
        return Ok(batch.clone());
    }
    let columns = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Float64 if !as_json => Ok(texts::<Float64Type, _>(column, WrittenFloat::Double)),
        DataType::Float32 if !as_json => Ok(texts::<Float32Type, _>(column, WrittenFloat::Real)),
        _ => of_array(column, as_json),
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let fields = schema.fields().iter().zip(&columns);
    let fields: Vec<Field> =
        fields.map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true)).collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &rows)
        .map_err(|cause| Error::machine("cannot write the times of a result").because(cause))
}

fn holds_times(data_type: &DataType) -> bool {
    let of_field = |field: &FieldRef| holds_times(field.data_type());
    match data_type {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => true,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => of_field(field),
        DataType::Struct(fields) => fields.iter().any(of_field),
        DataType::Dictionary(_, values) => holds_times(values),
        DataType::RunEndEncoded(_, values) => of_field(values),
        DataType::Union(fields, _) => fields.iter().any(|(_, field)| of_field(field)),
        _ => false,
    }
}

fn of_array(array: &ArrayRef, as_json: bool) -> Result<ArrayRef> {
    if !holds_times(array.data_type()) {
        return Ok(Arc::clone(array));
    }
    Ok(match array.data_type() {
        DataType::Date32 => texts::<Date32Type, _>(array, |days| WrittenDate(i64::from(days))),
        DataType::Date64 => texts::<Date64Type, _>(array, |ms| WrittenDate(ms.div_euclid(MILLIS_PER_DAY))),
        DataType::Timestamp(unit, zone) => timestamps(array, *unit, zone.as_deref(), as_json)?,
        DataType::List(field) => list::<i32>(array, field, as_json)?,
        DataType::LargeList(field) => list::<i64>(array, field, as_json)?,
        DataType::FixedSizeList(field, size) => {
            let old = array.as_fixed_size_list();
            let values = of_array(old.values(), as_json)?;
            let field = retyped(field, &values);
            Arc::new(
                FixedSizeListArray::try_new(field, *size, values, old.nulls().cloned()).map_err(unwritten)?,
            )
        }
        DataType::Struct(fields) => {
            let old = array.as_struct();
            let columns = old.columns().iter().map(|column| of_array(column, as_json));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            let fields: Fields =
                fields.iter().zip(&columns).map(|(field, column)| retyped(field, column)).collect();
            Arc::new(StructArray::try_new(fields, columns, old.nulls().cloned()).map_err(unwritten)?)
        }
        other => {
            return Err(Error::usage(format!("times inside a {other} cannot be printed"))
                .help("select the times by themselves"));
        }
    })
}

fn list<O: OffsetSizeTrait>(array: &ArrayRef, field: &FieldRef, as_json: bool) -> Result<ArrayRef> {
    let old = array.as_list::<O>();
    let values = of_array(old.values(), as_json)?;
    let field = retyped(field, &values);
    let new = GenericListArray::<O>::try_new(field, old.offsets().clone(), values, old.nulls().cloned());
    Ok(Arc::new(new.map_err(unwritten)?))
}

fn retyped(field: &FieldRef, values: &ArrayRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(values.data_type().clone()).with_nullable(true))
}

fn unwritten(cause: arrow::error::ArrowError) -> Error {
    Error::machine("cannot write the times of a result").because(cause)
}

fn texts<T: ArrowPrimitiveType, D: Display>(array: &ArrayRef, written: impl Fn(T::Native) -> D) -> ArrayRef {
    let values: &PrimitiveArray<T> = array.as_primitive();
    Arc::new(
        values.iter().map(|value| value.map(|value| written(value).to_string())).collect::<StringArray>(),
    )
}

fn timestamps(array: &ArrayRef, unit: TimeUnit, zone: Option<&str>, as_json: bool) -> Result<ArrayRef> {
    let offset = zone.map(offset_of).transpose()?;
    let written = |per_second: i64| {
        move |value: i64| WrittenTimestamp {
            seconds: value.div_euclid(per_second).saturating_add(i64::from(offset.unwrap_or(0))),
            nanos: u32::try_from(value.rem_euclid(per_second) * (1_000_000_000 / per_second)).unwrap_or(0),
            offset,
            as_json,
        }
    };
    Ok(match unit {
        TimeUnit::Second => texts::<TimestampSecondType, _>(array, written(1)),
        TimeUnit::Millisecond => texts::<TimestampMillisecondType, _>(array, written(1_000)),
        TimeUnit::Microsecond => texts::<TimestampMicrosecondType, _>(array, written(1_000_000)),
        TimeUnit::Nanosecond => texts::<TimestampNanosecondType, _>(array, written(1_000_000_000)),
    })
}

/// Seconds that `UTC`, `Z` or `+05:30` is ahead.
fn offset_of(zone: &str) -> Result<i32> {
    if ["UTC", "utc", "Z"].contains(&zone) {
        return Ok(0);
    }
    let parsed = || {
        let (sign, digits) = match zone.split_at_checked(1)? {
            ("+", digits) => (1, digits),
            ("-", digits) => (-1, digits),
            _ => return None,
        };
        let digits: String = digits.chars().filter(|&letter| letter != ':').collect();
        let number = (digits.len() == 4).then(|| digits.parse::<i32>().ok()).flatten()?;
        Some(sign * (number / 100 * 3_600 + number % 100 * 60))
    };
    parsed().ok_or_else(|| {
        Error::usage(format!("times of the zone {zone} cannot be printed")).help("ask for them in UTC")
    })
}
