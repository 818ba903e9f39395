//! An export that a query reads, as many times as it names it.

use super::export::{ExportRows, Opening};
use super::reading::Reading;
use crate::error::{Error, Place, Result};
use crate::pipeline::options::ConvertOptions;
use crate::schema::{Layout, Table};
use crate::store::ObjectInfo;
use arrow::datatypes::SchemaRef;
use std::sync::{Mutex, PoisonError};

/// What is known of an export, and how it is opened.
pub(super) struct Source {
    opening: Opening,
    pub(super) table: Table,
    options: ConvertOptions,
    pub(super) info: ObjectInfo,
    pub(super) layout: Layout,
    pub(super) schema: SchemaRef,
    /// Opened for the header, and not read since.
    opened: Mutex<Option<ExportRows>>,
    /// What readings have left out, the last one's words.
    left_out: Mutex<Option<String>>,
}

impl Source {
    /// Opens an export of a table and reads its header.
    pub(super) fn open(opening: Opening, table: &Table, options: &ConvertOptions) -> Result<Self> {
        let rows = ExportRows::open(opening()?, table, options, options.threads)?;
        Ok(Self {
            opening,
            table: table.clone(),
            options: options.clone(),
            info: rows.info().clone(),
            layout: rows.layout().clone(),
            schema: rows.schema(),
            opened: Mutex::new(Some(rows)),
            left_out: Mutex::default(),
        })
    }

    pub(super) fn uri(&self) -> &str {
        &self.info.uri
    }

    /// Begins to read, from the start. Blocks.
    pub(super) fn read(&self, given: &[usize]) -> Result<Reading> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).take();
        let rows = match opened {
            Some(rows) => rows,
            None => self.open_again()?,
        };
        rows.read(&self.options, given)
    }

    fn open_again(&self) -> Result<ExportRows> {
        let rows = ExportRows::open((self.opening)()?, &self.table, &self.options, self.options.threads)?;
        if *rows.info() != self.info || *rows.layout() != self.layout {
            return Err(Error::input("the export has changed since the query began")
                .at(Place::uri(self.uri()))
                .help("ask again"));
        }
        Ok(rows)
    }

    /// What is to be said of records that readings have left out, if any were.
    pub(super) fn left_out(&self) -> Option<String> {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what a reading has left out.
    pub(super) fn note_left_out(&self, reading: &Reading) {
        if let Some(told) = reading.left_out() {
            *self.left_out.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        }
    }
}
