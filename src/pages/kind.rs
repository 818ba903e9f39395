//! The types whose values have a fixed width: how each is read, written and summed up.

use super::bytes::{Text, append_all};
use super::fast::{self, DayCache};
use super::simd::Simd;
use super::sums;
use crate::csv::{FieldFault, RawField};
use crate::values::{self, Numbers, Rule, SUM_DIGITS_MAX};
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::statistics::Statistics;
use std::ops::AddAssign;

/// A fixed-width type.
pub(super) trait Kind: Send {
    /// A value, ordered as Parquet orders the column.
    type Value: Copy + PartialOrd + Send;
    /// Holds the sum of many.
    type Sum: Copy + Default + AddAssign + Send;

    /// Reads what PostgreSQL writes; `None` if the text is anything else.
    fn fast(&mut self, simd: impl Simd, text: Text<'_>) -> Option<Self::Value>;

    /// Reads every form, or says what is wrong.
    fn exact(&self, value: &[u8]) -> Result<Self::Value, Rule>;

    /// Appends the PLAIN encoding of these values.
    fn write(&self, values: &[Self::Value], out: &mut Vec<u8>);

    /// Bytes of a value, if values often come from a small range, so that a dictionary may pay.
    fn dictionary_bytes(&self) -> Option<usize> {
        None
    }

    /// The value as a dictionary's key; only for types that have a dictionary.
    fn key(&self, value: Self::Value) -> i64 {
        let _ = value;
        0
    }

    /// The values of a block together.
    fn add_up(&self, values: &[Self::Value]) -> Self::Sum;

    /// The numbers of a column chunk, summed up.
    fn numbers(&self, range: (Self::Value, Self::Value), sum: Self::Sum) -> Numbers;

    /// Statistics of a column chunk.
    fn statistics(&self, range: Option<(Self::Value, Self::Value)>, nulls: u64) -> Statistics;
}

/// Reads a raw, non-NULL field with an exact reader.
pub(super) fn exact_value<T>(raw: &[u8], read: impl Fn(&[u8]) -> Result<T, Rule>) -> Result<T, Rule> {
    let value = RawField { bytes: raw, at: 0 }.value().map_err(rule_of)?;
    read(value.as_deref().unwrap_or_default())
}

/// The rule that a field breaks whatever its type.
pub fn rule_of(fault: FieldFault) -> Rule {
    match fault {
        FieldFault::Quote => Rule::Quote,
        FieldFault::CarriageReturn => Rule::CarriageReturn,
        FieldFault::Nul => Rule::Nul,
        FieldFault::Utf8 => Rule::Utf8,
    }
}

/// `smallint` and `integer`, in Parquet both an INT32.
pub(super) struct Integer {
    pub(super) is_small: bool,
}
/// `bigint`.
pub(super) struct BigInt;
/// `date`: days since 1970.
pub(super) struct Date;
/// `timestamp` with or without time zone: microseconds since 1970.
#[derive(Default)]
pub(super) struct Timestamp {
    pub(super) with_zone: bool,
    day: DayCache,
}
/// `real`.
pub(super) struct Real;
/// `double precision`.
pub(super) struct Double;
/// `numeric(precision, scale)`, big-endian in as few bytes as the precision needs.
pub(super) struct Decimal {
    precision: u8,
    scale: u8,
    width: usize,
}

impl Timestamp {
    pub(super) fn new(with_zone: bool) -> Self {
        Self { with_zone, ..Self::default() }
    }
}

fn int32(range: Option<(i32, i32)>, nulls: u64) -> Statistics {
    Statistics::int32(range.map(|r| r.0), range.map(|r| r.1), None, Some(nulls), false)
}

fn exact<T: Into<i128>>((min, max): (T, T), sum: i128) -> Numbers {
    Numbers::Exact { min: min.into(), max: max.into(), sum: Some(sum) }
}

fn int64(range: Option<(i64, i64)>, nulls: u64) -> Statistics {
    Statistics::int64(range.map(|r| r.0), range.map(|r| r.1), None, Some(nulls), false)
}

impl Kind for Integer {
    type Value = i32;
    type Sum = i128;

    #[inline(always)]
    fn fast(&mut self, _: impl Simd, text: Text<'_>) -> Option<i32> {
        let value = fast::integer(text).and_then(|value| i32::try_from(value).ok())?;
        (!self.is_small || i16::try_from(value).is_ok()).then_some(value)
    }

    fn exact(&self, value: &[u8]) -> Result<i32, Rule> {
        if self.is_small { values::small_int(value).map(i32::from) } else { values::integer(value) }
    }

    #[inline(always)]
    fn write(&self, values: &[i32], out: &mut Vec<u8>) {
        append_all(values, i32::to_le_bytes, out);
    }

    fn dictionary_bytes(&self) -> Option<usize> {
        Some(size_of::<i32>())
    }

    fn key(&self, value: i32) -> i64 {
        value.into()
    }

    #[inline(always)]
    fn add_up(&self, values: &[i32]) -> i128 {
        sums::of_i32(values)
    }

    fn numbers(&self, range: (i32, i32), sum: i128) -> Numbers {
        exact(range, sum)
    }

    fn statistics(&self, range: Option<(i32, i32)>, nulls: u64) -> Statistics {
        int32(range, nulls)
    }
}

impl Kind for BigInt {
    type Value = i64;
    type Sum = i128;

    #[inline(always)]
    fn fast(&mut self, _: impl Simd, text: Text<'_>) -> Option<i64> {
        fast::integer(text)
    }

    fn exact(&self, value: &[u8]) -> Result<i64, Rule> {
        values::big_int(value)
    }

    #[inline(always)]
    fn write(&self, values: &[i64], out: &mut Vec<u8>) {
        append_all(values, i64::to_le_bytes, out);
    }

    fn dictionary_bytes(&self) -> Option<usize> {
        Some(size_of::<i64>())
    }

    fn key(&self, value: i64) -> i64 {
        value
    }

    #[inline(always)]
    fn add_up(&self, values: &[i64]) -> i128 {
        sums::of_i64(values)
    }

    fn numbers(&self, range: (i64, i64), sum: i128) -> Numbers {
        exact(range, sum)
    }

    fn statistics(&self, range: Option<(i64, i64)>, nulls: u64) -> Statistics {
        int64(range, nulls)
    }
}

impl Kind for Date {
    type Value = i32;
    type Sum = i128;

    fn fast(&mut self, _: impl Simd, _: Text<'_>) -> Option<i32> {
        None
    }

    fn exact(&self, value: &[u8]) -> Result<i32, Rule> {
        values::date(value)
    }

    #[inline(always)]
    fn write(&self, values: &[i32], out: &mut Vec<u8>) {
        append_all(values, i32::to_le_bytes, out);
    }

    #[inline(always)]
    fn add_up(&self, values: &[i32]) -> i128 {
        sums::of_i32(values)
    }

    fn numbers(&self, range: (i32, i32), sum: i128) -> Numbers {
        exact(range, sum)
    }

    fn statistics(&self, range: Option<(i32, i32)>, nulls: u64) -> Statistics {
        int32(range, nulls)
    }
}

impl Kind for Timestamp {
    type Value = i64;
    type Sum = i128;

    #[inline(always)]
    fn fast(&mut self, simd: impl Simd, text: Text<'_>) -> Option<i64> {
        fast::timestamp(simd, text, &mut self.day)
    }

    fn exact(&self, value: &[u8]) -> Result<i64, Rule> {
        if self.with_zone { values::timestamp_tz(value) } else { values::timestamp(value) }
    }

    #[inline(always)]
    fn write(&self, values: &[i64], out: &mut Vec<u8>) {
        append_all(values, i64::to_le_bytes, out);
    }

    #[inline(always)]
    fn add_up(&self, values: &[i64]) -> i128 {
        sums::of_i64(values)
    }

    fn numbers(&self, range: (i64, i64), sum: i128) -> Numbers {
        exact(range, sum)
    }

    fn statistics(&self, range: Option<(i64, i64)>, nulls: u64) -> Statistics {
        int64(range, nulls)
    }
}

impl Kind for Real {
    type Value = f32;
    type Sum = f64;

    fn fast(&mut self, _: impl Simd, _: Text<'_>) -> Option<f32> {
        None
    }

    fn exact(&self, value: &[u8]) -> Result<f32, Rule> {
        values::real(value)
    }

    #[inline(always)]
    fn write(&self, values: &[f32], out: &mut Vec<u8>) {
        append_all(values, f32::to_le_bytes, out);
    }

    #[inline(always)]
    fn add_up(&self, values: &[f32]) -> f64 {
        sums::of_f64(values.iter().map(|&value| value.into()))
    }

    fn numbers(&self, range: (f32, f32), sum: f64) -> Numbers {
        Numbers::Float { min: range.0.into(), max: range.1.into(), sum }
    }

    fn statistics(&self, range: Option<(f32, f32)>, nulls: u64) -> Statistics {
        // Parquet: a zero minimum is written as -0, a zero maximum as +0.
        let min = range.map(|r| if r.0 == 0.0 { -0.0 } else { r.0 });
        let max = range.map(|r| if r.1 == 0.0 { 0.0 } else { r.1 });
        Statistics::float(min, max, None, Some(nulls), false)
    }
}

impl Kind for Double {
    type Value = f64;
    type Sum = f64;

    fn fast(&mut self, _: impl Simd, _: Text<'_>) -> Option<f64> {
        None
    }

    fn exact(&self, value: &[u8]) -> Result<f64, Rule> {
        values::double(value)
    }

    #[inline(always)]
    fn write(&self, values: &[f64], out: &mut Vec<u8>) {
        append_all(values, f64::to_le_bytes, out);
    }

    #[inline(always)]
    fn add_up(&self, values: &[f64]) -> f64 {
        sums::of_f64(values.iter().copied())
    }

    fn numbers(&self, range: (f64, f64), sum: f64) -> Numbers {
        Numbers::Float { min: range.0, max: range.1, sum }
    }

    fn statistics(&self, range: Option<(f64, f64)>, nulls: u64) -> Statistics {
        let min = range.map(|r| if r.0 == 0.0 { -0.0 } else { r.0 });
        let max = range.map(|r| if r.1 == 0.0 { 0.0 } else { r.1 });
        Statistics::double(min, max, None, Some(nulls), false)
    }
}

/// Digits of a decimal that a dictionary's key holds.
const KEY_DIGITS_MAX: u8 = 18;

impl Decimal {
    pub(super) fn new(precision: u8, scale: u8) -> Self {
        Self { precision, scale, width: Self::bytes(precision) }
    }

    /// Bytes that hold every value of this precision: what Redshift's UNLOAD writes.
    pub(super) fn bytes(precision: u8) -> usize {
        let largest = 10u128.pow(u32::from(precision)) - 1;
        (128 - largest.leading_zeros() as usize + 1).div_ceil(8)
    }
}

impl Kind for Decimal {
    type Value = i128;
    type Sum = i128;

    #[inline(always)]
    fn fast(&mut self, _: impl Simd, text: Text<'_>) -> Option<i128> {
        fast::decimal(text, self.precision, self.scale).map(i128::from)
    }

    fn exact(&self, value: &[u8]) -> Result<i128, Rule> {
        values::decimal(value, self.precision, self.scale)
    }

    fn dictionary_bytes(&self) -> Option<usize> {
        (self.precision <= KEY_DIGITS_MAX).then_some(self.width)
    }

    fn key(&self, value: i128) -> i64 {
        value as i64
    }

    #[inline(always)]
    fn write(&self, values: &[i128], out: &mut Vec<u8>) {
        for value in values {
            out.extend_from_slice(&value.to_be_bytes()[16 - self.width..]);
        }
    }

    #[inline(always)]
    fn add_up(&self, values: &[i128]) -> i128 {
        if self.precision > SUM_DIGITS_MAX { 0 } else { values.iter().sum() }
    }

    fn numbers(&self, range: (i128, i128), sum: i128) -> Numbers {
        Numbers::Exact { min: range.0, max: range.1, sum: (self.precision <= SUM_DIGITS_MAX).then_some(sum) }
    }

    fn statistics(&self, range: Option<(i128, i128)>, nulls: u64) -> Statistics {
        let bytes = |value: i128| {
            let mut out = Vec::new();
            self.write(&[value], &mut out);
            FixedLenByteArray::from(ByteArray::from(out))
        };
        let (min, max) = (range.map(|r| bytes(r.0)), range.map(|r| bytes(r.1)));
        Statistics::fixed_len_byte_array(min, max, None, Some(nulls), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_take_as_few_bytes_as_the_precision_needs() {
        let cases =
            [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (9, 4), (10, 5), (13, 6), (18, 8), (19, 9), (38, 16)];
        for (precision, bytes) in cases {
            assert_eq!(Decimal::bytes(precision), bytes, "numeric({precision})");
        }
    }
}
