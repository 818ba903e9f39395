//! What every column can do, whatever its type.
//!
//! A block of records goes through two steps, so that a fault in any column leaves all of them as
//! they were: `check` reads whatever can fail and keeps it aside; `commit` keeps it for good. A
//! faulty block is rolled back, cleaned by the exact reader, and comes again.

use super::bits::Bits;
use super::chunk::{ChunkBuilder, ColumnChunk, PageTools};
use super::gather::{Fields, Spans};
use super::options::EmptyStrings;
use super::simd::Simd;
use crate::schema::OutputColumn;
use crate::values::Measure;
use parquet::errors::Result;
use parquet::schema::types::ColumnDescPtr;

/// Values that are kept before a dictionary is judged again; bounds how far it outgrows its limit.
pub(super) const COMMIT_VALUES: usize = 4_096;

/// What reads a column's fields, block by block. What is done for each record is inlined into a function of each
/// instruction set.
pub(super) trait Decode: Send {
    /// Reads the column's fields of a block; false if any of them is wrong.
    fn check<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans) -> bool
    where
        Self: Sized;

    /// Keeps what was checked.
    fn commit<S: Simd>(&mut self, simd: S, fields: &Fields<'_>, spans: &mut Spans)
    where
        Self: Sized;

    /// Forgets what was checked.
    fn rollback(&mut self);
}

/// A column of a row group that is being built.
pub(super) trait Column: Decode {
    /// Bytes of the page that is being filled.
    fn page_bytes(&self) -> usize;

    /// Ends the page that is being filled, if it has rows.
    fn flush(&mut self, tools: &mut PageTools) -> Result<()>;

    /// Ends the column chunk, sums it up, and starts the next.
    fn finish(&mut self, tools: &mut PageTools) -> Result<(ColumnChunk, Measure)>;

    /// Whether the chunk so far has a dictionary that pays.
    fn keeps_dictionary(&self) -> bool {
        false
    }

    /// Whether the next chunk starts with a dictionary.
    fn allow_dictionary(&mut self, allowed: bool) {
        let _ = allowed;
    }
}

/// What all columns need.
pub(super) struct Common {
    pub(super) spec: OutputColumn,
    pub(super) descriptor: ColumnDescPtr,
    empty_is_null: bool,
    /// Definition levels of the page being filled, those of an uncommitted block too.
    pub(super) levels: Bits,
    committed_rows: usize,
    pub(super) chunk: ChunkBuilder,
    pub(super) nulls: u64,
}

impl Common {
    pub(super) fn new(spec: OutputColumn, descriptor: ColumnDescPtr, empty_strings: EmptyStrings) -> Self {
        Self {
            empty_is_null: empty_strings == EmptyStrings::Null && spec.column_type.is_text(),
            spec,
            descriptor,
            levels: Bits::default(),
            committed_rows: 0,
            chunk: ChunkBuilder::default(),
            nulls: 0,
        }
    }

    /// The non-NULL fields of the block. False if there is a NULL where none may be; a column that
    /// the file lacks was allowed to be NULL.
    #[inline(always)]
    pub(super) fn gather(&mut self, simd: impl Simd, fields: &Fields<'_>, spans: &mut Spans) -> bool {
        fields.gather(simd, self.spec.field, self.empty_is_null, spans, &mut self.levels);
        self.spec.nullable || self.spec.field.is_none() || spans.len() == fields.rows
    }

    /// Makes NULL of those of the values just gathered that do not stay.
    pub(super) fn retain(&mut self, stay: &[bool]) {
        let mut stay = stay.iter().copied();
        self.levels.retain_ones(self.committed_rows, || stay.next().unwrap_or(true));
    }

    pub(super) fn commit(&mut self, values: usize) {
        self.nulls += (self.levels.len() - self.committed_rows - values) as u64;
        self.committed_rows = self.levels.len();
    }

    pub(super) fn rollback(&mut self) {
        self.levels.truncate(self.committed_rows);
    }

    /// The levels of what was committed, if nothing is being checked; the next rows begin anew.
    #[cfg(feature = "query")]
    pub(super) fn take_levels(&mut self) -> Bits {
        (self.committed_rows, self.nulls) = (0, 0);
        std::mem::take(&mut self.levels)
    }

    /// Called when the page was written.
    pub(super) fn page_done(&mut self) {
        self.levels.clear();
        self.committed_rows = 0;
    }
}
