//! Exports as they lie there, as tables of a query.

use super::options::Conversion;
use super::schema;
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::pipeline::rows::{ExportTable, Opening};
use crate::schema::BulkSchema;
use crate::store::{self, ExportKind, Location, Named};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exports that a query reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exports {
    /// Each is a table of the query.
    pub exports: Vec<AskedExport>,
    /// Table whose rows they are; none: the one that the name of each says.
    pub table: Option<String>,
    /// How they are read.
    pub conversion: Conversion,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedExport {
    /// Its name in SQL; none: that of its table.
    pub name: Option<String>,
    /// A file, or a folder or prefix that holds `full/`: then the newest full export of the table there.
    pub location: Location,
}

/// An export that was opened, and its name in SQL.
#[derive(Debug, Clone)]
pub struct OpenedExport {
    /// Lower case, as SQL folds names.
    pub name: String,
    /// The table.
    pub table: ExportTable,
}

impl OpenedExport {
    /// What is to be known of it once a query has read it: columns that were dropped, records that were left out.
    pub fn notes(&self) -> Vec<String> {
        let notes = self.table.layout().warnings.iter().cloned().chain(self.table.left_out());
        notes.map(|note| format!("{}: {note}", self.name)).collect()
    }
}

/// Opens them and reads their headers.
///
/// # Errors
/// [`Error::Usage`] if it cannot be told of which table one is, or two have one name; else those of a conversion, up to
/// its first record.
pub fn open(config: &Config, request: &Exports) -> Result<Vec<OpenedExport>> {
    if request.exports.is_empty() {
        return Ok(Vec::new());
    }
    let schema = schema::read(config)?;
    let mut opened: Vec<OpenedExport> = Vec::with_capacity(request.exports.len());
    for export in &request.exports {
        let one = open_one(config, request, &schema, export)?;
        if opened.iter().any(|other| other.name == one.name) {
            return Err(Error::usage(format!("two exports are the table {}", one.name))
                .help("give each a name of its own: --export old=FILE --export new=FILE"));
        }
        opened.push(one);
    }
    Ok(opened)
}

fn open_one(
    config: &Config,
    request: &Exports,
    schema: &BulkSchema,
    export: &AskedExport,
) -> Result<OpenedExport> {
    let table = table_of(request, schema, export)?;
    let name = export.name.as_ref().unwrap_or(&table).to_ascii_lowercase();
    let location = match is_folder(&export.location) {
        true => store::discover(&export.location, ExportKind::Full, &table, None)?.location,
        false => export.location.clone(),
    };
    let options = request.conversion.options(config, schema)?;
    Ok(OpenedExport { name, table: ExportTable::open(opening(location), schema.table(&table)?, &options)? })
}

/// What opens it, each time that a statement reads it.
fn opening(location: Location) -> Opening {
    let was_opened = AtomicBool::new(false);
    Arc::new(move || {
        let again = was_opened.swap(true, Ordering::Relaxed);
        if again && location == Location::Stdin {
            return Err(Error::usage("standard input can be read once, and the statement reads it again")
                .help("write it to a file, or name the table once"));
        }
        store::open(&location)
    })
}

/// The table that an export is of: the one that was named, the one that its name says, or the one that it is called in SQL.
fn table_of(request: &Exports, schema: &BulkSchema, export: &AskedExport) -> Result<String> {
    let by_sql_name = || export.name.clone().filter(|name| schema.table(name).is_ok());
    let table = request.table.clone().or_else(|| Named::of(&export.location).table).or_else(by_sql_name);
    table.ok_or_else(|| {
        Error::usage("the name of the export does not say of which table it is")
            .at(Place::uri(store::name_of(&export.location)))
            .help("name it with --table")
    })
}

fn is_folder(location: &Location) -> bool {
    match location {
        Location::Local(path) => path.is_dir(),
        Location::S3 { key, .. } => !key.rsplit('/').next().is_some_and(|name| name.contains('.')),
        Location::Stdin | Location::Https(_) => false,
    }
}
