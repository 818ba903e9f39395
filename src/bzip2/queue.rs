//! The spans between input and output: which to decode next, which of them are blocks, what is ready.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::block::{self, Decoded, Scratch};
use super::error::{Error, Fault};
use super::kernel::Kernel;
use super::limits::Limits;
use super::passed::Passed;
use super::pool::{BUFFER_BYTES, Bytes, Origin, Pool};
use super::rle::Expander;
use super::source::{Kind, SPAN_BYTES_MAX, Span, padded};
use super::stream::{Chain, Start};

/// A span to decode, away from the lock.
pub(super) struct Job {
    /// First bit of the span, by which the result finds back.
    start: u64,
    /// Where the data begins, in bits.
    base: u64,
    /// Behind the last bit.
    end: u64,
    data: Arc<Vec<u8>>,
}

/// What became of a job.
type Outcome = Result<(Decoded, Vec<u8>), Fault>;

impl Job {
    /// Decodes; a failed job gives its buffer back to the pool.
    pub(super) fn run(&self, scratch: &mut Scratch, pool: &Pool) -> Outcome {
        let mut buffer = pool.get();
        let (start, end) = (self.start - self.base, self.end - self.base);
        match block::decode(scratch, &self.data, start, end, &mut buffer) {
            Ok(decoded) => Ok((decoded, buffer)),
            Err(fault) => {
                pool.put(buffer);
                Err(fault)
            }
        }
    }
}

enum Stage {
    Waiting,
    Decoding,
    Decoded(Outcome),
}

struct Item {
    span: Span,
    /// The span and those after it, if the block turned out to be longer than the span.
    joined: Option<(Arc<Vec<u8>>, u64)>,
    stage: Stage,
}

/// An accepted block.
struct Ready {
    buffer: Vec<u8>,
    bytes: usize,
    origin: Origin,
    /// How far a packed block has been taken.
    packed: Option<Expander>,
}

/// How decoding ended.
enum End {
    Complete,
    Failed(Error),
}

/// Everything that workers share, under one lock.
pub(super) struct Queue {
    limits: Limits,
    pool: Arc<Pool>,
    items: VecDeque<Item>,
    chain: Chain,
    ready: VecDeque<Ready>,
    end: Option<End>,
    /// Somebody reads.
    reading: bool,
    /// The input is in spans to its end, or could not be read on.
    read_out: bool,
    read_error: Option<io::Error>,
    /// The first block cannot be decoded before more was read.
    starving: bool,
}

impl Queue {
    pub(super) fn new(limits: Limits, pool: Arc<Pool>, start: Start) -> Self {
        Self {
            limits,
            pool,
            items: VecDeque::new(),
            chain: Chain::new(start),
            ready: VecDeque::new(),
            end: None,
            reading: false,
            read_out: false,
            read_error: None,
            starving: false,
        }
    }

    /// Whether there is no more work, now or later.
    pub(super) fn is_done(&self) -> bool {
        self.end.is_some()
    }

    /// Whether a call would be of use: to take, to decode or to read.
    pub(super) fn is_useful(&self) -> bool {
        !self.ready.is_empty() || self.has_work()
    }

    /// Whether a call to decode or to read would be of use, or none ever will be again.
    pub(super) fn has_work(&self) -> bool {
        self.end.is_some() || self.next_job().is_some() || self.may_read()
    }

    /// Index of the first span to decode, if there is room for its result.
    fn next_job(&self) -> Option<usize> {
        let waiting = self.items.iter().position(Item::is_waiting)?;
        let held = |item: &&Item| matches!(item.stage, Stage::Decoding | Stage::Decoded(Ok(_)));
        let finished = self.ready.len() + self.items.iter().filter(held).count();
        // The joined block holds up all the others, so it must not wait for their room.
        let urgent = self.items[waiting].joined.is_some();
        (urgent || finished < self.limits.finished_max).then_some(waiting)
    }

    /// Takes the next span to decode.
    pub(super) fn start_job(&mut self) -> Option<Job> {
        let index = self.next_job()?;
        let item = &mut self.items[index];
        item.stage = Stage::Decoding;
        let (data, end) = match &item.joined {
            Some((data, end)) => (Arc::clone(data), *end),
            None => (Arc::clone(&item.span.data), item.span.end),
        };
        Some(Job { start: item.span.start, base: item.span.base(), end, data })
    }

    /// Takes the result of a job. Its span may be gone, if it was no block after all.
    pub(super) fn finish_job(&mut self, job: &Job, outcome: Outcome) {
        match self.items.iter_mut().find(|item| item.span.start == job.start) {
            Some(item) => item.stage = Stage::Decoded(outcome),
            None => self.recycle(outcome),
        }
        self.settle();
    }

    fn may_read(&self) -> bool {
        let waiting = self.items.iter().filter(|item| item.is_waiting()).count();
        !self.reading && !self.read_out && (self.starving || waiting < self.limits.jobs_max)
    }

    /// Takes the turn to read.
    pub(super) fn start_reading(&mut self) -> bool {
        let may = self.may_read();
        self.reading |= may;
        may
    }

    /// Takes what was read; the result says whether that was all.
    pub(super) fn finish_reading(&mut self, spans: Vec<Span>, result: io::Result<bool>) {
        self.reading = false;
        self.starving = false;
        self.items.extend(spans.into_iter().map(|span| Item { span, joined: None, stage: Stage::Waiting }));
        match result {
            Ok(ended) => self.read_out = ended,
            Err(error) => (self.read_out, self.read_error) = (true, Some(error)),
        }
        self.settle();
    }

    /// Ends everything because a worker died with a part of the input.
    pub(super) fn lose_worker(&mut self) {
        self.finish(End::Failed(Error::WorkerLost));
    }

    /// Accepts from the front what has been decoded.
    fn settle(&mut self) {
        while self.end.is_none() {
            let step = match self.items.front() {
                Some(item) => match item.span.kind {
                    Kind::Block => self.settle_block(),
                    Kind::End => self.chain.end(&item.span).map(Step::after_mark),
                    Kind::Other => self.chain.other(&item.span).map(Step::after_mark),
                },
                None if self.read_out => Err(self.short_input()),
                None => return,
            };
            match step {
                Ok(Step::Accepted) => self.drop_accepted(),
                Ok(Step::Complete) => self.finish(End::Complete),
                Ok(Step::Wait) => return,
                Err(error) => self.finish(End::Failed(error)),
            }
        }
    }

    fn settle_block(&mut self) -> Result<Step, Error> {
        let Some(item) = self.items.front_mut() else { return Ok(Step::Wait) };
        let base = item.span.base();
        self.chain.see_block(item.span.start);
        let origin = Origin { bit: item.span.start, passed: self.chain.passed() };
        match std::mem::replace(&mut item.stage, Stage::Decoding) {
            Stage::Decoded(Ok((decoded, buffer))) => {
                self.chain.block(base + decoded.end, decoded.rows, decoded.crc)?;
                let packed = decoded.packed.then(|| Expander::new(Kernel::best()));
                self.ready.push_back(Ready { buffer, bytes: decoded.bytes, origin, packed });
                Ok(Step::Accepted)
            }
            Stage::Decoded(Err(Fault::Overrun)) => self.join(),
            Stage::Decoded(Err(Fault::Corrupt { what, bit })) => {
                Err(Error::Corrupt { what, bit: base + bit })
            }
            Stage::Decoded(Err(Fault::Randomised)) => Err(Error::Randomised { bit: item.span.start }),
            Stage::Decoded(Err(Fault::Checksum { stored, computed })) => {
                Err(Error::BlockChecksum { bit: item.span.start, stored, computed })
            }
            other => {
                item.stage = other;
                Ok(Step::Wait)
            }
        }
    }

    /// The first block is longer than its span: the mark that ends the span is part of the data. Puts the
    /// block together with all that follows, as far as a block can reach, so that once is enough.
    fn join(&mut self) -> Result<Step, Error> {
        let (Some(first), Some(last)) = (self.items.front(), self.items.back()) else {
            return Ok(Step::Wait);
        };
        let (base, start, end) = (first.span.base(), first.span.start, last.span.end);
        let whole = end - start >= SPAN_BYTES_MAX as u64 * 8 || self.read_out;
        if whole && (first.joined.is_some() || self.items.len() == 1) {
            if self.read_out && end - start < SPAN_BYTES_MAX as u64 * 8 {
                return Err(self.short_input());
            }
            return Err(Error::Corrupt { what: "a block longer than any can be", bit: start });
        }
        let mut stage = Stage::Decoded(Err(Fault::Overrun));
        let mut joined = None;
        if whole {
            let mut bytes = Vec::with_capacity(((end - base) / 8) as usize + 1);
            for item in &self.items {
                bytes.truncate(((item.span.base() - base) / 8) as usize);
                bytes.extend_from_slice(item.span.bytes());
            }
            joined = Some((Arc::new(padded(&bytes)), end));
            stage = Stage::Waiting;
        } else {
            self.starving = true;
        }
        if let Some(first) = self.items.front_mut() {
            (first.stage, first.joined) = (stage, joined);
        }
        Ok(Step::Wait)
    }

    /// Drops the accepted span, and those that began inside it. The next must begin where it ended.
    fn drop_accepted(&mut self) {
        while let Some(item) = self.items.front() {
            if item.span.start >= self.chain.at {
                return;
            }
            let Some(item) = self.items.pop_front() else { return };
            let cut = (item.span.end > self.chain.at).then(|| self.chain.too_short(&item.span));
            if let Stage::Decoded(outcome) = item.stage {
                self.recycle(outcome);
            }
            if let Some(error) = cut {
                return self.finish(End::Failed(error));
            }
        }
    }

    /// The input ends where it must not, or could not be read on.
    fn short_input(&mut self) -> Error {
        match self.read_error.take() {
            Some(error) => Error::Io(error),
            None => {
                let end = self.items.back().map_or(self.chain.at, |item| item.span.end);
                Error::CutOff { byte: end.div_ceil(8) }
            }
        }
    }

    fn finish(&mut self, end: End) {
        self.end = Some(end);
        self.read_out = true;
        for item in std::mem::take(&mut self.items) {
            if let Stage::Decoded(outcome) = item.stage {
                self.recycle(outcome);
            }
        }
    }

    fn recycle(&self, outcome: Outcome) {
        if let Ok((_, buffer)) = outcome {
            self.pool.put(buffer);
        }
    }

    /// The next bytes; None if they are not ready yet, or at the end.
    pub(super) fn take(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(first) = self.ready.front_mut() {
            if let Some(expander) = &mut first.packed {
                let block = &first.buffer[..first.bytes];
                if !expander.is_done(block) {
                    let mut buffer = self.pool.get();
                    // The block was expanded before, when its checksum was verified.
                    let bytes = expander.expand(block, &mut buffer[..BUFFER_BYTES]).unwrap_or(0);
                    return Ok(Some(Bytes::new(buffer, bytes, first.origin, &self.pool)));
                }
            }
            let Some(Ready { buffer, bytes, origin, packed }) = self.ready.pop_front() else { break };
            match packed {
                Some(_) => self.pool.put(buffer),
                None => return Ok(Some(Bytes::new(buffer, bytes, origin, &self.pool))),
            }
        }
        match &mut self.end {
            Some(End::Failed(error)) => {
                let again = error.again();
                Err(std::mem::replace(error, again))
            }
            _ => Ok(None),
        }
    }

    /// What has been accepted of streams.
    pub(super) fn passed(&self) -> Passed {
        self.chain.passed()
    }

    /// Whether the input is complete and verified; what is ready may still be there.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.end, Some(End::Complete))
    }
}

enum Step {
    Accepted,
    Complete,
    Wait,
}

impl Step {
    fn after_mark(complete: bool) -> Self {
        if complete { Self::Complete } else { Self::Accepted }
    }
}

impl Item {
    fn is_waiting(&self) -> bool {
        self.span.kind == Kind::Block && matches!(self.stage, Stage::Waiting)
    }
}
