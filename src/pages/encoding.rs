//! How records become columns; shared by all workers.

use super::explain::Rules;
use super::layout::file_schema;
use super::options::EncodeOptions;
use super::rejects::{PackedReject, Reject};
use crate::csv::Kernel;
use crate::error::{Error, Result};
use crate::schema::Layout;
use parquet::errors::ParquetError;
use parquet::schema::types::SchemaDescPtr;
use std::sync::Arc;

/// How records become columns; shared by all workers.
pub struct Encoding {
    pub(super) layout: Layout,
    pub(super) options: EncodeOptions,
    pub(super) kernel: Kernel,
    schema: SchemaDescPtr,
    pub(super) rules: Rules,
}

impl Encoding {
    /// Fails only on a column name or type that Parquet cannot have.
    pub fn new(layout: Layout, options: EncodeOptions, kernel: Kernel) -> Result<Arc<Self>> {
        let schema = Arc::new(file_schema(&layout.columns).map_err(encoder_failed)?);
        let rules = Rules::new(&layout, options);
        Ok(Arc::new(Self { layout, options, kernel, schema, rules }))
    }

    /// A reject with all its faults.
    pub fn explain(&self, reject: PackedReject<'_>) -> Reject {
        self.rules.explain(reject)
    }

    /// What is written.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The Parquet schema.
    pub(super) fn schema(&self) -> &SchemaDescPtr {
        &self.schema
    }

    /// Rejects after which records need not be looked at.
    pub(super) fn rejects_max(&self) -> usize {
        usize::try_from(self.options.rejects_max).unwrap_or(usize::MAX)
    }
}

pub(super) fn encoder_failed(error: ParquetError) -> Error {
    Error::machine("cannot encode parquet").because(error)
}
