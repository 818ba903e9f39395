//! One row group: blocks of records in, finished column chunks out.
//!
//! ```text
//! Block ─▶ scan ─▶ check each column ─▶ commit each column ─▶ … ─▶ column chunks
//!            │            │
//!            └── wrong ───┴──▶ exact decoder ─▶ rejects; the sound records again
//! ```

use super::chunk::{ColumnChunk, PageTools};
use super::compiled::Compiled;
use super::explain::{Rules, Sorted};
use super::gather::{ColumnEnds, Fields, Spans};
use super::layout::{builders, file_schema};
use super::marked::has_marked;
use super::options::EncodeOptions;
use super::rejects::{PackedReject, Reject, Rejects};
use crate::csv::{Block, Blocks, Kernel, Scan};
use crate::error::{Error, Place, Result};
use crate::schema::Layout;
use crate::values::Measure;
use parquet::errors::ParquetError;
use parquet::schema::types::SchemaDescPtr;
use std::sync::Arc;

/// Rows after which a page ends, at the end of a block.
const PAGE_ROWS: usize = 16_384;
/// Bytes after which a page ends, at the end of a block.
const PAGE_BYTES: usize = 1 << 20;

/// Which columns start a row group with a dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DictionaryPlan(Vec<bool>);

/// What a row group came to.
#[derive(Debug)]
pub struct Counted {
    /// Rows written.
    pub rows: u64,
    /// Records read, rejected ones too.
    pub records: u64,
    /// Newlines read.
    pub lines: u64,
    /// What each column of the layout holds.
    pub measures: Vec<Measure>,
    /// Records left out because whose they are was erased.
    pub erased: u64,
    /// Records left out, in order.
    pub rejects: Rejects,
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

/// How records become row groups; shared by all workers.
pub struct Encoding {
    layout: Layout,
    options: EncodeOptions,
    kernel: Kernel,
    schema: SchemaDescPtr,
    rules: Rules,
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
}

/// One worker's encoder; its buffers are used again for each row group.
pub struct RowGroupEncoder {
    encoding: Arc<Encoding>,
    columns: Vec<Box<dyn Compiled>>,
    scan: Scan,
    ends: ColumnEnds,
    spans: Spans,
    tools: PageTools,
    page_rows: usize,
    rows: u64,
    records: u64,
    lines: u64,
    erased: u64,
    rejects: Rejects,
}

impl RowGroupEncoder {
    /// A new encoder, dictionaries allowed in every column.
    pub fn new(encoding: Arc<Encoding>) -> Result<Self> {
        let options = encoding.options;
        let columns = builders(&encoding.layout.columns, &encoding.schema, &options, encoding.kernel);
        let mut encoder = Self {
            columns,
            scan: Scan::new(encoding.kernel, options.line_end),
            ends: ColumnEnds::default(),
            spans: Spans::default(),
            tools: PageTools::new(options.codec).map_err(encoder_failed)?,
            page_rows: 0,
            rows: 0,
            records: 0,
            lines: 0,
            erased: 0,
            rejects: Rejects::default(),
            encoding,
        };
        encoder.columns.iter_mut().for_each(|column| column.column().allow_dictionary(true));
        Ok(encoder)
    }

    /// Says which columns use a dictionary, from the next row group on.
    pub fn set_plan(&mut self, plan: &DictionaryPlan) {
        for (column, &allowed) in self.columns.iter_mut().zip(&plan.0) {
            column.column().allow_dictionary(allowed);
        }
    }

    /// Which dictionaries pay, as far as the blocks of this row group tell. Drops the row group.
    pub fn into_plan(mut self) -> DictionaryPlan {
        DictionaryPlan(self.columns.iter_mut().map(|column| column.column().keeps_dictionary()).collect())
    }

    /// Records so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Whether there are more rejects than are allowed: more blocks need not be added.
    pub fn gave_up(&self) -> bool {
        self.rejects.len() > self.rejects_max()
    }

    fn rejects_max(&self) -> usize {
        usize::try_from(self.encoding.options.rejects_max).unwrap_or(usize::MAX)
    }

    /// Adds the records of a block.
    pub fn add(&mut self, block: Block<'_>) -> Result<()> {
        if self.add_sound(block)? {
            self.records += self.last_records();
            return Ok(());
        }
        let rejects_left = self.rejects_max().saturating_sub(self.rejects.len());
        let lines = memchr::memchr_iter(b'\n', block.records()).count() as u64;
        let before = self.rejects.len();
        let rejects = &mut self.rejects;
        let Sorted { sound, erased } =
            self.encoding.rules.sort(block.records(), rejects_left, |at, record| {
                let byte = block.byte + record.at as u64;
                rejects.push(self.records + at, self.lines + record.lines_before, byte, record.bytes);
            });
        self.erased += erased;
        self.records += (self.rejects.len() - before) as u64 + erased;
        let lines_after = self.lines + lines;
        if !sound.is_empty() {
            if !self.add_sound(Blocks::from_records(&sound, block.byte).first())? {
                return Err(decoders_disagree(block.byte));
            }
            self.records += self.last_records();
        }
        self.lines = lines_after;
        Ok(())
    }

    fn last_records(&self) -> u64 {
        (self.scan.ends().len() as u64 - 1) / self.encoding.layout.fields as u64
    }

    /// Adds a block if nothing in it is wrong, and nothing is to be left out.
    fn add_sound(&mut self, block: Block<'_>) -> Result<bool> {
        let width = self.encoding.layout.fields;
        let Some(rows) = self.scan.block(block, width) else { return Ok(false) };
        let fields = Fields::new(self.encoding.kernel, block, &self.scan, &mut self.ends, width, rows);
        if has_marked(&self.encoding.layout.erased, &fields) {
            return Ok(false);
        }
        for i in 0..self.columns.len() {
            if !self.columns[i].check(&fields, &mut self.spans) {
                self.columns[..=i].iter_mut().for_each(|column| column.column().rollback());
                return Ok(false);
            }
        }
        for column in &mut self.columns {
            column.commit(&fields, &mut self.spans);
        }
        self.rows += rows as u64;
        self.lines += self.scan.lines();
        self.page_rows += rows;
        self.end_pages().map_err(encoder_failed)?;
        Ok(true)
    }

    fn end_pages(&mut self) -> parquet::errors::Result<()> {
        let by_rows = self.page_rows >= PAGE_ROWS;
        if by_rows {
            self.page_rows = 0;
        }
        for column in self.columns.iter_mut().map(|column| column.column()) {
            if by_rows || column.page_bytes() >= PAGE_BYTES {
                column.flush(&mut self.tools)?;
            }
        }
        Ok(())
    }

    /// Ends the row group and starts the next.
    pub fn finish(&mut self) -> Result<EncodedRowGroup> {
        let mut columns = Vec::with_capacity(self.columns.len());
        let mut measures = Vec::with_capacity(self.columns.len());
        for column in self.columns.iter_mut().map(|column| column.column()) {
            let (chunk, measure) = column.finish(&mut self.tools).map_err(encoder_failed)?;
            columns.push(chunk);
            measures.push(measure);
        }
        self.page_rows = 0;
        let rows = std::mem::take(&mut self.rows);
        let counted = Counted {
            gave_up: self.gave_up(),
            rows,
            records: std::mem::take(&mut self.records),
            lines: std::mem::take(&mut self.lines),
            measures,
            erased: std::mem::take(&mut self.erased),
            rejects: std::mem::take(&mut self.rejects),
        };
        Ok(EncodedRowGroup { counted, columns: EncodedColumns { rows, chunks: columns } })
    }
}

/// A fault of ours, not of the data: never passed over in silence.
fn decoders_disagree(byte: u64) -> Error {
    Error::counts("the fast and the exact decoder disagree about a record")
        .at(Place::byte(byte))
        .help("please report this with the records around the place; run with CSL_KERNEL=portable meanwhile")
}

pub(super) fn encoder_failed(error: ParquetError) -> Error {
    Error::machine("cannot encode parquet").because(error)
}
