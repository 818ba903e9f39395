//! Types of columns as Parquet files have them: whether two can lie in one table, and as what. Pure.

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::schema::types::{ColumnDescriptor, Type as SchemaType};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Most digits of a number that every reader takes.
const DECIMAL_DIGITS_MAX: u32 = 38;

/// A column's type, by what readers make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Boolean,
    Smallint,
    Integer,
    Bigint,
    Real,
    Double,
    Decimal {
        precision: u32,
        scale: u32,
    },
    Date,
    Timestamp,
    TimestampUtc,
    Text,
    /// Anything that this program does not write.
    Other(String),
}

/// Types by column name.
pub(super) type Types = BTreeMap<String, Type>;

impl Type {
    /// The type of a column in a file.
    pub(super) fn of(column: &ColumnDescriptor) -> Self {
        let other = || Self::Other(format!("{} {}", column.physical_type(), column.converted_type()));
        let decimal = || Self::Decimal {
            precision: column.type_precision().unsigned_abs(),
            scale: column.type_scale().unsigned_abs(),
        };
        if column.max_rep_level() > 0 || column.max_def_level() > 1 {
            return Self::Other("nested".to_owned());
        }
        let logical = column.logical_type_ref();
        match (column.physical_type(), column.converted_type()) {
            (Physical::BOOLEAN, _) => Self::Boolean,
            (Physical::INT32, ConvertedType::INT_16) => Self::Smallint,
            (Physical::INT32, ConvertedType::NONE | ConvertedType::INT_32) => Self::Integer,
            (Physical::INT32, ConvertedType::DATE) => Self::Date,
            (Physical::INT64, ConvertedType::NONE | ConvertedType::INT_64)
                if logical.is_none_or(is_integer) =>
            {
                Self::Bigint
            }
            (Physical::INT64, converted) => match logical {
                Some(LogicalType::Timestamp(stamp)) if stamp.unit == TimeUnit::MICROS => {
                    if stamp.is_adjusted_to_u_t_c { Self::TimestampUtc } else { Self::Timestamp }
                }
                None if converted == ConvertedType::TIMESTAMP_MICROS => Self::TimestampUtc,
                _ => other(),
            },
            (Physical::FLOAT, _) => Self::Real,
            (Physical::DOUBLE, _) => Self::Double,
            (Physical::FIXED_LEN_BYTE_ARRAY, ConvertedType::DECIMAL) => decimal(),
            (Physical::BYTE_ARRAY, ConvertedType::UTF8) => Self::Text,
            _ => other(),
        }
    }

    /// The type that holds every value of both, if none is lost; where that is one of them, it is that one.
    pub(super) fn widest(&self, other: &Self) -> Option<Self> {
        use Type::{Bigint, Decimal, Double, Integer, Real, Smallint};
        match (self, other) {
            (one, two) if one == two => Some(one.clone()),
            (Smallint, wide @ (Integer | Bigint)) | (wide @ (Integer | Bigint), Smallint) => {
                Some(wide.clone())
            }
            (Integer, Bigint) | (Bigint, Integer) => Some(Bigint),
            (Real, Double) | (Double, Real) => Some(Double),
            (Decimal { precision: p, scale: s }, Decimal { precision: q, scale: t }) => {
                let scale = *s.max(t);
                let precision = p.saturating_sub(*s).max(q.saturating_sub(*t)) + scale;
                (precision <= DECIMAL_DIGITS_MAX).then_some(Decimal { precision, scale })
            }
            _ => None,
        }
    }

    /// The column as a file of this type declares it; none for what this program does not write.
    pub(super) fn declared(&self, name: &str, repetition: Repetition) -> Option<SchemaType> {
        let physical = match self {
            Self::Boolean => Physical::BOOLEAN,
            Self::Smallint | Self::Integer | Self::Date => Physical::INT32,
            Self::Bigint | Self::Timestamp | Self::TimestampUtc => Physical::INT64,
            Self::Real => Physical::FLOAT,
            Self::Double => Physical::DOUBLE,
            Self::Decimal { .. } => Physical::FIXED_LEN_BYTE_ARRAY,
            Self::Text => Physical::BYTE_ARRAY,
            Self::Other(_) => return None,
        };
        let builder = SchemaType::primitive_type_builder(name, physical).with_repetition(repetition);
        let builder = match self {
            Self::Smallint => builder.with_converted_type(ConvertedType::INT_16),
            Self::Decimal { precision, scale } => builder
                .with_converted_type(ConvertedType::DECIMAL)
                .with_length(decimal_bytes(*precision))
                .with_precision(i32::try_from(*precision).ok()?)
                .with_scale(i32::try_from(*scale).ok()?),
            // Only what is widened is declared anew.
            Self::Date | Self::Timestamp | Self::TimestampUtc | Self::Text => return None,
            _ => builder,
        };
        builder.build().ok()
    }
}

fn is_integer(logical: &LogicalType) -> bool {
    matches!(logical, LogicalType::Integer(_))
}

/// The least bytes that hold so many digits, as two's complement.
pub(super) fn decimal_bytes(precision: u32) -> i32 {
    let bits = f64::from(precision) * std::f64::consts::LOG2_10 + 1.0;
    (bits / 8.0).ceil() as i32
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "boolean",
            Self::Smallint => "smallint",
            Self::Integer => "integer",
            Self::Bigint => "bigint",
            Self::Real => "real",
            Self::Double => "double precision",
            Self::Decimal { precision, scale } => return write!(f, "numeric({precision},{scale})"),
            Self::Date => "date",
            Self::Timestamp => "timestamp without time zone",
            Self::TimestampUtc => "timestamp with time zone",
            Self::Text => "text",
            Self::Other(told) => told,
        })
    }
}

/// Adds the columns of a file to those of a table, each as the widest type so far; what does not fit is
/// told in `misfits`, once a column.
pub(super) fn merge(table: &mut Types, columns: &[(String, Type)], misfits: &mut BTreeMap<String, String>) {
    for (name, own) in columns {
        let Some(known) = table.get(name) else {
            table.insert(name.clone(), own.clone());
            continue;
        };
        match known.widest(own) {
            Some(widest) => drop(table.insert(name.clone(), widest)),
            None => {
                let told = || format!("{name:?} is {known} in the table and {own} in the export");
                misfits.entry(name.clone()).or_insert_with(told);
            }
        }
    }
}

/// The schema of a file once its columns have the table's types; none if they have them already.
pub(super) fn widened(
    file: &SchemaType,
    columns: &[(String, Type)],
    table: &Types,
) -> Option<Arc<SchemaType>> {
    let mut changed = false;
    let mut fields = Vec::with_capacity(columns.len());
    for (field, (name, own)) in file.get_fields().iter().zip(columns) {
        let wide = table.get(name).filter(|wide| *wide != own);
        match wide.and_then(|wide| wide.declared(name, field.get_basic_info().repetition())) {
            Some(wide) => {
                changed = true;
                fields.push(Arc::new(wide));
            }
            None => fields.push(field.clone()),
        }
    }
    let schema = SchemaType::group_type_builder(file.name()).with_fields(fields).build().ok()?;
    changed.then(|| Arc::new(schema))
}

/// The schema of one file with the rows of several: their columns in the order in which they come, each with the
/// table's type, and optional unless all files have it and none of them has it optional. None of columns that this
/// program does not write.
pub(super) fn joined(files: &[(&SchemaType, &[(String, Type)])], table: &Types) -> Option<Arc<SchemaType>> {
    let mut fields: Vec<(&String, Vec<(&SchemaType, &Type)>)> = Vec::new();
    for (file, columns) in files {
        for (field, (name, own)) in file.get_fields().iter().zip(*columns) {
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, found)) => found.push((field, own)),
                None => fields.push((name, vec![(field, own)])),
            }
        }
    }
    let fields = fields.into_iter().map(|(name, found)| {
        let required =
            |(field, _): &(&SchemaType, &Type)| field.get_basic_info().repetition() == Repetition::REQUIRED;
        let always = found.len() == files.len() && found.iter().all(required);
        let repetition = if always { Repetition::REQUIRED } else { Repetition::OPTIONAL };
        let wide = table.get(name)?;
        let as_wide = found.iter().find(|(_, own)| *own == wide);
        match as_wide {
            Some((field, _)) => repeated(field, repetition).map(Arc::new),
            None => wide.declared(name, repetition).map(Arc::new),
        }
    });
    let fields = fields.collect::<Option<Vec<_>>>()?;
    SchemaType::group_type_builder(files.first()?.0.name()).with_fields(fields).build().ok().map(Arc::new)
}

/// The same field with another repetition.
fn repeated(field: &SchemaType, repetition: Repetition) -> Option<SchemaType> {
    let SchemaType::PrimitiveType { basic_info, physical_type, type_length, scale, precision } = field else {
        return None;
    };
    SchemaType::primitive_type_builder(basic_info.name(), *physical_type)
        .with_repetition(repetition)
        .with_converted_type(basic_info.converted_type())
        .with_logical_type(basic_info.logical_type_ref().cloned())
        .with_length(*type_length)
        .with_precision(*precision)
        .with_scale(*scale)
        .build()
        .ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn number(precision: u32, scale: u32) -> Type {
        Type::Decimal { precision, scale }
    }

    #[test]
    fn widens_only_where_nothing_is_lost() {
        use Type::*;
        let cases = [
            (Smallint, Integer, Some(Integer)),
            (Integer, Bigint, Some(Bigint)),
            (Smallint, Bigint, Some(Bigint)),
            (Real, Double, Some(Double)),
            (number(5, 2), number(9, 2), Some(number(9, 2))),
            (number(5, 2), number(5, 4), Some(number(7, 4))),
            (number(38, 0), number(38, 9), None),
            (Text, Text, Some(Text)),
            (Integer, Text, None),
            (Bigint, Double, None),
            (Integer, number(10, 0), None),
            (Timestamp, TimestampUtc, None),
            (Date, Timestamp, None),
            (Boolean, Smallint, None),
            (Other("a".into()), Other("b".into()), None),
        ];
        for (one, two, widest) in cases {
            assert_eq!(one.widest(&two), widest, "{one} {two}");
            assert_eq!(two.widest(&one), widest, "{two} {one}");
        }
    }

    #[test]
    fn decimals_take_the_least_bytes() {
        for (digits, bytes) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (9, 4), (18, 8), (19, 9), (38, 16)] {
            assert_eq!(decimal_bytes(digits), bytes, "{digits}");
        }
    }
}
