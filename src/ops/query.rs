//! SQL over the local warehouse, or over Parquet that was staged or converted.

use super::target;
use crate::config::Config;
use crate::error::Result;
use crate::warehouse::query;
use std::io::Write;

pub use crate::warehouse::query::{Format, Printed};

/// Runs one statement and prints its answer to `out`. Each of `files` is `NAME=PATH`: Parquet outside the
/// warehouse as a table. Files stand alone too: whoever names them need not have a warehouse in a folder.
///
/// # Errors
/// What is wrong with the statement, the tables or the files.
pub fn query(
    config: &Config,
    sql: &str,
    files: &[String],
    format: Format,
    out: &mut dyn Write,
) -> Result<Printed> {
    let files = files.iter().map(|text| text.parse()).collect::<Result<Vec<query::FilesTable>>>()?;
    let folder = match target::folder(config) {
        Ok(folder) => Some(folder),
        Err(_) if !files.is_empty() => None,
        Err(error) => return Err(error),
    };
    query::run(&query::Query { sql, warehouse: folder.as_deref(), files: &files }, format, out)
}
