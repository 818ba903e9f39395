//! The types of PostgreSQL that exports hold, as Parquet and Redshift know them.

/// The type that a column's fields are decoded to. See the table in `ARCHITECTURE.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// `smallint`: Parquet INT32 (INT_16).
    SmallInt,
    /// `integer`: Parquet INT32.
    Integer,
    /// `bigint`: Parquet INT64.
    BigInt,
    /// `boolean`.
    Boolean,
    /// `numeric(precision, scale)`, 1 ≤ precision ≤ 38, 0 ≤ scale ≤ precision: FIXED_LEN_BYTE_ARRAY.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `real`: FLOAT.
    Real,
    /// `double precision`: DOUBLE.
    Double,
    /// `timestamp without time zone`, any precision: INT64 microseconds, not adjusted to UTC.
    Timestamp,
    /// `timestamp with time zone`: INT64 microseconds, adjusted to UTC.
    TimestampTz,
    /// `date`: INT32 days.
    Date,
    /// `uuid`: UTF8, 36 characters.
    Uuid,
    /// `geography(…)`: UTF8, hexadecimal EWKB.
    Geography,
    /// Everything that stays text: UTF8.
    Text,
}

/// The widest value a text column takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Width {
    /// As PostgreSQL counts: Unicode scalar values.
    Chars(u32),
    /// As Redshift counts: bytes of UTF-8.
    Bytes(u32),
}
