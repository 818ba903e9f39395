//! The records of blocks, sorted: the fields of the sound ones go to columns, the others are rejects.
//!
//! ```text
//! Block ─▶ scan ─▶ check each column ─▶ commit each column
//!            │            │
//!            └── wrong ───┴──▶ exact decoder ─▶ rejects; the sound records again
//! ```

use super::column::Decode;
use super::compiled::Compiled;
use super::encoding::Encoding;
use super::explain::Sorted;
use super::gather::{ColumnEnds, Fields, Spans};
use super::marked::has_marked;
use super::rejects::Rejects;
use crate::csv::{Block, Blocks, Scan};
use crate::error::{Error, Place, Result};
use std::sync::Arc;

/// What became of the records of some blocks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Rows kept.
    pub rows: u64,
    /// Records read, rejected ones too.
    pub records: u64,
    /// Newlines read.
    pub lines: u64,
    /// Records left out because whose they are was erased.
    pub erased: u64,
    /// Records left out, in order.
    pub rejects: Rejects,
}

/// One worker's columns, and what it needs to fill them; its buffers are used again for each block.
pub(super) struct Intake<T: ?Sized> {
    pub(super) encoding: Arc<Encoding>,
    pub(super) columns: Vec<Box<dyn Compiled<T>>>,
    scan: Scan,
    ends: ColumnEnds,
    spans: Spans,
    pub(super) counts: Counts,
}

impl<T: Decode + ?Sized> Intake<T> {
    /// For the columns of the encoding's layout, in its order.
    pub(super) fn new(encoding: Arc<Encoding>, columns: Vec<Box<dyn Compiled<T>>>) -> Self {
        let layout = &encoding.layout;
        let read = layout.columns.iter().filter_map(|column| column.field);
        let read = read.chain(layout.erased.iter().map(|erased| erased.at));
        Self {
            columns,
            scan: Scan::new(encoding.kernel, encoding.options.line_end),
            ends: ColumnEnds::of_fields(layout.fields, read),
            spans: Spans::default(),
            counts: Counts::default(),
            encoding,
        }
    }

    /// Whether there are more rejects than are allowed: more blocks need not be added.
    pub(super) fn gave_up(&self) -> bool {
        self.counts.rejects.len() > self.encoding.rejects_max()
    }

    /// Adds the records of a block, and says how many rows those are.
    pub(super) fn add(&mut self, block: Block<'_>) -> Result<usize> {
        if let Some(rows) = self.add_sound(block) {
            return Ok(rows);
        }
        let counts = &mut self.counts;
        let rejects_left = self.encoding.rejects_max().saturating_sub(counts.rejects.len());
        let lines = memchr::memchr_iter(b'\n', block.records()).count() as u64;
        let before = counts.rejects.len();
        let rejects = &mut counts.rejects;
        let Sorted { sound, erased } =
            self.encoding.rules.sort(block.records(), rejects_left, |at, record| {
                let byte = block.byte + record.at as u64;
                rejects.push(counts.records + at, counts.lines + record.lines_before, byte, record.bytes);
            });
        counts.erased += erased;
        counts.records += (counts.rejects.len() - before) as u64 + erased;
        let lines_after = counts.lines + lines;
        let mut rows = 0;
        if !sound.is_empty() {
            let sound = self.add_sound(Blocks::from_records(&sound, block.byte).first());
            rows = sound.ok_or_else(|| decoders_disagree(block.byte))?;
        }
        self.counts.lines = lines_after;
        Ok(rows)
    }

    /// Adds a block if nothing in it is wrong, and nothing is to be left out.
    fn add_sound(&mut self, block: Block<'_>) -> Option<usize> {
        let layout = &self.encoding.layout;
        let rows = self.scan.block(block, layout.fields)?;
        let fields =
            Fields::new(self.encoding.kernel, block, &self.scan, &mut self.ends, layout.fields, rows);
        if has_marked(&layout.erased, &fields) {
            return None;
        }
        for i in 0..self.columns.len() {
            if !self.columns[i].check(&fields, &mut self.spans) {
                self.columns[..=i].iter_mut().for_each(|column| column.column().rollback());
                return None;
            }
        }
        for column in &mut self.columns {
            column.commit(&fields, &mut self.spans);
        }
        self.counts.rows += rows as u64;
        self.counts.records += rows as u64;
        self.counts.lines += self.scan.lines();
        Some(rows)
    }
}

/// A fault of ours, not of the data: never passed over in silence.
fn decoders_disagree(byte: u64) -> Error {
    Error::counts("the fast and the exact decoder disagree about a record")
        .at(Place::byte(byte))
        .help("please report this with the records around the place; run with CSL_KERNEL=portable meanwhile")
}
