//! The table that a load goes into, as the warehouse has it, and what becomes of a layout in it. Pure.
//!
//! ```text
//! Layout (the file's columns, the schema's types)
//!    │  + TargetTable (the warehouse's columns, types, widths)
//!    ▼
//! Fitted ── layout: the target's names, types and widths
//!        ├─ conversions: what SQL has to do after the copy, column by column
//!        └─ differences: each with what helps; one that stops the load makes `fit` an error
//! ```
//!
//! COPY takes no value that is not exactly of the column's type, so the file is written in the target's
//! types: an `integer` of the source becomes an INT64 where the target has a BIGINT.

use super::{Layout, quote_identifier};
use crate::error::Error;
use serde::{Deserialize, Serialize};

/// Bytes that Redshift's widest VARCHAR holds.
pub const VARCHAR_BYTES_MAX: u32 = 65_535;

/// A type of the target, as far as a load cares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetType {
    /// SMALLINT.
    SmallInt,
    /// INTEGER.
    Integer,
    /// BIGINT.
    BigInt,
    /// DECIMAL(p,s).
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// REAL.
    Real,
    /// DOUBLE PRECISION.
    Double,
    /// BOOLEAN.
    Boolean,
    /// CHAR(n): n bytes, single-byte characters alone.
    Char(u32),
    /// VARCHAR(n): n bytes.
    Varchar(u32),
    /// DATE.
    Date,
    /// TIMESTAMP.
    Timestamp,
    /// TIMESTAMPTZ.
    TimestampTz,
    /// SUPER, which COPY does not fill from Parquet text.
    Super,
    /// GEOGRAPHY, which COPY does not fill from Parquet.
    Geography,
    /// Any other, by its name.
    Other(String),
}

impl TargetType {
    /// The type of this name, as Redshift's catalogue spells it; `length`, `precision` and `scale` where
    /// it has them.
    pub fn parse(name: &str, length: u32, precision: u32, scale: u32) -> Self {
        let small = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
        let name = name.trim().to_ascii_lowercase();
        let bare = name.split('(').next().unwrap_or_default().trim_end();
        match bare {
            "smallint" | "int2" => Self::SmallInt,
            "integer" | "int" | "int4" => Self::Integer,
            "bigint" | "int8" => Self::BigInt,
            "numeric" | "decimal" => Self::Decimal { precision: small(precision), scale: small(scale) },
            "real" | "float4" => Self::Real,
            "double precision" | "float8" | "float" => Self::Double,
            "boolean" | "bool" => Self::Boolean,
            "character" | "char" | "bpchar" | "nchar" => Self::Char(length),
            "character varying" | "varchar" | "nvarchar" | "text" => Self::Varchar(length),
            "date" => Self::Date,
            "timestamp" | "timestamp without time zone" => Self::Timestamp,
            "timestamptz" | "timestamp with time zone" => Self::TimestampTz,
            "super" => Self::Super,
            "geography" => Self::Geography,
            _ => Self::Other(name),
        }
    }

    /// As DDL spells it.
    pub fn ddl(&self) -> String {
        match self {
            Self::SmallInt => "SMALLINT".to_owned(),
            Self::Integer => "INTEGER".to_owned(),
            Self::BigInt => "BIGINT".to_owned(),
            Self::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
            Self::Real => "REAL".to_owned(),
            Self::Double => "DOUBLE PRECISION".to_owned(),
            Self::Boolean => "BOOLEAN".to_owned(),
            Self::Char(length) => format!("CHAR({length})"),
            Self::Varchar(length) => format!("VARCHAR({length})"),
            Self::Date => "DATE".to_owned(),
            Self::Timestamp => "TIMESTAMP".to_owned(),
            Self::TimestampTz => "TIMESTAMPTZ".to_owned(),
            Self::Super => "SUPER".to_owned(),
            Self::Geography => "GEOGRAPHY".to_owned(),
            Self::Other(name) => name.to_ascii_uppercase(),
        }
    }
}

/// One column of the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetColumn {
    /// Its name, as the catalogue has it.
    pub name: String,
    /// Its type.
    pub target_type: TargetType,
    /// Whether it takes NULL.
    pub nullable: bool,
    /// Whether it fills itself when a load leaves it out.
    pub has_default: bool,
}

/// The table that a load goes into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetTable {
    /// Schema it is in.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns, in its order.
    pub columns: Vec<TargetColumn>,
}

/// What SQL has to do with a column between the copy and the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// Nothing: the copy fills it.
    None,
    /// `JSON_PARSE` into a SUPER.
    JsonParse,
    /// `ST_GeogFromWKB` into a GEOGRAPHY.
    GeogFromWkb,
}

/// Something that the target and the export do not have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What differs, with the column's name.
    pub what: String,
    /// What to do about it; empty if nothing has to be done.
    pub help: String,
    /// Whether nothing can be loaded before it is fixed.
    pub stops: bool,
}

/// A layout in the target's names, types and widths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    /// What is written.
    pub layout: Layout,
    /// What SQL does, for each column of the layout.
    pub conversions: Vec<Conversion>,
    /// What differs, whether it stops the load or not.
    pub differences: Vec<Difference>,
}

impl TargetTable {
    /// `"schema"."table"`.
    pub fn qualified(&self) -> String {
        format!("{}.{}", quote_identifier(&self.schema), quote_identifier(&self.name))
    }

    /// The column of this name. Redshift folds names to lower case unless told otherwise, so a name
    /// that differs in case alone is the same.
    pub fn column(&self, name: &str) -> Option<&TargetColumn> {
        let exact = self.columns.iter().find(|column| column.name == name);
        exact.or_else(|| self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)))
    }
}

impl Fitted {
    /// The error of the differences that stop the load, if there are any.
    pub fn fault(&self, target: &TargetTable) -> Option<Error> {
        let stopping: Vec<_> = self.differences.iter().filter(|difference| difference.stops).collect();
        if stopping.is_empty() {
            return None;
        }
        let what: Vec<&str> = stopping.iter().map(|difference| difference.what.as_str()).collect();
        let mut helps: Vec<&str> = stopping.iter().map(|difference| difference.help.as_str()).collect();
        helps.dedup();
        let what = format!("the export does not fit the table {}: {}", target.qualified(), what.join("; "));
        Some(Error::schema(what).help(helps.join("; ")))
    }
}
