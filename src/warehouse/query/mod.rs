//! SQL over the local warehouse and over staged Parquet, with DataFusion. Read only.
//!
//! ```text
//! current versions (held) ┐
//! --files NAME=DIR|GLOB   ┼▶ catalog ─ plan ─▶ batches, one at a time ─▶ table | csv | json
//! tables that are given   ┘
//! ```
//!
//! Every table's `current` is resolved once, before the query starts, and its version is held until the
//! query ends: a load in between neither disturbs it nor is seen by it. Batches are printed as they
//! come; what a sort or a join needs beyond [`MEMORY_BYTES_MAX`] goes to temporary files.

mod catalog;
mod damage;
mod fault;
mod names;
mod parquet;
mod print;
mod times;
mod told;

pub use catalog::{FilesTable, GivenTable};
pub use print::{Printed, TABLE_ROWS_MAX};
pub use told::Told;

use super::LocalWarehouse;
use crate::error::{Error, Result};
use catalog::WarehouseSchema;
use damage::Suspects;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use fault::describe;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Memory that operators may gather before they spill.
pub const MEMORY_BYTES_MAX: usize = 2 * 1024 * 1024 * 1024;
/// Threads of a query; more do not help what a laptop's disk delivers.
const THREADS_MAX: usize = 8;
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

/// A query.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// One statement that reads.
    pub sql: &'a str,
    /// The warehouse's folder; one that does not exist has no tables.
    pub warehouse: Option<&'a Path>,
    /// Tables besides; they hide the warehouse's tables of the same name.
    pub files: &'a [FilesTable],
    /// Tables as they are; they hide all others of the same name.
    pub given: &'a [GivenTable],
}

/// Runs a query and prints its result as it comes.
///
/// # Errors
/// [`Error::Usage`] for what is wrong with the SQL, [`Error::Input`] for files that cannot be read,
/// [`Error::Machine`] when memory and temporary files are used up; those of the given tables, if they come as [`Told`].
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

/// Runs a query and writes its result as one Parquet file, as it comes.
///
/// # Errors
/// As [`run`].
pub fn run_to_parquet(query: &Query<'_>, out: &mut (dyn Write + Send)) -> Result<Printed> {
    let read = Arc::default();
    damage::watched(&read, || {
        with_stream(query, Arc::clone(&read), async |stream| parquet::write(stream, out).await)
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
    let answer = runtime.block_on(async {
        let config = SessionConfig::new().with_target_partitions(threads);
        let memory = RuntimeEnvBuilder::new().with_memory_limit(MEMORY_BYTES_MAX, 1.0);
        let environment = memory.build_arc().map_err(|error| describe(&error, &[]))?;
        let inner = SessionContext::new_with_config_rt(config.clone(), Arc::clone(&environment));
        let warehouse = query.warehouse.map(LocalWarehouse::new);
        let schema =
            WarehouseSchema::open(warehouse.as_ref(), query.files, query.given, read, inner.state())?;
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
        let stream = frame.execute_stream().await.map_err(described)?;
        take(names::as_typed(query.sql, stream)).await
    });
    // Whoever waits for a slow source, of which nobody wants more, is not waited for.
    runtime.shutdown_background();
    answer
}
