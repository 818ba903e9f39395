//! Staged Parquet as a table of the Data Catalog: a partition for each load that is still staged.
//!
//! ```text
//! <staging>/t/<load id>/part-00000.snappy.parquet …  ◀─ named in ─┐
//! <staging>/_catalog/t/load_id=<load id>/files.txt  ──────────────┘  a list, one URI a line
//!        ▲
//!   partition of <database>.t
//! ```
//!
//! Beside the Parquet lie the manifest and the record of the load, which a query engine would take for
//! Parquet too: so the partition's folder holds a list of the files (Hive's symlink format), not them.

use super::client::{client, told};
use crate::error::{Error, Place, Result};
use crate::report::FileReport;
use crate::store::{self, Location, StoredObject, objects, runtime};
use aws_sdk_glue::Client;
use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_glue::types::{Column, PartitionInput, SerDeInfo, StorageDescriptor, TableInput};
use parquet::basic::{ConvertedType, Type as Physical};
use parquet::file::metadata::{FooterTail, ParquetMetaDataReader};
use parquet::schema::types::ColumnDescriptor;
use std::time::{Duration, SystemTime};

/// Folder of the lists; no table's name begins with `_`.
const LISTS: &str = "_catalog";
/// Name of a list.
const LIST_NAME: &str = "files.txt";
/// The partition key.
const PARTITION_KEY: &str = "load_id";
/// Bytes from the end of a file that usually hold the whole footer.
const FOOTER_BYTES_GUESS: u64 = 64 << 10;
/// Hive's names for a list of files, and for Parquet.
const INPUT_FORMAT: &str = "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat";
const OUTPUT_FORMAT: &str = "org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat";
const SERDE: &str = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe";

/// A load whose files are staged.
#[derive(Debug)]
pub struct StagedFiles<'a> {
    /// Database of the Data Catalog; it must be there.
    pub database: &'a str,
    /// Name of the table, of the warehouse and of the catalogue.
    pub table: &'a str,
    /// The load.
    pub load_id: &'a str,
    /// The staging place of all loads.
    pub staging: &'a Location,
    /// The load's files.
    pub files: &'a [FileReport],
    /// Staged loads older than this are swept, so their partitions go.
    pub age_max: Duration,
}

/// Makes or updates the table, adds the load, and takes away loads that are no longer staged.
///
/// # Errors
/// Whatever Glue or S3 has against it. The load itself has ended by then.
pub fn register(staged: &StagedFiles<'_>) -> Result<()> {
    let Some(first) = staged.files.first() else { return Ok(()) };
    let columns = columns_of(first)?;
    let lists = staged.staging.child(LISTS)?.child(staged.table)?;
    let own = lists.child(&format!("{PARTITION_KEY}={}", staged.load_id))?;
    let list: String = staged.files.iter().map(|file| format!("{}\n", file.uri)).collect();
    objects::put(&own.child(LIST_NAME)?, list.into_bytes())?;
    let catalog = Catalog { client: client()?, staged };
    catalog.put_table(described(&columns, &lists))?;
    catalog.put_partition(described(&columns, &own))?;
    catalog.sweep(&lists)
}

/// Whether there is such a database.
///
/// # Errors
/// [`Error::Access`] if not, or if it may not be looked at.
pub fn is_database(name: &str) -> Result<()> {
    runtime()?.block_on(client()?.get_database().name(name).send()).map(drop).map_err(|error| {
        Error::access(format!("the database {name} of the Data Catalog cannot be reached"))
            .at(Place::uri(format!("glue://{name}")))
            .help("create it, and allow this identity glue:GetDatabase; or remove glue.database")
            .because(told(&error))
    })
}

struct Catalog<'a> {
    client: Client,
    staged: &'a StagedFiles<'a>,
}

impl Catalog<'_> {
    /// The newest load says which columns the table has.
    fn put_table(&self, storage: StorageDescriptor) -> Result<()> {
        let StagedFiles { database, table, .. } = self.staged;
        let input = TableInput::builder()
            .name(*table)
            .description("Parquet that csl-stream has staged, a partition for each load")
            .table_type("EXTERNAL_TABLE")
            .parameters("EXTERNAL", "TRUE")
            .parameters("classification", "parquet")
            .partition_keys(column(PARTITION_KEY, "string"))
            .storage_descriptor(storage)
            .build()
            .map_err(|cause| Error::machine("cannot describe the table to Glue").because(cause))?;
        let runtime = runtime()?;
        let update = || self.client.update_table().database_name(*database).table_input(input.clone()).send();
        match runtime.block_on(update()) {
            Err(error) if is(&error, "EntityNotFoundException") => {}
            updated => return updated.map(drop).map_err(|error| self.refused("updating the table", &error)),
        }
        let create = self.client.create_table().database_name(*database).table_input(input.clone()).send();
        match runtime.block_on(create) {
            // Another load made it in the meantime.
            Err(error) if is(&error, "AlreadyExistsException") => runtime
                .block_on(update())
                .map(drop)
                .map_err(|error| self.refused("updating the table", &error)),
            created => created.map(drop).map_err(|error| self.refused("creating the table", &error)),
        }
    }

    fn put_partition(&self, storage: StorageDescriptor) -> Result<()> {
        let StagedFiles { database, table, load_id, .. } = self.staged;
        let input = PartitionInput::builder().values(*load_id).storage_descriptor(storage).build();
        let call = self.client.create_partition().database_name(*database).table_name(*table);
        match runtime()?.block_on(call.partition_input(input).send()) {
            // The same load, run again: its files have the same names.
            Err(error) if is(&error, "AlreadyExistsException") => Ok(()),
            made => made.map(drop).map_err(|error| self.refused("adding the partition", &error)),
        }
    }

    fn sweep(&self, lists: &Location) -> Result<()> {
        let StagedFiles { database, table, load_id, age_max, .. } = self.staged;
        let is_over = |at: SystemTime| at.elapsed().is_ok_and(|age| age > *age_max);
        for list in objects::below(lists)?.iter().filter(|list| is_over(list.modified)) {
            let Some((folder, _)) = list.name.split_once('/') else { continue };
            let Some(old) = folder.strip_prefix("load_id=").filter(|old| old != load_id) else { continue };
            let call = self.client.delete_partition().database_name(*database).table_name(*table);
            match runtime()?.block_on(call.partition_values(old).send()) {
                Err(error) if !is(&error, "EntityNotFoundException") => {
                    return Err(self.refused("removing a partition", &error));
                }
                _ => objects::remove(&lists.child(&list.name)?)?,
            }
        }
        Ok(())
    }

    fn refused<E, R>(&self, doing: &str, error: &SdkError<E, R>) -> Error
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug + 'static,
    {
        let StagedFiles { database, table, .. } = self.staged;
        Error::access(format!("{doing} in the Data Catalog failed"))
            .at(Place::uri(format!("glue://{database}/{table}")))
            .because(told(error))
    }
}

fn is<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, code: &str) -> bool {
    error.code() == Some(code)
}

fn column(name: &str, kind: &str) -> Column {
    Column::builder().name(name).r#type(kind).build().expect("a name is given, and a column needs no more")
}

fn described(columns: &[(String, String)], place: &Location) -> StorageDescriptor {
    let columns = columns.iter().map(|(name, kind)| column(name, kind)).collect();
    StorageDescriptor::builder()
        .set_columns(Some(columns))
        .location(format!("{place}/"))
        .input_format(INPUT_FORMAT)
        .output_format(OUTPUT_FORMAT)
        .serde_info(SerDeInfo::builder().serialization_library(SERDE).build())
        .build()
}

/// Names and Hive types of a staged file's columns, from its footer.
fn columns_of(file: &FileReport) -> Result<Vec<(String, String)>> {
    let damaged = |what: &str| Error::machine(format!("the staged file {what}")).at(Place::uri(&file.uri));
    let (folder, name) = file.uri.rsplit_once('/').ok_or_else(|| damaged("has no folder"))?;
    let sink = store::sink(&Location::parse(folder)?)?;
    let object = StoredObject { uri: file.uri.clone(), name: name.to_owned(), bytes: file.bytes };
    let mut tail = sink.read_tail(&object, FOOTER_BYTES_GUESS)?;
    let last = tail.last_chunk::<8>().ok_or_else(|| damaged("is too short to be Parquet"))?;
    let footer = FooterTail::try_new(last).map_err(|cause| damaged("has no footer").because(cause))?;
    let wanted = footer.metadata_length() + 8;
    if tail.len() < wanted {
        tail = sink.read_tail(&object, wanted as u64)?;
    }
    let from = tail.len().checked_sub(wanted).ok_or_else(|| damaged("has a footer longer than itself"))?;
    let metadata = ParquetMetaDataReader::decode_metadata(&tail[from..tail.len() - 8])
        .map_err(|cause| damaged("has a damaged footer").because(cause))?;
    let columns = metadata.file_metadata().schema_descr().columns().iter();
    Ok(columns.map(|column| (column.name().to_lowercase(), hive_type(column))).collect())
}

fn hive_type(column: &ColumnDescriptor) -> String {
    match (column.physical_type(), column.converted_type()) {
        (_, ConvertedType::DECIMAL) => {
            format!("decimal({},{})", column.type_precision(), column.type_scale())
        }
        (Physical::INT32, ConvertedType::DATE) => "date".to_owned(),
        (Physical::INT32, ConvertedType::INT_16) => "smallint".to_owned(),
        (Physical::INT32, _) => "int".to_owned(),
        (Physical::INT64, ConvertedType::TIMESTAMP_MICROS) => "timestamp".to_owned(),
        (Physical::INT64, _) => "bigint".to_owned(),
        (Physical::BOOLEAN, _) => "boolean".to_owned(),
        (Physical::FLOAT, _) => "float".to_owned(),
        (Physical::DOUBLE, _) => "double".to_owned(),
        _ => "string".to_owned(),
    }
}
