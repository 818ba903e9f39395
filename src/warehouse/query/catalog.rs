//! The tables that a query can name. Their schemas are read when the query names them, not before.

use super::damage::Suspects;
use super::told::Told;
use crate::error::{Error, Result};
use crate::warehouse::{LocalWarehouse, Snapshot};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, SchemaProvider, TableProvider};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::{DataFusionError, Result as QueryResult};
use datafusion::execution::SessionState;
use datafusion::prelude::SessionContext;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

/// Catalog and schema that tables lie in; people need not write them.
pub(super) const CATALOG: &str = "warehouse";
pub(super) const SCHEMA: &str = "public";

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

/// What is a table of DataFusion already, and its name in SQL, lower case.
pub type GivenTable = (String, Arc<dyn TableProvider>);

type Fetch<'a> = Pin<Box<dyn Future<Output = QueryResult<Option<Arc<dyn TableProvider>>>> + Send + 'a>>;

/// Tables by name, and what reads their files' schemas.
#[derive(Debug)]
pub(super) struct WarehouseSchema {
    tables: BTreeMap<String, Place>,
    /// What queries have named so far.
    read: Arc<Suspects>,
    /// A session of its own: this schema belongs to the query's session and must not own that.
    state: SessionState,
}

/// Where a table's files are.
#[derive(Debug)]
enum Place {
    /// A version, held against the sweep while the query runs.
    Version(Box<Snapshot>),
    /// A table that cannot be read; told when a query names it.
    Damaged(Told),
    /// Files outside the warehouse.
    Files(String),
    /// What is a table already.
    Given(Arc<dyn TableProvider>),
}

impl WarehouseSchema {
    /// Resolves the current version of every table, once.
    pub(super) fn open(
        warehouse: Option<&LocalWarehouse>,
        files: &[FilesTable],
        given: &[GivenTable],
        read: Arc<Suspects>,
        state: SessionState,
    ) -> Result<Self> {
        let mut tables = BTreeMap::new();
        if let Some(warehouse) = warehouse {
            for name in warehouse.tables()? {
                let place = match warehouse.hold(&name) {
                    Ok(snapshot) => Place::Version(Box::new(snapshot)),
                    Err(error) => Place::Damaged(Told::of(&error)),
                };
                tables.insert(name, place);
            }
        }
        tables.extend(files.iter().map(|table| (table.name.clone(), Place::Files(table.path.clone()))));
        tables.extend(given.iter().map(|(name, table)| (name.clone(), Place::Given(Arc::clone(table)))));
        Ok(Self { tables, read, state })
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.tables.keys().cloned().collect()
    }

    async fn fetch(&self, name: &str) -> QueryResult<Option<Arc<dyn TableProvider>>> {
        let Some(place) = self.tables.get(name) else { return Ok(None) };
        let url = match place {
            Place::Damaged(told) => return Err(told.clone().into()),
            Place::Version(snapshot) => {
                snapshot.check().map_err(|error| Told::of(&error))?;
                match snapshot.files.first().and_then(|file| file.parent()) {
                    Some(version) => folder_url(version)?,
                    // An export without rows or files: nobody knows its columns.
                    None => return Ok(Some(Arc::new(EmptyTable::new(Arc::new(Schema::empty()))))),
                }
            }
            Place::Files(path) => files_url(path)?,
            Place::Given(table) => return Ok(Some(Arc::clone(table))),
        };
        self.read.add(&url);
        let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
        // Of all files: an incremental may have a column more than the full export before it.
        let schema = nullable(&*options.infer_schema(&self.state, &url).await?);
        let config = ListingTableConfig::new(url).with_listing_options(options).with_schema(schema);
        Ok(Some(Arc::new(ListingTable::try_new(config)?)))
    }
}

impl SchemaProvider for WarehouseSchema {
    fn table_names(&self) -> Vec<String> {
        self.names()
    }

    fn table<'life0, 'life1, 'async_trait>(&'life0 self, name: &'life1 str) -> Fetch<'async_trait>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(self.fetch(name))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.tables.contains_key(name)
    }
}

/// Makes the tables known to a session.
pub(super) fn register(context: &SessionContext, schema: WarehouseSchema) -> QueryResult<()> {
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, Arc::new(schema))?;
    context.register_catalog(CATALOG, Arc::new(catalog));
    Ok(())
}

/// A column that one file requires is NULL for the rows of a file that lacks it.
fn nullable(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// A folder as a URL: a plain path would be searched for `*`, `?` and `[`, which its name may hold.
fn folder_url(folder: &Path) -> QueryResult<ListingTableUrl> {
    let folder = folder.canonicalize()?;
    let mut url = String::from("file://");
    for &byte in folder.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => url.push(byte as char),
            _ if byte.is_ascii_alphanumeric() => url.push(byte as char),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url.push('/');
    ListingTableUrl::parse(url)
}

fn files_url(path: &str) -> QueryResult<ListingTableUrl> {
    let at = Path::new(path);
    if at.is_dir() {
        return folder_url(at);
    }
    if !path.contains(['*', '?', '[']) && !at.is_file() {
        let missing = Error::io("no such files", at, std::io::ErrorKind::NotFound.into());
        return Err(DataFusionError::Plan(missing.to_string()));
    }
    ListingTableUrl::parse(path)
}
