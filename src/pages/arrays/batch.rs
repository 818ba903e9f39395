//! Blocks of records in, batches of some columns out.

use super::column::ArrayColumn;
use super::schema::{arrow_schema, builders};
use crate::csv::Block;
use crate::error::{Error, Result};
use crate::pages::encoding::Encoding;
use crate::pages::intake::{Counts, Intake};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use std::sync::Arc;

/// One worker's decoder: of every record the form is looked at, and the fields of the encoding's layout are read.
pub struct BatchDecoder {
    intake: Intake<dyn ArrayColumn>,
    /// Columns of the layout that a batch has, in its order; one may be there twice.
    given: Vec<usize>,
    schema: SchemaRef,
    rows: usize,
}

impl BatchDecoder {
    /// One whose batches have the columns of the layout at these places.
    pub fn new(encoding: Arc<Encoding>, given: &[usize]) -> Self {
        let all = arrow_schema(&encoding.layout.columns);
        let fields = given.iter().filter_map(|&at| all.fields().get(at).cloned());
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let columns = builders(&encoding);
        Self { intake: Intake::new(encoding, columns), given: given.to_vec(), schema, rows: 0 }
    }

    /// Adds the records of a block.
    ///
    /// # Errors
    /// [`Error::Counts`] if the two decoders disagree.
    pub fn add(&mut self, block: Block<'_>) -> Result<()> {
        self.rows += self.intake.add(block)?;
        Ok(())
    }

    /// Whether there are more rejects than are allowed: more blocks need not be added.
    pub fn gave_up(&self) -> bool {
        self.intake.gave_up()
    }

    /// Rows that the next batch has so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes that it has so far, those of NULLs left out.
    pub fn bytes(&mut self) -> usize {
        self.intake.columns.iter_mut().map(|column| column.column().bytes()).sum()
    }

    /// The rows so far, and the next batch begins.
    ///
    /// # Errors
    /// [`Error::Machine`] if they cannot be held.
    pub fn batch(&mut self) -> Result<RecordBatch> {
        let arrays: Vec<_> =
            self.intake.columns.iter_mut().map(|column| column.column().finish()).collect::<Result<_>>()?;
        let arrays = self.given.iter().map(|&at| Arc::clone(&arrays[at])).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(|cause| Error::machine("cannot make a batch of rows").because(cause))
    }

    /// What became of the records since it was asked last.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.intake.counts)
    }
}
