//! SQL over the local warehouse, or over Parquet that was staged or converted.

use super::target;
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::store::write_whole;
use crate::warehouse::query;
use std::io::Write;
use std::path::Path;

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
    asking(config, sql, files, |asked| query::run(asked, format, out))
}

/// Runs one statement and writes its answer to a file, which is there whole or not at all; one that is there already
/// is an error unless it may be replaced.
///
/// # Errors
/// As [`query()`], and whatever the file system refuses.
pub fn query_into(
    config: &Config,
    sql: &str,
    files: &[String],
    answer: Answer,
    (path, replace): (&Path, bool),
) -> Result<Printed> {
    // Before the query runs for an hour.
    if !replace && path.exists() {
        return Err(Error::usage("the file is there already")
            .at(Place::uri(path.display().to_string()))
            .help("name another one, or let it be replaced: --replace"));
    }
    asking(config, sql, files, |asked| {
        write_whole(path, replace, |out| match answer {
            Answer::Parquet => query::run_to_parquet(asked, out),
            Answer::Csv => query::run(asked, Format::Csv, out),
            Answer::Json => query::run(asked, Format::Json, out),
        })
    })
}

fn asking<T>(
    config: &Config,
    sql: &str,
    files: &[String],
    ask: impl FnOnce(&query::Query<'_>) -> Result<T>,
) -> Result<T> {
    let files = files.iter().map(|text| text.parse()).collect::<Result<Vec<query::FilesTable>>>()?;
    for table in &files {
        let path = Path::new(&table.path);
        if !table.path.contains(['*', '?', '[']) && !path.exists() {
            return Err(Error::io("no such files", path, std::io::ErrorKind::NotFound.into()));
        }
    }
    let folder = match target::folder(config) {
        Ok(folder) => Some(folder),
        Err(_) if !files.is_empty() => None,
        Err(error) => return Err(error),
    };
    ask(&query::Query { sql, warehouse: folder.as_deref(), files: &files })
}
