//! SQL over the local warehouse, over Parquet that was staged or converted, or over exports as they lie there.

use super::query_export::OpenedExport;
use super::target;
use crate::config::Config;
use crate::error::Result;
use crate::warehouse::query;
use std::io::Write;
use std::sync::Arc;

pub use super::query_export::{AskedExport, Exports, OpenedExport as Export, open as open_exports};
pub use crate::pipeline::rows::ExportTable;
pub use crate::warehouse::query::{Format, Printed};

/// Runs one statement and prints its answer to `out`. Each of `files` is `NAME=PATH`: Parquet outside the
/// warehouse as a table; so is each of `exports`. Both stand alone too: whoever names them need not have a warehouse in
/// a folder.
///
/// # Errors
/// What is wrong with the statement, the tables or the files.
pub fn query(
    config: &Config,
    sql: &str,
    files: &[String],
    exports: &[OpenedExport],
    format: Format,
    out: &mut dyn Write,
) -> Result<Printed> {
    let files = files.iter().map(|text| text.parse()).collect::<Result<Vec<query::FilesTable>>>()?;
    let folder = match target::folder(config) {
        Ok(folder) => Some(folder),
        Err(_) if !files.is_empty() || !exports.is_empty() => None,
        Err(error) => return Err(error),
    };
    let given = |export: &OpenedExport| -> query::GivenTable {
        (export.name.clone(), Arc::new(export.table.clone()))
    };
    let given: Vec<_> = exports.iter().map(given).collect();
    query::run_beside(&query::Query { sql, warehouse: folder.as_deref(), files: &files }, &given, format, out)
}
