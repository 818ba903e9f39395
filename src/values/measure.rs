//! What a column holds, summed up: how much of it there is, between which numbers, and no value of a person.
//!
//! ```text
//! values of a row group ─▶ Measure ─┐
//! values of the next    ─▶ Measure ─┴─ add ─▶ Measure of a file, of a table
//! ```
//! Every number in it can be had from a table by one SELECT, so that an export and a table can be compared.

use super::figure::Figure;
use crate::schema::ColumnType;

/// Floats from here on are left out of sums: no sum overflows then, whoever adds them up.
pub const FLOAT_SUMMED_MAX: f64 = 1e150;
/// Decimals of more digits are not summed: a sum in Redshift has 38 digits ([SUM]), and ten are for the rows.
///
/// [SUM]: https://docs.aws.amazon.com/redshift/latest/dg/r_SUM.html
pub const SUM_DIGITS_MAX: u8 = 28;

/// A column, or a part of one, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Measure {
    /// Rows without a value.
    pub nulls: u64,
    /// Values cut to the column's width.
    pub truncated: u64,
    /// Of texts.
    pub texts: Texts,
    /// Of numbers, times and booleans; none where there is no value.
    pub numbers: Option<Numbers>,
}

/// Texts, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Texts {
    /// Empty ones.
    pub empties: u64,
    /// Bytes of UTF-8, after cutting.
    pub bytes: u64,
    /// Sum of [`text_hash`] over those that are not empty, where it was asked for.
    pub hashes: Option<i128>,
}

/// Numbers, summed up.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Numbers {
    /// Integers; decimals without their point; days and microseconds since 1970; booleans as 0 and 1.
    Exact {
        /// The least.
        min: i128,
        /// The greatest.
        max: i128,
        /// All together; none beyond [`SUM_DIGITS_MAX`].
        sum: Option<i128>,
    },
    /// `real` and `double precision`.
    Float {
        /// The least.
        #[serde(with = "bits")]
        min: f64,
        /// The greatest.
        #[serde(with = "bits")]
        max: f64,
        /// All whose size is below [`FLOAT_SUMMED_MAX`] together, in the order of the rows.
        #[serde(with = "bits")]
        sum: f64,
    },
}

/// Floats as they are, whatever their text would make of them.
mod bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(float: &f64, to: S) -> Result<S::Ok, S::Error> {
        float.to_bits().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}

impl Measure {
    /// Takes another part of the same column in, the one that follows.
    pub fn add(&mut self, next: &Self) {
        self.nulls += next.nulls;
        self.truncated += next.truncated;
        self.texts.add(next.texts);
        self.numbers = match (self.numbers, next.numbers) {
            (Some(one), Some(next)) => Some(one.and(next)),
            (one, next) => one.or(next),
        };
    }
}

impl Texts {
    /// Takes other texts in.
    pub fn add(&mut self, next: Self) {
        self.empties += next.empties;
        self.bytes += next.bytes;
        self.hashes = match (self.hashes, next.hashes) {
            (Some(one), Some(next)) => Some(one + next),
            (one, next) => one.or(next),
        };
    }

    /// Takes a text in; its hash too if hashes are kept.
    pub fn push(&mut self, text: &[u8]) {
        self.empties += u64::from(text.is_empty());
        self.bytes += text.len() as u64;
        if let Some(hashes) = &mut self.hashes {
            *hashes += hash_summed(text);
        }
    }
}

impl Numbers {
    /// Both together.
    fn and(self, next: Self) -> Self {
        match (self, next) {
            (Self::Exact { min, max, sum }, Self::Exact { min: low, max: high, sum: more }) => Self::Exact {
                min: min.min(low),
                max: max.max(high),
                sum: sum.zip(more).and_then(|(sum, more)| sum.checked_add(more)),
            },
            (Self::Float { min, max, sum }, Self::Float { min: low, max: high, sum: more }) => {
                Self::Float { min: min.min(low), max: max.max(high), sum: sum + more }
            }
            // Parts of one column are of one type.
            (one, _) => one,
        }
    }
}

/// The part that a float takes in a sum.
#[inline]
pub fn float_summed(value: f64) -> f64 {
    if value.abs() < FLOAT_SUMMED_MAX { value } else { 0.0 }
}

/// 64-bit FNV-1a of a text's bytes, as Redshift's [FNV_HASH] gives it.
///
/// [FNV_HASH]: https://docs.aws.amazon.com/redshift/latest/dg/r_FNV_HASH.html
pub fn text_hash(text: &[u8]) -> i64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = text.iter().fold(OFFSET, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    hash.cast_signed()
}

/// The part that a text takes in a sum of hashes. Empty ones are counted on their own.
pub fn hash_summed(text: &[u8]) -> i128 {
    if text.is_empty() { 0 } else { text_hash(text).into() }
}

/// How the numbers of a column are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An integer.
    Integer,
    /// A decimal with so many digits after its point.
    Decimal(u8),
    /// `real`, `double precision`.
    Float,
    /// 0 and 1, of which the sum alone says something.
    Boolean,
    /// Days since 1970.
    Date,
    /// Microseconds since 1970.
    Timestamp,
    /// The same, in UTC.
    TimestampTz,
    /// No number.
    Text,
}

impl Form {
    /// The form of a column of this type.
    pub fn of(column_type: ColumnType) -> Self {
        match column_type {
            ColumnType::SmallInt | ColumnType::Integer | ColumnType::BigInt => Self::Integer,
            ColumnType::Boolean => Self::Boolean,
            ColumnType::Decimal { scale, .. } => Self::Decimal(scale),
            ColumnType::Real | ColumnType::Double => Self::Float,
            ColumnType::Timestamp => Self::Timestamp,
            ColumnType::TimestampTz => Self::TimestampTz,
            ColumnType::Date => Self::Date,
            ColumnType::Uuid | ColumnType::Geography | ColumnType::Structured | ColumnType::Text => {
                Self::Text
            }
        }
    }

    /// The least and the greatest value, for people; none of booleans and texts.
    pub fn range(self, numbers: Numbers) -> (Option<Figure>, Option<Figure>) {
        match (self, numbers) {
            (Self::Boolean | Self::Text, _) => (None, None),
            (_, Numbers::Exact { min, max, .. }) => (Some(self.figure(min)), Some(self.figure(max))),
            (_, Numbers::Float { min, max, .. }) => (Some(Figure::float(min)), Some(Figure::float(max))),
        }
    }

    /// The sum. Of times it is one of days or microseconds.
    pub fn sum(self, numbers: Numbers) -> Option<Figure> {
        match (self, numbers) {
            (Self::Decimal(scale), Numbers::Exact { sum, .. }) => {
                sum.map(|sum| Figure::decimal(sum, scale.into()))
            }
            (_, Numbers::Exact { sum, .. }) => sum.map(Figure::integer),
            (_, Numbers::Float { sum, .. }) => Some(Figure::float(sum)),
        }
    }

    fn figure(self, number: i128) -> Figure {
        match self {
            Self::Decimal(scale) => Figure::decimal(number, scale.into()),
            Self::Date => Figure::date(number),
            Self::Timestamp => Figure::timestamp(number, false),
            Self::TimestampTz => Figure::timestamp(number, true),
            _ => Figure::integer(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values are those of AWS's page on FNV_HASH.
    #[test]
    fn hashes_are_redshifts() {
        for (text, hash) in [
            (&b"Amazon Redshift"[..], 7_783_490_368_944_507_294),
            (b"abcd", -281_581_062_704_388_899),
            (&1_i32.to_le_bytes(), -5_968_735_742_475_085_980),
            (&1_i64.to_le_bytes(), -8_517_097_267_634_966_620),
            (&1_i16.to_le_bytes(), 589_727_492_704_079_044),
        ] {
            assert_eq!(text_hash(text), hash, "{text:?}");
        }
        assert_eq!(hash_summed(b""), 0);
    }

    #[test]
    fn parts_add_up() {
        let exact = |min, max, sum| Some(Numbers::Exact { min, max, sum });
        let float = |min, max, sum| Some(Numbers::Float { min, max, sum });
        for (one, next, both) in [
            (None, None, None),
            (exact(1, 2, Some(3)), None, exact(1, 2, Some(3))),
            (None, exact(1, 2, Some(3)), exact(1, 2, Some(3))),
            (exact(1, 2, Some(3)), exact(-5, 1, Some(-4)), exact(-5, 2, Some(-1))),
            (exact(1, 2, None), exact(1, 2, Some(3)), exact(1, 2, None)),
            (exact(1, 2, Some(i128::MAX)), exact(1, 2, Some(1)), exact(1, 2, None)),
            (float(1.0, 2.0, 3.0), float(-1.0, 0.5, 1.0), float(-1.0, 2.0, 4.0)),
        ] {
            let mut sum = Measure { nulls: 1, numbers: one, ..Measure::default() };
            sum.add(&Measure { nulls: 2, truncated: 5, numbers: next, ..Measure::default() });
            assert_eq!(sum, Measure { nulls: 3, truncated: 5, numbers: both, texts: Texts::default() });
        }
        let mut texts = Texts { hashes: Some(0), ..Texts::default() };
        ["", "abcd", "ä"].iter().for_each(|text| texts.push(text.as_bytes()));
        let mut other = Texts::default();
        other.add(texts);
        let hashes = i128::from(text_hash("abcd".as_bytes())) + i128::from(text_hash("ä".as_bytes()));
        assert_eq!(other, Texts { empties: 1, bytes: 6, hashes: Some(hashes) });
    }
}
