//! ControlShift's bulk schema: tables, columns, and the types they get in Parquet and Redshift. Pure.
//!
//! ```text
//! schema.json ─▶ BulkSchema ─┬─ Layout::bind ◀─ CSV header     what each field of a record becomes
//!                            │     └─ TargetTable::fit        … in the target's types
//!                            ├─ TargetTable::alterations       what a table lacks since the schema moved on
//!                            ├─ create_tables                  DDL for Redshift
//!                            └─ diff ◀─ another BulkSchema     what moved between two versions
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bulk;
mod ddl;
mod diff;
mod evolution;
mod fitting;
#[cfg(test)]
mod for_tests;
mod guess;
mod header;
mod names;
mod table;
mod target;
mod types;
mod view;

pub use bulk::{BulkSchema, COLUMNS_MAX, IDENTIFIER_BYTES_MAX, SCHEMA_BYTES_MAX, TABLES_MAX};
pub use ddl::{Ddl, DdlOptions, create_table, create_tables, quote_identifier};
pub use diff::{
    ColumnEntry, ColumnMove, PropertyChange, PropertyValues, RenameCandidate, SchemaDiff, TableDiff,
    TargetChange, diff,
};
pub use evolution::{Alteration, Change, Evolve};
pub use header::{BindOptions, Layout, MissingColumns, OutputColumn, UnknownColumns, too_wide};
pub use table::{Column, Table};
pub use target::{
    Conversion, Difference, Fitted, Identity, TargetColumn, TargetTable, TargetType, VARCHAR_BYTES_MAX,
};
pub use types::{ColumnType, DECIMAL_PRECISION_MAX, SUPER_LEVELS_MAX, Width};
