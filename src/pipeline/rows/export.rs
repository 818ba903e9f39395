//! An export whose header was read.

use super::reading::{Cut, Reading};
use super::tally::Tally;
use crate::csv::{Blocks, LineEnd, Splitter};
use crate::error::Result;
use crate::pages::{Encoding, arrow_schema};
use crate::pipeline::decompress::Decompressed;
use crate::pipeline::kernel::csv_kernel;
use crate::pipeline::options::ConvertOptions;
use crate::pipeline::rejects::RejectsWriter;
use crate::pipeline::split::{Header, bind, read_header, splitter};
use crate::pipeline::watch::Watch;
use crate::schema::{Layout, Table};
use crate::store::{ByteSource, ObjectInfo};
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

/// CSV of a segment: a query has no files, and so no places to cut them.
const SEGMENT_BYTES: u64 = u64::MAX;

/// What opens an export: the first time, and whenever a query reads it again.
pub type Opening = Arc<dyn Fn() -> Result<Box<dyn ByteSource>> + Send + Sync>;

/// An export whose header was read and bound to its table; its rows have not been read yet.
pub struct ExportRows {
    input: Decompressed<'static>,
    splitter: Splitter,
    /// What is left of the block that the header was in.
    first: Blocks,
    header: Header,
    layout: Layout,
    info: ObjectInfo,
    watch: Arc<Watch>,
}

impl ExportRows {
    /// Reads the header. Up to `workers` will read the rows.
    ///
    /// # Errors
    /// Those of a conversion, up to its first record.
    pub fn open(
        source: Box<dyn ByteSource>,
        table: &Table,
        options: &ConvertOptions,
        workers: usize,
    ) -> Result<Self> {
        let (watch, info) = (Arc::<Watch>::default(), source.info().clone());
        let mut input = Decompressed::open(source, Arc::clone(&watch), workers, SEGMENT_BYTES)?;
        let mut splitter = splitter(options, LineEnd::Lf);
        let mut first = Blocks::default();
        let header = read_header(&mut input, &mut splitter, &mut first)?;
        let layout = bind(&header, input.uri(), table, options)?;
        if options.allow_open_end {
            splitter.allow_open_end(header.line_end);
        }
        Ok(Self { input, splitter, first, header, layout, info, watch })
    }

    /// What each field of a record becomes.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The columns of the layout, as Arrow has them.
    pub fn schema(&self) -> SchemaRef {
        arrow_schema(&self.layout.columns)
    }

    /// The object that is read.
    pub fn info(&self) -> &ObjectInfo {
        &self.info
    }

    /// Begins to read the rows. Their batches have the columns of the layout at the places `given`, in that order.
    ///
    /// If no reject is allowed, only those columns are looked at: a wrong value in another changes nothing of the answer.
    /// If some are, all are: which rows are left out must not depend on what is asked of the others.
    ///
    /// # Errors
    /// Only of a column that Parquet cannot have.
    pub fn read(self, options: &ConvertOptions, given: &[usize]) -> Result<Reading> {
        let Self { input, splitter, first, header, layout, watch, .. } = self;
        let mut read: Vec<usize> = given.to_vec();
        read.sort_unstable();
        read.dedup();
        if options.max_rejects > 0 {
            read = (0..layout.columns.len()).collect();
        }
        let given = given.iter().map(|at| read.partition_point(|before| before < at)).collect();
        let rejects = RejectsWriter::new(None, &header, &layout.masks, options.report_values);
        let encode = options.encode_options(header.line_end);
        let encoding = Encoding::new(layout.only(&read), encode, csv_kernel())?;
        let tally =
            Tally::new(Arc::clone(&encoding), options.max_rejects, input.uri(), header.lines, rejects);
        Ok(Reading::new(encoding, given, Cut::new(input, splitter, first), tally, watch))
    }
}
