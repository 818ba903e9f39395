//! The workers that read an export's rows, one for each partition of a query.

use super::tally::Tally;
use crate::csv::{Blocks, Segment, Splitter};
use crate::error::Result;
use crate::pages::{BatchDecoder, Counts, Encoding};
use crate::pipeline::caught::caught;
use crate::pipeline::decompress::{Bzip2Blocks, Decompressed, Scratch, readers_place};
use crate::pipeline::split::{fill, room};
use crate::pipeline::watch::Watch;
use arrow::array::RecordBatch;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// CSV bytes of a turn: so much stays in a core's cache from the reading to the fields.
const TURN_BYTES: usize = 1 << 20;
/// Rows of a batch: what DataFusion's operators are tuned for.
const BATCH_ROWS: usize = 8_192;
/// Values of a batch that end it before: rows of many MiB are few in it.
const BATCH_BYTES: usize = 16 << 20;

/// Reads on and cuts. One worker at a time holds it.
pub(super) struct Cut {
    input: Decompressed<'static>,
    splitter: Splitter,
    /// What is left of the block that the header was in.
    first: Option<Blocks>,
    next_turn: u64,
}

impl Cut {
    pub(super) fn new(input: Decompressed<'static>, splitter: Splitter, first: Blocks) -> Self {
        Self { input, splitter, first: Some(first), next_turn: 0 }
    }

    /// Puts the records of the next turn in `blocks`, in place of what is there; false at the end of the file.
    fn next(&mut self, watch: &Watch, blocks: &mut Blocks, scratch: &mut Scratch) -> Result<bool> {
        match self.first.take() {
            Some(first) => *blocks = first,
            None => blocks.clear(),
        }
        // All is one segment.
        let turn = (Segment::default(), TURN_BYTES);
        fill(&mut self.input, &mut self.splitter, watch, turn, blocks, scratch)?;
        Ok(!blocks.is_empty())
    }
}

/// One reading of an export. Any number of workers take turns at it; each turn is whole records.
pub struct Reading {
    encoding: Arc<Encoding>,
    given: Vec<usize>,
    blocks: Option<Bzip2Blocks<'static>>,
    /// `None` once the end, or an error, was reached.
    cut: Mutex<Option<Cut>>,
    tally: Mutex<Tally>,
    watch: Arc<Watch>,
}

impl Reading {
    pub(super) fn new(
        encoding: Arc<Encoding>,
        given: Vec<usize>,
        cut: Cut,
        tally: Tally,
        watch: Arc<Watch>,
    ) -> Self {
        let blocks = cut.input.blocks();
        Self { encoding, given, blocks, cut: Mutex::new(Some(cut)), tally: Mutex::new(tally), watch }
    }

    /// Takes turns until the end of the file, and hands batches on until `give` says that nobody wants more. A batch has
    /// at most `rows_max` rows, but for those of its last block.
    ///
    /// # Errors
    /// The first in the order of the file, as far as it is known when the worker ends: whoever brings the turn before it
    /// hears of it, and all that come later.
    pub fn work(&self, rows_max: usize, mut give: impl FnMut(RecordBatch) -> bool) -> Result<()> {
        let (mut blocks, mut scratch) = (room(TURN_BYTES), Scratch::default());
        let mut decoder = BatchDecoder::new(Arc::clone(&self.encoding), &self.given);
        let mut wanted = true;
        let rows_max = rows_max.min(BATCH_ROWS);
        while wanted && let Some((turn, cut)) = self.next_turn(&mut blocks, &mut scratch) {
            let decode =
                || cut.and_then(|()| Self::decode(&mut decoder, &blocks, rows_max, &mut wanted, &mut give));
            // Of a turn that never comes in, all that follow would say nothing: even a panic is told.
            let counts = caught(decode);
            let counted = self.tally().accept(turn, counts);
            if counted.is_err() {
                self.end();
            }
            counted?;
        }
        if wanted && decoder.rows() > 0 {
            give(decoder.batch()?);
        }
        self.tally().verdict()
    }

    /// What is to be said of records that were left out, if any were.
    pub fn left_out(&self) -> Option<String> {
        self.tally().left_out()
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next turn, or why there is none; `None` when there is nothing more to do.
    fn next_turn(&self, blocks: &mut Blocks, scratch: &mut Scratch) -> Option<(u64, Result<()>)> {
        let mut place = readers_place(&self.cut, self.blocks.as_ref(), scratch);
        let cut = place.as_mut()?;
        let turn = cut.next_turn;
        cut.next_turn += 1;
        match caught(|| cut.next(&self.watch, blocks, scratch)) {
            Ok(true) => Some((turn, Ok(()))),
            Ok(false) => {
                *place = None;
                None
            }
            Err(error) => {
                *place = None;
                Some((turn, Err(error)))
            }
        }
    }

    /// Ends the reading for all workers.
    fn end(&self) {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Decodes a turn. It is counted to its end even if nobody wants its rows: what follows it has its numbers from it.
    fn decode(
        decoder: &mut BatchDecoder,
        blocks: &Blocks,
        rows_max: usize,
        wanted: &mut bool,
        give: &mut impl FnMut(RecordBatch) -> bool,
    ) -> Result<Counts> {
        for block in blocks.iter() {
            decoder.add(block)?;
            // Rows beside a reject that is not allowed are no answer.
            if decoder.gave_up() {
                break;
            }
            if decoder.rows() >= rows_max || decoder.bytes() >= BATCH_BYTES {
                let batch = decoder.batch()?;
                *wanted = *wanted && give(batch);
            }
        }
        Ok(decoder.take_counts())
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("given", &self.given).finish_non_exhaustive()
    }
}
