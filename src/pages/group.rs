//! One row group: blocks of records in, finished column chunks out.

use super::chunk::{ColumnChunk, PageTools};
use super::column::Column;
use super::encoding::{Encoding, encoder_failed};
use super::intake::{Counts, Intake};
use super::layout::builders;
use crate::csv::Block;
use crate::error::Result;
use crate::values::Measure;
use std::sync::Arc;

/// Rows after which a page ends, at the end of a block.
const PAGE_ROWS: usize = 16_384;
/// Bytes after which a page ends, at the end of a block.
const PAGE_BYTES: usize = 1 << 20;

/// Which columns start a row group with a dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DictionaryPlan(Vec<bool>);

/// What a row group came to.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Counted {
    /// What became of its records; its rows are written.
    pub counts: Counts,
    /// What each column of the layout holds.
    pub measures: Vec<Measure>,
    /// There were more rejects than are allowed; the records after them were not looked at.
    pub gave_up: bool,
}

/// A finished row group.
pub struct EncodedRowGroup {
    /// What it came to.
    pub counted: Counted,
    pub(super) columns: EncodedColumns,
}

/// The pages of a row group.
pub struct EncodedColumns {
    pub(super) rows: u64,
    pub(super) chunks: Vec<ColumnChunk>,
}

impl EncodedRowGroup {
    /// What it came to, and its pages.
    pub fn split(self) -> (Counted, EncodedColumns) {
        (self.counted, self.columns)
    }
}

/// One worker's encoder; its buffers are used again for each row group.
pub struct RowGroupEncoder {
    intake: Intake<dyn Column>,
    tools: PageTools,
    page_rows: usize,
}

impl RowGroupEncoder {
    /// A new encoder, dictionaries allowed in every column.
    pub fn new(encoding: Arc<Encoding>) -> Result<Self> {
        let options = encoding.options;
        let columns = builders(&encoding.layout.columns, encoding.schema(), &options, encoding.kernel);
        let mut encoder = Self {
            intake: Intake::new(encoding, columns),
            tools: PageTools::new(options.codec).map_err(encoder_failed)?,
            page_rows: 0,
        };
        encoder.columns().for_each(|column| column.allow_dictionary(true));
        Ok(encoder)
    }

    fn columns(&mut self) -> impl Iterator<Item = &mut (dyn Column + 'static)> {
        self.intake.columns.iter_mut().map(|column| column.column())
    }

    /// Says which columns use a dictionary, from the next row group on.
    pub fn set_plan(&mut self, plan: &DictionaryPlan) {
        self.columns().zip(&plan.0).for_each(|(column, &allowed)| column.allow_dictionary(allowed));
    }

    /// Which dictionaries pay, as far as the blocks of this row group tell. Drops the row group.
    pub fn into_plan(mut self) -> DictionaryPlan {
        DictionaryPlan(self.columns().map(|column| column.keeps_dictionary()).collect())
    }

    /// Records so far.
    pub fn records(&self) -> u64 {
        self.intake.counts.records
    }

    /// Whether there are more rejects than are allowed: more blocks need not be added.
    pub fn gave_up(&self) -> bool {
        self.intake.gave_up()
    }

    /// Adds the records of a block.
    pub fn add(&mut self, block: Block<'_>) -> Result<()> {
        let rows = self.intake.add(block)?;
        if rows == 0 {
            return Ok(());
        }
        self.page_rows += rows;
        self.end_pages().map_err(encoder_failed)
    }

    fn end_pages(&mut self) -> parquet::errors::Result<()> {
        let by_rows = self.page_rows >= PAGE_ROWS;
        if by_rows {
            self.page_rows = 0;
        }
        for column in self.intake.columns.iter_mut().map(|column| column.column()) {
            if by_rows || column.page_bytes() >= PAGE_BYTES {
                column.flush(&mut self.tools)?;
            }
        }
        Ok(())
    }

    /// Ends the row group and starts the next.
    pub fn finish(&mut self) -> Result<EncodedRowGroup> {
        let mut chunks = Vec::with_capacity(self.intake.columns.len());
        let mut measures = Vec::with_capacity(self.intake.columns.len());
        for column in self.intake.columns.iter_mut().map(|column| column.column()) {
            let (chunk, measure) = column.finish(&mut self.tools).map_err(encoder_failed)?;
            chunks.push(chunk);
            measures.push(measure);
        }
        self.page_rows = 0;
        let gave_up = self.gave_up();
        let counts = std::mem::take(&mut self.intake.counts);
        let columns = EncodedColumns { rows: counts.rows, chunks };
        Ok(EncodedRowGroup { counted: Counted { counts, measures, gave_up }, columns })
    }
}
