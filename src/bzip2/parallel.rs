//! The decoder that several workers drive together.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::block::Scratch;
use super::error::Error;
use super::limits::Limits;
use super::passed::Passed;
use super::pool::{Bytes, Pool};
use super::queue::Queue;
use super::source::Source;
use super::stream::Start;

/// What a call to [`ParallelDecoder::work`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A block was decoded or input was read: there may be more to do and to take.
    Did,
    /// Others hold all there is to do, or decoded blocks must be taken first.
    Nothing,
    /// All is decoded, or decoding failed: what is left can be taken.
    Done,
}

/// What a call to [`ParallelDecoder::take`] gave.
#[derive(Debug)]
pub enum Taken {
    /// The next bytes; never none.
    Bytes(Bytes),
    /// The next bytes are not decoded yet.
    Pending,
    /// There are no more bytes, and all were verified.
    End,
}

/// Decodes an input of bzip2 streams. All methods take `&self`: any number of workers call
/// [`Self::work`], each with its own [`Scratch`], and whoever wants the bytes calls [`Self::take`].
///
/// ```
/// # fn main() -> Result<(), csl_stream::bzip2::Error> {
/// use csl_stream::bzip2::{Limits, ParallelDecoder, Scratch, Taken};
/// # use std::io::Write;
/// # let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
/// # encoder.write_all(b"hello").unwrap();
/// # let compressed = encoder.finish().unwrap();
/// let decoder = ParallelDecoder::new(&compressed[..], Limits::for_workers(1));
/// let (mut scratch, mut text) = (Scratch::new(), Vec::new());
/// loop {
///     match decoder.take()? {
///         Taken::Bytes(bytes) => text.extend_from_slice(&bytes),
///         Taken::Pending => drop(decoder.work(&mut scratch)),
///         Taken::End => break,
///     }
/// }
/// assert_eq!(text, b"hello");
/// # Ok(())
/// # }
/// ```
pub struct ParallelDecoder<R> {
    source: Mutex<Source<R>>,
    queue: Mutex<Queue>,
    changed: Condvar,
    pool: Arc<Pool>,
}

impl<R> std::fmt::Debug for ParallelDecoder<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParallelDecoder").finish_non_exhaustive()
    }
}

impl<R: Read + Send> ParallelDecoder<R> {
    /// A decoder of everything that `input` gives; nothing is read yet.
    pub fn new(input: R, limits: Limits) -> Self {
        Self::starting(input, limits, Start::Front)
    }

    /// A decoder of what `input` gives, which is a file from this place on.
    pub fn starting(input: R, limits: Limits, start: Start) -> Self {
        let limits = limits.sane();
        let pool = Pool::new(limits.finished_max + 1);
        Self {
            source: Mutex::new(Source::new(input, limits.read_bytes, start.bit())),
            queue: Mutex::new(Queue::new(limits, Arc::clone(&pool), start)),
            changed: Condvar::new(),
            pool,
        }
    }

    /// Does one unit of work: decodes a block that waits, else reads and scans if there is room and
    /// nobody else reads. Errors of either show in [`Self::take`], in their turn.
    pub fn work(&self, scratch: &mut Scratch) -> Work {
        let mut queue = self.queue();
        if queue.is_done() {
            return Work::Done;
        }
        if let Some(job) = queue.start_job() {
            drop(queue);
            self.holding_a_part(|| {
                let outcome = job.run(scratch, &self.pool);
                self.queue().finish_job(&job, outcome);
            });
        } else if queue.start_reading() {
            drop(queue);
            self.holding_a_part(|| {
                let mut spans = Vec::new();
                let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
                let result = source.advance(scratch.kernel(), &mut spans);
                self.queue().finish_reading(spans, result);
            });
        } else {
            return Work::Nothing;
        }
        self.changed.notify_all();
        Work::Did
    }

    /// The next decoded bytes, in order. Each comes from a block whose checksum and place were verified.
    /// After an error all calls give that error.
    pub fn take(&self) -> Result<Taken, Error> {
        let mut queue = self.queue();
        let taken = match queue.take()? {
            Some(bytes) => Taken::Bytes(bytes),
            None if queue.is_complete() => Taken::End,
            None => Taken::Pending,
        };
        drop(queue);
        if let Taken::Bytes(_) = taken {
            self.changed.notify_all();
        }
        Ok(taken)
    }

    /// What was passed of streams: after the end, everything.
    pub fn passed(&self) -> Passed {
        self.queue().passed()
    }

    /// Sleeps until there is something to do or to take, but no longer than `at_most`.
    pub fn wait(&self, at_most: Duration) {
        let queue = self.queue();
        drop(self.changed.wait_timeout_while(queue, at_most, |queue| !queue.is_useful()));
    }

    /// Sleeps until [`Self::work`] would find something to do, but no longer than `at_most`: for a worker
    /// that does not take.
    pub fn wait_for_work(&self, at_most: Duration) {
        let queue = self.queue();
        drop(self.changed.wait_timeout_while(queue, at_most, |queue| !queue.has_work()));
    }

    /// Does work that nobody else can do meanwhile. If it panics, the others must not wait for it.
    fn holding_a_part(&self, work: impl FnOnce()) {
        let turn = Turn { decoder: self };
        work();
        std::mem::forget(turn);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropped only when a worker panics.
struct Turn<'a, R: Read + Send> {
    decoder: &'a ParallelDecoder<R>,
}

impl<R: Read + Send> Drop for Turn<'_, R> {
    fn drop(&mut self) {
        self.decoder.queue().lose_worker();
        self.decoder.changed.notify_all();
    }
}
