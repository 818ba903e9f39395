//! SQL over the local warehouse, over Parquet that was staged or converted, or over exports as they lie there.

use super::query_export::OpenedExport;
use super::target;
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::store::write_whole;
use crate::warehouse::query;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

pub use super::query_export::{AskedExport, Exports, OpenedExport as Export, open as open_exports};
pub use crate::pipeline::rows::ExportTable;
pub use crate::warehouse::query::{Format, Printed};

/// What a file that holds an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// One Parquet file.
    Parquet,
    /// As [`Format::Csv`].
    Csv,
    /// As [`Format::Json`].
    Json,
}

/// What is asked, and of what beside the warehouse.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// One statement that reads.
    pub sql: &'a str,
    /// Each `NAME=PATH`: Parquet outside the warehouse as a table. Whoever names any need not have a warehouse in a
    /// folder.
    pub files: &'a [String],
    /// Each a table, as `files` are.
    pub exports: &'a [OpenedExport],
}

/// Runs one statement and prints its answer to `out`.
///
/// # Errors
/// What is wrong with the statement, the tables or the files.
pub fn query(config: &Config, asked: &Asked<'_>, format: Format, out: &mut dyn Write) -> Result<Printed> {
    asking(config, asked, |query| query::run(query, format, out))
}

/// Runs one statement and writes its answer to a file, which is there whole or not at all; one that is there already
/// is an error unless it may be replaced.
///
/// # Errors
/// As [`query()`], and whatever the file system refuses.
pub fn query_into(
    config: &Config,
    asked: &Asked<'_>,
    answer: Answer,
    (path, replace): (&Path, bool),
) -> Result<Printed> {
    // Before the query runs for an hour.
    if !replace && path.exists() {
        return Err(Error::usage("the file is there already")
            .at(Place::uri(path.display().to_string()))
            .help("name another one, or let it be replaced: --replace"));
    }
    asking(config, asked, |query| {
        write_whole(path, replace, |out| match answer {
            Answer::Parquet => query::run_to_parquet(query, out),
            Answer::Csv => query::run(query, Format::Csv, out),
            Answer::Json => query::run(query, Format::Json, out),
        })
    })
}

fn asking<T>(
    config: &Config,
    asked: &Asked<'_>,
    ask: impl FnOnce(&query::Query<'_>) -> Result<T>,
) -> Result<T> {
    let files = asked.files.iter().map(|text| text.parse()).collect::<Result<Vec<query::FilesTable>>>()?;
    for table in &files {
        let path = Path::new(&table.path);
        if !table.path.contains(['*', '?', '[']) && !path.exists() {
            return Err(Error::io("no such files", path, std::io::ErrorKind::NotFound.into()));
        }
    }
    let folder = match target::folder(config) {
        Ok(folder) => Some(folder),
        Err(_) if !files.is_empty() || !asked.exports.is_empty() => None,
        Err(error) => return Err(error),
    };
    let given = |export: &OpenedExport| -> query::GivenTable {
        (export.name.clone(), Arc::new(export.table.clone()))
    };
    let given: Vec<_> = asked.exports.iter().map(given).collect();
    ask(&query::Query { sql: asked.sql, warehouse: folder.as_deref(), files: &files, given: &given })
}
