//! The types of PostgreSQL that exports hold, as Parquet and Redshift know them.

use super::Column;
use crate::error::{Error, Result, shown};
use std::borrow::Cow;

/// A column's kind that is none of Rails': what this program makes of its values is ASCII.
pub(super) const ONE_BYTE_KIND: &str = "ascii";

/// Digits that Parquet's and Redshift's decimals hold at most; their unscaled value fits an `i128`.
pub const DECIMAL_PRECISION_MAX: u8 = 38;

/// What to do about the only types that are refused.
pub(super) const NUMERIC_MEND: &str = "declare the column numeric(p,s) with at most 38 digits at the source, or correct its \
    sql_type in a copy of the schema and pass that with --schema";

/// The type that a column's fields are decoded to. See the table in `ARCHITECTURE.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
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
    /// Text with a form of its own (`json`, `hstore`, arrays, `inet`, an enum …), and whatever is not known:
    /// UTF8, never cut.
    Structured,
    /// Plain text, which may be cut: UTF8.
    Text,
}

/// Levels of arrays and objects that a SUPER value may have ([limitations of SUPER][limits]); its strings of at most
/// 65,535 bytes and its 16 MB in all are more than a VARCHAR brings.
///
/// [limits]: https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html
pub const SUPER_LEVELS_MAX: usize = 1_000;

/// The widest value a text column takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Width {
    /// As PostgreSQL counts: Unicode scalar values.
    Chars(u32),
    /// As Redshift counts: bytes of UTF-8.
    Bytes(u32),
    /// JSON that becomes a SUPER: at most [`VARCHAR_BYTES_MAX`](super::VARCHAR_BYTES_MAX) bytes, since it is copied
    /// as a VARCHAR first, and [`SUPER_LEVELS_MAX`] levels.
    Super,
}

impl ColumnType {
    /// Whether fields stay the text that they are.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Uuid | Self::Geography | Self::Structured | Self::Text)
    }

    /// Whether any part of a value is a value too, so that one may be cut.
    pub fn is_plain_text(self) -> bool {
        self == Self::Text
    }

    /// The type that a column's `type` and `sql_type` stand for, and a warning if it is not one that
    /// is known and the column is taken as text.
    ///
    /// # Errors
    /// [`Error::Schema`] for a `numeric` that Parquet and Redshift cannot hold exactly.
    pub fn of(column: &Column) -> Result<(Self, Option<String>)> {
        let sql = SqlType::parse(&column.sql_type);
        if column.kind.eq_ignore_ascii_case("enum") || sql.is_array {
            return Ok((Self::Structured, None));
        }
        let known = match sql.name.as_str() {
            "smallint" | "int2" => Self::SmallInt,
            "integer" | "int" | "int4" => Self::Integer,
            "bigint" | "int8" => Self::BigInt,
            "boolean" | "bool" => Self::Boolean,
            "numeric" | "decimal" | "dec" => return Ok((sql.decimal()?, None)),
            "real" | "float4" => Self::Real,
            "double precision" | "float8" => Self::Double,
            "float" => sql.float(),
            "timestamp" | "timestamp without time zone" => Self::Timestamp,
            "timestamp with time zone" | "timestamptz" => Self::TimestampTz,
            "date" => Self::Date,
            "uuid" => Self::Uuid,
            "geography" => Self::Geography,
            "character varying" | "varchar" | "character" | "char" | "bpchar" | "text" | "citext" => {
                Self::Text
            }
            "hstore" | "json" | "jsonb" | "enum" | "inet" | "bytea" => Self::Structured,
            _ => {
                return Ok((
                    Self::Structured,
                    Some(format!("type {} is not known; it is kept as text", shown(&column.sql_type))),
                ));
            }
        };
        Ok((known, None))
    }

    /// The type as Redshift's DDL spells it.
    pub fn redshift_ddl(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::SmallInt => "SMALLINT",
            Self::Integer => "INTEGER",
            Self::BigInt => "BIGINT",
            Self::Boolean => "BOOLEAN",
            Self::Decimal { precision, scale } => return Cow::Owned(format!("DECIMAL({precision},{scale})")),
            Self::Real => "REAL",
            Self::Double => "DOUBLE PRECISION",
            Self::Timestamp => "TIMESTAMP WITHOUT TIME ZONE",
            Self::TimestampTz => "TIMESTAMP WITH TIME ZONE",
            Self::Date => "DATE",
            Self::Uuid => "CHAR(36)",
            Self::Geography => "GEOGRAPHY",
            Self::Structured | Self::Text => "CHARACTER VARYING(max)",
        })
    }
}

impl Column {
    /// The characters that a `character varying(N)` or `character(N)` takes; nothing for other types.
    pub fn width(&self) -> Option<Width> {
        let sql = SqlType::parse(&self.sql_type);
        let is_limited =
            matches!(sql.name.as_str(), "character varying" | "varchar" | "character" | "char" | "bpchar");
        if !is_limited || sql.is_array || self.kind.eq_ignore_ascii_case("enum") {
            return None;
        }
        match sql.arguments.as_deref() {
            Some([bytes]) if self.kind == ONE_BYTE_KIND => bytes.parse().ok().map(Width::Bytes),
            Some([chars]) => chars.parse().ok().map(Width::Chars),
            _ => None,
        }
    }
}

/// `timestamp(6) without time zone` as the name `timestamp without time zone` and the arguments `6`.
struct SqlType {
    name: String,
    arguments: Option<Vec<String>>,
    is_array: bool,
}

impl SqlType {
    fn parse(text: &str) -> Self {
        let text = text.to_lowercase();
        let (element, is_array) = without_array(text.trim());
        let (name, arguments) = match element.split_once('(') {
            Some((head, rest)) => {
                let (inside, tail) = rest.split_once(')').unwrap_or((rest, ""));
                let arguments = inside.split(',').map(|argument| argument.trim().to_owned()).collect();
                (format!("{head} {tail}"), Some(arguments))
            }
            None => (element.to_owned(), None),
        };
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { name, arguments, is_array }
    }

    fn decimal(&self) -> Result<ColumnType> {
        let Some(arguments) = &self.arguments else {
            return Err(
                Error::schema("numeric without precision would be rounded by Redshift").help(NUMERIC_MEND)
            );
        };
        let parsed = match arguments.as_slice() {
            [precision] => precision.parse().ok().map(|precision| (precision, 0)),
            [precision, scale] => precision.parse().ok().zip(scale.parse().ok()),
            _ => None,
        };
        match parsed {
            Some((precision, scale))
                if (1..=DECIMAL_PRECISION_MAX).contains(&precision) && scale <= precision =>
            {
                Ok(ColumnType::Decimal { precision, scale })
            }
            _ => {
                let arguments = shown(&arguments.join(","));
                let what = format!("numeric with precision and scale {arguments} does not fit 38 digits");
                Err(Error::schema(what).help(NUMERIC_MEND))
            }
        }
    }

    /// `float(p)`: up to 24 binary digits are a `real`.
    fn float(&self) -> ColumnType {
        let digits = self.arguments.as_deref().and_then(|arguments| arguments.first()?.parse::<u8>().ok());
        if digits.is_some_and(|digits| digits <= 24) { ColumnType::Real } else { ColumnType::Double }
    }
}

/// Takes `[]`, `[3]` and ` array` off.
fn without_array(text: &str) -> (&str, bool) {
    if let Some((element, _)) = text.split_once('[') {
        return (element.trim_end(), true);
    }
    match text.strip_suffix(" array") {
        Some(element) => (element.trim_end(), true),
        None => (text, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ColumnType::*;

    fn column(kind: &str, sql_type: &str) -> Column {
        let sql_type = sql_type.to_owned();
        Column { kind: kind.to_owned(), sql_type, limit: None, nullable: true, default_value: None }
    }

    #[test]
    fn sql_types() {
        let cases = [
            ("smallint", SmallInt, "SMALLINT"),
            ("int2", SmallInt, "SMALLINT"),
            ("integer", Integer, "INTEGER"),
            (" INT4 ", Integer, "INTEGER"),
            ("int", Integer, "INTEGER"),
            ("bigint", BigInt, "BIGINT"),
            ("int8", BigInt, "BIGINT"),
            ("boolean", Boolean, "BOOLEAN"),
            ("bool", Boolean, "BOOLEAN"),
            ("numeric(3,2)", Decimal { precision: 3, scale: 2 }, "DECIMAL(3,2)"),
            ("numeric(13, 10)", Decimal { precision: 13, scale: 10 }, "DECIMAL(13,10)"),
            ("Decimal ( 38 , 0 )", Decimal { precision: 38, scale: 0 }, "DECIMAL(38,0)"),
            ("numeric(10)", Decimal { precision: 10, scale: 0 }, "DECIMAL(10,0)"),
            ("real", Real, "REAL"),
            ("float4", Real, "REAL"),
            ("float(24)", Real, "REAL"),
            ("float(25)", Double, "DOUBLE PRECISION"),
            ("float", Double, "DOUBLE PRECISION"),
            ("float8", Double, "DOUBLE PRECISION"),
            ("double  precision", Double, "DOUBLE PRECISION"),
            ("timestamp", Timestamp, "TIMESTAMP WITHOUT TIME ZONE"),
            ("timestamp without time zone", Timestamp, "TIMESTAMP WITHOUT TIME ZONE"),
            ("timestamp(6) without time zone", Timestamp, "TIMESTAMP WITHOUT TIME ZONE"),
            ("TIMESTAMP (3)  WITHOUT TIME ZONE", Timestamp, "TIMESTAMP WITHOUT TIME ZONE"),
            ("timestamp(6)", Timestamp, "TIMESTAMP WITHOUT TIME ZONE"),
            ("timestamp with time zone", TimestampTz, "TIMESTAMP WITH TIME ZONE"),
            ("timestamp(6) with time zone", TimestampTz, "TIMESTAMP WITH TIME ZONE"),
            ("timestamptz", TimestampTz, "TIMESTAMP WITH TIME ZONE"),
            ("timestamptz(3)", TimestampTz, "TIMESTAMP WITH TIME ZONE"),
            ("date", Date, "DATE"),
            ("uuid", Uuid, "CHAR(36)"),
            ("geography(Point,4326)", Geography, "GEOGRAPHY"),
            ("geography", Geography, "GEOGRAPHY"),
            ("character varying", Text, "CHARACTER VARYING(max)"),
            ("character varying(255)", Text, "CHARACTER VARYING(max)"),
            ("varchar(255)", Text, "CHARACTER VARYING(max)"),
            ("character(2)", Text, "CHARACTER VARYING(max)"),
            ("char(2)", Text, "CHARACTER VARYING(max)"),
            ("text", Text, "CHARACTER VARYING(max)"),
            ("citext", Text, "CHARACTER VARYING(max)"),
            ("hstore", Structured, "CHARACTER VARYING(max)"),
            ("json", Structured, "CHARACTER VARYING(max)"),
            ("jsonb", Structured, "CHARACTER VARYING(max)"),
            ("inet", Structured, "CHARACTER VARYING(max)"),
            ("bytea", Structured, "CHARACTER VARYING(max)"),
            ("enum", Structured, "CHARACTER VARYING(max)"),
            ("integer[]", Structured, "CHARACTER VARYING(max)"),
            ("character varying(255)[]", Structured, "CHARACTER VARYING(max)"),
            ("numeric[]", Structured, "CHARACTER VARYING(max)"),
            ("integer[3][3]", Structured, "CHARACTER VARYING(max)"),
            ("integer ARRAY", Structured, "CHARACTER VARYING(max)"),
        ];
        for (sql_type, expected, ddl) in cases {
            assert_eq!(ColumnType::of(&column("x", sql_type)).unwrap(), (expected, None), "{sql_type}");
            assert_eq!(expected.redshift_ddl(), ddl, "{sql_type}");
        }
    }

    #[test]
    fn an_enum_is_text_whatever_its_sql_type() {
        for sql_type in ["integer", "petition_status", "numeric"] {
            assert_eq!(ColumnType::of(&column("enum", sql_type)).unwrap(), (Structured, None), "{sql_type}");
        }
    }

    #[test]
    fn unknown_types_are_text_with_a_warning() {
        for sql_type in
            ["tsvector", "interval", "geometry(Point,4326)", "petition_status", "", "(", "numericx"]
        {
            let (column_type, warning) = ColumnType::of(&column("x", sql_type)).unwrap();
            assert_eq!(column_type, Structured, "{sql_type}");
            assert!(warning.unwrap().contains(sql_type));
        }
    }

    #[test]
    fn numerics_that_cannot_be_held_are_refused_with_advice() {
        let bad = [
            "numeric",
            "decimal",
            "numeric()",
            "numeric(39,2)",
            "numeric(0)",
            "numeric(3,4)",
            "numeric(3,-1)",
            "numeric(1,2,3)",
            "numeric(300)",
        ];
        for sql_type in bad {
            let error = ColumnType::of(&column("decimal", sql_type)).unwrap_err();
            assert_eq!(error.exit_code(), 4, "{sql_type}");
            assert!(error.detail().unwrap().help.contains("numeric(p,s)"), "{sql_type}");
        }
    }

    #[test]
    fn widths() {
        let cases = [
            ("character varying(255)", Some(255)),
            ("VARCHAR ( 5 )", Some(5)),
            ("character(2)", Some(2)),
            ("character varying", None),
            ("character varying(255)[]", None),
            ("character varying(x)", None),
            ("text", None),
            ("timestamp(6) without time zone", None),
            ("numeric(10)", None),
        ];
        for (sql_type, chars) in cases {
            assert_eq!(column("x", sql_type).width(), chars.map(Width::Chars), "{sql_type}");
        }
        assert_eq!(column("enum", "character varying(255)").width(), None);
    }
}
