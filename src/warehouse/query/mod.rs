//! SQL over the local warehouse and over staged Parquet, with DataFusion. Read only.
//!
//! ```text
//! current versions (held) ┐
//! --files NAME=DIR|GLOB   ┴▶ catalog ─ plan ─▶ batches, one at a time ─▶ table | csv | json
//! ```
//!
//! Every table's `current` is resolved once, before the query starts, and its version is held until the
//! query ends: a load in between neither disturbs it nor is seen by it. Batches are printed as they
//! come; what a sort or a join needs beyond [`MEMORY_BYTES_MAX`] goes to temporary files.

mod catalog;
mod damage;
mod print;

pub use print::{Printed, TABLE_ROWS_MAX};

use super::LocalWarehouse;
use crate::error::{Error, Result};
use arrow::error::ArrowError;
use catalog::WarehouseSchema;
use damage::{Suspects, Told};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Memory that operators may gather before they spill.
pub const MEMORY_BYTES_MAX: usize = 2 * 1024 * 1024 * 1024;
/// Threads of a query; more do not help what a laptop's disk delivers.
const THREADS_MAX: usize = 8;
/// Most tables that an error message lists.
const TABLES_LISTED_MAX: usize = 80;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: a grid with NULL spelt out, cut after some rows.
    Table,
    /// As exports are: NULL is an unquoted empty field, the empty string is `""`.
    Csv,
    /// One JSON object a line.
    Json,
}

/// Parquet files outside the warehouse under a table's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesTable {
    /// Table name in SQL, lower case.
    pub name: String,
    /// A file, a folder, or a pattern with `*`.
    pub path: String,
}

impl std::str::FromStr for FilesTable {
    type Err = Error;

    /// `NAME=PATH`, or `PATH` alone for a table named `files`.
    fn from_str(text: &str) -> Result<Self> {
        let is_name =
            |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let (name, path) = text.split_once('=').filter(|(name, _)| is_name(name)).unwrap_or(("files", text));
        if path.is_empty() {
            return Err(Error::usage(format!("{text:?} names no files"))
                .help("write NAME=DIR or NAME='DIR/*.parquet'"));
        }
        // SQL folds unquoted names to lower case.
        Ok(Self { name: name.to_ascii_lowercase(), path: path.to_owned() })
    }
}

/// A query.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// One statement that reads.
    pub sql: &'a str,
    /// The warehouse's folder; one that does not exist has no tables.
    pub warehouse: Option<&'a Path>,
    /// Tables besides; they hide the warehouse's tables of the same name.
    pub files: &'a [FilesTable],
}

/// Runs a query and prints its result as it comes.
///
/// # Errors
/// [`Error::Usage`] for what is wrong with the SQL, [`Error::Input`] for files that cannot be read,
/// [`Error::Machine`] when memory and temporary files are used up.
pub fn run(query: &Query<'_>, format: Format, out: &mut dyn Write) -> Result<Printed> {
    let read = Arc::default();
    damage::watched(&read, || {
        with_stream(query, Arc::clone(&read), async |stream| match format {
            Format::Table => print::table(stream, TABLE_ROWS_MAX, out).await,
            Format::Csv => print::csv(stream, out).await,
            Format::Json => print::json(stream, out).await,
        })
    })
}

fn with_stream<T>(
    query: &Query<'_>,
    read: Arc<Suspects>,
    take: impl AsyncFnOnce(SendableRecordBatchStream) -> Result<T>,
) -> Result<T> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .on_thread_start(damage::quiet_thread)
        .enable_all()
        .build()
        .map_err(|cause| Error::machine("cannot start the query's threads").because(cause))?;
    runtime.block_on(async {
        let config = SessionConfig::new().with_target_partitions(threads);
        let memory = RuntimeEnvBuilder::new().with_memory_limit(MEMORY_BYTES_MAX, 1.0);
        let environment = memory.build_arc().map_err(|error| describe(&error, &[]))?;
        let inner = SessionContext::new_with_config_rt(config.clone(), Arc::clone(&environment));
        let warehouse = query.warehouse.map(LocalWarehouse::new);
        let schema = WarehouseSchema::open(warehouse.as_ref(), query.files, read, inner.state())?;
        let tables = schema.names();
        let described = |error: DataFusionError| describe(&error, &tables);
        let config = config
            .with_create_default_catalog_and_schema(false)
            .with_default_catalog_and_schema(catalog::CATALOG, catalog::SCHEMA)
            .with_information_schema(true);
        let context = SessionContext::new_with_config_rt(config, environment);
        catalog::register(&context, schema).map_err(described)?;
        let reading =
            SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let frame = context.sql_with_options(query.sql, reading).await.map_err(described)?;
        take(frame.execute_stream().await.map_err(described)?).await
    })
}

/// What helps against what is no fault of the query.
const WHOLE: &str = "see whether the files are there and whole";

/// DataFusion's error, sorted by what the operator can do and cleaned of what it says about itself.
fn describe(error: &DataFusionError, tables: &[String]) -> Error {
    let root = error.find_root();
    if let DataFusionError::External(cause) = root
        && let Some(told) = cause.downcast_ref::<Told>()
    {
        return told.error();
    }
    let text = match root {
        DataFusionError::SQL(fault, _) => fault.to_string(),
        DataFusionError::ArrowError(fault, _) => fault.to_string(),
        DataFusionError::SchemaError(fault, _) => fault.to_string(),
        other => other.message().into_owned(),
    };
    let text = clean(&text);
    match root {
        DataFusionError::ResourcesExhausted(_) => {
            Error::machine(text).help("ask for fewer rows or columns, or group by less")
        }
        DataFusionError::ParquetError(_)
        | DataFusionError::ObjectStore(_)
        | DataFusionError::IoError(_)
        | DataFusionError::Internal(_)
        | DataFusionError::ExecutionJoin(_)
        | DataFusionError::External(_)
        | DataFusionError::Ffi(_) => Error::input(text).help(WHOLE),
        DataFusionError::ArrowError(fault, _) if !is_of_values(fault) => Error::input(text).help(WHOLE),
        _ if text.contains("not supported:") => {
            Error::usage(text).help("queries only read: tables change by loads alone")
        }
        _ if text.starts_with("table ") && text.ends_with(" not found") => {
            Error::usage(text).help(listing(tables))
        }
        _ => Error::usage(text),
    }
}

/// Whether values that were read as they are do not go with what the query does to them.
fn is_of_values(fault: &ArrowError) -> bool {
    use ArrowError::{ArithmeticOverflow, CastError, ComputeError, DivideByZero, NotYetImplemented};
    matches!(
        fault,
        ArithmeticOverflow(_)
            | CastError(_)
            | ComputeError(_)
            | DivideByZero
            | NotYetImplemented(_)
            | ArrowError::ParseError(_)
    )
}

fn clean(text: &str) -> String {
    let text = text.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or_default().trim();
    let prefixes = ["sql parser error: ", "Error during planning: ", "Arrow error: ", "Schema error: "];
    let text = prefixes.iter().fold(text, |text, prefix| text.strip_prefix(prefix).unwrap_or(text));
    let text = text.replace(&format!("{}.{}.", catalog::CATALOG, catalog::SCHEMA), "").replace('\n', " ");
    let text = text.trim_end_matches('.');
    // Lower case like every error of this program, unless it begins with a name or a keyword.
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            format!("{}{}", first.to_lowercase(), &text[first.len_utf8()..])
        }
        _ => text.to_owned(),
    }
}

fn listing(tables: &[String]) -> String {
    match tables.len() {
        0 => "there are no tables: load one with csl-stream backfill, or name files with --files".to_owned(),
        count if count > TABLES_LISTED_MAX => {
            format!("{count} tables, among them: {}", tables[..TABLES_LISTED_MAX].join(", "))
        }
        _ => format!("tables: {}", tables.join(", ")),
    }
}
